"""Files that are written as a whole or not at all, and folders that one process holds at a time."""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuroeq.errors import SpecError


class FolderHeldError(SpecError):
    """Another process writes into a folder."""


def atomic(path: Path, content: bytes | str, sync: bool = True) -> None:
    """Write a file under another name, flush it to the disk, and rename it.

    Parameters
    ----------
    path
        The file, in a folder that exists.
    content
        Its bytes, or its text, which is written as UTF-8.
    sync
        Whether to wait for the disk. If not, a file that is written before the power goes may be damaged, but none that
        is written before the process is killed.

    Raises
    ------
    OSError
        If it cannot be written, with its path; the former file is still there then.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().int}")
    try:
        with draft.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    finally:
        draft.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def remove_drafts(folder: Path) -> None:
    """Remove what processes that were killed while they wrote a file have left in a folder that nobody else writes."""
    for path in folder.iterdir():
        if is_draft(path):
            path.unlink(missing_ok=True)


def is_draft(path: Path) -> bool:
    """Whether `atomic` writes a file under that name first."""
    return path.name.startswith(".") and path.suffix[1:].isdigit()


@contextmanager
def held(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a folder for this process alone; it is let go when the process ends, however it ends.

    Parameters
    ----------
    folder
        A folder that exists.
    patience_s
        How long to wait for a process that holds it [s].

    Raises
    ------
    FolderHeldError
        If another process holds it.
    """
    descriptor, deadline = os.open(folder, os.O_RDONLY), time.monotonic() + patience_s
    try:
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                raise FolderHeldError(
                    f"{folder}: another process is writing into this folder; wait for its end, or choose another "
                    "folder with --out."
                )
            time.sleep(0.1)
        remove_drafts(folder)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def made(folder: Path, option: str = "--out") -> list[Path]:
    """Make a folder and those above it, and return the ones that were not there, from the innermost outwards.

    Raises
    ------
    FileExistsError
        If it exists already.
    SpecError
        If it cannot be made.
    """
    absent = [folder]
    try:
        while not absent[-1].parent.exists():
            absent.append(absent[-1].parent)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        if isinstance(error, FileExistsError) and folder.is_dir():
            raise
        raise SpecError(f"{option} {folder}: cannot be made ({error.strerror}); choose another folder.") from None
    return absent


def remove_empty(folders: list[Path]) -> None:
    """Remove folders as far as they are empty, from the innermost outwards."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
