"""Runs on disk: they are trained, stored, resumed, and read again by plots, checks and transfers.

May import `measures` and the layers that `measures` may import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
