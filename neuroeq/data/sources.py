"""Where examples come from: truth tables, generated points, scikit-learn's small sets, folders of idx files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from neuroeq.errors import DataError, unknown_name

from . import idx
from .arrays import read_npz
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
BUILT_IN = (*GATES, "moons", "iris", "digits")


def read(name: str, samples: int, noise: float, data_dir: Path | None, beside: Path | None = None) -> Source:
    """Return the examples of a set by name.

    Parameters
    ----------
    name
        A built-in set, a folder of idx files, or a file ``<name>.npz``.
    samples, noise
        Of generated sets.
    data_dir
        The folder that holds such folders; ``$NEUROEQ_DATA`` if left out.
    beside
        The network's file; the path of an npz file may start there.

    Raises
    ------
    DataError
        If the files are missing or malformed.
    UnknownNameError
        If there is no such set.
    """
    if name in GATES:
        table, labels = GATES[name]
        return Source(table, np.array(labels))
    if name == "moons":
        from sklearn.datasets import make_moons

        inputs, labels = make_moons(samples, noise=noise, random_state=0)
        return Source(inputs, labels, rescale=True)
    if name == "iris":
        from sklearn.datasets import load_iris

        inputs, labels = load_iris(return_X_y=True)
        return Source(inputs, labels, rescale=True)
    if name == "digits":
        from sklearn.datasets import load_digits

        inputs, labels = load_digits(return_X_y=True)
        return Source(inputs, labels, scale=1 / 16)
    given = data_dir or (Path(os.environ["NEUROEQ_DATA"]) if os.environ.get("NEUROEQ_DATA") else None)
    if name.endswith(".npz"):
        places = [Path(name), *([beside.parent / name] if beside else []), *([given / name] if given else [])]
        return read_npz(next((place for place in places if place.exists()), Path(name)))
    return _folder(name, given)


def _folder(name: str, given: Path | None) -> Source:
    asked = f"put {', '.join(idx.FILES)} (gzipped or not) into a folder '{name}'"
    if given is None:
        if name == "mnist":
            raise DataError(
                f"data set 'mnist' needs files: {asked} and name its parent with --data-dir or NEUROEQ_DATA."
            )
        hint = f"Built in are: {', '.join(BUILT_IN)}; or {asked} and name its parent with --data-dir or NEUROEQ_DATA."
        raise unknown_name("data set", name, BUILT_IN, hint)
    folder = given / name
    if not folder.is_dir():
        folders = [path.name for path in given.iterdir() if path.is_dir()] if given.is_dir() else []
        hint = f"Built in are: {', '.join(BUILT_IN)}; in {given}: {', '.join(folders) or 'none'}; or {asked} there."
        raise unknown_name("data set", name, [*BUILT_IN, *folders], hint)
    train_inputs, train_labels, test_inputs, test_labels = (idx.read(idx.find(folder, file)) for file in idx.FILES)
    for part, inputs, labels in (("train", train_inputs, train_labels), ("t10k", test_inputs, test_labels)):
        if len(inputs) != len(labels):
            raise DataError(f"{folder}: {part} has {len(inputs)} images and {len(labels)} labels; expected as many.")
    return Source(
        train_inputs.reshape(len(train_inputs), -1),
        train_labels.astype(int),
        test_inputs.reshape(len(test_inputs), -1),
        test_labels.astype(int),
        scale=1 / 255,
    )
