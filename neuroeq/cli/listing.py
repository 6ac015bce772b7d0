"""`neuroeq list`: list the files of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuroeq.errors import unknown_name

from .output import Json, console, print_json

if TYPE_CHECKING:
    from neuroeq.describe.spec import Expected


def list_names(
    kind: Annotated[str, typer.Argument(help="What to list: networks, neurons, synapses or hardware.")],
    as_json: Json = False,
) -> None:
    """List all networks, neurons, synapses or hardware, including the user's own.

    Example: neuroeq list neurons
    """
    from neuroeq.describe import catalog

    kinds = {folder: kind_of_folder for kind_of_folder, folder in catalog.FOLDERS.items()}
    if kind not in kinds:
        raise unknown_name("kind", kind, kinds, f"There are: {', '.join(kinds)}.")
    entries: list[dict[str, Any]] = [
        {"name": name, "title": catalog.title(kinds[kind], name)} for name in catalog.names(kinds[kind])
    ]
    if kind == "hardware":
        promises = catalog.load_network("digits").expected
        entries = [{**entry, **_technology(entry["name"], promises)} for entry in entries]
    if as_json:
        print_json(entries)
    elif kind == "hardware":
        _table([entry for entry in entries if "oscillators" not in entry])
        _oscillators([entry for entry in entries if "oscillators" in entry])
    elif not entries:
        print(f"no {kind}")
    else:
        width = max(len(entry["name"]) for entry in entries)
        for entry in entries:
            print(f"{entry['name']:<{width}}  {entry['title']}")


def _technology(name: str, promises: Sequence[Expected]) -> dict[str, Any]:
    """Return the key figures of a hardware file: window, devices, programming, evidence, and what digits reach."""
    from neuroeq.describe.catalog import load_hardware

    hardware = load_hardware(name)
    kinds = [evidence.kind for evidence in hardware.evidence for _ in evidence.keys]
    present = [kind for kind in ("measured", "fit", "derived", "assumed") if kind in kinds]
    found = {kind: kinds.count(kind) for kind in present}
    if hardware.of_oscillators:
        return {"oscillators": hardware.oscillators.model_dump(), "evidence": found}
    low, high = hardware.g_min, hardware.g_max
    return {
        "element": hardware.synapse.element,
        "g_min_S": low,
        "g_max_S": high,
        "levels": hardware.synapse.levels or None,
        "on_off": high / low if high and low else None,
        "update": hardware.synapse.update.model,
        "programming": hardware.synapse.programming.scheme,
        "digits_accuracy": {
            promise.substrate: 1 - promise.test_error for promise in promises if promise.hardware == name
        },
        "write_energy_J": hardware.periphery.write_energy or None,
        "evidence": found,
    }


def _table(entries: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from neuroeq.units import short_text

    heads = ("name", "window", "on/off", "levels", "update", "programming", "a write", "digits right", "evidence")
    table = Table(*heads, box=None)
    for entry in entries:
        low, high = entry["g_min_S"], entry["g_max_S"]
        window = "any" if high is None else f"{short_text(low, 'S')} - {short_text(high, 'S')}"
        ratio = "" if entry["on_off"] is None else f"{entry['on_off']:.3g}"
        write = "" if entry["write_energy_J"] is None else short_text(entry["write_energy_J"], "J")
        right = ", ".join(f"{100 * value:.0f} % {substrate}" for substrate, value in entry["digits_accuracy"].items())
        levels, scheme = str(entry["levels"] or ""), "" if entry["update"] == "direct" else entry["programming"]
        table.add_row(entry["name"], window, ratio, levels, entry["update"], scheme, write, right, _evidence(entry))
    console(width=180).print(table)


def _oscillators(entries: list[dict[str, Any]]) -> None:
    """Print a table of the hardware of oscillators, which has no devices."""
    from rich.table import Table

    heads = ("oscillators", "frequencies [1/tau]", "phase noise", "injection", "couplings", "phases", "evidence")
    table = Table(*heads, box=None)
    for entry in entries:
        of = entry["oscillators"]
        frequencies = f"sd {of['omega_sd']:g}" if of["omega_sd"] else "equal"
        numbers = [f"{of[key]:g}" if of[key] else "none" for key in ("phase_noise", "injection")]
        bits = [f"{of[key]} bits" if of[key] else "exact" for key in ("coupling_bits", "phase_bits")]
        table.add_row(entry["name"], frequencies, *numbers, *bits, _evidence(entry))
    if entries:
        print()
        console(width=180).print(table)


def _evidence(entry: dict[str, Any]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in entry["evidence"].items())
