"""Claims: of all processes that work on a sweep, wherever they run, one has a cell at a time.

A claim is a file in a folder of its own, ``claims/CELL/HOST~PID~START~DEATHS~TOKEN``. It comes into being with its
folder, which is prepared under another name and renamed: that fails where the folder already holds a claim. A claim is
dead if its process on this host has ended, or, on another host, if it has shown no heartbeat for `SILENT_S`, which is
the time stamp of the file. Whoever finds it dead renames the file to a claim of its own. Since the old name holds a
token that no other claim has, only one of several takers succeeds, and none can take what is alive.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

SILENT_S = 60.0
"""Time without a heartbeat after which the claim of a process on another host is dead [s]."""
BEAT_S = 10.0
"""Time between two heartbeats [s]."""
APART = "~"


class ClaimLostError(Exception):
    """Another process has taken over the cell that this one was working on."""


@dataclass(frozen=True)
class Holder:
    """Who holds a claim.

    Parameters
    ----------
    host
        The machine, told apart from others of that name and from its own state before it was started anew.
    pid, start
        The number of the process, and the time at which it started, since numbers are used again.
    deaths
        How many processes have died, one after the other, while they held this claim and without any progress.
    token
        What tells this claim from all others.
    """

    host: str
    pid: int
    start: str
    deaths: int
    token: str

    @classmethod
    def new(cls, deaths: int = 0) -> Holder:
        """Return this process as the holder of a new claim."""
        return cls(_host(), os.getpid(), _start(os.getpid()) or "", deaths, uuid.uuid4().hex[:12])

    @classmethod
    def read(cls, name: str) -> Holder | None:
        """Return the holder that a file is named by; None for another file."""
        parts = name.split(APART)
        if len(parts) != 5 or not all(part.isascii() and part.isdigit() for part in (parts[1], parts[3])):
            return None
        return cls(parts[0], int(parts[1]), parts[2], int(parts[3]), parts[4])

    @property
    def name(self) -> str:
        """The name of the file."""
        return APART.join((self.host, str(self.pid), self.start, str(self.deaths), self.token))

    @property
    def here(self) -> bool:
        """Whether the process is, or was, on this host."""
        return self.host == _host()


class Claims:
    """The claims of a sweep.

    Parameters
    ----------
    folder
        The folder of the claims.
    silent_s, beat_s
        `SILENT_S` and `BEAT_S`, for tests.
    """

    def __init__(self, folder: Path, silent_s: float = SILENT_S, beat_s: float = BEAT_S) -> None:
        self.folder, self._silent_s, self._beat_s = folder, silent_s, beat_s

    def take(self, cell: str, progress: Path | None = None) -> Claim | None:
        """Take a cell that nobody has, or whose holder is dead; None if another process has it.

        Parameters
        ----------
        cell
            The name of the cell.
        progress
            A file that is written as its work goes on.

        Raises
        ------
        OSError
            If claims cannot be written.
        """
        place = self.folder / cell
        old = self._of(place)
        if old is None:
            return self._made(place)
        if not self._dead(place / old.name, old):
            return None
        try:
            new = Holder.new(0 if progress and _newer(progress, place) else old.deaths + 1)
            os.rename(place / old.name, place / new.name)
            os.utime(place / new.name)
        except FileNotFoundError:  # another taker was faster, or the holder has let go
            return None
        return Claim(place / new.name, new.deaths, self._beat_s)

    def holder(self, cell: str) -> Holder | None:
        """Return who has a cell; None if nobody has."""
        return self._of(self.folder / cell)

    def held(self) -> set[str]:
        """Return the cells that living processes have."""
        with suppress(FileNotFoundError):
            places = [place for place in self.folder.iterdir() if not place.name.startswith(".")]
            holders = [(place, self._of(place)) for place in places]
            return {place.name for place, who in holders if who and not self._dead(place / who.name, who)}
        return set()

    def _of(self, place: Path) -> Holder | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            return next((who for who in map(Holder.read, os.listdir(place)) if who is not None), None)
        return None

    def _made(self, place: Path) -> Claim | None:
        """Make a claim where there is none."""
        who = Holder.new()
        draft = self.folder / f".{place.name}.{who.token}"
        draft.mkdir(parents=True)
        (draft / who.name).touch()
        _clear(place)
        try:
            os.rename(draft, place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        if (place / who.name).exists():
            return Claim(place / who.name, 0, self._beat_s)
        (draft / who.name).unlink(missing_ok=True)
        draft.rmdir()
        return None

    def _dead(self, path: Path, who: Holder) -> bool:
        if who.here:
            return not _runs(who)
        try:
            return self._now() - path.stat().st_mtime > self._silent_s
        except FileNotFoundError:
            return False

    def _now(self) -> float:
        """Return the time by the clock of the file system, which stamps heartbeats."""
        ours = time.monotonic()
        return ours + _ahead(self.folder, ours // SILENT_S)


class Claim:
    """A claim of this process.

    Parameters
    ----------
    path
        The file of the claim.
    deaths
        How many processes have died while they had the cell, without any progress.
    beat_s
        The time between two heartbeats [s].
    """

    def __init__(self, path: Path, deaths: int, beat_s: float = BEAT_S) -> None:
        self._path, self.deaths, self._beat_s = path, deaths, beat_s

    def check(self) -> None:
        """Refuse to go on if the claim is lost.

        Raises
        ------
        ClaimLostError
            If another process has taken it over.
        """
        if not self._path.exists():
            raise ClaimLostError(f"{self._path.parent.name}: was taken over by another process.")

    @contextmanager
    def kept(self) -> Iterator[Claim]:
        """Show heartbeats while a cell is worked on, and let go of it at the end."""
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(ended,), daemon=True)
        beating.start()
        try:
            yield self
        finally:
            ended.set()
            self._path.unlink(missing_ok=True)
            with suppress(OSError):  # another process has claimed it already
                self._path.parent.rmdir()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            try:
                os.utime(self._path)
            except FileNotFoundError:
                return
            except OSError:
                continue  # a file system that is away for a moment


def _newer(path: Path, place: Path) -> bool:
    """Whether a file was written since the last change of who has a claim, which is that of its folder."""
    return path.exists() and path.stat().st_mtime > place.stat().st_mtime


def _clear(place: Path) -> None:
    """Remove what stands in the way of a claim and is none, such as the notes and folders of a desktop."""
    try:
        strays = [path for path in place.iterdir() if Holder.read(path.name) is None]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        with suppress(OSError):  # another process has done it, and may have a claim there
            place.unlink()
        return
    for stray in strays:
        if stray.is_dir():
            shutil.rmtree(stray, ignore_errors=True)
        else:
            stray.unlink(missing_ok=True)


@lru_cache(maxsize=8)
def _ahead(folder: Path, period: float) -> float:
    """Return how far the clock of a file system is ahead of the monotonic one [s], measured once in each period."""
    clock = folder / f".clock.{uuid.uuid4().hex[:12]}"
    try:
        clock.touch()
        return clock.stat().st_mtime - time.monotonic()
    except OSError:  # it is read-only
        return time.time() - time.monotonic()
    finally:
        with suppress(OSError):
            clock.unlink(missing_ok=True)


@cache
def _host() -> str:
    """Return the name of this host, and what tells it from others of that name, also in containers."""
    told_apart = []
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            told_apart.append(os.readlink(path) if path.endswith("pid") else Path(path).read_text().strip())
    name = re.sub(r"[^\w.-]", "-", socket.gethostname())[:80]
    return f"{name}-{sha256(' '.join(told_apart).encode()).hexdigest()[:8]}"


def _runs(who: Holder) -> bool:
    """Whether the process that holds a claim on this host has not ended."""
    start = _start(who.pid)
    if start is not None:
        return start == who.start
    try:
        os.kill(who.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, and is another user's, whose processes are hidden
        return True
    return not Path("/proc/self/stat").exists()


def _start(pid: int) -> str | None:
    """Return when a process started, in ticks since the machine did; None if it has ended, or there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
