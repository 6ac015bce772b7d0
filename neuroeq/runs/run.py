"""A finished run, opened again from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuroeq.describe.spec import Network
from neuroeq.errors import SpecError

from .records import RunFolder

EVALUATION_BATCH = 120
"""Number of samples that are evaluated side by side."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Parameters
    ----------
    path
        The folder of the run.
    network
        The resolved network, as run.toml describes it.
    result
        The content of result.json.
    """

    path: Path
    network: Network
    result: dict[str, Any]

    @property
    def folder(self) -> RunFolder:
        """The folder, with methods that read its files."""
        return RunFolder(self.path)

    @property
    def train_error(self) -> float:
        """Fraction of training examples in the wrong class, over the last epoch."""
        return self.result["train_error"]

    @property
    def validation_error(self) -> float | None:
        """Fraction of validation examples in the wrong class; None if there were none."""
        return self.result["validation_error"]

    @property
    def test_error(self) -> float | None:
        """Fraction of test examples in the wrong class; None if the protocol left them alone."""
        return self.result["test_error"]

    @property
    def metrics(self) -> list[dict[str, float]]:
        """The rows of metrics.csv, one for each epoch."""
        return self.folder.metrics()


def load_run(path: str | Path) -> Run:
    """Open a finished run.

    Raises
    ------
    SpecError
        If the folder holds none.
    """
    if not Path(path).is_dir():
        raise SpecError(f"no run folder '{path}'; `neuroeq run NETWORK` makes one and says where.")
    folder = RunFolder(Path(path))
    return Run(folder.path, folder.description(), folder.result())
