"""Runs a netlist in ngspice and reads the results: a binary raw file, with a text header and then one row per point."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from neuroeq.errors import NeuroeqError

Array = np.ndarray


def available() -> bool:
    """Return whether there is an ngspice to run."""
    return shutil.which("ngspice") is not None


def simulate(netlist: str) -> dict[str, Array]:
    """Run a netlist of one analysis.

    Parameters
    ----------
    netlist
        The netlist, as `ngspice -b` reads it.

    Returns
    -------
    dict
        Vectors by name, (points,): ``v(node)`` [V], ``i(source)`` [A], and ``time`` [s] in a transient.

    Raises
    ------
    NeuroeqError
        If there is no ngspice, or it fails; with what it says.
    """
    program = shutil.which("ngspice")
    if program is None:
        raise NeuroeqError("ngspice: is not installed; it is the package 'ngspice' of apt, dnf, brew and conda-forge.")
    with tempfile.TemporaryDirectory(prefix="neuroeq-") as folder:
        raw = Path(folder) / "found.raw"
        (Path(folder) / "circuit.cir").write_text(netlist, encoding="utf-8")
        # The option -n keeps a user's start-up file from changing the results.
        command = [program, "-n", "-b", "-r", raw.name, "circuit.cir"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not raw.exists():
            raise NeuroeqError(f"ngspice: {_complaint(done.stderr + done.stdout)}; look at the netlist.")
        return read_raw(raw.read_bytes())


def read_raw(content: bytes) -> dict[str, Array]:
    """Return the vectors of a binary raw file of real numbers that holds one analysis, (points,) each."""
    header, _, values = content.partition(b"Binary:\n")
    names = re.findall(r"^\t\d+\t(\S+)", header.decode(), re.MULTILINE)
    table = np.frombuffer(values).reshape(-1, len(names))
    return dict(zip(names, table.T, strict=True))


def _complaint(log: str) -> str:
    """Return the lines that name the cause: a singular matrix before the errors that follow from it."""
    for word in ("singular", "error", "abort"):
        match = re.search(rf"^.*{word}.*(\n[^\n]*\w.*){{0,2}}", log, re.MULTILINE | re.IGNORECASE)
        if match:
            return " ".join(match[0].split())
    return "gave no result and no message"
