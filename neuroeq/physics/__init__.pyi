from . import circuits as circuits
from . import devices as devices
from . import engine as engine
from . import substrates as substrates
from .substrates import build as build
