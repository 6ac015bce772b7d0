from . import (
    costs as costs,
)
from . import (
    optimiser as optimiser,
)
from . import (
    phases as phases,
)
from . import (
    rules as rules,
)
from . import (
    trainers as trainers,
)
from . import (
    training as training,
)
from .costs import CrossEntropy as CrossEntropy
from .costs import SquaredError as SquaredError
