"""Training in C++: many batches at a time, with the equations as Brian2's cpp_standalone writes them."""

from .code_context import parameter_names
from .library import Library, Work, library_of
from .support import unsupported
from .updates import parameter_updates, slopes

__all__ = ["Library", "Work", "library_of", "parameter_names", "parameter_updates", "slopes", "unsupported"]
