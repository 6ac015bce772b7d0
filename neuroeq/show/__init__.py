"""What people look at: figures and reports, drawn from the records of runs alone.

May import `runs` and what stands above it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
