"""What relaxes: neurons on Brian2, circuits and their devices, as substrates behind one contract.

May import `data` and what stands above it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
