"""Learning: phases, costs, rules, the optimiser, the trainers, and the loop over batches.

May import `physics` and the layers that `physics` may import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
