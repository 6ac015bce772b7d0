"""Train the networks of digits as every promise of their files says; write the table of the documentation."""

from __future__ import annotations

import argparse
import re
import warnings
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from neuroeq import train
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.spec import Expected
from neuroeq.errors import NeuroeqWarning
from neuroeq.runs.records import RunFolder, check_same
from neuroeq.runs.run import load_run

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results" / "digits.md"
ROW = re.compile(r"^(\| (digits\w*) .*) \| [^|]* \| [^|]* \|$", re.MULTILINE)
"""A row of the table: its first cells, its network, and the error and the CPU time, which are written anew."""


def results(out: Path, name: str, promise: Expected, seeds: int) -> list[dict[str, Any]]:
    """Return the results of one promise, by seed; runs that are there are not repeated, also if the promise changed."""
    done = []
    for seed in range(seeds):
        folder = Path(f"{out}-seed{seed}")
        if (folder / "result.json").exists():
            settings = [*promise.settings, {"run": {"seed": seed}}]
            asked, recorded = resolve(name, promise.substrate, settings, promise.hardware), RunFolder(folder)
            words = {key: getattr(recorded.description(), key) for key in ("expected", "notes")}
            check_same(recorded, asked.model_copy(update=words))
        else:
            options = {"hardware": promise.hardware, "settings": promise.settings, "seed": seed}
            train(name, promise.substrate, out=folder, resume=folder.exists(), **options)
        done.append(load_run(folder).result)
    return done


def cells(found: list[dict[str, Any]]) -> str:
    """Return the last two cells: median error with the lowest and the highest, and median CPU time."""
    errors = [100 * result["test_error"] for result in found]
    cpu = median(result["cpu_s"] for result in found)
    return f"{median(errors):.1f} % ({min(errors):.1f} to {max(errors):.1f}) | {cpu:.0f} s"


def main() -> None:
    """Train what is missing, and write the table; the k-th row of a network is the k-th promise of its file."""
    parser = argparse.ArgumentParser(prog="scripts/digits", description=__doc__)
    parser.add_argument("names", nargs="*", help="networks; all of digits if left out")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "digits", help="the folder of the runs")
    given = parser.parse_args()
    warnings.simplefilter("ignore", NeuroeqWarning)
    seen: Counter[str] = Counter()

    def written(row: re.Match[str]) -> str:
        first, name = row.groups()
        if given.names and name not in given.names:
            return row[0]
        promise = load_network(name).expected[seen[name]]
        found = results(given.out / f"{name}-{seen[name]}", name, promise, given.seeds)
        seen[name] += 1
        line = f"{first} | {cells(found)} |"
        print(line, flush=True)
        return line

    PAGE.write_text(ROW.sub(written, PAGE.read_text()))


if __name__ == "__main__":
    main()
