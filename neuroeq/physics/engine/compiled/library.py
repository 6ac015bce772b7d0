"""The shared library that trains a network: built once, found again by a digest of its sources, called without copies.

Libraries lie in ``$XDG_CACHE_HOME/neuroeq`` (``~/.cache/neuroeq`` if unset). A process builds in a folder of its own
and moves the finished library into place, so that processes that build the same one do not meet.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from ..brian import VECTORISING

Array = np.ndarray
MATHS = ("-ffast-math", "-fno-finite-math-only")
FLAGS = ("-std=c++20", "-O3", "-march=native", *MATHS, VECTORISING, "-w", "-fPIC")
"""As Brian2 compiles its own code at run time, with NaN and infinity as they are; and equations of many variables make
vectors only if the compiler may ask at run time whether their arrays overlap."""
COMPILERS = ("g++", "clang++")
PACKAGE = Path(__file__).parents[3]
"""The package, whose code decides what a library does."""
_one_at_a_time = threading.Lock()


class Library:
    """A shared library that trains one network.

    Parameters
    ----------
    path
        Path of the shared library.
    """

    def __init__(self, path: Path) -> None:
        self._learn = ctypes.CDLL(str(path)).learn
        self._learn.restype = None

    def learn(
        self,
        inputs: Array,
        wanted: Array,
        starts: Sequence[Array],
        betas: Array,
        slopes: Array,
        rates: Array,
        params: Sequence[Array],
    ) -> Array:
        """Learn from batches in their order; the parameters change in place.

        Parameters
        ----------
        inputs, wanted
            Inputs and wanted outputs: (n, n_input) and (n, n_output), in the network's precision.
        starts
            Start values of every variable that draws them: (n_batches, units), in the network's precision.
        betas, slopes
            Nudges of each batch, (n_batches, n_nudged), and what each parameter's products are multiplied by in the
            free phase and the nudged ones, (n_batches, 1 + n_nudged, n_updates).
        rates
            Learning rates of the parameters that learn: (n_updates,).
        params
            The parameters that learn, then the others: contiguous arrays in the network's precision.

        Returns
        -------
        outputs
            Outputs at the end of the free phases: (n, n_output).
        """
        outputs = np.empty(wanted.shape, wanted.dtype)
        arrays = [np.ascontiguousarray(each) for each in (inputs, wanted, outputs)]
        x, y, out = (each.ctypes.data_as(ctypes.c_void_p) for each in arrays)
        numbers = [np.ascontiguousarray(each, float) for each in (betas, slopes, rates)]
        pointers = [each.ctypes.data_as(ctypes.c_void_p) for each in numbers]
        with _one_at_a_time:  # the library's states are global
            self._learn(len(inputs), x, y, out, _addresses(starts), *pointers, _addresses(params))
        return outputs


def _addresses(arrays: Sequence[Array]) -> ctypes.Array:
    return (ctypes.c_void_p * max(len(arrays), 1))(*(each.ctypes.data for each in arrays))


def library_of(network: Network) -> Library:
    """Return the library that trains a network, compiled if there is none yet.

    Parameters
    ----------
    network
        A resolved network, of which nothing is `unsupported`.

    Raises
    ------
    SpecError
        If there is no compiler, or it fails, or the result cannot be kept.
    """
    path = cache_folder() / f"{_content(network)}.so"
    try:
        if path.exists():
            try:
                return Library(path)
            except OSError:  # damaged, or of a machine with other libraries
                path.unlink()
        _build(network, path)
        return Library(path)
    except OSError as error:
        raise SpecError(
            f"engine is 'compiled', but {path.parent} cannot keep what is compiled ({error}); name another folder with "
            "XDG_CACHE_HOME, or use --engine stepper."
        ) from None


def cache_folder() -> Path:
    """Return the folder that libraries are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuroeq"


def _content(network: Network) -> str:
    """Return a digest of all that a library is made from, which leaves out what is passed to it: rates and beta."""
    table = network.model_dump(mode="json", include={"layers", "projections", "phases", "substrate", "training"})
    table["training"] = [network.training.learning, network.training.batch_size]
    table["phases"].pop("beta")
    for projection in table["projections"].values():
        projection["learning_rate"] = bool(projection["learning_rate"])
        projection.pop("initial")
    versions = [version(package) for package in ("brian2", "sympy")]
    made_of = [network.substrate_name, table, FLAGS, _compiler(), _machine(_compiler()), versions]
    parts = [path.read_text() for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".h", ".py")]
    return hashlib.sha256(repr([*made_of, *parts]).encode()).hexdigest()[:32]


def _build(network: Network, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=path.parent))
    try:
        _run([sys.executable, "-P", "-m", f"{__package__}.standalone", str(folder)], pickle.dumps(network))
        _run([_compiler(), *FLAGS, f"-I{folder}", "-c", str(folder / "training.cpp"), "-o", str(folder / "training.o")])
        # Linked without -ffast-math, which would make the whole process flush small numbers to zero.
        _run([_compiler(), "-shared", str(folder / "training.o"), "-o", str(folder / "training.so")])
        with (folder / "training.so").open("rb") as built:
            os.fsync(built.fileno())
        os.replace(folder / "training.so", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], given: bytes = b"") -> bytes:
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


def _compiler() -> str:
    """Return the C++ compiler: ``$CXX``, or the first that is found."""
    for name in filter(None, (os.environ.get("CXX"), *COMPILERS)):
        if shutil.which(name):
            return name
    raise SpecError(
        "engine is 'compiled', but there is no C++ compiler here; install one (Debian: apt install g++) or use "
        "--engine stepper."
    )


@cache
def _machine(compiler: str) -> str:
    """Return the macros that the compiler defines, which tell what kind of machine it compiles for."""
    return _run([compiler, "-march=native", "-dM", "-E", "-x", "c++", "-"]).decode()
