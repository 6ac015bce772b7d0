from . import (
    backprop as backprop,
)
from . import (
    certificate as certificate,
)
from . import (
    energy as energy,
)
from . import (
    evaluation as evaluation,
)
from . import (
    fidelity as fidelity,
)
from . import (
    probes as probes,
)
from . import (
    pulse_fit as pulse_fit,
)
from . import (
    windows as windows,
)
from .fidelity import check as check
