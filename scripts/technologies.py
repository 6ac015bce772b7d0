"""Train digits on every technology, by its recommended scheme and by pulses; write the table of docs/hardware.md."""

from __future__ import annotations

import argparse
import re
import warnings
from pathlib import Path
from statistics import mean, median
from typing import Any

from neuroeq import train
from neuroeq.describe.catalog import load_hardware
from neuroeq.errors import NeuroeqWarning
from neuroeq.runs.comparison.columns import with_prefix
from neuroeq.runs.run import load_run

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "hardware.md"
TABLE = re.compile("(<!-- technologies: begin -->\n).*?(<!-- technologies: end -->)", re.DOTALL)
CELLS = [
    *(("crossbar", name) for name in ("pcm", "ecram_mo", "flash_sonos", "fefet_hzo", "hfo2_rram_alox")),
    *(("crossbar", name) for name in ("hfo2_reram_array", "memcapacitor")),
    *(("resistive", name) for name in ("ecram_mo", "cmos_coupled")),
]
"""Substrates and technologies, as rows of the table."""
HEAD = """| technology | substrate | scheme | right: median, worst [%] | pulses a weight, epoch | inference | update |
|---|---|---|---|---|---|---|
"""
COSTS = (("energy", "J"), ("latency", "s"))
"""What an inference and an update cost, with units."""


def results(folder: Path, substrate: str, hardware: str, scheme: str, seeds: int) -> list[dict[str, Any]]:
    """Return the results of one cell, by seed; runs that are there already are not repeated."""
    done = []
    for seed in range(seeds):
        out = folder / f"{hardware}-{substrate}-{scheme}-{seed}"
        settings = [f"hardware.synapse.programming.scheme={scheme}"]
        resume = out.exists()
        if not (out / "result.json").exists():
            train("digits", substrate, hardware=hardware, settings=settings, seed=seed, out=out, resume=resume)
        done.append(load_run(out).result)
    return done


def row(substrate: str, hardware: str, scheme: str, found: list[dict[str, Any]]) -> str:
    """Return one row of the table."""
    right = [100 * (1 - result["test_error"]) for result in found]
    pulses = [took["pulses_per_weight_per_epoch"] for result in found if (took := result["programming"])]
    costs = " | ".join(
        ", ".join(_mean(found, what, of, unit) for what, unit in COSTS) for of in ("inference", "update")
    )
    sent = f"{mean(pulses):.2g}" if pulses else "1 a device and update"
    return f"| `{hardware}` | {substrate} | `{scheme}` | {median(right):.1f}, {min(right):.1f} | {sent} | {costs} |\n"


def _mean(found: list[dict[str, Any]], what: str, of: str, unit: str) -> str:
    """Return the mean of a cost over the seeds; a dash where its parts of programming are not given."""
    if of == "update" and found[0][what]["update"]["writing"] is None:
        return "–"
    return with_prefix(mean(result[f"{what}_per_{of}_{unit}"] for result in found), None, 1.0, unit)


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(prog="scripts/technologies", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "technologies", help="the folder of the runs")
    given = parser.parse_args()
    warnings.simplefilter("ignore", NeuroeqWarning)
    rows = []
    for substrate, hardware in CELLS:
        recommended = load_hardware(hardware).synapse.programming.scheme
        for scheme in dict.fromkeys((recommended, "pulses")):
            found = results(given.out, substrate, hardware, scheme, given.seeds)
            rows.append(row(substrate, hardware, scheme, found))
            print(rows[-1], end="", flush=True)
    page = TABLE.sub(lambda match: match[1] + HEAD + "".join(rows) + match[2], PAGE.read_text())
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
