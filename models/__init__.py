"""Network, neuron and synapse files."""
