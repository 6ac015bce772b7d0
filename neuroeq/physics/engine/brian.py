"""Imports Brian2 once and quietly, and chooses a code-generation target that works on this machine."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, Literal

import numpy as np

from neuroeq.errors import EquationError, SpecError
from neuroeq.units import Physical, physical

Target = Literal["auto", "cython", "numpy"]
TARGETS = ("auto", "cython", "numpy")
VECTORISING = "--param=vect-max-version-for-alias-checks=1000"
"""Lets gcc vectorise loops over many arrays; with its default of 10 it gives up on models of three states and more."""


NEEDLESS = ("matplotlib", "pylab", "pytest")
"""What Brian2 imports if it is there, for scripts that plot and for its own tests, and does without if it is not."""


@cache
def brian() -> ModuleType:
    """Import Brian2 (about a second), and leave warnings, crashes and the terminal to the user's own program."""
    hook = sys.excepthook
    with _absent(NEEDLESS):
        import brian2

    sys.excepthook = hook
    logging.captureWarnings(False)
    logging.getLogger("brian2").setLevel(logging.ERROR)
    return brian2


@contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Let modules that are not imported yet look as if they were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def use_target(wish: str | None = None) -> str:
    """Choose how equations become code, for everything that is built from now on.

    Parameters
    ----------
    wish
        ``"cython"``, ``"numpy"``, or ``"auto"``: cython where a C++ compiler is found. If left out, the environment
        variable ``NEUROEQ_TARGET``, then ``"auto"``.

    Returns
    -------
    str
        ``"cython"`` or ``"numpy"``.

    Raises
    ------
    SpecError
        If the target is unknown, or cython is asked for and cannot compile.
    """
    wish = wish or os.environ.get("NEUROEQ_TARGET") or "auto"
    if wish not in TARGETS:
        raise SpecError(f"target is '{wish}'; expected 'auto', 'cython' or 'numpy'.")
    target = wish
    if wish != "numpy" and not can_compile():
        if wish == "cython":
            raise SpecError(
                "target is 'cython', but no C++ code can be compiled here; install a compiler and the Python headers "
                "(Debian: apt install g++ python3-dev) or use target 'numpy'."
            )
        target = "numpy"
        _say_slower()
    elif wish == "auto":
        target = "cython"
    brian().prefs.codegen.target = target
    flags = brian().prefs.codegen.cpp.extra_compile_args_gcc
    if VECTORISING not in flags:
        flags.append(VECTORISING)
    return target


@cache
def can_compile() -> bool:
    """Whether Brian2's cython target works on this machine."""
    brian()
    from brian2.codegen.runtime.cython_rt import CythonCodeObject

    return bool(CythonCodeObject.is_available())


@cache
def _say_slower() -> None:
    print(
        "neuroeq: no C++ compiler with Python headers found; equations run in NumPy, which is slower.", file=sys.stderr
    )


def quantity(value: str | float) -> Any:
    """Turn a parameter of a model file into a Brian2 quantity."""
    parsed = physical(value) if isinstance(value, str) else Physical(float(value), (0,) * 7)
    from brian2.units.fundamentalunits import Quantity, get_or_create_dimension

    brian()
    return (
        Quantity(parsed.value, dim=get_or_create_dimension(parsed.dimension)) if any(parsed.dimension) else parsed.value
    )


def reseed(rng: np.random.Generator) -> None:
    """Seed Brian2's own random numbers, which its generated code draws in buffers."""
    brian().seed(int(rng.integers(2**31)))


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what Brian2 says about the code of a model into one sentence about its file.

    Raises
    ------
    EquationError
        If Brian2 refuses the code; `where` is the file that is named.
    """
    from brian2.equations.equations import EquationError as Unparsable
    from brian2.stateupdaters.base import UnsupportedEquationsException

    b2 = brian()
    own = (Unparsable, UnsupportedEquationsException, b2.BrianObjectException, b2.DimensionMismatchError)
    try:
        yield
    except (*own, SyntaxError, ArithmeticError, KeyError, MemoryError, NotImplementedError, TypeError, ValueError) as e:
        reason = " ".join(str(e.__cause__ or e).split()).rstrip(".")
        raise EquationError(f"{where}: Brian2 refuses its code: {reason}.") from e
