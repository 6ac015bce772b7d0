"""The physics that relaxes: leaky-integrator rates and spiking neurons, behind one contract."""

from .neurons import NeuronSubstrate

__all__ = ["NeuronSubstrate"]
