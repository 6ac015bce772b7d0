"""`neuroeq show`: show a file of the catalog, with what it extends, its equations rendered and its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Settings
from .output import Json, print_json

if TYPE_CHECKING:
    from neuroeq.describe.spec import Hardware, Network, NeuronModel, SynapseModel


CONVERSIONS = ("dac_time", "adc_time", "write_time", "dac_energy", "adc_energy", "write_energy")
"""Times and energies of converters and pulses."""


def show(
    name: Annotated[str, typer.Argument(help="A network, neuron, synapse or hardware, by name or path.")],
    substrate: Annotated[
        str | None, typer.Option(help="Show a network resolved for this substrate, with its models filled in.")
    ] = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Show a network, a model or hardware in full, with everything that it extends, its equations and its sources.

    A network begins with comments: its layers, with their shapes and numbers of parameters, and, where it is shown for
    a substrate, who trains it and why.

    Example: neuroeq show sigma_delta
    """
    from neuroeq.describe.catalog import load_any, resolve
    from neuroeq.describe.spec import Hardware, Network, NeuronModel

    described = load_any(name)
    _refuse_what_cannot_run(described)
    resolved = isinstance(described, Network) and (substrate is not None or bool(settings))
    if isinstance(described, Network) and resolved:
        described = resolve(described, substrate, settings or [])
    if as_json:
        shown = _shown(described) if isinstance(described, Hardware) else described
        print_json(shown.model_dump(by_alias=True, exclude_none=True, mode="json"))
    elif isinstance(described, Network):
        print(_network(described, resolved))
    elif isinstance(described, NeuronModel):
        print(_neuron(described))
    elif isinstance(described, Hardware):
        print(_hardware(described))
    else:
        print(_synapse(described))


def _refuse_what_cannot_run(described: Network | NeuronModel | SynapseModel | Hardware) -> None:
    """Refuse what `run` and `check` would refuse: networks that do not resolve, and equations that do not fit."""
    from neuroeq.describe.catalog import resolve
    from neuroeq.describe.spec import Network, NeuronModel, SynapseModel
    from neuroeq.physics.engine.equations.check import check_neuron
    from neuroeq.physics.engine.plasticity.terms import PlasticSynapse

    if isinstance(described, Network):
        for resolved in (resolve(described, substrate) for substrate in described.substrate):
            for layer in resolved.layers if resolved.kind.models else ():
                model = resolved.neuron(layer)
                if model is not None:
                    check_neuron(model)
    elif isinstance(described, NeuronModel):
        check_neuron(described)
    elif isinstance(described, SynapseModel):
        PlasticSynapse(described, "")


def _network(network: Network, resolved: bool) -> str:
    """Return a network as a file, whose comments are a summary of its layers and, on a substrate, who trains it."""
    from neuroeq.learning.trainers import explained
    from neuroeq.runs.records import to_toml
    from neuroeq.show.summary import summary

    trainer = [f"trainer: {explained(network)}"] if resolved else []
    head = [network.where, *trainer, "", *summary(network), ""]
    return "\n".join([*(f"# {line}".rstrip() for line in head), to_toml(network)])


def _hardware(hardware: Hardware) -> str:
    """Return the values of a hardware file and their sources, and at the end a list of those that are only assumed."""
    from neuroeq.runs.records import to_toml

    sources = [
        f"  {evidence.kind:<8} {', '.join(evidence.keys)}\n           {evidence.cite} (checked: {evidence.checked})"
        for kind in ("measured", "fit", "derived", "assumed")
        for evidence in hardware.evidence
        if evidence.kind == kind
    ]
    values = to_toml(_shown(hardware).model_copy(update={"evidence": ()})).rstrip()
    assumed = [key for evidence in hardware.evidence if evidence.kind == "assumed" for key in evidence.keys]
    flag = f"\nassumed, not measured: {', '.join(assumed)}" if assumed else ""
    return "\n".join([f"# {hardware.where}", values, "", "evidence", *sources]) + flag + _not_given(hardware)


def _shown(hardware: Hardware) -> Hardware:
    """Return hardware with what is shown of it: of oscillators, nothing of a circuit."""
    from neuroeq.describe.spec.hardware import CIRCUIT

    if not hardware.of_oscillators:
        return hardware
    return hardware.model_copy(update={**dict.fromkeys(CIRCUIT), "temperature": None})


def _not_given(hardware: Hardware) -> str:
    """Return a line that names the costs that a hardware file does not give; an empty text if it gives all."""
    if hardware.of_oscillators:
        return ""
    periphery, neuron = hardware.periphery, hardware.neuron
    costs = {
        "synapse.cell_area": hardware.synapse.cell_area,
        "neuron.integrator.power": neuron.integrator.power,
        **({} if neuron.amplifier is None else {"neuron.amplifier.power": neuron.amplifier.power}),
        **{f"periphery.{key}": getattr(periphery, key) for key in CONVERSIONS},
    }
    missing = [key for key, value in costs.items() if value is None]
    return f"\nnot given, and in no total: {', '.join(missing)}" if missing else ""


def _neuron(model: NeuronModel) -> str:
    from neuroeq.physics.engine.equations.check import check_neuron
    from neuroeq.physics.engine.equations.rendering import rendered

    check_neuron(model)

    facts: list[tuple[str, Any]] = [
        ("emits", model.emits),
        ("state", model.state),
        *(((f"activity {name}" if model.vector else "activity"), text) for name, text in model.components.items()),
        ("readout", model.observed),
        ("threshold", model.threshold),
        ("reset", model.reset),
        ("refractory", model.refractory),
        ("activity 1 is", model.model_dump()["unit_rate"]),
        ("after each step", "; ".join([*_clips(model), *model.after_step.strip().splitlines()])),
        ("integrated by", f"{model.method}, dt = {model.model_dump()['dt']}"),
    ]
    return "\n".join([*_head(model), "", *rendered(model.equations), "", *_table(facts), *_parameters(model)])


def _synapse(model: SynapseModel) -> str:
    from neuroeq.physics.engine.equations.check import check_alone
    from neuroeq.physics.engine.equations.rendering import rendered

    check_alone(model)

    facts: list[tuple[str, Any]] = [
        ("transmits", model.transmission),
        ("sends back", model.feedback),
        ("at pre spikes", model.on_pre),
        ("at post spikes", model.on_post),
    ]
    facts += [
        (f"hebb, on {term.on}", " × ".join(f"({factor})" for factor in term.factors)) for term in model.plasticity
    ]
    equations = [*rendered(model.traces), "", *rendered(model.equations)]
    return "\n".join([*_head(model), "", *equations, "", *_table(facts), *_parameters(model)])


def _head(model: NeuronModel | SynapseModel) -> list[str]:
    lines = [f"{model.name}: {model.title}", f"  file: {model.where}"]
    if model.source:
        lines.append(f"  source: {model.source}")
    return [*lines, *(f"  {line}" for line in model.notes.strip().splitlines())]


def _parameters(model: NeuronModel | SynapseModel) -> list[str]:
    if not model.parameters:
        return []
    from neuroeq.units import physical, symbol_of

    rows = []
    for name, value in model.parameters.items():
        si = physical(str(value))
        rows.append(
            (name, f"{value}   = {si.value:.6g} {symbol_of(si.dimension)}" if isinstance(value, str) else value)
        )
    return ["", "parameters", *_table(rows)]


def _clips(model: NeuronModel) -> list[str]:
    return [
        " and ".join(
            f"{name} {sign} {limit}" for sign, limit in (("≥", limits.min), ("≤", limits.max)) if limit is not None
        )
        for name, limits in model.bounds.items()
    ]


def _table(rows: list[tuple[str, Any]]) -> list[str]:
    return [f"  {name:<16} {value}" for name, value in rows if value not in (None, "")]
