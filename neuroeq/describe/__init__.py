"""What users write: files of networks, models and hardware, which this wing finds, validates and turns into arrays.

May import `errors`, `units`, `randomness`, `contract` and `registry`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
