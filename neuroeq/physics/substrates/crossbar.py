"""A network as op-amp integrators around differential-pair crossbars (Hopfield 1984, PNAS 81:3088).

    C_f dV/dt = -V/R_f + sum (G+ - G-) rho(V_j),   W = R_f (G+ - G-),   V = V_s s,   nudge conductance beta/R_f

A differential pair of devices holds each weight; the same crossbar is read in both directions where weights are
symmetric. The amplifiers' supply bounds V as the model bounds s. Equations run in Brian2, in volts, siemens and farads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Nudge, Params
from neuroeq.describe.spec import Bounds, Hardware, Network, NeuronModel
from neuroeq.errors import SpecError
from neuroeq.units import physical

from ..circuits.crossbar import effective_conductance
from ..engine.equations.integrator import integrator
from .neurons import NeuronSubstrate
from .periphery import Periphery
from .wiring import wires_of

Array = np.ndarray
VECTOR_FIELD = "The vector-field form, tau ds/dt = drive + bias - s + nudge with the same activity, has one."


class Crossbar(NeuronSubstrate):
    """The crossbar of a network that was resolved for it.

    Parameters
    ----------
    network, params, batch, options
        As of `NeuronSubstrate`.

    Raises
    ------
    SpecError
        If a model has no such circuit, or the conductance window cannot hold the weights.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        self.hardware, self._described = network.technology, network
        check_window(self.hardware, params, network)
        _check_nudge_source(network)
        self._wires, self._periphery = wires_of(network), Periphery(network)
        super().__init__(on_crossbar(network), params, batch, **options)
        self._programmed: tuple[Params, Params] = ({}, {})
        self._driven: tuple[Array, Array] | None = None

    def relax(
        self,
        inputs: Array,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        rng: np.random.Generator | None = None,
        **others: Any,
    ) -> Equilibrium:
        """Let the op-amps settle on the inputs that converters drive, and read them by converters."""
        volt, periphery, kept = self.state_of_one, self._periphery, self.params
        inputs = self._as_driven(inputs)
        if periphery.elsewhere(nudge):
            self.params = periphery.twin(kept)
        try:
            eq = super().relax(inputs, nudge, start, rng=rng, **others)
        finally:
            self.params = kept
        if periphery.reads_exactly:
            return eq
        free = [layer for layer in eq.activity if layer != self.network.input_layer]
        read = periphery.read({layer: eq.activity[layer] * volt for layer in free}, rng)
        activity = {**eq.activity, **{layer: value / volt for layer, value in read.items()}}
        state = {layer: eq.state[layer] + read[layer] - eq.activity[layer] * volt for layer in free}
        return replace(eq, state=state, activity=activity, outputs=activity[self.network.output_layer])

    def _as_driven(self, inputs: Array) -> Array:
        """Return inputs as converters drive them; the same array for the same inputs, so that phases share products."""
        if not self.hardware.periphery.dac_bits:
            return inputs
        if self._driven is None or self._driven[0] is not inputs:
            volt = self.state_of_one
            self._driven = (inputs, (self._periphery.driven(inputs * volt) / volt).astype(inputs.dtype))
        return self._driven[1]

    @property
    def described(self) -> Network:
        """The network in the models of its file."""
        return self._described

    @property
    def weights(self) -> Params:
        """What the differential pairs hold, as the simulation takes it: G+ - G-. [S]."""
        if self._programmed[0] is not self.params:
            self._programmed = (self.params, {name: self._held(name, weight) for name, weight in self.params.items()})
        return self._programmed[1]

    def _held(self, name: str, weight: Array) -> Array:
        """Return G+ - G- as they are felt at the ends of the wires; a bias has its source at the unit. [S]."""
        plus, minus = differential_pair(self.hardware, weight)
        if self._wires is not None and name in self.network.projections:
            plus, minus = (effective_conductance(g, self._wires) for g in (plus, minus))
        return (plus - minus).astype(weight.dtype)

    @property
    def state_of_one(self) -> float:
        """The voltage that stands for 1. [V]."""
        return self.hardware.neuron.integrator.v_scale

    def mapping(self) -> dict[str, float]:
        """Return how weights became conductances: scale, how many are at the limit, how much of the window is used."""
        hardware, limit = self.hardware, self.hardware.w_max * (1 - 1e-9)
        pairs = [differential_pair(self.hardware, weight) for weight in self.params.values()]
        largest = max(float(np.max([plus.max(), minus.max()])) for plus, minus in pairs)
        return {
            "r_f_ohm": self.hardware.r_f,
            "c_f_F": self.hardware.neuron.integrator.c_f,
            "v_scale_V": self.hardware.neuron.integrator.v_scale,
            "largest_conductance_S": largest,
            "window_used": 1.0
            if hardware.g_max is None
            else (largest - hardware.g_min) / (hardware.g_max - hardware.g_min),
            "clipped_weights": sum(int((np.abs(weight) >= limit).sum()) for weight in self.params.values()),
        }

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float]:
        """Return the mean power that each kind of element turns into heat at an equilibrium. [W].

        A device between a driven voltage V and a virtual ground takes G V^2, in each direction that it is read; that of
        a nudge of -beta, a negative conductance, is negative.
        """
        integrator, found = self.hardware.neuron.integrator, dict.fromkeys(("feedback resistors", "op-amps"), 0.0)
        square = {layer: np.square(v).mean(axis=0) * integrator.v_scale**2 for layer, v in eq.activity.items()}
        for name, weight in self.params.items():
            plus, minus = differential_pair(self.hardware, weight)
            pair = plus + minus
            if self._masks.get(name) is not None:
                pair = pair * self._masks[name]
            if name not in self.network.projections:
                found[name] = float(pair.sum()) * integrator.v_scale**2
                continue
            ends = self.network.projections[name]
            found[name] = float(square[ends.source] @ pair.sum(axis=1))
            if self.network.symmetric(name):
                found[name] += float(square[ends.target] @ pair.sum(axis=0))
        for volts in eq.state.values():
            found["feedback resistors"] += float(np.square(volts).sum(axis=1).mean()) / self.hardware.r_f
            found["op-amps"] += volts.shape[1] * integrator.power
        if nudge is not None and nudge.mode == "state":
            drop = (nudge.targets - eq.outputs) * integrator.v_scale
            found["nudge"] = nudge.beta / self.hardware.r_f * float(np.square(drop).sum(axis=1).mean())
        return found

    def devices(self) -> int:
        """Return how many programmable devices there are: two a weight and bias."""
        return 2 * sum(_count(self._masks.get(name), weight) for name, weight in self.params.items())

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long the phase took. [s]."""
        return eq.n_steps * self.simulation.dt


def differential_pair(hardware: Hardware, weight: Array) -> tuple[Array, Array]:
    """Return G+ and G-, of the shape of the weights: the smaller one at the bottom of the window. [S]."""
    held = np.clip(weight, -hardware.w_max, hardware.w_max) / hardware.r_f
    low = hardware.g_min
    return low + np.maximum(held, 0), low + np.maximum(-held, 0)


def _check_nudge_source(network: Network) -> None:
    nudge = network.technology.periphery.nudge
    if nudge.bits or nudge.i_max or nudge.offset_sd:
        raise SpecError(
            f"{network.technology.where}: periphery.nudge is not ideal, and a crossbar nudges by a resistor to each "
            "op-amp; use --ideal nudge, or substrate resistive."
        )


def check_window(hardware: Hardware, params: Params, network: Network) -> None:
    """Refuse a window that cuts start weights off.

    Raises
    ------
    SpecError
        If a weight is beyond what a pair can hold.
    """
    if getattr(hardware.synapse.update, "d2d_max", 0.0):
        return  # devices reach as far as they were drawn
    for name, weight in params.items():
        largest = float(np.abs(weight).max(initial=0))
        if largest > hardware.w_max * (1 + 1e-9):
            raise SpecError(
                f"{network.where}: projections.{name} has weights up to {largest:.3g}, but {hardware.where} holds "
                f"{hardware.w_max:.3g} at most (R_f {hardware.r_f:.3g} ohm times the window); use a larger "
                "hardware.neuron.integrator.w_max or r_f, or a smaller initial.gain."
            )


def on_crossbar(network: Network) -> Network:
    """Return the network with op-amp integrators in place of its rate models, phases counted in their steps."""
    if network.physics.input != "analog":
        raise SpecError(f"{network.where}: substrate.crossbar.input is a neuron; inputs are voltages, so 'analog'.")
    for name, projection in network.projections.items():
        if projection.delay is not None or network.synapse(name).native:
            raise SpecError(f"{network.where}: projections.{name} runs as native synapses; a crossbar has no delays.")
    model = network.physics.neuron
    assert isinstance(model, NeuronModel)
    dt = network.physics.dt or model.dt
    made = op_amp(model, network.technology, dt)
    layers = {
        name: layer.model_copy(update={"neuron": op_amp(layer.neuron, network.technology, dt)})
        if isinstance(layer.neuron, NeuronModel)
        else layer
        for name, layer in network.layers.items()
    }
    phases = network.phases.model_copy(
        update={
            phase: getattr(network.phases, phase).model_copy(
                update={"duration": f"{getattr(network.phases, phase).n_steps(dt)} steps"}
            )
            for phase in ("free", "nudged")
        }
    )
    physics = network.physics.model_copy(update={"neuron": made, "dt": made.dt})
    update = {"substrate": {"crossbar": physics}, "layers": layers, "phases": phases}
    return network.model_copy(update=update)


def op_amp(model: NeuronModel, hardware: Hardware, dt: float) -> NeuronModel:
    """Return the integrator that obeys a rate model's equation, in volts; `dt` [s] is in units of the model's tau."""
    tau, others = integrator(model, VECTOR_FIELD)
    given = hardware.neuron.integrator

    def volts(value: str | float | None) -> str | None:
        return None if value is None else f"{float(value) * given.v_scale!r} V"

    slow = physical(str(model.parameters[tau])).value
    rc = hardware.r_f * given.c_f
    off = "" if given.gain is None else f"*{1 + 1 / given.gain!r}"
    equations = "\n".join(
        [
            f"dv/dt = (-v{off}/R_f + (drive + bias)*V_s*siemens + nudge*V_s/R_f)/(C_f{off}) : volt",
            f"{model.state} = v/V_s : 1",
            *others,
        ]
    )
    scale = {
        "R_f": f"{hardware.r_f!r} ohm",
        "C_f": f"{given.c_f!r} F",
        "V_s": f"{given.v_scale!r} V",
        "RC": f"{rc!r} s",
    }
    interval, start = model.bounds.get(model.state), model.initial.get(model.state)
    return NeuronModel(
        name=f"{model.name}_op_amp",
        title=f"{model.title}, as an op-amp integrator",
        emits="rate",
        equations=equations,
        state="v",
        activity=model.activity,
        readout=model.readout,
        time_constant="RC",
        bounds={"v": Bounds(min=volts(interval.min), max=volts(interval.max))} if interval else {},
        method=model.method,
        dt=f"{dt / slow * rc!r} s",  # type: ignore[arg-type]
        parameters={**{name: value for name, value in model.parameters.items() if name != tau}, **scale},
        initial={} if start is None else {"v": str(volts(start))},
    )


def _count(connected: Array | None, weight: Array) -> int:
    return weight.size if connected is None else int(connected.sum())
