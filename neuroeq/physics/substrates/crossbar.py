"""A network as op-amp integrators around differential-pair crossbars (Hopfield 1984, PNAS 81:3088).

    C_f dV/dt = -V/R_f + sum k (G+ - G-) rho(V_j),   W = k R_f (G+ - G-),   V = V_s s,   nudge conductance beta/R_f

A differential pair of devices holds each weight; the same crossbar is read in both directions where weights are
symmetric. An array of other devices than R_f is chosen for reaches the op-amps through current mirrors of ratio k, with
which its window holds its weights; elsewhere k is 1. The amplifiers' supply bounds V as the model bounds s. Equations
run in Brian2, in volts, siemens and farads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroeq.contract import Calibrated, Circuit, Equilibrium, Nudge, Params, Stop
from neuroeq.describe.spec import Hardware, Network
from neuroeq.errors import SpecError

from .converters import calibrated
from .held import Latest
from .neurons import NeuronSubstrate
from .op_amp_netlist import crossbar_netlist
from .op_amps import on_crossbar
from .pairs import check_windows, mapping_of, pair_of
from .periphery import Periphery
from .uses import Uses
from .wiring import WiredArrays, arrays_of

Array = np.ndarray


class Crossbar(NeuronSubstrate):
    """The substrate of a network that was resolved for a crossbar.

    Parameters
    ----------
    network, params, batch, options
        The same as for `NeuronSubstrate`.

    Raises
    ------
    SpecError
        If a model has no such circuit, or the conductance window cannot hold the weights.
    """

    def __init__(self, network: Network, params: Params, batch: int, **options: Any) -> None:
        self._hardware, self._described = network.technology, network
        check_windows(params, network)
        self._arrays = {name: network.array(name) for name in params}
        _check_nudge_source(network)
        self._wires, self._periphery = arrays_of(network), Periphery(network)
        super().__init__(on_crossbar(network), params, batch, **options)
        self._given, self._uses = Latest(), Uses(network, self.simulation.operators)
        self._programmed: tuple[Params, bool, Params] = ({}, False, {})
        self._driven: tuple[Array, Array] | None = None

    @property
    def hardware(self) -> Hardware:
        """The hardware that it is made of."""
        return self._hardware

    @property
    def reusable(self) -> bool:
        """Whether it becomes any other chip by `hold`: neither units nor converters differ between chips."""
        return super().reusable and not self._periphery.drawn

    def relax(
        self,
        inputs: ArrayLike,
        nudge: Nudge | None = None,
        start: Any = None,
        *,
        stop: Stop | None = None,
        rng: np.random.Generator | None = None,
        **others: Any,
    ) -> Equilibrium:
        """Let the op-amps settle under the inputs that converters drive, and read the outputs with converters."""
        inputs, nudge, start, stop = self._phase(inputs, nudge, start, stop)
        volt, periphery, params = self.state_of_one, self._periphery, self.params
        inputs = self._as_driven(self._given.of(inputs))
        if periphery.elsewhere(nudge):
            self.hold(periphery.twin(params))
        try:
            eq = super().relax(inputs, nudge, start, stop=stop, rng=rng, **others)
        finally:
            self.hold(params)
        if periphery.reads_exactly:
            return eq
        free = [layer for layer in eq.activity if layer != self.network.input_layer]
        read = periphery.read({layer: eq.activity[layer] * volt for layer in free}, rng)
        activity = {**eq.activity, **{layer: value / volt for layer, value in read.items()}}
        state = {layer: eq.state[layer] + read[layer] - eq.activity[layer] * volt for layer in free}
        return replace(eq, state=state, activity=activity, outputs=activity[self.network.output_layer])

    def _as_driven(self, inputs: Array) -> Array:
        """Return inputs as converters drive them: the same array for the same inputs, so that phases share results."""
        if not self.hardware.periphery.dac_bits:
            return inputs
        if self._driven is None or self._driven[0] is not inputs:
            volt = self.state_of_one
            self._driven = (inputs, (self._periphery.driven(inputs * volt) / volt).astype(inputs.dtype))
        return self._driven[1]

    @property
    def described(self) -> Network:
        """The network with the models of its file."""
        return self._described

    @property
    def weights(self) -> Params:
        """The weights that the synapses transmit with: conductances G+ - G- of the differential pairs [S]."""
        approximate = self._wires is not None and self._wires.approximate
        if self._programmed[0] is not self.params or self._programmed[1] != approximate:
            held = {name: self._effective(name, weight) for name, weight in self.params.items()}
            self._programmed = (self.params, approximate, held)
        return self._programmed[2]

    @property
    def transmitted(self) -> Params:
        """The weights that the synapses transmit with, as numbers: W = R_f (G+ - G-)."""
        return {name: value * self.hardware.r_f for name, value in self.weights.items()}

    def pair(self, name: str) -> tuple[Array, Array]:
        """Return G+ and G- of an array, as its devices hold them, of the shape of its weights [S]."""
        return pair_of(self._arrays[name], self.params, name, self._masks.get(name), self._gain(name))

    def mirror(self, name: str) -> float:
        """Return the ratio of the current mirrors between an array and the op-amps."""
        return self._arrays[name].r_f / self.hardware.r_f

    def bias_volts(self, name: str) -> float:
        """Return the voltage of the source that drives biases [V]."""
        return self._gain(name) * self.state_of_one

    def _gain(self, name: str) -> float:
        """Return the voltage that drives an array over that of an activity of 1: only that of biases can differ."""
        return 1.0 if name in self.network.projections else self._arrays[name].neuron.integrator.bias_gain

    def _effective(self, name: str, weight: Array) -> Array:
        """Return G+ - G- as effective at the ends of the wires; a bias has its source at the unit and no wires [S]."""
        wired, compensation = self._wires is not None and name in self.network.projections, self._compensation(name)
        if compensation is None and not wired and name not in getattr(self.params, "conductances", {}):
            own = self._arrays[name]
            limit = own.w_max * self._gain(name)
            return (np.clip(weight, -limit, limit) / self.hardware.r_f).astype(weight.dtype, copy=False)
        operator = self.simulation.operators[name]
        plus, minus = (operator.laid_out(each) for each in self.pair(name))
        if self._wires is not None and name in self.network.projections:
            plus, minus = self._wires.effective(name, plus, minus)
        if compensation is not None:
            paired = self._arrays[name].synapse.pairing == "differential_pair"
            plus, minus = plus * compensation, minus * compensation if paired else minus
        return operator.taken_in(self._gain(name) * self.mirror(name) * (plus - minus)).astype(weight.dtype)

    def _compensation(self, name: str) -> Array | None:
        gains: Mapping[str, Array] = getattr(self.params, "gains", {})
        return gains.get(name)

    @property
    def state_of_one(self) -> float:
        """The voltage that represents the number 1 [V]."""
        return self.hardware.neuron.integrator.v_scale

    def mapping(self) -> dict[str, Any]:
        """Return how weights are mapped to conductances: scale, used part of the window, clipped weights.

        With arrays of other hardware, these are the numbers of the others, and ``arrays`` has those of each of these.
        """
        homes = {name: self.network.home(name) for name in self.params}
        own = {array: [name for name in homes if homes[name] == array] for array in self.network.own_arrays}
        others = [name for name in homes if homes[name] not in own]
        of = {name: mapping_of(self._arrays[name], self.params, self._pairs(names)) for name, names in own.items()}
        if not others:
            return {"arrays": of, **self._uses.mapping()}
        whole = {**mapping_of(self.hardware, self.params, self._pairs(others)), **self._uses.mapping()}
        return {**whole, "arrays": of} if of else whole

    def _pairs(self, names: Sequence[str]) -> dict[str, tuple[Array, Array]]:
        return {name: self.pair(name) for name in names}

    def voltages(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the node voltages at an equilibrium, by layer: (batch, n), not as converters read them [V]."""
        variables = self.simulation.rows(eq.resume, len(eq.outputs))
        models = {layer: self.network.neuron(layer) for layer in eq.state}
        return {layer: variables[f"{layer}/{model.state}"] for layer, model in models.items() if model is not None}

    def driving(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages V_s rho of inputs and units, by layer: (batch, n) [V]."""
        variables, inputs = self.simulation.rows(eq.resume, len(eq.outputs)), self.network.input_layer
        activity = {inputs: eq.activity[inputs], **{layer: variables[f"{layer}/activity"] for layer in eq.state}}
        return {layer: value * self.state_of_one for layer, value in activity.items()}

    def readings(self, eq: Equilibrium) -> dict[str, Array]:
        """Return the voltages of an equilibrium as converters read them, by layer: (batch, n) [V]."""
        return dict(eq.state)

    def netlist(
        self, inputs: Array, eq: Equilibrium, nudge: Nudge | None, *, title: str, header: Sequence[str] = ()
    ) -> str:
        """Return the SPICE netlist of the first sample; in a nudged phase it starts where the free phase ended."""
        return crossbar_netlist(self, inputs[0], nudge, title=title, header=header)

    def as_circuit(self) -> Circuit:
        """Return itself."""
        return self

    def as_calibrated(self) -> Calibrated | None:
        """Return its converters, if their full scales are calibrated; None if they are not."""
        return calibrated(self, self._periphery)

    def as_wired(self) -> WiredArrays | None:
        """Return the arrays whose wires have resistance; None if they have none, or are always solved exactly."""
        return self._wires if self.hardware.array.solver == "series" else None

    def dissipation(self, eq: Equilibrium, nudge: Nudge | None = None) -> dict[str, float | None]:
        """Return the mean power that each kind of element turns into heat at an equilibrium; None if not given [W].

        A device between a driven voltage V and a virtual ground takes G V^2 in each direction in which it is read. The
        power of a nudge of -beta, a negative conductance, is negative.
        """
        volts, driving, power = self.voltages(eq), self.driving(eq), self.hardware.neuron.integrator.power
        feedback = sum(float(np.square(v).sum(axis=1).mean()) for v in volts.values()) / self.hardware.r_f
        op_amps = None if power is None else power * self._uses.op_amps
        watts: dict[str, float | None] = {"feedback resistors": feedback, "op-amps": op_amps}
        square = {layer: np.square(v).mean(axis=0) for layer, v in driving.items()}
        for name in self.params:
            plus, minus = self.pair(name)
            pair, operator = plus + minus, self.simulation.operators[name]
            if name not in self.network.projections:
                watts[name] = operator.copies * float(pair.sum()) * self.bias_volts(name) ** 2
                continue
            ends = self.network.projections[name]
            forth = square[ends.source] @ operator.outgoing(pair) / operator.share
            back = square[ends.target] @ operator.incoming(pair) / operator.share
            watts[name] = float(forth + back if self.network.symmetric(name) else forth)
        if nudge is not None and nudge.mode == "state":
            drop = nudge.targets * self.state_of_one - driving[self.network.output_layer]
            watts["nudge"] = nudge.beta / self.hardware.r_f * float(np.square(drop).sum(axis=1).mean())
        return self._uses.averaged(watts, volts, self.hardware.neuron.integrator.c_f / self.simulation.dt)

    def devices(self) -> dict[str, int]:
        """Return the devices of each array: two for each synapse and bias, or one beside a reference."""
        each = {name: 1 if self._arrays[name].synapse.pairing == "reference_column" else 2 for name in self.params}
        copies = {name: self._uses.copies(name) for name in self.params}
        return {name: each[name] * _count(self._masks.get(name), copies[name]) for name in self.params}

    def phase_time(self, eq: Equilibrium) -> float:
        """Return how long the phase took [s]."""
        return eq.n_steps * self.simulation.dt * self._uses.per_step


def _check_nudge_source(network: Network) -> None:
    nudge = network.technology.periphery.nudge
    if nudge.bits or nudge.i_max or nudge.offset_sd:
        raise SpecError(
            f"{network.technology.where}: periphery.nudge is not ideal, and a crossbar nudges by a resistor to each "
            "op-amp; use --ideal nudge, or substrate resistive."
        )


def _count(connected: Array | None, copies: Array) -> int:
    return int((copies if connected is None else copies[connected]).sum())
