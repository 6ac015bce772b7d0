"""Arrays in an npz file: read without pickles, whole or not at all, and written to bytes."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np

Array = np.ndarray
DAMAGE = (OSError, ValueError, EOFError, KeyError, TypeError, MemoryError, NotImplementedError)
"""What reading a file that is cut, garbled or of another format raises."""


class ArchiveError(Exception):
    """An npz file that cannot be read; its text says why."""


def read_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of an npz file by name.

    Raises
    ------
    ArchiveError
        If the file is missing, may not be read, is damaged, or is no npz file.
    """
    try:
        if not zipfile.is_zipfile(path):
            path.open("rb").close()
            raise ArchiveError("it is no npz archive, or is cut short")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        raise ArchiveError(error.strerror or str(error)) from None
    except (*DAMAGE, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise ArchiveError(f"it is damaged: {error}") from None


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Return the content of an npz file with these arrays."""
    content = BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()
