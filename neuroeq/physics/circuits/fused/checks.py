"""What a fused training refuses: conductances outside their limits, examples that do not fit, results that diverge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroeq.errors import DataError, DivergenceError, SpecError

from ..circuit import Array
from .setting import Setting, TrainedCircuit


def check_conductances(setting: Setting, g: Sequence[Array]) -> None:
    """Refuse conductances of the wrong shape or outside their limits.

    Parameters
    ----------
    setting
        The layers, the limits, and the constant sources.
    g
        Conductances of each array, (2 n_input + number of constant sources, n_1), (n_1, n_2) and so on. [S]

    Raises
    ------
    DataError
        If the shapes do not fit, or a conductance is not within its limits.
    """
    sizes, sources = [layer.size for layer in setting.hidden], f"2 n_input + {len(setting.constants)}"
    if len(g) != len(sizes) + 1:
        raise DataError(f"there are {len(g)} arrays; expected {len(sizes) + 1}, for {len(sizes)} hidden layers.")
    for n, (each, resistors) in enumerate(zip(g, setting.resistors, strict=True)):
        fed = len(each) == sizes[n - 1] if n else (len(each) - len(setting.constants)) % 2 == 0
        n_to = sizes[n] if n < len(sizes) else each.shape[1]
        if not fed or each.shape[1] != n_to:
            expected = f"({sizes[n - 1] if n else sources}, {n_to})"
            raise DataError(f"g[{n}] has shape {each.shape}; expected {expected}.")
        there = each if resistors.connected is None else each[resistors.connected]
        lowest, highest = np.asarray(resistors.limits, each.dtype)
        if there.size and not (lowest <= there.min() and there.max() <= highest):
            raise DataError(
                f"g[{n}] reaches from {there.min():.3g} to {there.max():.3g} S; expected {resistors.limits}: clip it."
            )


def check_examples(training: TrainedCircuit, inputs: Array, targets: Array, order: Array, batch: int) -> None:
    """Refuse examples that do not fit the circuit; the arguments are those of `FusedTraining.train`.

    Raises
    ------
    DataError
        If the shapes do not fit, inputs are not finite, or `order` names an example that does not exist.
    SpecError
        If the batch is not at least 1.
    """
    n_output = training.g[-1].shape[1] // (2 if training.setting.paired else 1)
    if inputs.shape != (len(targets), training.n_input) or targets.shape[1:] != (n_output,):
        raise DataError(
            f"inputs and targets have shapes {inputs.shape} and {targets.shape}; expected (n, {training.n_input}) and "
            f"(n, {n_output})."
        )
    if not np.isfinite(inputs).all():
        raise DataError("inputs hold NaN or infinite values; mend the data.")
    if batch < 1:
        raise SpecError(f"batch is {batch}; expected 1 or more.")
    if len(order) and not 0 <= order.min() <= order.max() < len(targets):
        raise DataError(f"order names examples that are not there; expected 0 to {len(targets) - 1}.")


def check_result(training: TrainedCircuit, outputs: Array, failed: int) -> None:
    """Refuse a result that diverged, or a batch that has no stable operating point.

    Parameters
    ----------
    training
        The training, after its last batch.
    outputs
        Free outputs of the examples, (k, number of output nodes). [V]
    failed
        The first example of the batch that failed, or -1.

    Raises
    ------
    DivergenceError
        If a voltage or a conductance is not finite.
    DataError
        If a batch failed.
    """
    done = outputs if failed < 0 else outputs[:failed]
    if not (np.isfinite(done).all() and np.isfinite(training.g[-1]).all()):
        raise DivergenceError(
            "the outputs are not finite, since learning diverges; use smaller rates or a smaller beta."
        )
    if failed >= 0:
        raise DataError(
            f"example {failed}: a current flows into a node without conductance, or a nudge of "
            f"-{training.setting.beta:.3g} S exceeds the conductances of an output, or an amplifier injects more "
            "current than its resistors draw, so the node would run away; nudge with a smaller beta, or use a "
            "back_gain >= 0."
        )
