"""The shared library that trains a network: built once, found again by a digest of its sources, called without copies.

Libraries lie in ``$XDG_CACHE_HOME/neuroeq`` (``~/.cache/neuroeq`` if unset). A process builds in a folder of its own
and moves the finished library into place, so that processes that build the same one do not meet. A library ends with a
digest of its name and its content, without which it is not loaded but built again: the loader would crash on a damaged
one.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
SINGLE = "-fsingle-precision-constant"
"""For models in single precision, whose equations would otherwise be computed in double precision."""
VECTORS = (("-D__FAST_MATH__", "-lmvec"), ("-fveclib=libmvec", "-lmvec"))
"""Flags of compiling and linking with which loops call vectors of exponentials, sines and so on, of glibc's libmvec: by
g++, which else takes them with -ffast-math only, and by clang++. They are off by 4 units in the last place at most."""
DIGEST = hashlib.sha256().digest_size
"""The size of the digest at the end of a library [bytes]."""
COMPILERS = ("g++", "clang++")
PACKAGE = Path(__file__).parents[3]
"""The package, whose code decides what a library does."""
DOUBLES = ("betas", "slopes")
LISTS = ("starts", "params", "velocities", "masks", "particles")
NUMBERS = ("momentum", "l1", "threshold", "inertia", "unit")
one_at_a_time = threading.Lock()
"""Held while a library works, as its states are global."""


@dataclass(frozen=True)
class Work:
    """What a library learns from, and what it changes in place. Numbers have the network's precision unless said.

    Parameters
    ----------
    inputs, wanted
        Inputs and wanted outputs: (n, n_input) and (n, n_output).
    starts
        Start values of every variable that draws them: (n_batches, units).
    betas, slopes
        Nudges of each batch, (n_batches, n_nudged), and what each parameter's products are multiplied by in the free
        phase and the nudged ones, (n_batches, 1 + n_nudged, n_updates).
    keys
        Keys of the noise in the phases of each batch: integers (n_batches, 1 + n_nudged).
    rates
        Learning rates of the parameters that learn: (n_updates,).
    params
        The parameters that learn, then the others. They change in place.
    velocities, masks
        By parameter that learns: what the optimiser remembers of it, which changes in place, and 1 where there is a
        synapse and 0 elsewhere; of the parameter's shape, or empty where it needs none.
    particles, seen
        States in which the free phases of samples begin, by variable, (n, units), which become those in which they end;
        and which samples have one, booleans (n,). None if all samples start at rest.
    momentum, l1, threshold, inertia
        Numbers of the optimiser.
    unit
        What a parameter of 1 is in `params`: on a crossbar, a conductance [S].
    """

    inputs: Array
    wanted: Array
    starts: Sequence[Array]
    betas: Array
    slopes: Array
    keys: Array
    rates: Array
    params: Sequence[Array]
    velocities: Sequence[Array] = ()
    masks: Sequence[Array] = ()
    particles: Sequence[Array] | None = None
    seen: Array | None = None
    momentum: float = 0.0
    l1: float = 0.0
    threshold: float = 0.0
    inertia: float = 0.0
    unit: float = 1.0


class _Work(ctypes.Structure):
    """The same for the library, as in work.h."""

    _fields_ = (
        ("samples", ctypes.c_int64),
        *(
            (name, ctypes.c_void_p)
            for name in ("inputs", "wanted", "outputs", "starts", *DOUBLES, "keys", "rates", *LISTS[1:], "seen")
        ),
        *((name, ctypes.c_double) for name in NUMBERS),
    )


class Library:
    """A shared library that trains one network.

    Parameters
    ----------
    path
        Path of the shared library.

    Attributes
    ----------
    held
        What stands for the inputs and weights that the library holds for the next phase; None if it holds none.
    """

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self._learn, self._relax, self._bind, names = library.learn, library.relax, library.bind, library.array_names
        self._learn.restype, self._relax.restype, names.restype = None, ctypes.c_int64, ctypes.c_char_p
        self._names = names().decode().split()
        self.held: object = None

    def learn(self, work: Work) -> Array:
        """Learn from batches in their order; return outputs at the end of the free phases, (n, n_output)."""
        outputs = np.empty(work.wanted.shape, work.wanted.dtype)
        inputs, wanted = np.ascontiguousarray(work.inputs), np.ascontiguousarray(work.wanted)
        numbers = {name: np.ascontiguousarray(getattr(work, name), float) for name in ("betas", "slopes", "rates")}
        numbers["keys"] = np.ascontiguousarray(work.keys, np.uint64)
        lists = {name: addresses(getattr(work, name)) for name in LISTS if getattr(work, name) is not None}
        given = _Work(
            samples=len(inputs),
            inputs=inputs.ctypes.data,
            wanted=wanted.ctypes.data,
            outputs=outputs.ctypes.data,
            seen=None if work.seen is None else work.seen.ctypes.data,
            **{name: array.ctypes.data for name, array in numbers.items()},
            **{name: ctypes.addressof(array) for name, array in lists.items()},
            **{name: getattr(work, name) for name in NUMBERS},
        )
        with one_at_a_time:  # the library's states are global
            self.held = None
            self._bind(None)
            self._learn(ctypes.byref(given))
        return outputs

    def bound(self, arrays: Mapping[str, Array]) -> ctypes.Array:
        """Return the addresses of a simulation's arrays, by the names that Brian2 gives them, as `relax` takes them."""
        found = [arrays[name].ctypes.data if name in arrays else None for name in self._names]
        return (ctypes.c_void_p * len(found))(*found)

    def relax(self, bound: ctypes.Array, phase: ctypes.Structure) -> int:
        """Run a phase on the arrays of a simulation, and return the number of steps that it took."""
        self._bind(bound)
        return int(self._relax(ctypes.byref(phase)))


def addresses(arrays: Sequence[Array]) -> ctypes.Array:
    """Return the addresses of arrays as C takes them."""
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
        if path.exists() and _sealed(path):
            try:
                return Library(path)
            except (OSError, AttributeError):  # of a machine with other libraries
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
    training = network.training
    table["training"] = [training.learning, training.rule, training.update, training.batch_size]
    table["training"] += [training.step.kind, bool(training.momentum), bool(training.l1)]
    table["phases"].pop("beta")
    for projection in table["projections"].values():
        projection["learning_rate"] = bool(projection["learning_rate"])
        projection.pop("initial")
    versions = [version(package) for package in ("brian2", "sympy")]
    made_of = [network.substrate_name, table, FLAGS, _compiler(), _machine(_compiler()), versions]
    parts = [path.read_text() for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".h", ".py")]
    return hashlib.sha256(repr([*made_of, *parts]).encode()).hexdigest()[:32]


def _sealed(path: Path) -> bool:
    """Whether a file ends with the digest of its name and of what comes before."""
    raw = path.read_bytes()
    return raw[-DIGEST:] == _seal(path, raw[:-DIGEST])


def _seal(path: Path, raw: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + raw).digest()


def _build(network: Network, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder, held = _own_folder(path.parent)
    try:
        _run([sys.executable, "-P", "-m", f"{__package__}.standalone", str(folder)], pickle.dumps(network))
        single = [SINGLE] if network.physics.precision == "float32" else []
        _compile([*single, f"-I{folder}"], folder / "training.cpp", _vectors(folder))
        with (folder / "training.so").open("r+b") as built:
            seal = _seal(path, built.read())
            built.write(seal)
            built.flush()
            os.fsync(built.fileno())
        os.replace(folder / "training.so", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _compile(flags: Sequence[str], source: Path, vectors: tuple[str, str] | None) -> None:
    """Compile a source to a shared library beside it, with the flags of vectors of mathematical functions, if any."""
    compiler, made, shared = _compiler(), source.with_suffix(".o"), source.with_suffix(".so")
    compiling, linking = ([vectors[0]], [vectors[1]]) if vectors else ([], [])
    _run([*compiler, *FLAGS, *compiling, *flags, "-c", str(source), "-o", str(made)])
    # Linked without -ffast-math, which would make the whole process flush small numbers to zero.
    _run([*compiler, "-shared", str(made), *linking, "-lm", "-o", str(shared)])


def _vectors(folder: Path) -> tuple[str, str] | None:
    """Return the flags with which this compiler makes vectors of exponentials; None where it cannot."""
    source = folder / "probe.cpp"
    source.write_text("#include <cmath>\nvoid f(float* x) { for (int i = 0; i < 64; ++i) x[i] = std::exp(x[i]); }\n")
    for vectors in VECTORS:
        try:
            _compile([], source, vectors)
        except SpecError:  # the compiler does not know the flag, or there is no such library
            continue
        if b"_ZGV" in source.with_suffix(".so").read_bytes():
            return vectors
    return None


def _own_folder(parent: Path) -> tuple[Path, int | None]:
    """Return a new folder, held by this process; those that nobody holds, whose process was killed, are removed."""
    waiting = _hold(parent, fcntl.LOCK_EX)  # so that nobody sees the new folder before it is held
    try:
        for left in parent.glob("build-*"):
            abandoned = _hold(left)
            if abandoned is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(abandoned)
        folder = Path(tempfile.mkdtemp(prefix="build-", dir=parent))
        return folder, _hold(folder)
    finally:
        if waiting is not None:
            os.close(waiting)


def _hold(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> int | None:
    """Hold a folder until the file descriptor that is returned is closed; None if another process holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, how)
    except OSError:  # or a file system without locks
        os.close(descriptor)
        return None
    return descriptor


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


def _compiler() -> tuple[str, ...]:
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
def _machine(compiler: tuple[str, ...]) -> str:
    """Return the macros that the compiler defines, which tell what kind of machine it compiles for."""
    return _run([*compiler, "-march=native", "-dM", "-E", "-x", "c++", "-"]).decode()
