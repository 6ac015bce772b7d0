"""Training in C++: many batches at a time, with the equations as Brian2's cpp_standalone writes them."""

from .eligible import check_compilable, compilable
from .learned import learned, slopes
from .library import Library, library_of
from .score import parameter_names

__all__ = ["Library", "check_compilable", "compilable", "learned", "library_of", "parameter_names", "slopes"]
