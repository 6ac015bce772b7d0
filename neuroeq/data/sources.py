"""Where examples come from: truth tables, generated points, scikit-learn's small data sets, and the user's files."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import numpy as np

from neuroeq.describe.spec.data import Data
from neuroeq.errors import DataError, unknown_name

from . import cifar, idx
from .arrays import OWN_DATA, read_npz
from .csv_file import read_csv
from .source import Source

Array = np.ndarray

_TWO_BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
_ONE_BIT = np.array([[0], [1]], float)
GATES: dict[str, tuple[Array, tuple[int, ...]]] = {
    "and": (_TWO_BITS, (0, 0, 0, 1)),
    "or": (_TWO_BITS, (0, 1, 1, 1)),
    "nand": (_TWO_BITS, (1, 1, 1, 0)),
    "nor": (_TWO_BITS, (1, 0, 0, 0)),
    "xor": (_TWO_BITS, (0, 1, 1, 0)),
    "xnor": (_TWO_BITS, (1, 0, 0, 1)),
    "not": (_ONE_BIT, (1, 0)),
    "id": (_ONE_BIT, (0, 1)),
}
VOLTAGES = np.array([[0.15, 0.25], [0.2, 0.1]])
"""What the values of `two_voltages` are made of: y1 = .15 v1 + .2 v2, y2 = .25 v1 + .1 v2."""
BUILT_IN = (*GATES, "moons", "two_voltages", "iris", "digits")
OWN = (".npz", ".csv")
"""The ends of names of files with a user's own examples."""
IDX = f"{', '.join(idx.FILES)} (gzipped or not)"
KNOWN = {"mnist": IDX, "cifar10": f"{cifar.FILES} of CIFAR-10's binary version"}
"""Data sets that are known by name, and their files."""


def read(spec: Data, data_dir: str | Path | None, beside: Path | None = None) -> Source:
    """Return the examples of a data set.

    Parameters
    ----------
    spec
        What a network's file says about its data: the name of a built-in data set, of a folder of idx files or of
        CIFAR-10's binary version, or of a file ``<name>.npz`` or ``<name>.csv``.
    data_dir
        The folder in which such folders and files are looked for; ``$NEUROEQ_DATA`` if left out.
    beside
        The file of the network, beside which a relative path of a file is looked for too.

    Raises
    ------
    DataError
        If the files are missing or malformed.
    UnknownNameError
        If there is no data set of that name.
    """
    name = spec.name
    if name in GATES:
        table, labels = GATES[name]
        return Source(table, np.array(labels))
    if name == "moons":
        from sklearn.datasets import make_moons

        inputs, labels = make_moons(spec.samples, noise=spec.noise, random_state=0)
        return Source(inputs, labels, rescale=True)
    if name == "two_voltages":
        rng = np.random.default_rng(0)
        volts = rng.random((spec.samples, 2))
        return Source(volts, volts @ VOLTAGES + spec.noise * rng.normal(size=volts.shape))
    if name == "iris":
        from sklearn.datasets import load_iris

        inputs, labels = load_iris(return_X_y=True)
        return Source(inputs, labels, rescale=True)
    if name == "digits":
        from sklearn.datasets import load_digits

        inputs, labels = load_digits(return_X_y=True)
        return Source(inputs, labels, scale=1 / 16, shape=(1, 8, 8))
    parent = data_folder(data_dir)
    if name.endswith(OWN):
        path = located(name, parent, beside)
        return read_npz(path) if name.endswith(".npz") else read_csv(path, spec.label_columns)
    if Path(name).is_file() or (parent is not None and (parent / name).is_file()):
        raise DataError(f"data set '{name}' is a file, but no npz or csv file; {OWN_DATA}.")
    folder = _folder(name, parent)
    published = cifar.home(folder)
    return idx.read_folder(folder) if published is None else cifar.read(published)


def data_folder(data_dir: str | Path | None) -> Path | None:
    """Return the folder of data sets: the one that is given, or ``$NEUROEQ_DATA``, or None."""
    folder = data_dir or os.environ.get("NEUROEQ_DATA")
    return Path(folder) if folder else None


def located(name: str, data_dir: Path | None, beside: Path | None = None) -> Path:
    """Return the file with a user's examples: beside the file of the network, here, or in the folder of data sets.

    Parameters
    ----------
    name
        The path of the file, as the network gives it.
    data_dir
        The folder of data sets, if there is one; a file of that name is found there wherever `name` says it was.
    beside
        The file of the network, if it was read from one.

    Raises
    ------
    DataError
        If it is in none of these places.
    """
    places = [*([beside.parent / name] if beside else []), Path(name)]
    places += [data_dir / name, data_dir / Path(name).name] if data_dir else []
    for place in places:
        if place.exists():
            return place
    folders = ", ".join(dict.fromkeys(f"'{place.parent}'" for place in places))
    raise DataError(f"data set '{name}' is not there (looked in {folders}); name its folder with --data-dir.")


def fingerprint(name: str, data_dir: str | Path | None, beside: Path | None = None) -> str:
    """Return the digest of the files of a data set, which are found as by `read`; that of built-in data is empty.

    Raises
    ------
    DataError
        If there are no such files.
    """
    if name in BUILT_IN:
        return ""
    parent = data_folder(data_dir)
    if name.endswith(OWN):
        return _digest(located(name, parent, beside))
    folder = _folder(name, parent)
    published = cifar.home(folder)
    if published is not None:
        return "-".join(_digest(path)[:16] for path in cifar.paths(published))
    return "-".join(_digest(idx.find(folder, file))[:16] for file in idx.FILES)


def _digest(path: Path) -> str:
    return _digest_once(path.resolve(), path.stat().st_size, path.stat().st_mtime_ns)


@cache
def _digest_once(path: Path, size: int, mtime_ns: int) -> str:
    """Return the digest of a file, which is read again only if its size or its time has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(name: str, parent: Path | None) -> Path:
    """Return the folder of a data set, which has four idx files or those of CIFAR-10."""
    advice = f"put {KNOWN.get(name, IDX)} into a folder '{name}'"
    if parent is None:
        if name in KNOWN:
            raise DataError(
                f"data set '{name}' needs files: {advice} and name its parent with --data-dir or NEUROEQ_DATA."
            )
        hint = (
            f"Built in are: {', '.join(BUILT_IN)}; {OWN_DATA}; or {advice} and name its parent with --data-dir or "
            "NEUROEQ_DATA."
        )
        raise unknown_name("data set", name, BUILT_IN, hint)
    folder = parent / name
    if not folder.is_dir():
        folders = [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
        there = f"in {parent}: {', '.join(folders) or 'none'}"
        hint = f"Built in are: {', '.join(BUILT_IN)}; {there}; {OWN_DATA}; or {advice} there."
        raise unknown_name("data set", name, [*BUILT_IN, *folders], hint)
    return folder
