"""Training of a circuit of layers, in as few passes over its conductances as it takes.

Sources s = (gain x, -gain x, constants) drive the first of the hidden layers 1 to L, whose nodes diodes keep in
[low, high], and which amplifiers show to the layer after them as u = A (v + offset); u_0 = s, and o = v_{L+1}:

    v_l <- clip((u_{l-1} G_l + k v_{l+1} G_{l+1}^T + I_l) / D_l)       D_l = 1 G_l + A k G_{l+1} 1
    o <- (u_L G_{L+1} + I_o + b y) / (D_o + b)                         D_o = 1 G_{L+1}, b = 0 free, +-beta nudged
    o <- (u_L G_{L+1} + I_o + b (y - o_free)) / D_o                    nudged by a held current

Of Shockley diodes, one at a node, `SingleDiodes.rest` takes the place of clip. Of paired outputs o+ - o- the current
b (y - o+ + o-) is pushed into the first node and drawn from the second. I_l has what offsets cause, too.

The free phase starts from 0 V with the first layer, the nudged phases from the free one with the outputs, both as one
batch. The sources are the same in the phases a and b that a variant compares, so their squares cancel in the contrast.
With a batch S of m samples, a row of ones below it, and c = rate w (A/k)... / (m beta) with the `amplifier_factors`,

    [S; 1] G_1                                         drive and column sums in one product
    G_1 <- clip(G_1 + [S; 1]^T [c dv; -c q])           dv = v_a - v_b,   q_l = 1/2 sum_m dv (v_a + v_b)
    G_l <- clip(G_l + c (du^T v_a + u_b^T dv - p - q)) du = u_a - u_b,   p   = 1/2 sum_m du (u_a + u_b)

With momentum mu, rate v is added to an array or a current, and its velocity is v <- mu v + change / rate. Before they
are clipped, l1 is taken from conductances above 0. Where an array connects nothing, it stays 0.

The numbers are those of sweeps and `contrast` in `solve` and `gradient`. Scellier 2024, arXiv:2402.11674.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from neuroeq.data.coding import predictions
from neuroeq.errors import SpecError

from .. import kernels
from ..assembly import gains, shown
from ..circuit import Array, Circuit, Layer
from ..diodes import IdealDiode, NoDiode
from ..gradient import amplifier_factors
from ..single_diodes import SingleDiodes, single_diodes
from .aligned import aligned, side_by_side, stacked
from .checks import check_conductances, check_examples, check_result
from .setting import Amplifiers, Asked, Packed, Rates, Resistors, Setting
from .with_numpy import Batch


class FusedTraining:
    """A circuit that learns, batch after batch.

    Parameters
    ----------
    setting
        What does not change during the training.
    g
        Conductances from the sources to the first hidden layer, (2 n_input + number of constants, n_1), from there to
        the next one, (n_1, n_2), and so on to the output nodes, of which there are 2 n_output if they are paired. All
        arrays have their common precision. [S]
    biases
        Currents into the nodes of each hidden layer and of the output, (n,); 0 if left out. [A]
    velocity
        The velocities of all arrays and then of all currents, with momentum; 0 if left out.
    compiled
        Whether numba's kernels do the work; if None, they do where numba is installed.

    Attributes
    ----------
    g, biases
        Their present values, which learning changes in place: copies of what was given, stored column by column.
    velocity
        The velocities, which learning changes in place, of all arrays and then of all currents; None without momentum.
    masks
        Which nodes each array connects, as booleans of its shape; None if it connects all.

    Raises
    ------
    DataError
        If shapes do not fit, or a conductance is not within its limits.
    SpecError
        If numba is asked for and not installed, or the diodes are of another kind.

    Examples
    --------
    >>> setting = Setting([Layer(1, IdealDiode(), 0.0, np.inf)], beta=0.5)
    >>> training = FusedTraining(setting, [np.ones((4, 1)), np.ones((1, 1))], compiled=False)
    >>> for _ in range(50):
    ...     output = training.step(np.array([[1.0, 0.5]]), np.array([[0.2]]), Rates([0.5, 0.5]))
    >>> output.round(2)
    array([[0.2]])
    """

    def __init__(
        self,
        setting: Setting,
        g: Sequence[Array],
        biases: Sequence[Array | None] = (),
        *,
        velocity: Sequence[Array | None] | None = None,
        compiled: bool | None = None,
    ) -> None:
        if compiled and not kernels.available():
            raise SpecError("compiled is True, but numba is not installed; install it, or leave compiled out.")
        dtype = np.result_type(np.float32, *g)
        self.setting, self.compiled = setting, kernels.available() if compiled is None else compiled
        check_conductances(setting, [np.asarray(each, dtype) for each in g])
        later, rest = stacked([np.asarray(each, dtype) for each in g[1:]])
        self.g: Sequence[Array] = [aligned(np.asarray(g[0], dtype), "F"), *rest]
        self.n_input = (len(g[0]) - len(setting.constants)) // 2
        sizes = [each.shape[1] for each in self.g]
        given = [_filled(bias, n, dtype) for bias, n in zip(biases or [None] * len(g), sizes, strict=True)]
        currents, biases_now = side_by_side(given)
        self.biases: Sequence[Array] = biases_now
        self.masks: Sequence[Array | None] = [
            None if each.connected is None else aligned(np.asarray(each.connected, bool), "F")
            for each in setting.resistors
        ]
        v_later, v_currents, v = self._velocities(velocity) if setting.momentum else (None, None, None)
        self.velocity: Sequence[Array] | None = v
        self.packed = Packed(later, currents, v_later, v_currents, self._connected())
        self.factors: Sequence[float] = _factors(setting, sizes[-1])
        self.diodes: Sequence[SingleDiodes | None] = [single_diodes(layer) for layer in setting.hidden]
        if not all(map(fits, setting.hidden)):
            raise SpecError(
                "diode is neither ideal nor a single Shockley diode at each node; solve and contrast instead."
            )
        clamps = [(-np.inf, np.inf) if d else (e.low, e.high) for d, e in zip(self.diodes, setting.hidden, strict=True)]
        self.clamps: Sequence[tuple[Array, Array]] = [
            (_filled(low, n, dtype), _filled(high, n, dtype)) for (low, high), n in zip(clamps, sizes, strict=False)
        ]
        self.amplifiers: Sequence[Amplifiers | None] = [_amplifiers(layer, dtype) for layer in setting.hidden]
        self._batches: dict[int, Batch] = {}

    def _velocities(self, known: Sequence[Array | None] | None) -> tuple[Array, Array, list[Array]]:
        """Return the velocities of later arrays by rows, those of currents as one vector, and all of them."""
        moved = [*self.g, *self.biases]
        given = [np.zeros(()) if v is None else v for v in known or [None] * len(moved)]
        first, *v = (np.array(np.broadcast_to(v, each.shape), each.dtype) for v, each in zip(given, moved, strict=True))
        of_later, later = stacked(v[: len(self.g) - 1])
        of_currents, currents = side_by_side(v[len(self.g) - 1 :])
        return of_later, of_currents, [aligned(first, "F"), *later, *currents]

    def _connected(self) -> Array | None:
        """Return which nodes the later arrays connect, row by row; None if they connect all."""
        later = [(np.ones(g.shape, bool) if m is None else m) for g, m in zip(self.g[1:], self.masks[1:], strict=True)]
        return None if all(each is None for each in self.masks[1:]) else stacked(later)[0]

    def step(self, inputs: Array, targets: Array, rates: Rates) -> Array:
        """Learn from one batch, (m, n_input) and (m, n_output); return its free outputs, (m, n_output) [V]."""
        return self.train(inputs, targets, np.arange(len(inputs)), len(inputs), rates)

    def epoch(self, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates) -> tuple[float, int]:
        """Learn as `train`; return the sum of 1/2 |o - y|^2 and how many outputs name another class than targets."""
        outputs, wanted = self.train(inputs, targets, order, batch, rates), targets[order]
        wrong = int((predictions(outputs, "one_hot") != wanted.argmax(axis=1)).sum())
        return float(np.square(outputs - wanted, dtype=float).sum()) / 2, wrong

    def train(self, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates) -> Array:
        """Learn from examples, batch after batch.

        Parameters
        ----------
        inputs, targets
            Inputs and targets of all examples: (n, n_input) and (n, n_output).
        order
            Indices of the examples to learn from, in this order: (k,).
        batch
            Number of samples between two updates; the last batch may be smaller.
        rates
            Learning rates of the arrays and of the bias currents.

        Returns
        -------
        outputs
            Outputs of the free phases, each before the update by its batch: (k, n_output). [V]

        Raises
        ------
        DataError
            If shapes do not fit, inputs are not finite, an example is not there, or a node's conductances do not hold
            against a nudge.
        SpecError
            If the batch is not at least 1.
        DivergenceError
            If voltages are not finite.
        """
        check_examples(self, inputs, targets, order, batch)
        outputs = np.empty((len(order), self.g[-1].shape[1]), self.g[0].dtype)
        if self.compiled:
            from .with_numba import train

            failed = train(self, inputs, targets, order, batch, rates, outputs)
        else:
            failed = self._train(inputs, targets, order, batch, rates, outputs)
        check_result(self, outputs, failed)
        return self.read(outputs)

    def asked(self, inputs: Array, targets: Array, g: Sequence[Array], biases: Sequence[Array | None]) -> Asked:
        """Return what a batch asks of given conductances and currents, which are its own from then on.

        Parameters
        ----------
        inputs, targets
            Inputs and targets of the batch: (m, n_input) and (m, n_output).
        g, biases
            The conductances and currents that act in all phases, as in the constructor.

        Raises
        ------
        DataError, DivergenceError
            As `train`.
        SpecError
            If it is compiled: numba's kernels learn in arrays that they keep.
        """
        if self.compiled:
            raise SpecError("compiled is True, but only NumPy's phases take other conductances; set it to False.")
        dtype = self.g[0].dtype
        self.g = [np.asarray(each, dtype) for each in g]
        self.biases = [np.asarray(0.0 if each is None else each, dtype) for each in biases]
        check_examples(self, inputs, targets, np.arange(len(inputs)), len(inputs))
        work = self._batch(len(inputs))
        failed = -1 if work.settle(inputs, targets) else 0
        check_result(self, work.v[-1], failed)
        return Asked(self.read(work.v[-1][0].copy()), work.changes())

    def rates_of(self, rates: Rates) -> list[float]:
        """Return the learning rates of all arrays, and then of all currents."""
        return [*rates.arrays, *(rates.biases or [0.0] * len(self.g))]

    def read(self, nodes: Array) -> Array:
        """Return the outputs that voltages of the output nodes, (k, number of nodes), stand for: (k, n_output) [V]."""
        if not self.setting.paired:
            return nodes
        first, second = np.split(nodes, 2, axis=1)
        return first - second

    def _train(self, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates, outputs: Array) -> int:
        """Fill the outputs with NumPy; return the first example of a batch that fails, or -1."""
        for first in range(0, len(order), batch):
            which = order[first : first + batch]
            work = self._batch(len(which))
            if not work.settle(inputs[which], targets[which]):
                return first
            outputs[first : first + batch] = work.v[-1][0]
            work.learn(rates)
        return -1

    def _batch(self, m: int) -> Batch:
        if m not in self._batches:
            self._batches[m] = Batch(self, m)
        return self._batches[m]


def compile_kernels(setting: Setting, dtype: str | np.dtype) -> None:
    """Compile numba's kernels for a setting and a precision, by learning from no examples; a second call does nothing.

    Its momentum, l1 and whether the first or later arrays do not connect all nodes make a difference.
    """
    g, none = [np.ones((2, 1), dtype), np.ones((1, 1), dtype)], np.empty((0, 1), dtype)
    first, *later = (each.connected is not None for each in setting.resistors)
    decay = float(any(each.l1 for each in setting.resistors))
    arrays = [
        Resistors(connected=np.ones(each.shape, bool) if masked else None, l1=decay)
        for each, masked in zip(g, (first, any(later)), strict=True)
    ]
    small = Setting([Layer(1)], beta=1.0, arrays=arrays, momentum=setting.momentum)
    FusedTraining(small, g, compiled=True).train(none, none, np.arange(0), 1, Rates([0.0, 0.0]))


def fits(layer: Layer) -> bool:
    """Return whether the diodes of a hidden layer are ideal, or Shockley's with at most one at each node."""
    return isinstance(layer.diode, IdealDiode | NoDiode) or single_diodes(layer) is not None


def _factors(setting: Setting, n_output: int) -> list[float]:
    """Return by what the contrast of each array is multiplied to be the gradient."""
    layers = {f"hidden {n}": layer for n, layer in enumerate(setting.hidden)} | {"output": Layer(n_output)}
    arrays = dict(zip(layers, pairwise(["sources", *layers]), strict=True))
    return [*amplifier_factors(Circuit({"sources": 1}, layers, arrays), "output").values()]


def _amplifiers(layer: Layer, dtype: np.dtype) -> Amplifiers | None:
    both = gains(layer, dtype)
    return None if both is None else Amplifiers(*both, shown(layer, np.zeros(layer.size, dtype)))


def _filled(values: Array | float | None, n: int, dtype: np.dtype) -> Array:
    """Return values as an array (n,); zeros if there are none."""
    return np.array(np.broadcast_to(0.0 if values is None else values, n), dtype)
