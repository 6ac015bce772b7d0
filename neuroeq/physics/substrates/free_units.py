"""The free units of a network as one vector field, in double precision, for what is computed where they settle.

    tau ds/dt = mu(s, drive, bias),   drive = x + a(s) W,   s within its bounds

Activities may be vectors; there is then a drive for each component, and products with slopes are sums over them.
Free phases may end before they settle, and in single precision. The equations of the units go on from there in double
precision until nothing moves any more. Spiking units are taken as their mean field, leaky integrators between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

import numpy as np

from neuroeq.contract import Equilibrium, Params, Stop
from neuroeq.describe.catalog import load_model
from neuroeq.describe.network import directed, free_layers, oscillating
from neuroeq.describe.operators import Operator, Product, free_couplings, free_weights, operators, unit_biases
from neuroeq.describe.spec import Bounds, Network, NeuronModel
from neuroeq.errors import DivergenceError
from neuroeq.units import physical

from ..components import as_first, summed
from ..curvature import AT_A_TIME, solved
from ..engine import Field
from ..momentum import Momentum

Array = np.ndarray
Function = Callable[[Mapping[str, Array]], Array]
SETTLED = Stop(50_000, 1e-11)
"""When units count as settled: no state moves by more than this in a step."""
SLOW, SOON, LENGTHS = 200, 20, tuple(10.0**k for k in range(1, 7))
"""After how many steps implicit ones are taken, how soon again, and how long these are, in time constants."""
MANY, LEFT = 2_000, 1e-6
"""The number of units above which no matrix is built, and what may be left then of what pulls an adjoint."""


class FreeUnits:
    """The free units of some samples, side by side in the order of their layers: states are (samples, n).

    Parameters
    ----------
    network
        The network, for its layers and projections.
    fields
        The vector field of every free layer; that of leaky integrators for spiking units.
    params
        The weights that synapses transmit with, and the biases.
    free
        The end of a free phase, from which the units go on.
    one
        The state that represents the number 1.
    samples
        The number of samples to take from the batch.
    """

    def __init__(
        self,
        network: Network,
        fields: Mapping[str, Field],
        params: Params,
        free: Equilibrium,
        one: float,
        samples: int,
    ) -> None:
        layers = free_layers(network)
        sizes = [network.layers[layer].size for layer in layers]
        self._fields, self._splits = [fields[layer] for layer in layers], np.cumsum(sizes)[:-1]
        self.output = np.repeat([layer == network.output_layer for layer in layers], sizes)
        maps = operators(network)
        self._described = network, params, maps
        self._products = [
            (each.rows, each.columns, each.operator.bound(each.weight, each.transposed))
            for each in free_couplings(network, params, maps)
        ]
        clamped = np.asarray(free.activity[network.input_layer][:samples], float)
        given = np.concatenate([_from_inputs(network, maps, params, clamped, layer) for layer in layers], axis=1)
        model = self._fields[0].model
        self._arriving = as_first(given, len(model.components)) if model.vector else given
        self._bias = np.concatenate(
            [np.broadcast_to(unit_biases(maps, params, layer), size) for layer, size in zip(layers, sizes, strict=True)]
        )
        begun = [free.activity[layer] if network.kind.spikes else free.state[layer] / one for layer in layers]
        self._begun = np.concatenate([np.asarray(each[:samples], float) for each in begun], axis=1)
        limits = [interval(field.model) for field in self._fields]
        self._low, self._high = (np.repeat([each[side] for each in limits], sizes) for side in (0, 1))
        self._step = np.repeat([_step(field.model) for field in self._fields], sizes)

    def settled(self, stop: Stop = SETTLED) -> Array:
        """Return the states in which nothing moves any more, or those after the most steps: (samples, n)."""
        states, descent = np.clip(self._begun, self._low, self._high), descends(self._described[0])
        momentum = Momentum(states)
        for number in range(stop.steps):
            if number >= SLOW and number % SOON == 0 and states.shape[1] <= MANY:
                states = self._ahead(states)
                momentum = Momentum(states)
            rates = self._each(lambda field: field.functions[0], states)
            after = np.clip(states + self._step * rates, self._low, self._high)
            if np.abs(after - states).max(initial=0.0) < (stop.tolerance or 0.0):
                return after
            states = np.clip(momentum.beyond(states, after), self._low, self._high) if descent else after
        return states

    def resting(self, states: Array, tolerance: float) -> Array:
        """Return in which samples no state moves by as much as the tolerance in a step: (samples, 1)."""
        steps = self._step * self._each(lambda field: field.functions[0], states)
        return np.abs(steps).max(axis=1, keepdims=True, initial=0.0) < tolerance

    def _ahead(self, states: Array) -> Array:
        """Return states after a few implicit steps of Euler's method, each ten times as long as the one before.

        Kelley & Keyes 1998, SIAM J. Numer. Anal. 35:508. A step is as short as the first where the energy curves down.
        """
        for length in LENGTHS:
            rates = self._each(lambda field: field.functions[0], states)
            held = ((states <= self._low) & (rates < 0)) | ((states >= self._high) & (rates > 0))
            moved = np.zeros_like(states)
            left = np.flatnonzero(np.abs(np.where(held, 0, self._step * rates)).max(axis=1) > SETTLED.tolerance)
            for sample, jacobian in zip(left, self.jacobians(states, left), strict=True):
                free = ~held[sample]
                slope = jacobian[np.ix_(free, free)]
                moved[sample, free] = np.linalg.solve(_implicit(slope, length), rates[sample, free])
            states = np.clip(states + moved, self._low, self._high)
        return states

    def moving(self, states: Array) -> Array:
        """Return which states are strictly inside their bounds: (samples, n)."""
        return (states > self._low) & (states < self._high)

    def drive_slopes(self, states: Array) -> Array:
        """Return the derivative of tau ds/dt in the drive of every unit: (samples, n), or (components, samples, n)."""
        return self._each(lambda field: field.drive_slope, states)

    def readout_slopes(self, states: Array) -> Array:
        """Return the derivative of what the cost would read in the state of every unit: (samples, n)."""
        return self._by_layer(lambda field: field.readout_slope, states, np.zeros_like(self._arriving[..., :1, :]))

    def adjoint(self, states: Array, pull: Array) -> Array:
        """Return the solution of  Jac^T x = -pull  over the units that can move, for each sample: (samples, n).

        Jac is the derivative of tau ds/dt in the states. It is written out for few units; for many, GMRES takes
        products with it, of some samples at a time.

        Raises
        ------
        DivergenceError
            If there is no solution that GMRES finds.
        """
        moving, x = self.moving(states), np.zeros_like(states)
        if states.shape[1] > MANY:
            size, given = max(1, AT_A_TIME // states.shape[1]), (*self._slopes(states), pull, moving)
            for some in (slice(start, start + size) for start in range(0, len(states), size)):
                x[some] = self._followed_back(*(each[..., some, :] for each in given))
            return x
        for sample, jacobian in enumerate(self.jacobians(states)):
            which = moving[sample]
            x[sample, which] = np.linalg.solve(jacobian[np.ix_(which, which)].T, -pull[sample, which])
        return x

    def _followed_back(self, own: Array, drive: Array, activity: Array, pull: Array, moving: Array) -> Array:
        def back(x: Array) -> Array:
            return own * x + summed(activity * self._sent_back(drive * x))

        x = solved(back, np.where(moving, -pull, 0.0), -own, moving)
        left = np.linalg.norm(np.where(moving, back(x) + pull, 0.0)) / (np.linalg.norm(pull) or 1.0)
        if not left < LEFT:
            raise DivergenceError(
                f"{self._described[0].where}: the adjoint of the free phase was not found, of whose pull {left:.1g} is "
                "left: where it settled, a small nudge moves states very far; use smaller weights."
            )
        return x

    def jacobians(self, states: Array, samples: Array | None = None) -> Iterator[Array]:
        """Yield the derivative of tau ds/dt in the states of all units, for all samples or some: (n, n)."""
        own, *others = self._slopes(states)
        drive, activity = (each.reshape(-1, *own.shape) for each in others)
        for sample in range(len(own)) if samples is None else samples:
            both = zip(drive[:, sample], activity[:, sample], strict=True)
            yield np.diag(own[sample]) + sum(d[:, None] * self._weights.T * a for d, a in both)

    def linearised(self, states: Array) -> tuple[Callable[[Array, Array], Array], Array]:
        """Return products with the derivative of tau ds/dt in the states, without building it, and its diagonal.

        The products take numbers of samples, (c,), and a direction for each, (c, n); units have no synapses to
        themselves, so the diagonal, (samples, n), is that of the units alone.
        """
        own, drive, activity = self._slopes(states)

        def product(which: Array, x: Array) -> Array:
            return own[which] * x + summed(drive[..., which, :] * self._arrived(activity[..., which, :] * x))

        return product, own

    def _slopes(self, states: Array) -> tuple[Array, Array, Array]:
        """Return the derivatives of the rate in the state, (samples, n), and the drive, and of the activity."""
        own, activity = (self._each(which, states) for which in (_own_slope, _activity_slope))
        return own, self.drive_slopes(states), activity

    def _each(self, which: Callable[[Field], Function], states: Array) -> Array:
        """Return a function of every unit's own equations at the states of all units: (samples, n)."""
        activity = self._by_layer(lambda field: field.functions[1], states, np.zeros_like(self._arriving))
        return self._by_layer(which, states, self._arriving + self._arrived(activity))

    def _arrived(self, activity: Array) -> Array:
        """Return the drive of all units by the activity of all units, of the same shape."""
        return _summed(activity, self._products)

    def _sent_back(self, error: Array) -> Array:
        """Return errors in the drive of all units, propagated back to their activities, of the same shape."""
        return _summed(error, self._back)

    @cached_property
    def _weights(self) -> Array:
        """The weights between all units: (n, n), from the unit of the row."""
        return free_weights(*self._described)

    @cached_property
    def _back(self) -> list[tuple[slice, slice, Product]]:
        """The couplings against their directions."""
        return [
            (each.columns, each.rows, each.operator.bound(each.weight, not each.transposed))
            for each in free_couplings(*self._described)
        ]

    def _by_layer(self, which: Callable[[Field], Function], states: Array, drives: Array) -> Array:
        parts = (np.split(each, self._splits, axis=-1) for each in (states, drives, self._bias[None]))
        each = zip(self._fields, *parts, strict=True)
        return np.concatenate(
            [which(field)({field.model.state: s, "drive": drive, "bias": bias}) for field, s, drive, bias in each],
            axis=-1,
        )


def descends(network: Network) -> bool:
    """Return whether units descend an energy until they rest: weights are symmetric, and none is an oscillator."""
    return not oscillating(network) and not directed(network)


def _implicit(jacobian: Array, length: float) -> Array:
    """Return the matrix of an implicit step of some length, in time constants, or of the first length."""
    one = np.eye(len(jacobian))
    matrix = one / length - jacobian
    try:
        np.linalg.cholesky((matrix + matrix.T) / 2)
    except np.linalg.LinAlgError:
        return one / LENGTHS[0] - jacobian
    return matrix


def _own_slope(field: Field) -> Function:
    return field.own_slope


def _activity_slope(field: Field) -> Function:
    return field.activity_slope


def _summed(sent: Array, products: list[tuple[slice, slice, Product]]) -> Array:
    """Return the sum of what arrives through some couplings at all units, of the shape of what is sent: (..., n)."""
    flat = sent.reshape(-1, sent.shape[-1])
    total = np.zeros_like(flat)
    for rows, columns, product in products:
        arriving = np.empty_like(total[:, columns])
        product(flat[:, rows], arriving)
        total[:, columns] += arriving
    return total.reshape(sent.shape)


def mean_field(network: Network) -> dict[str, Field]:
    """Return the vector field of the mean activity of spiking units, by layer."""
    return dict.fromkeys(free_layers(network), Field(load_model(NeuronModel, "hard_sigmoid")))


def interval(model: NeuronModel) -> tuple[float, float]:
    """Return the bounds of a model's state; infinite where there is none."""
    within = model.bounds.get(model.state, Bounds())
    low, high = (None if end is None else physical(str(end)).value for end in (within.min, within.max))
    return -np.inf if low is None else low, np.inf if high is None else high


def _step(model: NeuronModel) -> float:
    """Return the step of a model over its time constant."""
    if model.time_constant == "dt":
        return 1.0
    return float(model.dt / physical(str(model.parameters[model.time_constant])).value)


def _from_inputs(network: Network, maps: Mapping[str, Operator], params: Params, clamped: Array, layer: str) -> Array:
    """Return the drive of a layer by the inputs: (samples, n)."""
    drive = np.zeros((len(clamped), network.layers[layer].size))
    for name, ends in network.projections.items():
        if (ends.source, ends.target) == (network.input_layer, layer):
            drive = drive + maps[name].forward(params[name], clamped)
    return drive
