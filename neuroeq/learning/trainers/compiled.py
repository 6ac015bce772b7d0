"""Networks of neurons that learn many batches at a time in compiled code, by the same numbers as the stepper."""

from __future__ import annotations

import warnings

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import learning_rates
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.network import Engine
from neuroeq.errors import DivergenceError, NeuroeqWarning, SpecError
from neuroeq.physics.engine.compiled import (
    Library,
    check_compilable,
    compilable,
    library_of,
    parameter_names,
    parameter_updates,
    slopes,
)
from neuroeq.physics.substrates import AnySubstrate, NeuronSubstrate
from neuroeq.randomness import Streams

from ..phases import nudges

Array = np.ndarray
COMPILED_FROM = 200_000
"""Samples of a training from which building, some seconds once, pays."""


def with_engine(network: Network, samples: int, target: str) -> Network:
    """Return a resolved network that leaves its engine open with the compiled one, where that pays and can be built.

    Parameters
    ----------
    network
        Resolved.
    samples
        Of the whole training.
    target
        As `use_target` returned it: numpy asks for no compiler.
    """
    pays = network.run.engine is None and network.substrate_name in ("rate", "spiking") and samples >= COMPILED_FROM
    if not pays or target == "numpy" or not compilable(network):
        return network
    compiled = on_engine(network, "compiled")
    try:
        library_of(compiled)
    except SpecError as error:
        warnings.warn(f"the stepper trains, since {error}", NeuroeqWarning, stacklevel=2)
        return network
    return compiled


def on_engine(network: Network, engine: Engine | None) -> Network:
    """Return a network with another engine."""
    return network.model_copy(update={"run": network.run.model_copy(update={"engine": engine})})


def prepare(network: Network) -> None:
    """Compile what a network that asks for the compiled engine will train with, if it is not compiled yet.

    Parameters
    ----------
    network
        Resolved.

    Raises
    ------
    SpecError
        If it asks for something that only the stepper does, or there is no compiler.
    """
    if network.run.engine == "compiled":
        _library(network)


def _library(network: Network) -> Library:
    """Return what trains a network, or say why it cannot."""
    if network.substrate_name not in ("rate", "spiking"):
        own = "operating_point" if network.resistive else "stepper"
        raise SpecError(
            f"engine is 'compiled' on substrate '{network.substrate_name}'; it is for 'rate' and 'spiking', so use "
            f"--engine {own}."
        )
    check_compilable(network)
    return library_of(network)


class Compiled:
    """A network of neurons that learns many batches at a time.

    Parameters
    ----------
    substrate
        The network on the stepper, which draws the start values.
    params
        To start from.
    streams
        Of the run.

    Attributes
    ----------
    params
        As they are now, changed in place.

    Raises
    ------
    SpecError
        As `prepare`.
    """

    def __init__(self, substrate: AnySubstrate, params: Params, streams: Streams) -> None:
        self._library = _library(substrate.network)
        assert isinstance(substrate, NeuronSubstrate)
        self._network, self._simulation, self._streams = substrate.network, substrate.simulation, streams
        self._dtype = np.dtype(self._network.physics.precision)
        self._updates = parameter_updates(self._network, self._simulation.dt)
        self._order = parameter_names(self._network, self._updates)
        self.params = {name: np.array(value, self._dtype, order="C") for name, value in params.items()}

    def learn(self, inputs: Array, targets: Array, factor: float, epoch: int, batch: int) -> Array:
        """Learn from batches in their order; return the free outputs.

        Parameters
        ----------
        inputs, targets
            (n, n_input) and (n, n_output).
        factor
            Of the learning rates.
        epoch, batch
            The place of the first batch, from 0.

        Raises
        ------
        DivergenceError
            If outputs or weights are not finite.
        """
        n_batches = -(-len(inputs) // self._network.training.batch_size)
        places = [(epoch, batch + index) for index in range(n_batches)]
        chosen = [nudges(self._network.phases, self._streams.child("nudge", *place)) for place in places]
        drawn = [self._simulation.start_values(self._streams.child("state", *place)) for place in places]
        gains = [[gain for _, gain in each] for each in chosen]
        rates = learning_rates(self._network)
        outputs = self._library.learn(
            inputs.astype(self._dtype, copy=False),
            targets.astype(self._dtype, copy=False),
            [np.array(each, self._dtype) for each in zip(*drawn, strict=True)],
            np.array([[beta for beta, _ in each] for each in chosen]),
            np.array([slopes(self._updates, each, self._simulation.dt) for each in gains]),
            np.array([factor * rates[each.name] for each in self._updates]),
            [self.params[name] for name in self._order],
        )
        if not all(np.isfinite(value).all() for value in (outputs, *self.params.values())):
            raise DivergenceError(
                f"network '{self._network.name}': outputs or weights grew without bound in epoch {epoch + 1}; try a "
                "smaller projections.*.learning_rate, projections.*.initial.gain, phases.beta or dt."
            )
        return outputs
