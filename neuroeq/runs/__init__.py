"""A run on disk: trained, kept, resumed, and read again by whatever asks for it.

May import `measures` and the layers that `measures` may import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
