"""A network on Brian2, ready to relax: phases of steps from rest or from a saved state, with or without a nudge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Params, Stop
from neuroeq.describe.edges import sparse_edges
from neuroeq.describe.network import check_batch
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError, EquationError, SpecError

from .assembly import assemble, time_step
from .brian import brian, reseed, use_target
from .coupling import Drives
from .memory import Resume, placed, rest, restore, rows, save, spread
from .nudging import Nudging
from .plasticity.accumulator import Plasticity
from .plasticity.learning import Learning
from .plasticity.plan import BIAS, plan
from .population import Population
from .recording import Monitors, Recording
from .stepper import Reference, Stepper
from .strength import STRENGTHS, Strengths

Array = np.ndarray
ENGINES = {"stepper": Stepper, "compiled": Stepper, "reference": Reference}
SETTLED = 1e-3
"""Residual that counts as converged where no tolerance is asked for."""


class Simulation:
    """The Brian2 objects of a network for batches up to a size.

    Parameters
    ----------
    network
        Resolved for its substrate.
    batch
        Samples at most.
    plastic
        Whether its synapses may change in nudged phases.
    engine
        ``"stepper"``, also of a training that is compiled, or ``"reference"`` for Brian2's own `Network.run`.
    target
        As in `use_target`.
    deferred
        Whether synapses that only integrate are computed at the end of a phase; else Brian2 integrates all, step by
        step.
    monitored
        Samples that can be recorded.
    one
        The state that stands for a readout of 1.

    Attributes
    ----------
    edges
        The synapses of projections that are sparse.

    Raises
    ------
    NeuroeqError
        If the models do not fit.
    """

    def __init__(
        self,
        network: Network,
        batch: int,
        *,
        plastic: bool = True,
        engine: str = "stepper",
        target: str | None = None,
        deferred: bool = True,
        monitored: int = 0,
        one: float = 1.0,
    ) -> None:
        if engine not in ENGINES:
            raise SpecError(f"engine is '{engine}'; expected {' or '.join(map(repr, ENGINES))}.")
        use_target(target)
        self.network, self.batch, self.dt = network, batch, time_step(network)
        self.dtype = np.dtype(network.physics.precision).type
        self.edges = sparse_edges(network)
        plastics = plan(network, self.dt, self.edges) if plastic else []
        self._assembly = assemble(network, batch, self.dt, plastics, self.edges)
        self._home = self._assembly.home
        self._views()
        self._nudging = Nudging(network, self._assembly, one)
        self._learning = Learning(self._assembly, plastics, batch, self.dt, self.dtype, deferred)
        watched = (self._assembly.populations, self._learning.stepwise)
        self._monitors = Monitors(*watched, monitored, self._assembly.clock) if monitored else None
        self._stepper = self._prepared(engine)
        for native in self._assembly.natives:
            native.prepare()
        self._nudge: Nudge | None = None
        self._held: Params = {}
        self._n_spikes = 0
        self._values: Mapping[str, Array] = {}

    def relax(
        self,
        params: Params,
        inputs: Array,
        nudge: Nudge | None,
        start: Resume | None,
        stop: Stop,
        plasticity: Plasticity | None,
        record: Recording | None,
        rng: np.random.Generator,
    ) -> Equilibrium:
        """Relax a batch; the arguments are those of `Substrate.relax`, with the parameters before them.

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a state is not finite.
        """
        check_batch(self.network, inputs, None if nudge is None else nudge.targets, self.batch)
        self._nudging.check(nudge)
        reseed(rng)
        if start is None:
            rest(self._assembly, rng)
        else:
            restore(self._assembly, start)
        self._stepper.rewind(0 if start is None else start.timestep)
        self._clamp(params, inputs, start)
        self._nudge = nudge
        self._nudging.start(nudge, self._m, self._held)
        self._learning.start(self._values, params, plasticity)
        self._n_spikes = 0
        steps, residual = self._run(stop, plasticity is not None, record is not None)
        self._learning.finish()
        if record is not None:
            assert self._monitors is not None
            record.phases.append(self._monitors.collect(self._phase))
        return self._equilibrium(inputs, steps, residual, stop)

    def start_values(self, rng: np.random.Generator) -> list[Array]:
        """Return the start values that a free phase would draw: (units,) for every variable that draws them."""
        reseed(rng)
        return [values for population in self._assembly.populations for values in population.draws(rng)]

    def spread(self, resume: Resume, sample: int, shifts: Mapping[str, Array]) -> Resume:
        """Return a state in which copies of one sample differ by shifts of their states.

        Parameters
        ----------
        resume
            Where the copies are taken from.
        sample
            Which.
        shifts
            By layer: (copies, n).
        """
        return spread(self._assembly, resume, sample, shifts)

    def rows(self, resume: Resume, samples: int) -> dict[str, Array]:
        """Return the variables of the first samples, by layer and name: (samples, n)."""
        return rows(self._assembly, resume, samples)

    def placed(self, kept: Mapping[str, Array], which: Array, rng: np.random.Generator) -> Resume:
        """Return rest, but for the samples `which`, (samples,) booleans, that have kept variables: (samples, n)."""
        return placed(self._assembly, kept, which, rng)

    def scale(self, layer: str) -> float:
        """Return what turns a change over one step into a residual: the time constant over the step."""
        return self._scale(self._home[layer])

    def _run(self, stop: Stop, learn: bool, record: bool) -> tuple[int, float]:
        """Run until `stop`, looking at the residual now and then; return the steps taken and the last residual."""
        done, residual = 0, np.inf
        while done < stop.steps:
            chunk = min(stop.every, stop.steps - done)
            self._stepper.advance(chunk - 1, learn, record)
            before = [state.copy() for state, _ in self._states]
            self._stepper.advance(1, learn, record)
            done += chunk
            residual = self._residual(before)
            if not np.isfinite(residual):
                self._report_divergence(done)
            if stop.tolerance is not None and residual <= stop.tolerance:
                break
        return done, residual

    def _residual(self, before: list[Array]) -> float:
        changes = [
            float(np.abs(state[: self._m] - old[: self._m]).max()) * scale
            for (state, scale), old in zip(self._states, before, strict=True)
        ]
        return max(changes)

    def _report_divergence(self, steps: int) -> None:
        layer = next(name for name, state in self._layer_states.items() if not np.isfinite(state[: self._m]).all())
        raise DivergenceError(
            f"network '{self.network.name}': layer '{layer}' grew without bound in phase '{self._phase}', seen at step "
            f"{steps}; try a smaller projections.*.learning_rate, projections.*.initial.gain, phases.beta or dt."
        )

    @property
    def _phase(self) -> str:
        return "free" if self._nudge is None else f"nudged {self._nudge.beta:+g}"

    # What each step does besides the objects that Brian2 makes itself.

    def _begin_step(self) -> None:
        self._drives.write()
        self._nudging.write()
        self._learning.begin_step()

    def _gather_spikes(self) -> None:
        for population in self._spiking:
            self._n_spikes += population.gather_spikes()

    def _end_learn_step(self) -> None:
        plasticity = self._learning.plasticity
        if plasticity is not None and plasticity.on_step is not None:
            self._learning.finish()
            self._hold(plasticity.on_step())
            self._learning.hold(self._held)

    # Building.

    def _views(self) -> None:
        network, home = self.network, self._home
        emitted = "spike" if network.kind.spikes else "activity"
        moving = {layer: population for layer, population in home.items() if layer != network.input_layer}
        self._drives = Drives(
            self._assembly.couplings,
            {layer: population.view(emitted, layer) for layer, population in home.items()},
            {layer: population.view(population.drive, layer) for layer, population in moving.items()},
        )
        self._biases = {
            f"{layer}.bias": population.view("bias", layer)
            for layer, population in moving.items()
            if network.layers[layer].bias
        }
        self._strengths = Strengths(
            network, {(n, layer): p.view(n, layer) for layer, p in home.items() for n in STRENGTHS if p.reads(n)}
        )
        self._layer_states = {layer: p.view(p.model.state, layer) for layer, p in moving.items()}
        self._states = [(self._layer_states[layer], self._scale(p)) for layer, p in moving.items()]
        output = network.output_layer
        self._readout = home[output].view("readout", output)
        self._spiking = [population for population in self._assembly.populations if population.model.emits == "spikes"]

    def _scale(self, population: Population) -> float:
        name = population.model.time_constant
        return 1.0 if name == "dt" else float(population.group.namespace[name]) / self.dt

    def _prepared(self, engine: str) -> Stepper:
        """Hand the objects to Brian2, and say in a sentence what it does not like about them."""
        try:
            return ENGINES[engine](*self._objects())
        except brian().BrianObjectException as error:
            reason = " ".join(str(error.__cause__ or error).split())
            named = [p.model.where for p in self._assembly.populations if f"'{p.group.name}_" in str(error)]
            where = named[0] if named else self.network.where
            raise EquationError(f"{where}: Brian2 cannot prepare its equations: {reason}") from error

    def _objects(self) -> tuple[list, Any, list, list, list]:
        b2, clock, populations = brian(), self._assembly.clock, self._assembly.populations
        begin = b2.NetworkOperation(self._begin_step, clock=clock, when="start", order=-1)
        gather = b2.NetworkOperation(self._gather_spikes, clock=clock, when="after_thresholds")
        learn = b2.NetworkOperation(self._learning.step, clock=clock, when="end", order=1)
        end = b2.NetworkOperation(self._end_learn_step, clock=clock, when="end", order=3)
        monitors = self._monitors.objects if self._monitors else []
        learning = [learn, end, *self._learning.objects, *(self._monitors.learning if self._monitors else [])]
        objects = [
            begin,
            *([gather] if self._spiking else []),
            learn,
            end,
            *(population.group for population in populations),
            *(synapses.group for synapses in self._learning.stepwise),
            *(native.synapses for native in self._assembly.natives),
            *monitors,
        ]
        never = [population.expose for population in populations if population.expose is not None]
        return objects, clock, learning, monitors, never

    # Starting and ending a phase.

    def _clamp(self, params: Params, inputs: Array, start: Resume | None) -> None:
        """Fix inputs, weights and biases; the drive is computed anew only where they differ from the phase before."""
        self._m = len(inputs)
        goes_on = start is not None and start.values is self._values and start.inputs is inputs and params is self._held
        # the values are compared too, since the caller may have changed the array in place
        if not goes_on or not np.array_equal(self._values[self.network.input_layer], inputs.astype(self.dtype)):
            values = np.array(inputs, self.dtype, order="C")
            values.flags.writeable = False  # the equilibria of these inputs share it
            self._values = {self.network.input_layer: values, BIAS: np.ones((self._m, 1), self.dtype)}
            self._hold(params)
        encoder = self._home.get(self.network.input_layer)
        if encoder is not None:
            encoder.view(encoder.drive, self.network.input_layer)[: self._m] = self._values[self.network.input_layer]
        for population in self._assembly.populations:
            if population.expose is not None:
                population.expose.run()

    def _hold(self, params: Params) -> None:
        self._drives.clamp(self._values, params)
        for name, bias in self._biases.items():
            bias[:] = params[name]
        self._strengths.hold(params)
        for native in self._assembly.natives:
            native.hold(params[native.name])
        self._held = params

    def _equilibrium(self, inputs: Array, steps: int, residual: float, stop: Stop) -> Equilibrium:
        m = self._m
        activity = {layer: p.view("activity", layer)[:m].copy() for layer, p in self._home.items()}
        activity.setdefault(self.network.input_layer, self._values[self.network.input_layer])
        return Equilibrium(
            state={layer: state[:m].copy() for layer, state in self._layer_states.items()},
            outputs=self._readout[:m].copy(),
            residual=residual,
            converged=residual <= (SETTLED if stop.tolerance is None else stop.tolerance),
            n_steps=steps,
            resume=save(self._assembly, self._stepper.timestep, inputs, self._values),
            activity=activity,
            spikes=self._n_spikes / m if self._spiking else None,
        )
