from . import catalog as catalog
from . import network as network
from . import operators as operators
from . import spec as spec
from .catalog import load_network as load_network
from .catalog import resolve as resolve
from .network import initial_params as initial_params
from .spec import Network as Network
