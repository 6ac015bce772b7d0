"""Measurements: errors, energy, gradient fidelity, STDP windows and recorded phases.

May import `learning` and the layers that `learning` may import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
