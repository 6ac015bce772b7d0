"""What a fused training refuses: conductances outside their limits, examples that do not fit, results that diverge."""

from __future__ import annotations

import numpy as np

from neuroeq.errors import DataError, DivergenceError, SpecError

from ..circuit import Array
from .setting import Setting, TrainedCircuit


def check_conductances(setting: Setting, g1: Array, g2: Array) -> None:
    """Refuse conductances of the wrong shape or outside their limits.

    Parameters
    ----------
    setting
        The limits, and the constant sources.
    g1
        Conductances into the hidden layer, (2 n_input + number of constant sources, n_hidden). [S]
    g2
        Conductances from the hidden layer to the output, (n_hidden, n_output). [S]

    Raises
    ------
    DataError
        If the shapes do not fit, or a conductance is not within its limits.
    """
    n_hidden = len(g2)
    if (len(g1) - len(setting.constants)) % 2 or g1.shape[1] != n_hidden:
        raise DataError(f"g1 has shape {g1.shape}; expected (2 n_input + {len(setting.constants)}, {n_hidden}).")
    limits_of = (
        ("g1", g1, setting.g1_limits, setting.g1_connected),
        ("g2", g2, setting.g2_limits, setting.g2_connected),
    )
    for name, whole, limits, connected in limits_of:
        g = whole if connected is None else whole[connected]
        lowest, highest = np.asarray(limits, g.dtype)
        if g.size and not (lowest <= g.min() and g.max() <= highest):
            raise DataError(f"{name} reaches from {g.min():.3g} to {g.max():.3g} S; expected {limits}: clip it.")


def check_examples(training: TrainedCircuit, inputs: Array, targets: Array, order: Array, batch: int) -> None:
    """Refuse examples that do not fit the circuit; the arguments are those of `FusedTraining.train`.

    Raises
    ------
    DataError
        If the shapes do not fit, inputs are not finite, or `order` names an example that does not exist.
    SpecError
        If the batch is not at least 1.
    """
    n_output = training.g2.shape[1] // (2 if training.setting.paired else 1)
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
    if not (np.isfinite(done).all() and np.isfinite(training.g2).all()):
        raise DivergenceError(
            "the outputs are not finite, since learning diverges; use smaller rates or a smaller beta."
        )
    if failed >= 0:
        raise DataError(
            f"example {failed}: a current flows into a node without conductance, or a nudge of "
            f"-{training.setting.beta:.3g} S exceeds the conductances of an output, which would run away; nudge with a "
            "smaller beta."
        )
