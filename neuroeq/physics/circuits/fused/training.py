"""Training of a circuit with one hidden layer, in as few passes over its conductances as it takes.

Sources s = (gain x, -gain x, constants) drive hidden nodes h, which diodes keep in [low, high], and outputs o:

    h <- clip((s G1 + o G2^T + I_h) / D_h)         D_h = 1 G1 + G2 1
    o <- (h G2 + I_o + b y) / (D_o + b)            D_o = 1 G2,   b = 0 free, +-beta nudged, by a conductance
    o <- (h G2 + I_o + b (y - o_free)) / D_o       nudged by a held current

Of Shockley diodes, one at a node, `SingleDiodes.rest` takes the place of clip. Of paired outputs o+ - o- the current
b (y - o+ + o-) is pushed into the first node and drawn from the second.

The free phase starts from 0 V with the hidden nodes, the nudged phases from the free one with the outputs, both as one
batch. The sources are the same in the phases a and b that a variant compares, so their squares cancel in the contrast.
With a batch S of m samples, a row of ones below it, and c = rate w / (m beta),

    [S; 1] G1                                          drive and column sums in one product
    G1 <- clip(G1 + [S; 1]^T [c dh; -c q])             dh = h_a - h_b,   q = 1/2 sum_m dh (h_a + h_b)
    G2 <- clip(G2 + c (dh^T o_a + h_b^T do - q - r))   do = o_a - o_b,   r = 1/2 sum_m do (o_a + o_b)

With momentum mu, rate v is added to an array or a current, and its velocity is v <- mu v + change / rate. Before they
are clipped, l1 is taken from conductances above 0. Where an array connects nothing, it stays 0.

The numbers are those of sweeps and `contrast` in `solve` and `gradient`. Scellier 2024, arXiv:2402.11674.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neuroeq.data.examples import predictions
from neuroeq.errors import SpecError

from .. import kernels
from ..circuit import Array, Layer
from ..diodes import IdealDiode, NoDiode
from ..single_diodes import single_diodes
from .aligned import aligned
from .checks import check_conductances, check_examples, check_result
from .setting import Rates, Setting
from .with_numpy import Batch


class FusedTraining:
    """A circuit that learns, batch after batch.

    Parameters
    ----------
    setting
        What does not change during the training.
    g1
        Conductances from sources to hidden nodes, (2 n_input + number of constants, n_hidden). All arrays have its
        precision. [S]
    g2
        Conductances from hidden to output nodes, (n_hidden, n_output), or (n_hidden, 2 n_output) if paired. [S]
    hidden_bias, output_bias
        Currents into hidden nodes, (n_hidden,), and into output nodes; 0 if left out. [A]
    velocity
        The velocities of g1, g2 and both currents with momentum; 0 if left out.
    compiled
        Whether numba's kernels do the work; if None, they do where numba is installed.

    Attributes
    ----------
    g1, g2, hidden_bias, output_bias
        Their present values, which learning changes in place: copies of what was given, stored column by column.
    velocity
        The velocities, which learning changes in place, in the order of g1, g2 and the currents; None without momentum.
    masks
        Which nodes an array connects, as booleans of its shape; None if it connects all.

    Raises
    ------
    DataError
        If shapes do not fit, or a conductance is not within its limits.
    SpecError
        If numba is asked for and not installed, or the diodes are of another kind.

    Examples
    --------
    >>> setting = Setting(low=0.0, high=np.inf, beta=0.5)
    >>> training = FusedTraining(setting, np.ones((4, 1)), np.ones((1, 1)), compiled=False)
    >>> for _ in range(50):
    ...     output = training.step(np.array([[1.0, 0.5]]), np.array([[0.2]]), Rates(0.5, 0.5))
    >>> output.round(2)
    array([[0.2]])
    """

    def __init__(
        self,
        setting: Setting,
        g1: Array,
        g2: Array,
        hidden_bias: Array | None = None,
        output_bias: Array | None = None,
        *,
        velocity: Sequence[Array | None] | None = None,
        compiled: bool | None = None,
    ) -> None:
        if compiled and not kernels.available():
            raise SpecError("compiled is True, but numba is not installed; install it, or leave compiled out.")
        dtype = np.result_type(g1, np.float32)
        self.setting, self.compiled = setting, kernels.available() if compiled is None else compiled
        self.g1, self.g2 = (aligned(np.asarray(g, dtype), "F") for g in (g1, g2))
        check_conductances(setting, self.g1, self.g2)
        n_hidden, n_output = self.g2.shape
        self.n_input = (len(self.g1) - len(setting.constants)) // 2
        self.hidden_bias = _filled(hidden_bias, n_hidden, dtype)
        self.output_bias = _filled(output_bias, n_output, dtype)
        connected = (setting.g1_connected, setting.g2_connected)
        self.masks: Sequence[Array | None] = tuple(
            None if each is None else aligned(np.asarray(each, bool), "F") for each in connected
        )
        self.velocity = self._velocities(velocity) if setting.momentum else None
        self.diodes = single_diodes(Layer(n_hidden, setting.diode, setting.low, setting.high))
        if self.diodes is None and not isinstance(setting.diode, IdealDiode | NoDiode):
            raise SpecError(
                "diode is neither ideal nor a single Shockley diode at each node; solve and contrast instead."
            )
        clamp = (-np.inf, np.inf) if self.diodes else (setting.low, setting.high)
        self.low, self.high = (_filled(bound, n_hidden, dtype) for bound in clamp)
        self._batches: dict[int, Batch] = {}

    def _velocities(self, known: Sequence[Array | None] | None) -> tuple[Array, ...]:
        moved = (self.g1, self.g2, self.hidden_bias, self.output_bias)
        given = [np.zeros(()) if v is None else v for v in known or [None] * len(moved)]
        return tuple(
            aligned(np.array(np.broadcast_to(v, each.shape), each.dtype), "F")
            for v, each in zip(given, moved, strict=True)
        )

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
            Learning rates of both arrays and of the bias currents.

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
        outputs = np.empty((len(order), self.g2.shape[1]), self.g1.dtype)
        if self.compiled:
            from .with_numba import train

            failed = train(self, inputs, targets, order, batch, rates, outputs)
        else:
            failed = self._train(inputs, targets, order, batch, rates, outputs)
        check_result(self, outputs, failed)
        return self.read(outputs)

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
            if len(which) not in self._batches:
                self._batches[len(which)] = Batch(self, len(which))
            work = self._batches[len(which)]
            if not work.settle(inputs[which], targets[which]):
                return first
            outputs[first : first + batch] = work.o[0]
            work.learn(rates)
        return -1


def compile_kernels(setting: Setting, dtype: str | np.dtype) -> None:
    """Compile numba's kernels for a setting and a precision, by learning from no examples; a second call does nothing.

    Its momentum, l1 and which arrays do not connect all nodes make a difference.
    """
    g1, g2, none = np.ones((2, 1), dtype), np.ones((1, 1), dtype), np.empty((0, 1), dtype)
    connected = [
        None if each is None else np.ones(g.shape, bool)
        for g, each in ((g1, setting.g1_connected), (g2, setting.g2_connected))
    ]
    small = replace(
        Setting(low=0.0, high=np.inf, beta=1.0),
        momentum=setting.momentum,
        l1=setting.l1,
        g1_connected=connected[0],
        g2_connected=connected[1],
    )
    training = FusedTraining(small, g1, g2, compiled=True)
    training.train(none, none, np.arange(0), 1, Rates(0.0, 0.0))


def _filled(values: Array | float | None, n: int, dtype: np.dtype) -> Array:
    """Return values as an array (n,); zeros if there are none."""
    return np.array(np.broadcast_to(0.0 if values is None else values, n), dtype)
