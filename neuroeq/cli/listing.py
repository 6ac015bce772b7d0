"""`neuroeq list`: what the catalog holds."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from neuroeq.errors import unknown_name

from .output import Json, print_json

PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k"}


def list_names(
    kind: Annotated[str, typer.Argument(help="networks, neurons, synapses or hardware.")],
    as_json: Json = False,
) -> None:
    """List the networks, neurons, synapses or hardware there are, the user's own included.

    Example: neuroeq list neurons
    """
    from neuroeq.describe import catalog

    kinds = {folder: each for each, folder in catalog.FOLDERS.items()}
    if kind not in kinds:
        raise unknown_name("kind", kind, kinds, f"There are: {', '.join(kinds)}.")
    found: list[dict[str, Any]] = [
        {"name": name, "title": catalog.title(kinds[kind], name)} for name in catalog.names(kinds[kind])
    ]
    if kind == "hardware":
        found = [{**each, **_technology(each["name"])} for each in found]
    if as_json:
        print_json(found)
        return
    if kind == "hardware":
        _table(found)
        return
    if not found:
        print(f"no {kind}")
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        print(f"{each['name']:<{width}}  {each['title']}")


def _technology(name: str) -> dict[str, Any]:
    """Return what a table of technologies shows: window, levels, on/off ratio, energy of a write, evidence."""
    from neuroeq.describe.catalog import load_hardware

    hardware = load_hardware(name)
    low, high = hardware.g_min, hardware.g_max
    kinds = [evidence.kind for evidence in hardware.evidence for _ in evidence.keys]
    known = [kind for kind in ("measured", "fit", "derived", "assumed") if kind in kinds]
    return {
        "element": hardware.synapse.element,
        "g_min_S": low,
        "g_max_S": high,
        "levels": hardware.synapse.levels or None,
        "on_off": high / low if high and low else None,
        "update": hardware.synapse.update.model,
        "write_energy_J": hardware.periphery.write_energy or None,
        "evidence": {kind: kinds.count(kind) for kind in known},
    }


def _table(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "window", "on/off", "levels", "update", "energy of a write", "evidence", box=None)
    for each in found:
        window = (
            "any" if each["g_max_S"] is None else f"{_short(each['g_min_S'], 'S')} - {_short(each['g_max_S'], 'S')}"
        )
        ratio = "" if each["on_off"] is None else f"{each['on_off']:.3g}"
        write = "" if each["write_energy_J"] is None else _short(each["write_energy_J"], "J")
        evidence = ", ".join(f"{count} {kind}" for kind, count in each["evidence"].items())
        table.add_row(each["name"], window, ratio, str(each["levels"] or ""), each["update"], write, evidence)
    Console(width=140).print(table)


def _short(value: float, unit: str) -> str:
    """Write a value to three digits, with an SI prefix."""
    power = 3 * math.floor(math.log10(value) / 3) if value else 0
    return f"{value / 10.0**power:.3g} {PREFIXES[power]}{unit}"
