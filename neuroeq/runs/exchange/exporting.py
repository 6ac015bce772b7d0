"""Files that other programs read, made of a run by the format that is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from neuroeq.errors import SpecError
from neuroeq.registry import EXPORTS

from ..records.files import atomic
from ..run import Run, load_run

EXTRAS = {"nix": "neo", "nwb": "neo"}
"""The extra of a format that needs other packages, where it has not the name of the format."""


def export(run: Run | str | Path, file: str | Path, to: str = "spice", **options: Any) -> dict[str, Any]:
    """Write a file of a run for another program, and return what there is to say about it.

    Parameters
    ----------
    run
        A finished run, or its folder.
    file
        The file to write, in a folder that exists; one that is there already is replaced, as a whole or not at all.
    to
        The format, one of `neuroeq.registry.EXPORTS`.
    options
        Those of the format, such as ``sample=0, beta=0.1`` of ``"spice"``.

    Returns
    -------
    dict
        The name of the ``"file"``, how many things it holds by their name, and under ``"run"`` what runs it, if it can
        be run.

    Raises
    ------
    NeuroeqError
        If there is no such format, an option is not one of the format's, a package is not installed, the run does not
        hold what the format needs, or the file cannot be written.
    """
    write, target = EXPORTS.get(to), Path(file).absolute()
    _check_options(write, to, options)
    opened = run if isinstance(run, Run) else load_run(run)
    with TemporaryDirectory(prefix="neuroeq") as folder:
        draft = Path(folder) / (target.name or "file")
        facts = _written(write, opened, draft, to, options)
        try:
            atomic(target, draft.read_bytes())
        except OSError as error:
            raise SpecError(
                f"{file}: cannot be written ({error.strerror}); name a file in a folder that exists."
            ) from None
    if "run" in facts:
        facts["run"] = facts["run"].replace("FILE", shlex.quote(str(file)))
    return {"file": str(file), **facts}


def _written(write: Callable[..., Any], run: Run, file: Path, to: str, options: dict[str, Any]) -> dict[str, Any]:
    """Let a format write a file, and return what it says about it."""
    try:
        return dict(write(run, file, **options) or {})
    except ModuleNotFoundError as error:
        raise SpecError(
            f"format '{to}': needs {error.name}, which is not installed; install it with "
            f"`pip install 'neuroeq[{EXTRAS.get(to, to)}]'`."
        ) from None


def _check_options(write: Callable[..., Any], to: str, options: dict[str, Any]) -> None:
    """Refuse options that are not those of a format."""
    _, _, *known = signature(write).parameters
    for name in options:
        if name not in known:
            takes = f"expected {' or '.join(known)}" if known else "it has none"
            raise SpecError(f"format '{to}' has no option '{name}'; {takes}, so leave it out.")
