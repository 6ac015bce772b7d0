"""A user's own examples as arrays: checked once, kept in an npz file, and split like any other data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.errors import DataError

from .archive import ArchiveError, npz_bytes, read_arrays
from .source import Source, flat, shape_of

Array = np.ndarray
KEYS = ("inputs", "labels", "test_inputs", "test_labels")
"""The arrays of an npz file: the training examples, and the test examples where there are any."""
OWN_DATA = (
    "own examples go into an npz file: np.savez('mine.npz', inputs=X, labels=y), with X (n, d) and y (n,), or into a "
    "csv file, whose last column is the label"
)
"""What to do with data of another kind."""


def from_arrays(data: Sequence[Any], where: str = "data") -> Source:
    """Return examples that are given as arrays.

    Parameters
    ----------
    data
        ``(X, y)``, or ``(X, y, X_test, y_test)``: inputs, finite numbers that are used as they are or bytes from 0 to
        255 that are divided by 255, and the examples' classes, integers or texts, (n,), or their values, real numbers,
        (n,) or (n, n_output). Inputs are a table (n, d), or images (n, height, width) or (n, channels, height, width).
    where
        Where the data come from, for messages.

    Raises
    ------
    DataError
        If shapes do not fit, inputs are not numbers, or labels are neither numbers nor texts.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 4):
        raise DataError(f"{where} is {_kind(data)}; expected (X, y) or (X, y, X_test, y_test).")
    return checked(dict(zip(KEYS, map(_array, data), strict=False)), where)


def read_npz(path: Path) -> Source:
    """Return the examples of an npz file with the arrays inputs and labels, and test_inputs and test_labels or neither.

    Raises
    ------
    DataError
        If it cannot be read, or holds something else.
    """
    try:
        arrays = read_arrays(path)
    except ArchiveError as error:
        raise DataError(f"{path}: cannot be read ({error}); {OWN_DATA}.") from None
    if not {"inputs", "labels"} <= set(arrays) <= set(KEYS) or ("test_inputs" in arrays) != ("test_labels" in arrays):
        raise DataError(
            f"{path}: holds the arrays {', '.join(arrays)}; expected inputs and labels, and test_inputs and "
            "test_labels or neither."
        )
    return checked(arrays, str(path))


def source_bytes(source: Source) -> bytes:
    """Return the content of a file from which `read_npz` reads these examples."""
    arrays = {key: getattr(source, key) for key in KEYS if getattr(source, key) is not None}
    if source.shape is not None:
        arrays |= {key: arrays[key].reshape(-1, *source.shape) for key in KEYS[::2] if key in arrays}
    return npz_bytes(arrays)


def checked(arrays: Mapping[str, Array], where: str) -> Source:
    """Return examples whose shapes and types are checked.

    Raises
    ------
    DataError
        If one of them is not as `from_arrays` says.
    """
    for prefix in ("", "test_") if "test_inputs" in arrays else ("",):
        inputs, labels = arrays[f"{prefix}inputs"], arrays[f"{prefix}labels"]
        known = labels.dtype.kind in "fiubU" and labels.size > 0 and 1 <= labels.ndim <= 2
        real = inputs.dtype.kind in "fiub" and inputs.size > 0
        if not 2 <= inputs.ndim <= 4 or not real or not known or len(labels) != len(inputs):
            raise DataError(
                f"{where}: {prefix}inputs are {_kind(inputs)} and {prefix}labels {_kind(labels)}; expected real "
                "numbers of shape (n, d), (n, height, width) or (n, channels, height, width), and for each a class, "
                "integers or texts of shape (n,), or real values, (n,) or (n, n_output)."
            )
    wide = {key: arrays[key].shape[1:] for key in KEYS[::2] if key in arrays}
    if len(set(wide.values())) > 1:
        raise DataError(
            f"{where}: inputs have the shape {_example(wide['inputs'])} and test_inputs "
            f"{_example(wide['test_inputs'])}; expected the same."
        )
    parts: dict[str, Any] = {key: arrays.get(key) for key in KEYS}
    parts |= {key: flat(arrays[key]) for key in wide}
    return Source(**parts, scale=_scale(arrays["inputs"]), shape=shape_of(arrays["inputs"]))


def _example(sizes: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, ('n', *sizes)))})"


def _scale(inputs: Array) -> float:
    """Return 1/255 for bytes, as for idx files, unless none of them is above 1; and 1 for all other numbers."""
    return 1 / 255 if inputs.dtype == np.uint8 and inputs.max() > 1 else 1.0


def _array(values: Any) -> Array:
    """Return values as an array, and objects that are texts, such as those of a column of pandas, as texts."""
    array = np.asarray(values)
    texts = array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat)
    return array.astype(str) if texts else array


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
