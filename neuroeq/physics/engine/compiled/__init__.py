"""Training in C++: many batches at a time, with the equations as Brian2's cpp_standalone writes them."""

from .calls import Library, Work
from .code_context import parameter_names
from .library import build_seconds, built, check_batch_size, library_of
from .phases import CompiledPhases
from .support import layouts, unsupported, unsupported_phases
from .updates import parameter_updates, slopes

__all__ = [
    "CompiledPhases",
    "Library",
    "Work",
    "build_seconds",
    "built",
    "check_batch_size",
    "layouts",
    "library_of",
    "parameter_names",
    "parameter_updates",
    "slopes",
    "unsupported",
    "unsupported_phases",
]
