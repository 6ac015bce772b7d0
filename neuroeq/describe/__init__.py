"""What users write: networks, models and hardware as files, found, validated and laid out as arrays.

May import `errors`, `units`, `randomness` and `contract`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
