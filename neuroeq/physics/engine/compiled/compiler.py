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
FLAGS = ("-std=c++20", "-O3", "-march=native", *MATHS, VECTORISING, "-w", "-fPIC")
"""As Brian2 compiles its own code at run time, with NaN and infinity as they are; and equations of many variables make
vectors only if the compiler may ask at run time whether their arrays overlap."""
SINGLE = "-fsingle-precision-constant"
"""For models in single precision, whose equations would otherwise be computed in double precision."""
VECTORS = (("-D__FAST_MATH__", "-lmvec"), ("-fveclib=libmvec", "-lmvec"))
"""Flags of compiling and linking with which loops call vectors of exponentials, sines and so on, of glibc's libmvec: by
g++, which else takes them with -ffast-math only, and by clang++. They are off by 4 units in the last place at most."""
COMPILERS = ("g++", "clang++")


def compile_library(flags: Sequence[str], source: Path, vectors: tuple[str, str] | None) -> None:
    """Compile a source to a shared library beside it, with the flags of vectors of mathematical functions, if any."""
    command, made, shared = compiler(), source.with_suffix(".o"), source.with_suffix(".so")
    compiling, linking = ([vectors[0]], [vectors[1]]) if vectors else ([], [])
    run([*command, *FLAGS, *compiling, *flags, "-c", str(source), "-o", str(made)])
    # Linked without -ffast-math, which would make the whole process flush small numbers to zero.
    run([*command, "-shared", str(made), *linking, "-lm", "-o", str(shared)])


def vector_flags(folder: Path) -> tuple[str, str] | None:
    """Return the flags with which this compiler makes vectors of exponentials; None where it cannot."""
    source = folder / "probe.cpp"
    source.write_text("#include <cmath>\nvoid f(float* x) { for (int i = 0; i < 64; ++i) x[i] = std::exp(x[i]); }\n")
    for flags in VECTORS:
        try:
            compile_library([], source, flags)
        except SpecError:  # the compiler does not know the flag, or there is no such library
            continue
        if b"_ZGV" in source.with_suffix(".so").read_bytes():
            return flags
    return None


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
