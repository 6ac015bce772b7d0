"""The C++ compiler: which one, with which flags, and what it says where it fails."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from neuroeq.errors import SpecError

from ..brian import VECTORISING

MATHS = ("-ffast-math", "-fno-finite-math-only")
FLAGS = ("-std=c++20", "-O3", "-march=native", *MATHS, VECTORISING, "-w", "-fPIC", "-pthread")
"""As Brian2 compiles its own code at run time, with NaN and infinity as they are; and equations of many variables make
vectors only if the compiler may ask at run time whether their arrays overlap."""
SINGLE = "-fsingle-precision-constant"
"""For models in single precision, whose equations would otherwise be computed in double precision."""
COMPILERS = ("g++", "clang++")


def compile_library(flags: Sequence[str], source: Path) -> None:
    """Compile a source to a shared library beside it."""
    command, made, shared = compiler(), source.with_suffix(".o"), source.with_suffix(".so")
    run([*command, *FLAGS, *flags, "-c", str(source), "-o", str(made)])
    # Linked without -ffast-math, which would make the whole process flush small numbers to zero.
    run([*command, "-shared", str(made), "-pthread", "-lm", "-o", str(shared)])


def run(command: list[str], given: bytes = b"") -> bytes:
    """Run a command on its standard input, and return what it prints.

    Raises
    ------
    SpecError
        If it fails; the message has its reason.
    """
    here = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    # In a session of its own, where Ctrl-C does not reach it: the run stops when this is done.
    done = subprocess.run(command, input=given, capture_output=True, env=os.environ | here, start_new_session=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        reason = next((line for line in said if "error:" in line), said[-1]).strip()
        raise SpecError(
            f"engine is 'compiled', but {command[0]} fails here ({reason}); mend that, or use --engine stepper."
        )
    return done.stdout


def compiler() -> tuple[str, ...]:
    """Return the command of the C++ compiler: ``$CXX``, or the first that is found."""
    asked = tuple(shlex.split(os.environ.get("CXX", "")))
    if asked and not shutil.which(asked[0]):
        raise SpecError(
            f"engine is 'compiled', but there is no '{asked[0]}', which CXX names; expected a C++ compiler such as "
            "g++, or unset CXX, or use --engine stepper."
        )
    for command in (asked, *((name,) for name in COMPILERS)):
        if command and shutil.which(command[0]):
            return command
    raise SpecError(
        "engine is 'compiled', but there is no C++ compiler here; install one (Debian: apt install g++) or use "
        "--engine stepper."
    )


@cache
def machine(compiler: tuple[str, ...]) -> str:
    """Return the macros that the compiler defines, which tell what kind of machine it compiles for."""
    return run([*compiler, "-march=native", "-dM", "-E", "-x", "c++", "-"]).decode()
