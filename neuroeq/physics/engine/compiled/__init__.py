"""Training in C++: many batches at a time, with the equations as Brian2's cpp_standalone writes them."""

from .code_context import parameter_names
from .eligible import check_compilable, compilable
from .library import Library, library_of
from .updates import parameter_updates, slopes

__all__ = ["Library", "check_compilable", "compilable", "library_of", "parameter_names", "parameter_updates", "slopes"]
