"""Where examples come from: truth tables, generated points, scikit-learn's small data sets, and the user's files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuroeq.errors import DataError, unknown_name

from . import idx

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


@dataclass(frozen=True)
class Source:
    """The examples of a data set as they are stored, before they are split and scaled.

    Parameters
    ----------
    inputs
        Floats, or bytes that `scale` turns into floats: (n, d).
    labels
        Classes of the examples, counted from 0: (n,).
    test_inputs, test_labels
        The test part, if the data set comes with one: (m, d) and (m,).
    scale
        Factor that the inputs are multiplied by.
    rescale
        Whether each input is rescaled to [0, 1], using the range that it has in the training part.
    """

    inputs: Array
    labels: Array
    test_inputs: Array | None = None
    test_labels: Array | None = None
    scale: float = 1.0
    rescale: bool = False


def read(name: str, samples: int, noise: float, data_dir: Path | None) -> Source:
    """Return the examples of a data set.

    Parameters
    ----------
    name
        Name of a built-in data set or of a folder of idx files, or a file ``<name>.npz``.
    samples, noise
        Number of examples and standard deviation of the noise, for generated data sets.
    data_dir
        The folder in which such folders and files are looked for; ``$NEUROEQ_DATA`` if left out.

    Raises
    ------
    DataError
        If the files are missing or malformed.
    UnknownNameError
        If there is no data set of that name.
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
    parent = data_dir or (Path(os.environ["NEUROEQ_DATA"]) if os.environ.get("NEUROEQ_DATA") else None)
    if name.endswith(".npz"):
        return _arrays(Path(name) if parent is None or Path(name).exists() else parent / name)
    return _folder(name, parent)


def _arrays(path: Path) -> Source:
    """Read a user's own examples: inputs (n, d) and labels (n,), and optionally test_inputs and test_labels."""
    try:
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as an npz archive ({error}).") from None
    allowed = ("inputs", "labels", "test_inputs", "test_labels")
    complete = {"inputs", "labels"} <= set(arrays) <= set(allowed)
    if not complete or ("test_inputs" in arrays) != ("test_labels" in arrays):
        raise DataError(
            f"{path}: holds the arrays {', '.join(arrays)}; expected inputs and labels, and test_inputs and "
            "test_labels or neither."
        )
    for prefix in ("", "test_") if "test_inputs" in arrays else ("",):
        inputs, labels = arrays[f"{prefix}inputs"], arrays[f"{prefix}labels"]
        if inputs.ndim != 2 or labels.shape != (len(inputs),) or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise DataError(
                f"{path}: {prefix}inputs have shape {inputs.shape} and {prefix}labels {labels.shape} of "
                f"{labels.dtype}; expected (n, d) and (n,) of classes from 0."
            )
    return Source(**arrays)


def _folder(name: str, parent: Path | None) -> Source:
    """Read a data set of four idx files from the folder of its name."""
    advice = f"put {', '.join(idx.FILES)} (gzipped or not) into a folder '{name}'"
    if parent is None:
        if name == "mnist":
            raise DataError(
                f"data set 'mnist' needs files: {advice} and name its parent with --data-dir or NEUROEQ_DATA."
            )
        hint = f"Built in are: {', '.join(BUILT_IN)}; or {advice} and name its parent with --data-dir or NEUROEQ_DATA."
        raise unknown_name("data set", name, BUILT_IN, hint)
    folder = parent / name
    if not folder.is_dir():
        folders = [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
        hint = f"Built in are: {', '.join(BUILT_IN)}; in {parent}: {', '.join(folders) or 'none'}; or {advice} there."
        raise unknown_name("data set", name, [*BUILT_IN, *folders], hint)
    train_inputs, train_labels, test_inputs, test_labels = (idx.read(idx.find(folder, file)) for file in idx.FILES)
    for part, inputs, labels in (("train", train_inputs, train_labels), ("t10k", test_inputs, test_labels)):
        if len(inputs) != len(labels):
            raise DataError(
                f"{folder}: {part} has {len(inputs)} images and {len(labels)} labels; expected a label for each image."
            )
    return Source(
        train_inputs.reshape(len(train_inputs), -1),
        train_labels.astype(int),
        test_inputs.reshape(len(test_inputs), -1),
        test_labels.astype(int),
        scale=1 / 255,
    )
