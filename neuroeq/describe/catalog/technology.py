"""The hardware of a circuit: a hardware file, with some of its parts idealised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, assert_never, get_args

from neuroeq.errors import unknown_name

from ..spec import overlay
from ..spec.files import Table
from .loading import load_hardware

WINDOW = (
    "element",
    "g_min",
    "g_max",
    "c_min",
    "c_max",
    "beta",
    "v_th",
    "v_gate_min",
    "v_gate_max",
    "pairing",
    "cell_area",
)
WIRES = ("r_wire_row", "r_wire_col", "r_source", "r_sense", "max_rows", "max_cols")
COSTS = (
    *("phase_time", "time_constants", "dac_time", "adc_time", "write_time"),
    *("dac_energy", "adc_energy", "write_energy"),
)
OF_DEVICES = (
    ("programming", "scheme", "pulses"),
    *((name, "model", "") for name in ("programming_noise", "read_noise", "drift")),
)
"""Tables of devices, the key that says which other keys they have, and what it is where it is left out."""
Part = Literal["window", "devices", "diodes", "amplifiers", "wires", "array", "periphery", "nudge", "oscillators"]
IDEAL: tuple[Part, ...] = get_args(Part)
"""Parts of the hardware that can be idealised."""


def technology(own: Table | None, name: str | None, ideal: Sequence[str], usual: str) -> Table:
    """Return the table of some hardware, with parts of it idealised.

    Parameters
    ----------
    own
        The hardware that a network already contains, which the description of a run does; None if it has none.
    name
        Name in the catalog or path of another hardware file, which replaces the network's own.
    ideal
        The parts to idealise, each one of `IDEAL`.
    usual
        Name of the hardware to use if there is neither `own` nor `name`.

    Raises
    ------
    NeuroeqError
        If there is no such hardware, or no such part.
    """
    table = (
        own
        if own is not None and name is None
        else load_hardware(name or usual).model_dump(by_alias=True, exclude_unset=True)
    )
    for name_of_part in ideal:
        part = next((known for known in IDEAL if known == name_of_part), None)
        if part is None:
            raise unknown_name("part of the hardware", name_of_part, IDEAL, f"There are: {', '.join(IDEAL)}.")
        table = _idealised(table, part)
    return _with_evidence(table)


def without_former_keys(table: Table, changes: Sequence[Table]) -> Table:
    """Return hardware without the keys of diodes, programming schemes and noise that a change replaces by others.

    Each has keys of its own, and those of another would be refused. The biases of diodes stay.
    """
    diodes = _replaced(table, changes, ("neuron", "nonlinearity"), "model", "ideal")
    if diodes is not None:
        kept = {} if diodes == "none" else _biases(table.get("neuron", {}).get("nonlinearity", {}))
        table = {**table, "neuron": {**table.get("neuron", {}), "nonlinearity": kept}}
    for name, tag, usual in OF_DEVICES:
        if _replaced(table, changes, ("synapse", name), tag, usual) is not None:
            table = _without(table, "synapse", (name,))
    return _with_evidence(table)


def changed(table: Table, change: Table) -> Table:
    """Return hardware with a change laid over it, without the former keys of what the change replaces."""
    return overlay(without_former_keys(table, [{"hardware": change}]), change)


def with_ideal_diodes(raw: Table) -> Table:
    """Return the table of a network whose layers keep the biases of their own diodes alone."""
    layers = {
        name: {**layer, "nonlinearity": _biases(layer["nonlinearity"])} if layer.get("nonlinearity") else layer
        for name, layer in raw["layers"].items()
    }
    return {**raw, "layers": layers}


def _replaced(table: Table, changes: Sequence[Table], place: tuple[str, str], tag: str, usual: str) -> str | None:
    """Return the new type of a table within hardware, if changes give it one; None if it stays what it is."""
    section, name = place
    asked = [change.get("hardware", {}).get(section, {}).get(name, {}) for change in changes]
    new = [each[tag] for each in asked if isinstance(each, dict) and each.get(tag)]
    former = table.get(section, {}).get(name) or {}
    return new[-1] if new and new[-1] != former.get(tag, usual) else None


def _idealised(table: Table, part: Part) -> Table:
    match part:
        case "window":
            return {**table, "synapse": {}}
        case "devices":
            return _keeping(table, "synapse", WINDOW)
        case "diodes":
            neuron = table.get("neuron", {})
            diodes = {"model": "ideal", **_biases(neuron.get("nonlinearity", {}))}
            return {**table, "neuron": {**neuron, "nonlinearity": diodes}}
        case "amplifiers":
            return _without(table, "neuron", ("amplifier",))
        case "wires":
            return _without(table, "array", WIRES)
        case "array":
            return {**table, "array": {}}
        case "nudge":
            return _without(table, "periphery", ("nudge",))
        case "oscillators":
            return {**table, "oscillators": {}}
        case "periphery":
            return _keeping(table, "periphery", COSTS)
        case _:
            assert_never(part)


def _keeping(table: Table, section: str, keys: Sequence[str]) -> Table:
    return {**table, section: {key: value for key, value in table.get(section, {}).items() if key in keys}}


def _without(table: Table, section: str, keys: Sequence[str]) -> Table:
    return {**table, section: {key: value for key, value in table.get(section, {}).items() if key not in keys}}


def _biases(diodes: Table) -> Table:
    return {key: value for key, value in diodes.items() if key.startswith("v_bias")}


def _with_evidence(table: Table) -> Table:
    """Return a table that keeps evidence only for the keys that are still in it."""
    remaining = []
    for evidence in table.get("evidence", ()):
        keys = [key for key in evidence["keys"] if _has(table, key)]
        if keys:
            remaining.append({**evidence, "keys": keys})
    return {**table, "evidence": remaining}


def _has(table: Any, key: str) -> bool:
    for part in key.split("."):
        if not isinstance(table, dict) or table.get(part) is None:
            return False
        table = table[part]
    return True
