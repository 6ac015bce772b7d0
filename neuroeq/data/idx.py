"""Read the idx format of MNIST.

A file holds two zero bytes, a byte for the type of the values, a byte for the number of dimensions, the sizes of the
dimensions as big-endian 32-bit integers, and then the values.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from neuroeq.errors import DataError

from .source import Source, flat, shape_of

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def find(folder: Path, name: str) -> Path:
    """Return the path of a file in a folder, gzipped or not.

    Raises
    ------
    DataError
        If the file is missing.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise DataError(
        f"{folder}: '{name}' is missing; expected the files {', '.join(FILES)}, gzipped or not, or those of CIFAR-10's "
        "binary version."
    )


def read_folder(folder: Path) -> Source:
    """Return the examples of a folder with the four files.

    Raises
    ------
    DataError
        If a file is missing, is no such file, or is cut short, or if there are not as many labels as images.
    """
    train_inputs, train_labels, test_inputs, test_labels = (read(find(folder, name)) for name in FILES)
    for part, inputs, labels in (("train", train_inputs, train_labels), ("t10k", test_inputs, test_labels)):
        if len(inputs) != len(labels):
            raise DataError(
                f"{folder}: {part} has {len(inputs)} images and {len(labels)} labels; expected a label for each image."
            )
    return Source(
        flat(train_inputs),
        train_labels.astype(int),
        flat(test_inputs),
        test_labels.astype(int),
        scale=1 / 255,
        shape=shape_of(train_inputs),
    )


def read(path: Path) -> np.ndarray:
    """Return the values of an idx file of unsigned bytes, in the shape that the file gives.

    Raises
    ------
    DataError
        If the file is not an idx file of unsigned bytes, or is cut short.
    """
    raw: bytes | np.ndarray
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else np.memmap(path, np.uint8, "r")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from None
    head = bytes(raw[:4])
    if len(head) < 4 or head[:3] != b"\x00\x00\x08" or not 1 <= head[3] <= 4:
        raise DataError(f"{path}: starts with {head!r}; expected an idx file of unsigned bytes.")
    start = 4 + 4 * head[3]
    if len(raw) < start:
        raise DataError(f"{path}: ends after {len(raw)} bytes, within its header; the file is cut short or damaged.")
    shape = struct.unpack(f">{head[3]}I", bytes(raw[4:start]))
    values = np.frombuffer(raw, np.uint8, offset=start) if isinstance(raw, bytes) else raw[start:]
    if len(values) != np.prod(shape):
        raise DataError(f"{path}: holds {len(values)} bytes for the shape {shape}; the file is cut short or damaged.")
    return values.reshape(shape)
