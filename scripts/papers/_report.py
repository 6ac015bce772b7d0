"""What the scripts share: the option `--quick`, training in a temporary folder, tables, and the concluding sentence."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from neuroeq import train
from neuroeq.describe.spec import Network


@dataclass(frozen=True)
class Learned:
    """What is left of a training: the test error, a row of metrics an epoch, and its CPU time [s]."""

    test_error: float
    metrics: list[dict[str, float]]
    cpu_s: float


def quick(doc: str | None) -> bool:
    """Return whether the command line asks for the short version of a script."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, in seconds")
    return bool(parser.parse_args().quick)


def learn(network: Network | str, substrate: str | None = None, seed: int = 0, **options: Any) -> Learned:
    """Train without a compiler, so that the numbers are the same everywhere, and keep no files."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(network, substrate, seed=seed, target="numpy", out=f"{folder}/run", **options)
        assert run.test_error is not None
        return Learned(run.test_error, run.metrics, run.result["cpu_s"])


def errors(network: Network | str, substrate: str | None = None, seeds: Sequence[int] = (0,), **options: Any) -> float:
    """Return the median test error over seeds."""
    return median(learn(network, substrate, seed, **options).test_error for seed in seeds)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with a title and a header; numbers have three digits."""
    shown = Table()
    for name in header:
        shown.add_column(name)
    for row in rows:
        shown.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    console = Console(width=120)
    console.print(title)
    console.print(shown)


def conclude(claim: str, *held: bool) -> NoReturn:
    """Print whether the claim held, and exit with status 0 if it did and 1 if not."""
    print(f"Held here: {claim}" if all(held) else f"Did NOT hold here: {claim}")
    sys.exit(not all(held))
