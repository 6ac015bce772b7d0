"""A network on Brian2 that relaxes in phases: from rest or from a saved state, with or without a nudge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Params, Stop
from neuroeq.describe.network import check_batch
from neuroeq.describe.operators import operators
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError, EquationError

from .assembly import assemble, check_models, time_step
from .brian import brian, use_target
from .compiled import CompiledPhases, check_batch_size, library_of
from .coupling import Drives
from .draws import Draws
from .memory import Resume, blank, placed, rest, restore, rows, save, spread
from .nudging import Nudging
from .plasticity.accumulator import Plasticity
from .plasticity.learning import Learning
from .plasticity.plan import BIAS, plan
from .population import Population
from .recording import Monitors, Recording
from .residual import Residuals
from .schedule import ENGINES as ENGINES
from .schedule import check_engine, schedule
from .strength import STRENGTHS, Strengths

Array = np.ndarray
SETTLED = 1e-3
"""Residual below which a phase counts as converged if no tolerance is asked for."""


class Simulation:
    """The Brian2 objects of a network for batches up to a size.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    batch
        Largest number of samples in a batch.
    plastic
        Whether synapses may change in nudged phases.
    engine
        What advances the simulation: ``"stepper"``, our own loop over Brian2's objects, or ``"reference"``, Brian2's
        `Network.run`. ``"compiled"`` is the stepper too, for what a compiled training does not do itself.
    target
        Brian2's code-generation target, as in `use_target`.
    deferred
        Whether the change of synapses that only integrate is computed at the end of a phase. Otherwise Brian2
        integrates all synapses step by step.
    monitored
        Number of samples that can be recorded.
    one
        The value of a state that stands for a readout of 1, in the unit of the state.

    Attributes
    ----------
    operators
        The projections and biases as linear maps, by name.
    draws
        The random numbers of its phases.

    Raises
    ------
    NeuroeqError
        If the models do not fit the network or each other.
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
        check_engine(engine)
        use_target(target)
        self.network, self.batch, self.dt = network, batch, time_step(network)
        self.dtype = np.dtype(network.physics.precision).type
        self.operators = operators(network)
        check_models(network)
        plastics = plan(network, self.dt, self.operators) if plastic else []
        self._assembly = assemble(network, batch, self.dt, plastics, self.operators)
        self._home = self._assembly.home
        self._views()
        self._nudging = Nudging(network, self._assembly, one)
        self._learning = Learning(self._assembly, plastics, batch, self.dt, self.dtype, deferred)
        watched = (self._assembly.populations, self._learning.stepwise)
        self._monitors = Monitors(*watched, monitored, self._assembly.clock) if monitored else None
        calls = (self._begin_step, self._gather_spikes if self._spiking else None, self._end_learn_step)
        self._stepper = schedule(engine, network.where, self._assembly, self._learning, self._monitors, calls)
        for native in self._assembly.natives:
            native.prepare()
        self.draws = Draws(self._assembly, network)
        self._nudge: Nudge | None = None
        self._held: Params = {}
        self._holding = object()
        self._compiled: CompiledPhases | None = None
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
        """Relax a batch; the arguments are those of `Substrate.relax`, preceded by the parameters.

        Raises
        ------
        DataError
            If inputs or targets have the wrong shape, or are not finite.
        DivergenceError
            If a state is not finite.
        EquationError
            If the code of a model fails as it runs.
        """
        check_batch(self.network, inputs, None if nudge is None else nudge.targets, self.batch)
        self._nudging.check(nudge)
        self.draws.start(rng)
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
        try:
            steps, residual = self._steps(params, nudge, stop, plasticity, record)
        except brian().BrianObjectException as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise EquationError(f"{self.network.where}: the code of its models fails as it runs: {reason}") from error
        if record is not None:
            assert self._monitors is not None
            record.phases.append(self._monitors.collect(self._phase))
        return self._equilibrium(inputs, steps, residual, stop)

    def spread(self, resume: Resume, sample: int, shifts: Mapping[str, Array]) -> Resume:
        """Return a saved state that holds copies of one sample, each with its states shifted.

        Parameters
        ----------
        resume
            The saved state that holds the sample.
        sample
            Index of the sample.
        shifts
            By layer: what is added to the states of each copy, (copies, n).
        """
        return spread(self._assembly, resume, sample, shifts)

    def rows(self, resume: Resume, samples: int) -> dict[str, Array]:
        """Return the variables of the first samples, by layer and name: (samples, n) each."""
        return rows(self._assembly, resume, samples)

    def blank(self, samples: int) -> dict[str, Array]:
        """Return arrays for these variables, filled with zeros."""
        return blank(self._assembly, samples)

    def placed(self, kept: Mapping[str, Array], which: Array, rng: np.random.Generator) -> Resume:
        """Return a state at rest, except that the samples in `which`, (samples,) booleans, have variables `kept`."""
        return placed(self._assembly, kept, which, rng)

    def scale(self, layer: str) -> float:
        """Return the time constant of a layer over the step, which turns a change over a step into a residual."""
        return self._home[layer].steps_of_time_constant

    def population(self, layer: str) -> Population:
        """Return the Brian2 group that the units of a layer belong to."""
        return self._home[layer]

    def compile(self) -> None:
        """Run phases as compiled code from now on, those apart that are recorded or in which weights move.

        Raises
        ------
        SpecError
            If there is no compiler, or it fails, or batches are not those of the training.
        """
        check_batch_size(self.network, self.batch)
        self._compiled = CompiledPhases(library_of(self.network), self.network, self._assembly)

    def _steps(
        self, params: Params, nudge: Nudge | None, stop: Stop, plasticity: Plasticity | None, record: Recording | None
    ) -> tuple[int, float]:
        """Run until `stop`; return the steps taken and the last residual."""
        compiled = self._compiled
        if compiled is None or record is not None or not compiled.runs(nudge, plasticity):
            return self._run(stop, plasticity is not None, record is not None)
        inputs = self._values[self.network.input_layer]
        steps, residual, self._n_spikes = compiled.run(
            inputs, params, self._holding, nudge, stop, plasticity, self.draws.key
        )
        if not np.isfinite(residual):
            self._report_divergence(steps)
        return steps, residual

    def _run(self, stop: Stop, learn: bool, record: bool) -> tuple[int, float]:
        """Run until `stop`, computing the residual every few steps; return the steps taken and the last residual."""
        done, residual = 0, np.inf
        while done < stop.steps:
            chunk = min(stop.every, stop.steps - done)
            self._stepper.advance(chunk - 1, learn, record)
            before = self._residuals.copy()
            self._stepper.advance(1, learn, record)
            done += chunk
            residual = self._residuals.since(before, self._m)
            if not np.isfinite(residual):
                self._report_divergence(done)
            if stop.tolerance is not None and residual <= stop.tolerance:
                break
        self._learning.finish()
        return done, residual

    def _report_divergence(self, steps: int) -> None:
        layer = self._residuals.diverged(self._m)
        raise DivergenceError(
            f"network '{self.network.name}': layer '{layer}' grew without bound in phase '{self._phase}', seen at step "
            f"{steps}; try a smaller projections.*.learning_rate, projections.*.initial.gain, phases.beta or dt."
        )

    @property
    def _phase(self) -> str:
        return "free" if self._nudge is None else f"nudged {self._nudge.beta:+g}"

    # What we add to each step.

    def _begin_step(self) -> None:
        self._drives.write()
        self._nudging.write()
        self._learning.begin_step()
        self.draws.write(self._stepper.timestep)

    def _gather_spikes(self) -> None:
        for population in self._spiking:
            self._n_spikes += population.gather_spikes()

    def _end_learn_step(self) -> None:
        plasticity = self._learning.plasticity
        if plasticity is not None and plasticity.on_step is not None:
            self._learning.finish()
            self._hold(plasticity.on_step())
            self._learning.hold(self._held)

    def _views(self) -> None:
        network, home = self.network, self._home
        moving = {layer: population for layer, population in home.items() if layer != network.input_layer}
        self._drives = Drives(
            self._assembly.couplings,
            {(layer, name): p.view(name, layer) for layer, p in home.items() for name in p.emitted},
            {(layer, name): p.view(to, layer) for layer, p in moving.items() for name, to in p.arriving.items()},
        )
        self._biases = {
            f"{layer}.bias": p.view("bias", layer) for layer, p in moving.items() if network.layers[layer].bias
        }
        self._strengths = Strengths(
            network, {(n, layer): p.view(n, layer) for layer, p in home.items() for n in STRENGTHS if p.reads(n)}
        )
        self._residuals = Residuals(
            {layer: population.view(population.model.state, layer) for layer, population in moving.items()},
            {layer: population.steps_of_time_constant for layer, population in moving.items()},
        )
        output = network.output_layer
        self._readout = home[output].view("readout", output)
        self._spiking = [population for population in self._assembly.populations if population.model.emits == "spikes"]

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
            if population.exposes_drive:
                self._drives.settle()
            if population.expose is not None:
                population.expose.run()

    def _hold(self, params: Params) -> None:
        self._drives.clamp(self._values, params)
        for name, bias in self._biases.items():
            bias[:] = self.operators[name].incoming(params[name])
        self._strengths.hold(params)
        for native in self._assembly.natives:
            native.hold(params[native.name])
        self._held, self._holding = params, object()

    def _equilibrium(self, inputs: Array, steps: int, residual: float, stop: Stop) -> Equilibrium:
        m = self._m
        activity = {layer: population.sent(layer, m) for layer, population in self._home.items()}
        activity.setdefault(self.network.input_layer, self._values[self.network.input_layer])
        return Equilibrium(
            state={layer: state[:m].copy() for layer, state in self._residuals.states.items()},
            outputs=self._readout[:m].copy(),
            residual=residual,
            converged=residual <= (SETTLED if stop.tolerance is None else stop.tolerance),
            n_steps=steps,
            resume=save(self._assembly, self._stepper.timestep, inputs, self._values),
            activity=activity,
            spikes=self._n_spikes / m if self._spiking else None,
        )
