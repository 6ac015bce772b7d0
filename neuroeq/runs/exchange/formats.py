"""The formats that runs are exported to: a file and a line here for each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from neuroeq.errors import SpecError

from ..records.files import atomic
from ..run import Run

FORMATS = {
    "spice": "neuroeq.runs.exchange.spice",
    "npz": "neuroeq.runs.exchange.npz",
    "nir": "neuroeq.runs.exchange.nir",
}
"""Modules by format; the function of the format's name takes a run and options, and returns the file's content."""


def export(run: Run, file: str | Path, to: str = "spice", **options: Any) -> str | bytes:
    """Write a run to a file in a format of other programs, and return the file's content.

    Parameters
    ----------
    run
        The finished run, in a folder or in memory.
    file
        The file to write, in a folder that exists.
    to
        The format: ``"spice"``, the netlist of a circuit, ``"npz"``, arrays of any run, or ``"nir"``, spiking networks.
    options
        Options of the format: of ``"spice"``, the number of a test sample, ``sample``, and the strength of the nudge,
        ``beta``; of ``"nir"``, ``leave_out`` and ``step_delays``; ``"npz"`` has none.

    Raises
    ------
    SpecError
        If there is no such format or option, the format cannot hold the run, or the file cannot be written.
    """
    if to not in FORMATS:
        raise SpecError(f"--to is '{to}'; expected {' or '.join(repr(name) for name in FORMATS)}.")
    writer: Callable[..., str | bytes] = getattr(import_module(FORMATS[to]), to)
    allowed = list(signature(writer).parameters)[1:]
    for name in options:
        if name not in allowed:
            expected = " or ".join(f"--{each}" for each in allowed) or "none"
            raise SpecError(f"--{name} is no option of the format '{to}', which has {expected}; leave it out.")
    content = writer(run, **options)
    try:
        atomic(Path(file), content)
    except OSError as error:
        raise SpecError(f"{file}: cannot be written ({error.strerror}); name a file in a folder that exists.") from None
    return content
