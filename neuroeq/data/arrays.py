"""A user's own examples as arrays: checked once, kept in an npz file, and split like any other data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.errors import DataError

from .source import Source

Array = np.ndarray
KEYS = ("inputs", "labels", "test_inputs", "test_labels")
"""The arrays of an npz file: the training examples, and the test examples where there are any."""


def from_arrays(data: Sequence[Any], where: str = "data") -> Source:
    """Return examples that are given as arrays.

    Parameters
    ----------
    data
        ``(X, y)``, or ``(X, y, X_test, y_test)``: inputs (n, d) of finite numbers or bytes, and the examples' classes,
        integers from 0, (n,).
    where
        Where the data come from, for messages.

    Raises
    ------
    DataError
        If shapes do not fit, inputs are not finite numbers, or labels are not classes from 0.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 4):
        raise DataError(f"{where} is {_kind(data)}; expected (X, y) or (X, y, X_test, y_test).")
    return checked(dict(zip(KEYS, map(np.asarray, data), strict=False)), where)


def read_npz(path: Path) -> Source:
    """Return the examples of an npz file with the arrays inputs and labels, and test_inputs and test_labels or neither.

    Raises
    ------
    DataError
        If it cannot be read, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as an npz archive ({error}).") from None
    if not {"inputs", "labels"} <= set(arrays) <= set(KEYS) or ("test_inputs" in arrays) != ("test_labels" in arrays):
        raise DataError(
            f"{path}: holds the arrays {', '.join(arrays)}; expected inputs and labels, and test_inputs and "
            "test_labels or neither."
        )
    return checked(arrays, str(path))


def write_npz(path: Path, source: Source) -> None:
    """Write examples as `read_npz` reads them."""
    arrays = {key: getattr(source, key) for key in KEYS if getattr(source, key) is not None}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def checked(arrays: Mapping[str, Array], where: str) -> Source:
    """Return examples whose shapes, numbers and classes are checked.

    Raises
    ------
    DataError
        If one of them is not as `from_arrays` says.
    """
    for prefix in ("", "test_") if "test_inputs" in arrays else ("",):
        inputs, labels = arrays[f"{prefix}inputs"], arrays[f"{prefix}labels"]
        whole = labels.dtype.kind in "iu" and labels.size > 0 and labels.min() >= 0
        if inputs.ndim != 2 or inputs.dtype.kind not in "fiub" or labels.shape != (len(inputs),) or not whole:
            raise DataError(
                f"{where}: {prefix}inputs are {_kind(inputs)} and {prefix}labels {_kind(labels)}; expected numbers of "
                "shape (n, d) and integers of shape (n,), classes from 0."
            )
    wide = {key: arrays[key].shape[1] for key in ("inputs", "test_inputs") if key in arrays}
    if len(set(wide.values())) > 1:
        raise DataError(f"{where}: inputs have {wide['inputs']} columns and test_inputs {wide['test_inputs']}.")
    return Source(*(arrays.get(key) for key in KEYS))  # type: ignore[arg-type]


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
