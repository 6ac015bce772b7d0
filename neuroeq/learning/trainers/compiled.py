"""The trainer in compiled C++, for networks of neurons, and for crossbars whose elements are ideal.

The conductances G+ - G- of an ideal crossbar are its weights over R_f, so learning rates are divided by R_f as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import learning_rates, mask
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError
from neuroeq.physics.engine.compiled import (
    Work,
    check_batch_size,
    layouts,
    library_of,
    parameter_names,
    parameter_updates,
    slopes,
    unsupported,
)
from neuroeq.physics.substrates import Crossbar, NeuronSubstrate

from ..optimiser import schedule_factor, velocities
from ..particles import Particles
from ..phases import nudges
from ..pruning import Pruning, key_of
from .allowed import ASIDE, OVERLAYS, Allowed, any_of, disallowed
from .contract import Batches, Outcome, Setup, chunk_of
from .first_batch import first_free_phase
from .ideal import HARDWARE
from .saving import compile_network, drawbacks

Array = np.ndarray
COLD = 40
"""The largest weight that pruning may remove, in temperatures: much smaller exponentials are cut off in C++."""
SUBSTRATES = ("rate", "spiking", "oscillator", "crossbar")
"""Substrates whose equations Brian2 can write as C++."""

RECIPE: Allowed = {
    "phases.variant": ("positive", "negative", "random_sign", "centred"),
    **any_of("phases.", ("beta", "temperature", "points", "persistent")),
    **any_of("phases.", ("free.duration", "free.tolerance", "nudged.duration", "nudged.tolerance")),
    "phases.cost": ("squared_error", "cross_entropy"),
    "phases.nudge": (None, "state", "held_current", "clamp"),
    "training.learning": ("in_situ", "contrastive"),
    "training.rule": ("ep", "coupled_learning", "contrastive_hebbian", "vector_field"),
    "training.update": ("after_phases", "every_step"),
    **any_of("training.", ("epochs", "batch_size", "step", "momentum", "weight_decay", "schedule", "l1", "prune")),
}
"""Phases and training."""
MODELS = ("neuron", "synapse", "input", "neuron_parameters", "synapse_parameters", "input_parameters")
"""Fields of a substrate that choose its models, whose equations `unsupported` looks at."""
ALLOWED: Allowed = {
    **any_of("", ASIDE),
    **RECIPE,
    **any_of(
        "layers.*.", ("size", "shape", "role", "bias", "bias_learning_rate", "bias_initial", "neuron", "parameters")
    ),
    **any_of("projections.*.", ("source", "target", "directed", "learning_rate", "initial", "bounds")),
    **any_of("projections.*.", ("connect", "delay", "synapse", "hardware")),  # `unsupported` checks these
    **any_of("projections.*.", ("kind", "kernel", "stride", "padding", "pool")),
    **any_of("substrate.*.", (*MODELS, "dt", "precision", *OVERLAYS)),
    **HARDWARE,
    "run.engine": (None, "compiled"),
}
"""Settings with which it ends in the same weights as the stepwise trainer; `unsupported` checks the equations."""


class Compiled:
    """The trainer of networks of rates and spikes, and of ideal crossbars.

    Parameters
    ----------
    setup
        The substrate and the state of its training; the substrate draws the start values of each batch.

    Raises
    ------
    SpecError
        If there is no compiler, or it fails.
    """

    name = "compiled"
    drawbacks, prepare = staticmethod(drawbacks), staticmethod(compile_network)

    def __init__(self, setup: Setup) -> None:
        substrate, self._setup = setup.substrate, setup
        assert isinstance(substrate, NeuronSubstrate)
        self._network, self._simulation = substrate.network, substrate.simulation
        check_batch_size(self._network, substrate.batch)
        self.chunk = chunk_of(self._network)
        self._library = library_of(self._network)
        self._dtype = np.dtype(self._network.physics.precision)
        self._updates = parameter_updates(self._network, self._simulation.dt)
        self._order = parameter_names(self._network, self._updates)
        self._params = {name: np.array(value, self._dtype, order="C") for name, value in setup.state.params.items()}
        masks = {name: mask(self._network, name) for name in self._network.projections}
        connected = [masks.get(each.name) for each in self._updates]
        self._masks = [np.empty(0) if each is None else np.ascontiguousarray(each, self._dtype) for each in connected]
        self._edges = layouts(self._network)
        self._velocities = velocities(self._network)
        self._unit = 1 / substrate.hardware.r_f if isinstance(substrate, Crossbar) else 1.0
        prune = self._network.training.prune
        self._pruning = Pruning(self._network, prune) if prune else None
        self._particles = None
        if self._network.phases.persistent:
            self._particles = Particles(substrate, setup.n_examples, setup.state.particles)

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting with which it would not end in the weights of the stepwise trainer."""
        if network.substrate_name not in SUBSTRATES:
            yield f"substrate is '{network.substrate_name}'"
            return
        yield from disallowed(network, ALLOWED)
        if network.substrate_name == "crossbar" and network.training.step.kind == "binary":
            yield "training.step.kind is 'binary', whose filter is not in units of conductance"
        if network.substrate_name == "crossbar" and network.nudge == "clamp":
            yield "the nudge is 'clamp' on a circuit"
        yield from (f"projections.{name} has hardware of its own" for name in network.own_arrays)
        prune = network.training.prune
        if prune and prune.below > COLD * prune.temperature:
            yield f"training.prune.below is more than {COLD} times training.prune.temperature"
        yield from unsupported(network)

    @staticmethod
    def title(samples: int) -> str:
        """Return its name."""
        return Compiled.name

    @property
    def params(self) -> Params:
        """The weights and biases as they are now; they change in place."""
        return self._params

    def _velocity(self, name: str) -> Array:
        """Return what the optimiser remembers of a parameter, which changes in place; nothing for most recipes."""
        if name not in self._velocities:
            return np.empty(0)
        known = self._setup.state.velocity
        known[name] = np.array(known.get(name, np.zeros_like(self._params[name])), self._dtype, order="C", copy=None)
        return known[name]

    def _start(self, batches: Batches) -> Any:
        """Return the state in which the free phase of the first batch of an epoch starts; None for rest."""
        if self._particles is None or batches.first:
            return None
        which = batches.which[: self._network.training.batch_size]
        return self._particles.start(which, self._setup.streams.child("rest", batches.epoch, 0))

    def learn(self, batches: Batches) -> Outcome:
        """Learn from batches in their order; only the free phase of the first batch of an epoch is examined.

        Raises
        ------
        DivergenceError
            If outputs or weights are not finite.
        SpecError
            If beta is beyond the stability margin of a network that nothing bounds.
        """
        free = first_free_phase(self._setup, batches, self._start(batches))
        weights = self._params
        if self._unit != 1:
            weights = {name: value * self._unit for name, value in self._params.items()}
        outputs = self._learned(self._work(batches, weights), batches.which)
        if self._unit != 1:
            for name, value in weights.items():
                np.divide(value, self._unit, out=self._params[name])
        if not all(np.isfinite(value).all() for value in (outputs, *self._params.values())):
            raise DivergenceError(
                f"network '{self._network.name}': outputs or weights grew without bound in epoch {batches.epoch + 1}; "
                "try a smaller projections.*.learning_rate, projections.*.initial.gain, phases.beta or dt."
            )
        self._setup.substrate.hold(self._params)
        return Outcome(outputs, free, None if self._pruning is None else self._pruning.edges(self._params))

    def _work(self, batches: Batches, weights: Params) -> Work:
        """Return what the library learns from, with all that the batches draw at random; `weights` change in place."""
        network, training, streams, epoch = self._network, self._network.training, self._setup.streams, batches.epoch
        places = [(epoch, batches.first + index) for index in range(training.n_batches(len(batches.inputs)))]
        chosen = [nudges(network.phases, streams.child("nudge", *place)) for place in places]
        draws = [self._drawn(batches, place, len(chosen[0])) for place in places]
        gains = [[gain for _, gain in each] for each in chosen]
        prune = training.prune
        rates, factor = learning_rates(network), schedule_factor(training.schedule, epoch, training.epochs)
        return Work(
            inputs=batches.inputs.astype(self._dtype, copy=False),
            wanted=batches.targets.astype(self._dtype, copy=False),
            starts=[np.array(each, self._dtype) for each in zip(*(starts for starts, _ in draws), strict=True)],
            betas=np.array([[beta for beta, _ in each] for each in chosen]),
            slopes=np.array([slopes(self._updates, each, self._simulation.dt) for each in gains]),
            keys=np.array([keys for _, keys in draws], np.uint64),
            rates=np.array([factor * self._unit * rates[each.name] for each in self._updates]),
            params=[weights[name] for name in self._order],
            velocities=[self._velocity(each.name) for each in self._updates],
            masks=self._masks,
            edges=self._edges,
            threads=network.run.threads,
            momentum=training.momentum,
            decay=training.weight_decay / self._unit,
            l1=training.l1 * self._unit,
            unit=self._unit,
            threshold=getattr(training.step, "threshold", 0.0),
            inertia=getattr(training.step, "inertia", 0.0),
            below=prune.below * self._unit if prune else 0.0,
            temperature=prune.temperature * self._unit if prune else 1.0,
            prune_keys=self._prune_keys(places),
        )

    def _prune_keys(self, places: list[tuple[int, int]]) -> Array | None:
        """Return the key of the numbers by which edges are removed after each batch; None if none are."""
        if self._pruning is None:
            return None
        return np.array([key_of(self._setup.streams.child("prune", *place)) for place in places], np.uint64)

    def _drawn(self, batches: Batches, place: tuple[int, int], nudged: int) -> tuple[list[Array], list[int]]:
        """Return the start values of a batch and the keys of its noise; samples without a particle start at rest."""
        streams, size = self._setup.streams, self._network.training.batch_size
        first, rest = (place[1] - batches.first) * size, None
        if self._particles is not None and self._particles.seen(batches.which[first : first + size]).any():
            rest = streams.child("rest", *place)
        return self._simulation.draws.ahead(streams.child("state", *place), nudged, rest)

    def _learned(self, work: Work, which: Array) -> Array:
        """Learn, and return the outputs of free phases; each example goes on from its particle where it has one."""
        if self._particles is None:
            return self._library.learn(work)
        rows, seen = self._particles.rows(which), self._particles.seen(which)
        outputs = self._library.learn(replace(work, particles=list(rows.values()), seen=seen))
        self._particles.keep_rows(rows, which)
        return outputs
