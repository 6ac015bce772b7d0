"""MNIST as published: every network that promises an error on it, run by run, and the table of what came out."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from neuroeq.describe import catalog
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.spec import Expected
from neuroeq.runs.records import RunFolder, check_same

ROOT = Path(__file__).parent.parent
RUNS, RESULTS = ROOT / "runs" / "mnist", ROOT / "docs" / "results"
KEPT = ("result.json", "metrics.csv")
NETWORKS = [name for name in catalog.names("network") if name.startswith("mnist_")]


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; all on MNIST if left out.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, from seed 0 on.")] = 1,
) -> None:
    """Train, keep what came out, and print the table of all that is kept."""
    unknown = [name for name in names or [] if name not in NETWORKS]
    if unknown:
        raise typer.BadParameter(f"no network '{unknown[0]}' on MNIST. There are: {', '.join(NETWORKS)}.")
    for name in names or NETWORKS:
        promise = load_network(name).expected[0]
        for seed in range(seeds):
            _run(name, promise, seed)
    print(table())


def table(results: Path = RESULTS) -> str:
    """Return the kept results as a Markdown table: mean over the seeds, the lowest and the highest."""
    lines = ["| network | published | test error | seeds | epochs | CPU |", "|---|---|---|---|---|---|"]
    for name in NETWORKS:
        kept = [json.loads((path / KEPT[0]).read_text()) for path in sorted(results.glob(f"{name}-seed*"))]
        if kept:
            lines.append(_row(name, load_network(name).expected[0].published, kept))
    return "\n".join(lines)


def _row(name: str, published: str, kept: list[dict]) -> str:
    errors = [100 * result["test_error"] for result in kept]
    spread = f" ({min(errors):.2f} to {max(errors):.2f})" if len(errors) > 1 else ""
    cpu = statistics.mean(result["cpu_s"] for result in kept)
    spent = f"{cpu:.0f} s" if cpu < 120 else f"{cpu / 60:.0f} min"
    shown = f"{statistics.mean(errors):.2f} %{spread}"
    return f"| `{name}` | {published or '-'} | {shown} | {len(kept)} | {kept[0]['epochs']} | {spent} |"


def _run(name: str, promise: Expected, seed: int) -> None:
    """Train to the end, going on from a checkpoint if there is one; keep the result."""
    folder, kept = RUNS / f"{name}-seed{seed}", RESULTS / f"{name}-seed{seed}"
    if (folder / KEPT[0]).exists():
        asked = resolve(name, promise.substrate, [*promise.settings, {"run": {"seed": seed}}], promise.hardware)
        check_same(RunFolder(folder), asked)
    else:
        hardware = ["--hardware", promise.hardware] if promise.hardware else []
        settings = [word for each in promise.settings for word in ("--set", each)]
        resume = ["--resume"] if (folder / "checkpoint.npz").exists() else []
        command = [sys.executable, "-m", "neuroeq", "run", name, "--substrate", promise.substrate, "--seed", str(seed)]
        ended = subprocess.run([*command, *hardware, *settings, "--out", str(folder), *resume], check=False)
        if ended.returncode:
            raise typer.Exit(ended.returncode)
    kept.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copy(folder / file, kept / file)


if __name__ == "__main__":
    typer.run(reproduce)
