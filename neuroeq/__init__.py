"""Equilibrium Propagation on neuromorphic substrates.

A network is described once, and trained as leaky-integrator rates, as spikes, or as an analog circuit.

>>> import neuroeq as ne
>>> net = ne.load_network("xor")
>>> net.title
'Exclusive or, 2-16-2'
"""

import lazy_loader

from neuroeq import moved

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
moved.install()
