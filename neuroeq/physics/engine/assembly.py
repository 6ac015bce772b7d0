"""Builds the Brian2 objects of a resolved network for a batch: populations, couplings and native projections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroeq.describe.network import mask
from neuroeq.describe.operators import Operator, operators
from neuroeq.describe.spec import Network, NeuronModel
from neuroeq.describe.spec.transmission import Part, sent
from neuroeq.errors import SpecError
from neuroeq.randomness import Streams

from .brian import brian
from .coupling import Coupling
from .native import NativeProjection, Receivers
from .plasticity.plan import Plastic, native_names
from .population import Population

Array = np.ndarray


@dataclass(frozen=True)
class Assembly:
    """The Brian2 objects of a network.

    Parameters
    ----------
    clock
        The clock that all objects share.
    populations
        The groups; `home` finds a layer's.
    couplings
        The directions of all projections that are computed as matrix products.
    natives
        Projections that run as Brian2 Synapses.
    """

    clock: Any
    populations: list[Population]
    couplings: list[Coupling]
    natives: list[NativeProjection]

    @property
    def home(self) -> dict[str, Population]:
        """The population of every layer that is not clamped."""
        return {layer: population for population in self.populations for layer in population.layers}


def assemble(
    network: Network,
    batch: int,
    dt: float,
    plastics: list[Plastic],
    maps: Mapping[str, Operator] | None = None,
    dense_delays: bool = False,
) -> Assembly:
    """Build the objects of a resolved network.

    Parameters
    ----------
    network
        Resolved for its substrate.
    batch
        Largest number of samples in a batch.
    dt
        Length of an integration step. [s]
    plastics
        Plastic projections whose factors the units must offer.
    maps
        The projections as linear maps, if they are at hand.
    dense_delays
        Whether delays are left to matrix products; otherwise such a projection runs as Brian2 Synapses.

    Raises
    ------
    NeuroeqError
        If models do not fit the network or each other.
    """
    dtype = np.dtype(network.physics.precision).type
    # with a name, since Brian2 would number it, and compile the same equations again for every number
    clock = brian().Clock(dt=dt * brian().second, name="clock")
    natives = [name for name in native_names(network) if network.synapse(name).native or not dense_delays]
    receivers = {name: Receivers(name, network) for name in natives}
    populations = []
    for index, (model, layers) in enumerate(_homes(network)):
        factors = {
            expression: plastic.synapse
            for plastic in plastics
            for layer, expression in sorted(plastic.keys)
            if layer in layers
        }
        sizes = {layer: network.layers[layer].size for layer in layers}
        delivered = {variable: how for receiver in receivers.values() for variable, how in receiver.of(layers).items()}
        clamped = network.nudge == "clamp" and network.output_layer in layers
        name = f"population_{index}"
        streams = Streams(network.run.seed)
        parts = _parts(network, layers)
        populations.append(
            Population(name, model, sizes, batch, clock, dtype, factors, delivered, streams, clamped, parts)
        )
    assembly = Assembly(clock, populations, _couplings(network, natives, maps or operators(network), dt), [])
    for name in natives:
        assembly.natives.append(_native(network, name, assembly.home, receivers[name], dtype))
    return assembly


def time_step(network: Network) -> float:
    """Return the integration step of a resolved network [s]: its own, or the smallest of its neuron models."""
    if network.physics.dt is not None:
        return network.physics.dt
    models = [network.neuron(layer) for layer in network.layers if layer != network.input_layer]
    return min(model.dt for model in models if model is not None)


def check_models(network: Network) -> None:
    """Refuse models that send and receive different things.

    Raises
    ------
    SpecError
        If a neuron or a synapse is none of the substrate, or a synapse transmits what its units do not have.
    """
    emits = network.kind.sends
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and model.emits != emits:
            raise SpecError(
                f"{model.where}: emits is '{model.emits}', but layer '{layer}' is on substrate "
                f"'{network.substrate_name}'; choose a neuron model that emits '{emits}'."
            )
    for name in network.projections:
        synapse = network.synapse(name)
        if synapse.transmits != emits:
            raise SpecError(
                f"{synapse.where}: transmits {synapse.transmits}, but projection '{name}' is on substrate "
                f"'{network.substrate_name}'; choose a synapse model that transmits {emits}."
            )
        _check_components(network, name)


def _check_components(network: Network, name: str) -> None:
    """Refuse a synapse that transmits what the units at one of its ends do not have."""
    synapse, ends = network.synapse(name), network.projections[name]
    for layer in (ends.source, ends.target):
        model = network.neuron(layer)
        if model is None or synapse.native or synapse.transmits == "spikes":
            continue
        parts = (*synapse.parts, *synapse.sent_back)
        read = {part.pre for part in parts} | {part.post for part in parts}
        for component in sorted(filter(None, read)):
            if component not in model.components:
                raise SpecError(
                    f"{synapse.where}: transmission is '{synapse.transmission}', and neuron '{model.name}' of layer "
                    f"'{layer}' sends {', '.join(model.components)}; choose a synapse model that transmits these."
                )


def _homes(network: Network) -> list[tuple[NeuronModel, list[str]]]:
    """Return the layers that share each neuron model; an input layer has a group of its own."""
    homes: list[tuple[NeuronModel, list[str]]] = []
    for layer in network.layers:
        model = network.neuron(layer)
        if model is None:
            continue
        shared = [] if layer == network.input_layer else [layers for other, layers in homes if other == model]
        if shared:
            shared[0].append(layer)
        else:
            homes.append((model, [layer]))
    return homes


def _couplings(network: Network, natives: list[str], maps: Mapping[str, Operator], dt: float) -> list[Coupling]:
    couplings = []
    for name, projection in network.projections.items():
        if name in natives:
            continue
        synapse, source, target = network.synapse(name), projection.source, projection.target
        how = maps[name], synapse.diffusive, round((projection.delay or 0.0) / dt)
        receiver = network.neuron(target)
        assert receiver is not None
        first = next(iter(receiver.components))
        for component in sent(synapse.parts):
            if network.neuron(source) is not None or component in (first, "spike"):
                couplings.append(Coupling(name, source, target, False, *how, component))
        if network.symmetric(name) and source != target:
            couplings += [Coupling(name, target, source, True, *how, each) for each in sent(synapse.sent_back)]
    return couplings


def _parts(network: Network, layers: list[str]) -> tuple[Part, ...]:
    """Return what synapses transmit to the units of some layers with one neuron model.

    Raises
    ------
    SpecError
        If it is not the same for all, in either direction, where units make a drive of it.
    """
    arriving: list[Part] = []
    for back in (False, True):
        forms: dict[tuple[Part, ...], str] = {}
        for name, projection in network.projections.items():
            synapse = network.synapse(name)
            reached = projection.source if back else projection.target
            if not synapse.native and reached in layers and (not back or network.symmetric(name)):
                forms.setdefault(synapse.sent_back if back else synapse.parts, name)
        if len(forms) > 1 and any(part.post or part.factor != 1 for parts in forms for part in parts if part.pre):
            one, other = list(forms.values())[:2]
            raise SpecError(
                f"{network.where}: projections.{one} transmits '{network.synapse(one).transmission}' and "
                f"projections.{other} '{network.synapse(other).transmission}' to units of one neuron model; expected "
                "the same for all."
            )
        arriving += [part for parts in forms for part in parts]
    return tuple(dict.fromkeys(arriving))


def _native(
    network: Network, name: str, home: dict[str, Population], receivers: Receivers, dtype: type
) -> NativeProjection:
    projection = network.projections[name]
    if projection.source not in home:
        raise SpecError(
            f"projections.{name}: synapse '{network.synapse(name).name}' with the analog input layer "
            f"'{projection.source}' cannot run as Brian2 Synapses, which need spiking units or states on both sides; "
            "choose an encoder for `input`, or a synapse model with plasticity terms and no delay."
        )
    connected = mask(network, name)
    if connected is None:
        connected = np.ones((network.layers[projection.source].size, network.layers[projection.target].size), bool)
    return NativeProjection(
        name, network, home[projection.source], home[projection.target], np.nonzero(connected), receivers, dtype
    )
