"""How the command line ends: every error is one sentence on stderr and an exit status, and never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import NoReturn

from neuroeq.errors import NeuroeqError

MISTAKE, FAILURE, INTERRUPTED = 2, 1, 130
OF_THE_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What is no mistake of the user: a full disk, a broken one, too many open files, too little memory."""
ADVICE = {
    errno.ENOSPC: "make room and give the command again",
    errno.EDQUOT: "make room and give the command again",
    errno.EFBIG: "raise the largest size of a file (`ulimit -f`) and give the command again",
    errno.EMFILE: "raise the number of open files (`ulimit -n`) and give the command again",
    errno.EACCES: "choose another place, or ask for the right to use it",
    errno.EPERM: "choose another place, or ask for the right to use it",
    errno.EROFS: "choose another place",
}


def prepare_streams() -> None:
    """Let stdout and stderr print whatever there is, in every locale, also if they are closed.

    Raises
    ------
    NeuroeqError
        If the current folder has been removed.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        os.getcwd()
    except OSError:
        raise NeuroeqError("the current folder has been removed; change to one that exists.") from None


@contextmanager
def endings() -> Iterator[None]:
    """Turn what ends a verb early into a sentence and an exit status.

    Raises
    ------
    SystemExit
        If something ends it.
    """
    try:
        yield
    except NeuroeqError as error:
        _end(str(error), MISTAKE)
    except KeyboardInterrupt as interruption:
        _end("interrupted.", getattr(interruption, "status", INTERRUPTED))
    except BrokenPipeError:  # `neuroeq list networks | head`
        _let_go()
        sys.exit(FAILURE)
    except OSError as error:
        _let_go()
        _end(_sentence(error), FAILURE if error.errno in OF_THE_SYSTEM else MISTAKE)
    except MemoryError:
        _end("there is not enough memory for this; use smaller layers, batches or data.", FAILURE)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # a library that was being imported made another error of it
            _end("interrupted.", getattr(error.__cause__, "status", INTERRUPTED))
        if not hasattr(error, "format_message"):  # typer's own errors have it, such as an option that does not exist
            raise
        _end(f"{error.format_message()} See `neuroeq --help`.", MISTAKE)


def _sentence(error: OSError) -> str:
    """Return where something failed, why, and what to do."""
    names = " to ".join(f"{name}" for name in (error.filename, error.filename2) if name is not None)
    said = error.strerror or str(error)
    advice = f"; {ADVICE[error.errno]}" if error.errno in ADVICE else ""
    return f"{names}: {said[:1].lower()}{said[1:]}{advice}." if names else f"{said}{advice}."


def _let_go() -> None:
    """Give up what stdout still holds, if it cannot be written, so that it does not fail again when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(sentence: str, status: int) -> NoReturn:
    with suppress(OSError):
        print(f"neuroeq: {sentence}", file=sys.stderr)
    sys.exit(status)
