"""Warnings about what does not stop a training but spoils it, each given once.

They are about nudges beyond the stability margin, saturated layers, and circuits whose free phases do not settle.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from neuroeq.contract import Equilibrium, Substrate
from neuroeq.errors import NeuroeqWarning, SpecError
from neuroeq.physics.substrates.stability import margin

HIGH_ERROR, FEW_MOVING, MANY_AT_TOP = 0.05, 0.02, 0.5
"""A layer is saturated if the training error is high, and few units can move or many are at their upper bound."""

UNSOLVED = 1e-2
"""Mean residual above which a resistor network is not solved."""


class TrainingMonitor:
    """Check free phases and metrics during a training, and warn.

    Parameters
    ----------
    substrate
        The substrate that is trained.
    """

    def __init__(self, substrate: Substrate) -> None:
        self._substrate = substrate
        self._warned: set[str] = set()

    def margin(self, free: Equilibrium, epoch: int) -> None:
        """Compare beta with the stability margin of a free equilibrium.

        Parameters
        ----------
        free
            The first free equilibrium of an epoch.
        epoch
            Number of the epoch, from 0.

        Raises
        ------
        SpecError
            If beta is beyond it at the start of training, and nothing bounds the outputs.
        """
        network = self._substrate.network
        beta = network.phases.beta
        if network.phases.variant == "positive" or "margin" in self._warned:
            return
        limit = margin(self._substrate, free)
        if beta < limit:
            return
        output = network.neuron(network.output_layer)
        if epoch == 0 and not (output and output.bounded):
            what = f"neuron '{output.name}'" if output else "an output node"
            raise SpecError(
                f"{network.where}: phases.beta is {beta:g}, but a nudge of -beta is stable only below {limit:.3g} "
                f"here and nothing bounds {what}; use a smaller beta, or phases.variant 'positive'."
            )
        self._warn_once(
            "margin",
            f"phases.beta is {beta:g}, beyond the stability margin {limit:.3g} of epoch {epoch + 1}: outputs run to "
            "their bounds in the phase of -beta; training continues, but a smaller beta follows the gradient better.",
        )

    def saturation(self, row: Mapping[str, float]) -> None:
        """Warn if the metrics of an epoch show a layer whose units are stuck."""
        error = row["train_error"]
        for layer in (key.removeprefix("moving_") for key in row if key.startswith("moving_")):
            moving, top = row[f"moving_{layer}"], row[f"top_{layer}"]
            if error > HIGH_ERROR and (moving < FEW_MOVING or top > MANY_AT_TOP):
                self._warn_once(
                    f"saturation {layer}",
                    f"layer '{layer}' is saturated: {moving:.1%} of its units can move, {top:.1%} are stuck at the "
                    f"top, and the training error is {error:.1%}; the gradient of stuck units is 0, so try a smaller "
                    "initial gain or smaller learning rates.",
                )

    def settling(self, row: Mapping[str, float]) -> None:
        """Warn if the metrics of an epoch show that the free phases of a resistor network did not settle."""
        if self._substrate.network.kind.conductances and row["residual"] > UNSOLVED:
            self._warn_once(
                "settling",
                f"free phases end with a net current into a node of {row['residual']:.2g} of the largest, after "
                f"{row['free_steps']:.0f} steps; Kirchhoff's law does not hold, so give phases.free more steps.",
            )

    def _warn_once(self, what: str, sentence: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(sentence, NeuroeqWarning, stacklevel=4)
