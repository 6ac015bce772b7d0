"""What is measured: errors, energy, gradient fidelity, STDP windows and recorded phases.

May import `learning` and what stands above it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
