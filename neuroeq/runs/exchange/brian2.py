"""One sample of a run as a plain Brian2 script, which needs Brian2 and NumPy alone.

The script has the equations of each layer as its model file has them, and what neuroeq does between the steps in a few
lines of NumPy: the drive is a product with the weights, and the nudge is -beta dC/doutputs. It runs the free phase,
and from its end every nudged phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Stop
from neuroeq.describe.network import free_layers
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.errors import SpecError
from neuroeq.learning.costs import CrossEntropy, cost_of
from neuroeq.learning.phases import nudges
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.engine import Simulation
from neuroeq.physics.engine.assembly import time_step
from neuroeq.physics.engine.brian import quantity, unit_name
from neuroeq.physics.engine.strength import STRENGTHS, mentions
from neuroeq.physics.substrates import NeuronSubstrate, build
from neuroeq.randomness import Streams

from ..run import Run
from .brian2_text import GROUP, HEAD, LOOP, PHASES, SPIKES
from .samples import sample_of

Array = np.ndarray
NUDGED = "nudged "
"""What the name of a nudged phase begins with, before its beta."""


def brian2(run: Run, sample: int = 0) -> str:
    """Return a Brian2 script of one sample: its free phase and its nudged phases, with the weights of the run.

    Parameters
    ----------
    run
        The run of a network of rates or of spikes.
    sample
        The number of the sample in the test part, or in the training part if there is no test part.

    Raises
    ------
    SpecError
        If the network has what the script cannot hold, or its data has no such sample.
    """
    state, network = run.folder.load(), _in_double(run.network)
    _check(run, network)
    streams = Streams(network.run.seed)
    substrate = build(network, state.params, 1, plastic=False, engine="stepper", target="numpy")
    assert isinstance(substrate, NeuronSubstrate)
    substrate.hold(WeightStore.of(network, state, streams).held)
    inputs, wanted = sample_of(run, network, sample)
    first = substrate.relax(inputs, stop=Stop(0), rng=streams.child("probe", 1))
    free = substrate.relax(inputs, start=first, stop=substrate.stop(network.phases.free))
    cost, mode = cost_of(network.phases), network.nudge
    ends = {"free": free}
    for beta, _ in nudges(network.phases, streams.child("probe", 0)):
        nudge = Nudge(beta, wanted, cost, mode, free)
        ends[f"{NUDGED}{beta:+}"] = substrate.relax(
            inputs, nudge, free, stop=substrate.stop(network.phases.nudged or network.phases.free)
        )
    head = _comments(network, sample, ends) + _numbers(network, substrate, first, (inputs[0], wanted[0]))
    return head + _script(network, substrate.simulation, ends)


def write(run: Run, file: Path, sample: int = 0) -> dict[str, Any]:
    """Write the script of `brian2`, and return how many lines it has and the command that runs it."""
    text = brian2(run, sample)
    file.write_text(text, encoding="utf-8")
    return {"lines": text.count("\n"), "run": "python FILE"}


def _in_double(network: Network) -> Network:
    physics = network.physics.model_copy(update={"precision": "float64"})
    return network.model_copy(update={"substrate": {network.substrate_name: physics}})


def _check(run: Run, network: Network) -> None:
    """Refuse what the script has no lines for."""
    unable = None
    if network.kind.on_devices:
        unable = f"substrate '{network.substrate_name}' is a circuit, which --to spice writes"
    elif network.physics.input != "analog":
        unable = "its inputs are encoded as spikes"
    elif network.nudge not in ("state", "held_current"):
        unable = f"its nudge is '{network.nudge}'"
    elif network.convolutions:
        unable = f"projections.{network.convolutions[0]} is a convolution"
    for layer in free_layers(network):
        model = network.neuron(layer)
        assert model is not None
        if model.vector or model.random or any(mentions(model, name) for name in ("unit", *STRENGTHS)):
            unable = unable or (
                f"neuron '{model.name}' of layer '{layer}' sends vectors, draws random numbers or reads what neuroeq "
                "knows of a unit"
            )
    for name, projection in network.projections.items():
        synapse = network.synapse(name)
        simple = not synapse.native and not synapse.diffusive and not projection.delay
        if not simple or any(part.post is not None or part.factor != 1 for part in synapse.parts):
            unable = unable or f"projections.{name} has a delay, or transmits more than weights times what is sent"
    if unable:
        raise SpecError(f"{run.path}: {unable}, and a plain Brian2 script has no such part; --to npz writes any run.")


def _script(network: Network, simulation: Simulation, ends: Mapping[str, Equilibrium]) -> str:
    """Return the script from its first group on.

    Parameters
    ----------
    network
        The network that is simulated.
    simulation
        The Brian2 objects of the network, which have run those phases.
    ends
        What each phase ended in, by its name, the free phase first.
    """
    layers, output = free_layers(network), network.output_layer
    populations = {layer: simulation.population(layer) for layer in layers}
    models = {layer: population.model for layer, population in populations.items()}
    sent = {layer: "spike" if each.emits == "spikes" else _sent_name(each) for layer, each in models.items()}
    places = {
        "input": network.input_layer,
        "output": output,
        "readout": models[output].readout or _sent_name(models[output]),
        "states": {layer: model.state for layer, model in models.items()},
        "sent": sent,
    }
    text = "".join(_group(layer, network, model) for layer, model in models.items())
    text += LOOP.format(**places, drives=_drives(network, layers), nudge=_nudge(network))
    operations = "couple"
    if network.kind.sends == "spikes":
        text += SPIKES.format(spike_values={layer: float(each.spike_value) for layer, each in populations.items()})
        operations = "couple, send"
    held = "held = " if network.nudge == "held_current" else ""
    (_, free), *nudged = ends.items()
    text += PHASES.format(**places, operations=operations, free=f'{held}phase("free", {free.n_steps})')
    for name, end in nudged:
        beta = float(name.removeprefix(NUDGED))
        text += f'\nnetwork.restore("free")\nbeta = {beta!r}\nphase("{name}", {end.n_steps})\n'
    return text


def _numbers(network: Network, substrate: NeuronSubstrate, first: Equilibrium, pair: tuple[Array, Array]) -> str:
    """Return the head of the script: inputs, targets, parameters, and the states that the free phase starts with."""
    layers, params = free_layers(network), substrate.weights
    begun: dict[str, dict[str, str]] = {layer: {} for layer in layers}
    for key, values in substrate.simulation.rows(first.resume, 1).items():
        layer, name = key.split("/")
        if name in substrate.simulation.population(layer).model.initial:
            begun[layer][name] = repr(values[0].tolist())
    for layer, of in begun.items():
        constants = substrate.simulation.population(layer).constants_of(layer)
        of |= {name: repr(values.tolist()) for name, values in constants.items()}
    return HEAD.format(
        dt=substrate.simulation.dt,
        inputs=_array(pair[0]),
        targets=_array(pair[1]),
        weights=_table({name: _array(params[name]) for name in network.projections}),
        biases=_table({layer: _array(params[f"{layer}.bias"]) for layer in layers if f"{layer}.bias" in params}),
        start=_table({layer: _table(of) for layer, of in begun.items()}),
    )


def _comments(network: Network, sample: int, ends: Mapping[str, Equilibrium]) -> str:
    title = "".join(char if char.isprintable() else " " for char in network.title)
    lines = [
        f"{title}: {network.substrate_name}, seed {network.run.seed}, sample {sample}",
        "A plain Brian2 script, which needs brian2 and numpy alone. Run with: python FILE",
        "Outputs found by neuroeq:",
        *(f"{name}: {' '.join(f'{value:.9g}' for value in end.outputs[0])}" for name, end in ends.items()),
    ]
    return "".join(f"# {line}\n" for line in lines)


def _group(layer: str, network: Network, model: NeuronModel) -> str:
    """Return the lines that make the group of a layer."""
    added = ["drive : 1", "bias : 1", "nudge : 1", *(["spike : 1"] if model.emits == "spikes" else [])]
    if _sent_name(model) == "activity" != model.components["activity"]:
        added.append(f"activity = {model.components['activity']} : 1")
    constants = {name: quantity(value) for name, value in model.parameters.items()}
    if "unit_rate" in f"{model.code}":
        constants["unit_rate"] = quantity(f"{model.unit_rate or 1 / time_step(network)!r} Hz")
    options = [f'method="{model.method}"']
    options += [f"{key}={text!r}" for key, text in (("threshold", model.threshold), ("reset", model.reset)) if text]
    if model.refractory:
        options.append(f"refractory={_refractory(model.refractory)}")
    named = ", ".join(f'"{name}": {_value(value)}' for name, value in constants.items())
    options += [f"namespace={{{named}}}", f'name="layer_{layer}"']
    equations = "\n".join([model.equations.strip(), *added])
    text = GROUP.format(layer=layer, n=network.layers[layer].size, equations=equations, options=",\n    ".join(options))
    after = [*_clips(model), *model.after_step.strip().splitlines()]
    if after:
        text += f'layers["{layer}"].run_regularly({chr(10).join(after)!r}, when="groups", order=1)\n'
    return text


def _clips(model: NeuronModel) -> list[str]:
    """Return the statements that keep variables within their bounds."""
    clips = []
    for name, interval in model.bounds.items():
        low, high = (
            _value(quantity(str(limit))) if limit is not None else unlimited
            for limit, unlimited in ((interval.min, "-inf"), (interval.max, "inf"))
        )
        given = quantity(str(next(limit for limit in (interval.min, interval.max) if limit is not None)))
        low, high = (f"{text}*{unit_name(given)}" if text.endswith("inf") else text for text in (low, high))
        clips.append(f"{name} = clip({name}, {low}, {high})")
    return clips


def _drives(network: Network, layers: list[str]) -> str:
    """Return the lines that write what arrives at each layer."""
    into: dict[str, list[str]] = {layer: [] for layer in layers}
    for name, projection in network.projections.items():
        source, target = projection.source, projection.target
        into[target].append(f'sent["{source}"] @ weights["{name}"]')
        if network.symmetric(name) and source != target and source in into:
            into[source].append(f'sent["{target}"] @ weights["{name}"].T')
    return "\n".join(f'    layers["{layer}"].drive = {" + ".join(terms) or 0}' for layer, terms in into.items())


def _nudge(network: Network) -> str:
    """Return -beta dC/doutputs, of the present outputs or of those at the end of the free phase."""
    outputs = "held" if network.nudge == "held_current" else "outputs"
    cost, gradient = cost_of(network.phases), f"({outputs} - targets)"
    if isinstance(cost, CrossEntropy):
        weight = f"np.exp(({outputs} - {outputs}.max())/{cost.temperature!r})"
        gradient = f"({weight}/{weight}.sum()*targets.sum() - targets)"
    return f"-beta*{gradient} if beta else 0"


def _sent_name(model: NeuronModel) -> str:
    """Return the name of the variable that a unit sends."""
    text = model.components["activity"]
    return text if text.isidentifier() else "activity"


def _refractory(text: str) -> str:
    try:
        return _value(quantity(text))
    except SpecError:
        return repr(text)


def _value(value: Any) -> str:
    """Return a number, or a quantity in base units, as Brian2 reads it."""
    unit = unit_name(value)
    return repr(float(value)) if unit == "1" else f"{float(value)!r}*{unit}"


def _array(values: Array) -> str:
    return f"np.array({np.asarray(values, float).tolist()!r})"


def _table(entries: dict[str, str]) -> str:
    """Return the lines of a table, an entry a line."""
    return "{" + "".join(f'\n    "{name}": {text},' for name, text in entries.items()) + "\n}"
