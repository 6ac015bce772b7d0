"""Keeping a state within its bounds, in code that compilers vectorise.

Brian2's own `clip` is, on the cython target, a function that may raise: every loop that calls it runs unit by unit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .brian import brian

_CPP = """
template <typename T> static inline T neuroeq_bounded(T x, double low, double high)
{ return x < T(low) ? T(low) : x > T(high) ? T(high) : x; }
"""
_CYTHON = f"""
cdef extern from *:
    '''{_CPP}'''
    float neuroeq_bounded(float, double, double) noexcept nogil
    double neuroeq_bounded(double, double, double) noexcept nogil
"""


@cache
def bounded() -> Any:
    """Return the function of Brian2 that equations call as `bounded(x, low, high)`: x where it is NaN or in between."""
    from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
    from brian2.codegen.generators.cython_generator import CythonCodeGenerator

    function = brian().Function(
        np.clip,
        arg_units=[None, "x", "x"],
        arg_names=["x", "low", "high"],
        return_type="highest",
        return_unit=lambda x, low, high: x,
    )
    for generator, code in ((CythonCodeGenerator, _CYTHON), (CPPCodeGenerator, _CPP)):
        function.implementations.add_implementation(generator, code, name="neuroeq_bounded")
    # Without its own, Brian2 checks units at every call, and writes out the whole array for a message that it drops.
    function.implementations.add_numpy_implementation(_clip, discard_units=True)
    return function


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)
