"""Read the binary version of CIFAR-10.

A file holds a record for each image: a byte for its class, and a byte for each pixel of its 3 channels of 32 rows of 32
columns, in this order. Source: Krizhevsky 2009, Learning multiple layers of features from tiny images;
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from neuroeq.errors import DataError

from .source import Shape, Source

Array = np.ndarray
TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
NAMES = (*TRAIN, TEST)
FILES = f"{TRAIN[0]} to {TRAIN[-1]} and {TEST}"
INNER = "cifar-10-batches-bin"
"""The folder that the published archive unpacks to."""
SHAPE: Shape = (3, 32, 32)
N_PIXELS = prod(SHAPE)
N_CLASSES = 10


def home(folder: Path) -> Path | None:
    """Return the folder that has such files, which is a folder or the one that was unpacked in it; None if neither."""
    for place in (folder, folder / INNER):
        if any((place / name).exists() for name in NAMES):
            return place
    return None


def read(folder: Path) -> Source:
    """Return the images of a folder, whose bytes stay bytes.

    Raises
    ------
    DataError
        If a file is missing, is no such file, or is cut short.
    """
    records = {path.name: _records(path) for path in paths(folder)}
    train = [records[name] for name in TRAIN]
    inputs = np.empty((sum(map(len, train)), N_PIXELS), np.uint8)
    np.concatenate([each[:, 1:] for each in train], out=inputs)
    labels = np.concatenate([each[:, 0] for each in train]).astype(int)
    test = records[TEST]
    return Source(inputs, labels, test[:, 1:], test[:, 0].astype(int), scale=1 / 255, shape=SHAPE)


def paths(folder: Path) -> list[Path]:
    """Return the files of a folder.

    Raises
    ------
    DataError
        If one is missing.
    """
    for name in NAMES:
        if not (folder / name).exists():
            raise DataError(f"{folder}: '{name}' is missing; expected the files {FILES}.")
    return [folder / name for name in NAMES]


def _records(path: Path) -> Array:
    """Return the bytes of a file, a row for each image: (n, 1 + 3072)."""
    size = path.stat().st_size
    if not size or size % (1 + N_PIXELS):
        raise DataError(
            f"{path}: holds {size} bytes; expected {1 + N_PIXELS} for each image; the file is cut short, or is not of "
            "CIFAR-10's binary version."
        )
    try:
        records = np.memmap(path, np.uint8, "r").reshape(-1, 1 + N_PIXELS)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None
    unknown = np.flatnonzero(records[:, 0] >= N_CLASSES)
    if len(unknown):
        raise DataError(
            f"{path}: image {unknown[0]} has the label {records[unknown[0], 0]}; expected 0 to {N_CLASSES - 1}; the "
            "file is damaged, or is not of CIFAR-10's binary version."
        )
    return records
