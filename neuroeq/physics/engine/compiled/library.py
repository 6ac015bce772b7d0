"""The shared library that trains a network: built once, found again by a digest of its sources, called without copies.

Libraries lie in ``$XDG_CACHE_HOME/neuroeq`` (``~/.cache/neuroeq`` if unset). A process builds in a folder of its own
and moves the finished library into place, so that processes that build the same one do not meet. A library ends with a
digest of its name and its content, without which it is not loaded but built again: the loader would crash on a damaged
one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .calls import Library
from .compiler import FLAGS, SINGLE, compile_library, compiler, machine, run
from .support import sparse_products

DIGEST = hashlib.sha256().digest_size
"""The size of the digest at the end of a library [bytes]."""
TIME, USUAL = "build_seconds", 8.0
"""The file that holds how long the last library took to build, and the time if there was none [s]."""
PACKAGE = Path(__file__).parents[3]
"""The package, whose code decides what a library does."""


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
    path = _path(network)
    try:
        if path.exists() and _sealed(path):
            try:
                return Library(path)
            except (OSError, AttributeError):  # of a machine with other libraries
                path.unlink()
        start = time.perf_counter()
        _build(network, path)
        _keep_time(path.parent, time.perf_counter() - start)
        return Library(path)
    except OSError as error:
        raise SpecError(
            f"engine is 'compiled', but {path.parent} cannot keep what is compiled ({error}); name another folder with "
            "XDG_CACHE_HOME, or use --engine stepper."
        ) from None


def check_batch_size(network: Network, batch: int) -> None:
    """Refuse a substrate for other batches than those of the training, which compiled code is written for.

    Raises
    ------
    SpecError
        If there are other batches.
    """
    if batch != network.training.batch_size:
        raise SpecError(
            f"{network.where}: compiled code is for batches of training.batch_size, {network.training.batch_size}, "
            f"and the substrate was built for {batch}; build it for as many, or set training.batch_size."
        )


def built(network: Network) -> bool:
    """Return whether there is a library for a network already."""
    try:
        return _path(network).exists()
    except (SpecError, OSError, RuntimeError):  # no compiler, or no folder that can be looked into
        return False


def build_seconds() -> float:
    """Return how long a library takes to build here, as the last one did [s]."""
    try:
        return float((cache_folder() / TIME).read_text())
    except (OSError, ValueError):
        return USUAL


def _path(network: Network) -> Path:
    return cache_folder() / f"{_content(network)}.so"


def cache_folder() -> Path:
    """Return the folder that libraries are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuroeq"


def _content(network: Network) -> str:
    """Return a digest of all that a library is made from, which leaves out what is passed to it: rates and beta."""
    table = network.model_dump(mode="json", include={"layers", "projections", "phases", "substrate", "training"})
    training = network.training
    table["training"] = [training.learning, training.rule, training.update, training.batch_size]
    table["training"] += [training.step.kind]
    table["training"] += [bool(getattr(training, each)) for each in ("momentum", "weight_decay", "l1", "prune")]
    table["phases"].pop("beta")
    for projection in table["projections"].values():
        projection["learning_rate"] = bool(projection["learning_rate"])
        projection.pop("initial")
    versions = [version(package) for package in ("brian2", "sympy")]
    made_of = [
        network.substrate_name,
        table,
        list(sparse_products(network)),
        FLAGS,
        compiler(),
        machine(compiler()),
        versions,
    ]
    return hashlib.sha256(repr([*made_of, _code()]).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """Return a digest of the package."""
    parts = [path.read_text() for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".h", ".py")]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


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
        arguments = pickle.dumps((network, list(sparse_products(network))))
        run([sys.executable, "-P", "-m", f"{__package__}.standalone", str(folder)], arguments)
        single = [SINGLE] if network.physics.precision == "float32" else []
        compile_library([*single, f"-I{folder}"], folder / "training.cpp")
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


def _keep_time(folder: Path, seconds: float) -> None:
    """Keep how long a library took to build, for the next choice."""
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=f"{TIME}-", delete=False) as file:
        file.write(f"{seconds:.3g}")
    os.replace(file.name, folder / TIME)


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
