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

The numbers are those of sweeps and `contrast` in `solve` and `gradient`. Scellier 2024, arXiv:2402.11674.
"""

from __future__ import annotations

import numpy as np

from neuroeq.errors import DataError, DivergenceError, SpecError

from .. import kernels
from ..circuit import Array, Layer
from ..diodes import IdealDiode, NoDiode
from ..single_diodes import single_diodes
from .aligned import aligned
from .setting import Rates, Setting
from .with_numpy import Batch


class FusedTraining:
    """A circuit that learns, batch after batch.

    Parameters
    ----------
    setting
        What does not change.
    g1
        From sources to hidden nodes, (2 n_input + number of constants, n_hidden); its precision is that of all. [S]
    g2
        From hidden nodes to output nodes, (n_hidden, n_output), or (n_hidden, 2 n_output) if paired. [S]
    hidden_bias, output_bias
        Currents into hidden and output nodes; 0 if left out. [A]
    compiled
        Whether numba does the work; if None, where it is installed.

    Attributes
    ----------
    g1, g2, hidden_bias, output_bias
        As they are now, changed in place; copies of what was given, in columns.

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
        compiled: bool | None = None,
    ) -> None:
        if compiled and not kernels.available():
            raise SpecError("compiled is True, but numba is not installed; install it, or leave compiled out.")
        dtype = np.result_type(g1, np.float32)
        self.setting, self.compiled = setting, kernels.available() if compiled is None else compiled
        self.g1, self.g2 = (aligned(np.asarray(g, dtype), "F") for g in (g1, g2))
        n_hidden, n_output = self.g2.shape
        self.n_input, odd = divmod(len(self.g1) - len(setting.constants), 2)
        if odd or self.g1.shape[1] != n_hidden:
            raise DataError(
                f"g1 has shape {self.g1.shape}; expected (2 n_input + {len(setting.constants)}, {n_hidden})."
            )
        for name, g, limits in (("g1", self.g1, setting.g1_limits), ("g2", self.g2, setting.g2_limits)):
            lowest, highest = np.asarray(limits, dtype)
            if not (lowest <= g.min() and g.max() <= highest):
                raise DataError(f"{name} reaches from {g.min():.3g} to {g.max():.3g} S; expected {limits}: clip it.")
        self.hidden_bias = _filled(hidden_bias, n_hidden, dtype)
        self.output_bias = _filled(output_bias, n_output, dtype)
        self.diodes = single_diodes(Layer(n_hidden, setting.diode, setting.low, setting.high))
        if self.diodes is None and not isinstance(setting.diode, IdealDiode | NoDiode):
            raise SpecError(
                "diode is neither ideal nor a single Shockley diode at each node; solve and contrast instead."
            )
        clamp = (-np.inf, np.inf) if self.diodes else (setting.low, setting.high)
        self.low, self.high = (_filled(bound, n_hidden, dtype) for bound in clamp)
        self._batches: dict[int, Batch] = {}

    def step(self, inputs: Array, targets: Array, rates: Rates) -> Array:
        """Learn from one batch, (m, n_input) and (m, n_output); return its free outputs, (m, n_output). [V]."""
        return self.train(inputs, targets, np.arange(len(inputs)), len(inputs), rates)

    def epoch(self, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates) -> tuple[float, int]:
        """Learn as `train`; return the sum of 1/2 |o - y|^2 and how many largest outputs are not the targets'."""
        outputs, wanted = self.train(inputs, targets, order, batch, rates), targets[order]
        wrong = int((outputs.argmax(axis=1) != wanted.argmax(axis=1)).sum())
        return float(np.square(outputs - wanted, dtype=float).sum()) / 2, wrong

    def train(self, inputs: Array, targets: Array, order: Array, batch: int, rates: Rates) -> Array:
        """Learn from examples, batch after batch.

        Parameters
        ----------
        inputs, targets
            Of all examples: (n, n_input) and (n, n_output).
        order
            Which ones, one after the other: (k,).
        batch
            Samples between two changes; what is left at the end is a smaller batch.
        rates
            Of learning.

        Returns
        -------
        outputs
            Of the free phases, before the changes: (k, n_output). [V]

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
        outputs = np.empty((len(order), self.g2.shape[1]), self.g1.dtype)
        n_output = outputs.shape[1] // (2 if self.setting.paired else 1)
        if inputs.shape != (len(targets), self.n_input) or targets.shape[1:] != (n_output,):
            raise DataError(
                f"inputs and targets have shapes {inputs.shape} and {targets.shape}; expected (n, {self.n_input}) and "
                f"(n, {n_output})."
            )
        if not np.isfinite(inputs).all():
            raise DataError("inputs hold NaN or infinite values; mend the data.")
        if batch < 1:
            raise SpecError(f"batch is {batch}; expected 1 or more.")
        if len(order) and not 0 <= order.min() <= order.max() < len(targets):
            raise DataError(f"order names examples that are not there; expected 0 to {len(targets) - 1}.")
        if self.compiled:
            from .with_numba import train

            failed = train(self, inputs, targets, order, batch, rates, outputs)
        else:
            failed = self._train(inputs, targets, order, batch, rates, outputs)
        done = outputs if failed < 0 else outputs[:failed]
        if not (np.isfinite(done).all() and np.isfinite(self.g2).all()):
            raise DivergenceError(
                "the outputs are not finite, since learning diverges; use smaller rates or a smaller beta."
            )
        if failed >= 0:
            raise DataError(
                f"example {failed}: a node floats, or a nudge of -{self.setting.beta:.3g} S exceeds the conductances "
                "of an output, which would run away; nudge with a smaller beta."
            )
        return self.read(outputs)

    def read(self, nodes: Array) -> Array:
        """Return the outputs that voltages of the output nodes, (k, number of nodes), stand for: (k, n_output). [V]."""
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


def compile_kernels(dtype: str | np.dtype) -> None:
    """Compile what numba does at a precision, by learning from no examples; nothing is left to do the second time."""
    g1, g2, none = np.ones((2, 1), dtype), np.ones((1, 1), dtype), np.empty((0, 1), dtype)
    training = FusedTraining(Setting(low=0.0, high=np.inf, beta=1.0), g1, g2, compiled=True)
    training.train(none, none, np.arange(0), 1, Rates(0.0, 0.0))


def _filled(values: Array | float | None, n: int, dtype: np.dtype) -> Array:
    """Return values as (n,); 0 without any."""
    return np.array(np.broadcast_to(0.0 if values is None else values, n), dtype)
