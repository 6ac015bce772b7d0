"""Back-propagation through the layers of a network, without feedback: what Equilibrium Propagation is measured against.

    s_l = f(b_l + sum_k a(s_k) W_kl), within the bounds of the units         from the inputs to the outputs
    delta_out = dC/ds_out,   delta_k = a'(s_k) sum_l (f'_l delta_l) W_kl^T         back again
    dC/dW_kl = <a(s_k) f'_l delta_l>,   dC/db_l = <f'_l delta_l>             over the batch;  f' is 0 at a bound

Units are those of the network's file, tau ds/dt = f(drive + bias) - s, where they settle. Start weights, the order of
the examples, schedule, momentum and bounds are the network's own, of the same seed; each update takes the gradient in
place of the change that a learning rule asks for.

Feedback raises the gain of a network, so its learning rates are not the best ones without. One projection after the
other, with the bias that follows its rate, has its rate doubled as long as that lowers the training error (or leaves it
as it is, and lowers the loss), or else halved as long as that does.

Rumelhart, Hinton & Williams 1986, Nature 323:533.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neuroeq.contract import Params
from neuroeq.data import Epoch, Examples, Part
from neuroeq.data.coding import Coding
from neuroeq.describe.network import free_layers, mask
from neuroeq.describe.operators import operators, unit_biases
from neuroeq.describe.spec import Network
from neuroeq.errors import DivergenceError, SpecError
from neuroeq.learning.costs import cost_of
from neuroeq.learning.optimiser import Descent
from neuroeq.learning.state import State
from neuroeq.learning.training import initial_state
from neuroeq.physics.engine import Field, reads_strength
from neuroeq.physics.substrates.free_units import interval
from neuroeq.randomness import Streams

from .evaluation import Score

Array = np.ndarray
BATCH = 1000
"""The number of examples that are evaluated at a time."""
MOST = 16.0
"""The largest factor by which learning rates are raised or lowered."""
TRIED = 50_000
"""The number of samples after which learning rates are compared, if the whole training has more. It is one epoch at
least."""


@dataclass(frozen=True)
class _Units:
    """The states, activities and slopes of a layer: (batch, n)."""

    state: Array
    activity: Array
    slope: Array
    activity_slope: Array


class FeedForward:
    """The layers of a network from its inputs to its outputs; projections that lead back have no part in it.

    Parameters
    ----------
    network
        The network, resolved for rate units.

    Attributes
    ----------
    forward
        The projections that lead forward into each free layer, from the inputs to the outputs.

    Raises
    ------
    SpecError
        If layers are connected with themselves, or units are none of the form above.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.cost = cost_of(network.phases)
        self.forward = _forward(network)
        self._fields = {layer: _field(network, layer) for layer in self.forward}
        self._bounds = {layer: interval(each.model) for layer, each in self._fields.items()}
        self._maps = operators(network)
        self._masks = {name: mask(network, name) for names in self.forward.values() for name in names}

    def outputs(self, params: Params, inputs: Array) -> Array:
        """Return the outputs of a batch: (batch, n_output)."""
        return self._units(params, inputs)[self.network.output_layer].state

    def gradient(self, params: Params, inputs: Array, wanted: Array) -> tuple[Array, Params]:
        """Return the outputs of a batch, (batch, n_output), and dC/dtheta averaged over it.

        Parameters
        ----------
        params
            Weights (n_pre, n_post) by projection, and biases (n,) by ``"<layer>.bias"``.
        inputs, wanted
            Inputs and targets of the batch: (batch, n_input) and (batch, n_output).
        """
        units, ends = self._units(params, inputs), self.network.projections
        outputs = units[self.network.output_layer].state
        ones = np.ones((len(inputs), 1), outputs.dtype)
        deltas: dict[str, Array] = {self.network.output_layer: self.cost.gradient(outputs, wanted)}
        gradient: Params = {}
        for layer, names in reversed(self.forward.items()):
            drive = deltas[layer] * units[layer].slope
            if f"{layer}.bias" in params:
                gradient[f"{layer}.bias"] = self._maps[f"{layer}.bias"].outer(ones, drive) / len(inputs)
            for name in names:
                source, connected = ends[name].source, self._masks[name]
                product = self._maps[name].outer(units[source].activity, drive) / len(inputs)
                gradient[name] = product if connected is None else product * connected
                if source in self.forward:
                    back = self._maps[name].backward(params[name], drive) * units[source].activity_slope
                    deltas[source] = deltas.get(source, 0.0) + back
        return outputs, gradient

    def score(self, params: Params, part: Part, coding: Coding) -> Score:
        """Return the error and loss on a part of the examples."""
        misses, loss = np.zeros(1), 0.0
        for inputs, labels in part.batches(BATCH, self.network.physics.precision):
            outputs = self.outputs(params, inputs)
            misses = misses + coding.misses(outputs, labels)
            loss += float(self.cost.value(outputs, coding.targets(labels)).sum())
        return Score(coding.figures(misses, part.labels), loss / len(part), None)

    def _units(self, params: Params, inputs: Array) -> dict[str, _Units]:
        units = {self.network.input_layer: _Units(inputs, inputs, inputs, inputs)}
        for layer, names in self.forward.items():
            sources = (self.network.projections[name].source for name in names)
            drive = sum(
                self._maps[name].forward(params[name], units[k].activity)
                for k, name in zip(sources, names, strict=True)
            )
            units[layer] = self._driven(layer, np.asarray(drive), unit_biases(self._maps, params, layer))
        return units

    def _driven(self, layer: str, drive: Array, bias: Array | float) -> _Units:
        units, (low, high) = self._fields[layer], self._bounds[layer]
        values = {units.model.state: np.zeros_like(drive), "drive": drive, "bias": bias}
        free = units.functions[0](values)
        state = np.clip(free, low, high)
        slope = units.drive_slope(values) * ((free > low) & (free < high))
        settled = {**values, units.model.state: state}
        return _Units(state, units.functions[1](settled), slope, units.activity_slope(settled))


@dataclass
class Trained:
    """A network that was trained by back-propagation.

    Parameters
    ----------
    factors
        The factor by which the learning rate of each projection is larger than in the network's file.
    state
        The state after the last epoch.
    measure
        The ``measure`` of the coding of the outputs.
    rows
        The metrics of each epoch.
    """

    factors: dict[str, float]
    state: State
    measure: str = "error"
    rows: list[dict[str, float]] = field(default_factory=list)

    def better_than(self, other: Trained) -> bool:
        """Whether the last epoch has fewer training errors than that of another training, or as many and less loss."""
        own, theirs = (
            (each.rows[-1][f"train_{self.measure}"], np.nan_to_num(each.rows[-1]["train_loss"], nan=np.inf))
            for each in (self, other)
        )
        return own < theirs


def train(network: Network, examples: Examples, streams: Streams) -> Trained:
    """Train a network by back-propagation, with learning rates that suit it.

    Parameters
    ----------
    network
        The network, resolved for rate units.
    examples
        The examples; their training part is learned.
    streams
        Random numbers of the run, which are those of a training by the network's own rule.

    Raises
    ------
    DivergenceError
        If weights are not finite after training.
    SpecError
        If it is no network that back-propagation goes through.
    """
    epochs, ends = network.training.epochs, network.projections
    short = max(1, min(epochs, TRIED // len(examples.train)))
    learned = [name for names in FeedForward(network).forward.values() for name in names if ends[name].learning_rate]

    def tried(factors: dict[str, float]) -> Trained:
        return descend(network, examples, streams, factors, short)

    best = tried(dict.fromkeys(learned, 1.0))
    for name in learned:
        best = _tuned(best, name, tried)
    if short < epochs:
        best = descend(network, examples, streams, best.factors, epochs)
    if not all(np.isfinite(value).all() for value in best.state.params.values()):
        raise DivergenceError(f"network '{network.name}': weights are not finite after back-propagation.")
    return best


def descend(network: Network, examples: Examples, streams: Streams, factors: dict[str, float], epochs: int) -> Trained:
    """Train a network by back-propagation for some epochs of its schedule.

    Parameters
    ----------
    network, examples, streams
        The same as for `train`.
    factors
        The factors of the learning rates, by projection.
    epochs
        The number of epochs, which may be smaller than that of the schedule.
    """
    network = _with_rates(network, factors)
    model, descent, part = FeedForward(network), Descent(network), examples.train
    trained = Trained(factors, initial_state(network, streams), examples.coding.measure)
    state, size = trained.state, network.training.batch_size
    for epoch in range(epochs):
        cpu, wall, misses, loss = time.process_time(), time.perf_counter(), np.zeros(1), 0.0
        learned = Epoch(examples, network, streams, epoch)
        for start in range(0, len(part), size):
            inputs, labels, wanted = learned.batch(start, start + size)
            outputs, gradient = model.gradient(state.params, inputs, wanted)
            change = {name: -value for name, value in gradient.items()}
            state.params = descent.step(state.params, change, epoch)
            misses = misses + examples.coding.misses(outputs, labels)
            loss += float(model.cost.value(outputs, wanted).sum())
        state.epoch = epoch + 1
        state.cpu_s += time.process_time() - cpu
        state.wall_s += time.perf_counter() - wall
        figures = Score(examples.coding.figures(misses, part.labels), loss / len(part), None)
        row = {"epoch": state.epoch, **figures.named("train"), "train_loss": figures.loss}
        if examples.validation is not None:
            score = model.score(state.params, examples.validation, examples.coding)
            row |= {**score.named("validation"), "validation_loss": score.loss}
        trained.rows.append({**row, "cpu_s": state.cpu_s, "wall_s": state.wall_s})
    return trained


def _tuned(start: Trained, name: str, tried: Callable[[dict[str, float]], Trained]) -> Trained:
    """Return the best training found by doubling the rate of a projection, or else by halving it."""
    for step in (2.0, 0.5):
        best = start
        while 1 / MOST < best.factors[name] < MOST:
            other = tried({**best.factors, name: step * best.factors[name]})
            if not other.better_than(best):
                break
            best = other
        if best is not start:
            return best
    return start


def _with_rates(network: Network, factors: dict[str, float]) -> Network:
    """Return a network whose learning rates are larger by factors; biases go with the first projection into them."""
    projections = {
        name: each.model_copy(update={"learning_rate": factors.get(name, 1.0) * each.learning_rate})
        for name, each in network.projections.items()
    }
    layers = {
        name: each.model_copy(
            update={"bias_learning_rate": factors.get(network.into(name)[0], 1.0) * each.bias_learning_rate}
        )
        for name, each in network.layers.items()
        if each.bias_learning_rate is not None
    }
    return network.model_copy(update={"projections": projections, "layers": {**network.layers, **layers}})


def _forward(network: Network) -> dict[str, list[str]]:
    """Return the projections that lead forward into each free layer, layer by layer."""
    middle = [name for name, layer in network.layers.items() if layer.role == "hidden"]
    place = {name: index for index, name in enumerate([network.input_layer, *middle, network.output_layer])}
    forward: dict[str, list[str]] = {layer: [] for layer in sorted(free_layers(network), key=place.__getitem__)}
    for name, ends in network.projections.items():
        if place[ends.source] < place[ends.target]:
            forward[ends.target].append(name)
        elif not ends.directed or ends.source == ends.target:
            raise SpecError(
                f"{network.where}: projections.{name} connects '{ends.source}' with '{ends.target}', and "
                "back-propagation goes through layers that feed forward only."
            )
    for layer, names in forward.items():
        if not names:
            raise SpecError(f"{network.where}: nothing feeds forward into layer '{layer}'.")
    if network.training.prune is not None or network.training.step.kind != "gradient":
        raise SpecError(
            f"{network.where}: training.prune is given, or training.step is not 'gradient', and their thresholds suit "
            "the changes of a learning rule, not those of back-propagation."
        )
    return forward


def _field(network: Network, layer: str) -> Field:
    """Return the vector field of a layer's units, whose state is explicit in their drive."""
    model = network.neuron(layer)
    assert model is not None, "units of a rate network have a model"
    if not reads_strength(model):
        units = Field(model)
        leak = units.rate.diff(units.state)
        if leak.is_number and abs(float(leak) + 1) < 1e-12 and model.observed == model.state:
            return units
    raise SpecError(
        f"{model.where}: is no unit tau ds/dt = f(drive + bias) - s that is read by its state, and back-propagation "
        "needs such a unit; 'hard_sigmoid' is one."
    )
