"""What learns: phases, costs, rules, optimiser and trainers, and the loop over batches.

May import `physics` and what stands above it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
