from . import (
    analysis as analysis,
)
from . import (
    checking as checking,
)
from . import (
    comparison as comparison,
)
from . import (
    exchange as exchange,
)
from . import (
    records as records,
)
from . import (
    sweeps as sweeps,
)
from . import (
    transfer as transfer,
)
from .run import Run as Run
from .run import load_run as load_run
from .training import train as train
from .transfer import evaluate_run as evaluate_run
