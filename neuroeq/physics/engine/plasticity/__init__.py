"""Synaptic change: the terms of a synapse model, planned, noted and integrated while a phase runs."""
