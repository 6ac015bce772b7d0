"""Warnings about what does not stop a training but spoils it, each given once.

They are about nudges beyond the stability margin, saturated layers, circuits whose free phases do not settle, and
oscillators whose free phases have several ends.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np

from neuroeq.contract import Equilibrium, Substrate
from neuroeq.errors import NeuroeqWarning, SpecError
from neuroeq.physics.substrates.multistability import multistable
from neuroeq.physics.substrates.stability import margin
from neuroeq.randomness import Streams

Array = np.ndarray
UNSOLVED = 1e-2
"""Mean residual above which a resistor network is not solved."""
OFTEN, MOST = 10, 0.5
"""How many first epochs oscillators settle again before, and the fraction of several ends that is warned of."""


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
        """Compare beta with the stability margin of a free equilibrium, in the 1st, 2nd, 4th, 8th ... epoch.

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
        if network.phases.variant == "positive" or "margin" in self._warned or epoch & (epoch + 1):
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
            "their bounds in the phase of -beta, and the update leaves the gradient. Training continues; a smaller "
            "beta follows the gradient, with learning rates smaller by as much, since updates are divided by beta"
            f"{network.explanation('margin')}.",
        )

    def multistability(self, inputs: Array, epoch: int, streams: Streams) -> float | None:
        """Return the fraction of a few samples that end differently from other start phases, and warn if most do.

        They are looked at before each of the first 10 epochs, and before every 10th after them.

        Parameters
        ----------
        inputs
            The inputs of the first batch of an epoch, before it is learned from: (batch, n_input).
        epoch
            Number of the epoch, from 0.
        streams
            Random numbers of the run.

        Returns
        -------
        float or None
            None if units are no oscillators, or nothing was looked at.
        """
        if epoch >= OFTEN and epoch % OFTEN:
            return None
        fraction = multistable(self._substrate, inputs, streams.child("multistable", epoch))
        if fraction is not None and fraction > MOST:
            network = self._substrate.network
            self._warn_once(
                "multistable",
                f"{fraction:.0%} of the samples that were looked at before epoch {epoch + 1} end with other outputs if "
                "they start at random phases: free phases have several stable states, and what is learned holds for "
                "the one that the start phases of the file lead to. There are fewer with stronger fields and weaker "
                "couplings: a larger initial.gain of the projections from the input, and a smaller initial.gain and "
                f"learning_rate of those into layer '{network.output_layer}'{network.explanation('multistable')}.",
            )
        return fraction

    def saturation(self, row: Mapping[str, float]) -> None:
        """Warn if the metrics of an epoch show that no gradient can flow through a layer for most wrong examples.

        A gradient needs a unit that can move. The share of examples in which a layer has one is at most the mean number
        of its units that can move; if that is less than half the error, most wrong examples are stuck. Both are counted
        in the examples that were looked at. If these are few, hardly any of them is wrong, so the two counts must
        differ by more than twice the standard deviation of a Poisson distribution. Values are neither right nor wrong.
        """
        if "train_error" not in row:
            return
        network, error, looked_at = self._substrate.network, row["train_error"], row["looked_at"]
        needed = looked_at * error / 2
        for layer in (key.removeprefix("moving_") for key in row if key.startswith("moving_")):
            moving = looked_at * row[f"moving_{layer}"] * network.layers[layer].size
            if moving < needed - 2 * math.sqrt(needed):
                self._warn_once(
                    f"saturation {layer}",
                    f"layer '{layer}' is saturated: {row[f'moving_{layer}']:.1%} of its units can move, "
                    f"{row[f'top_{layer}']:.1%} are stuck at the top, and the training error is {error:.1%}. Most "
                    "examples that are wrong have no unit there that can move, so nothing is learned from them; a "
                    "smaller initial gain of the projections into this layer keeps its units within their bounds"
                    f"{network.explanation('saturation')}.",
                )

    def settling(self, row: Mapping[str, float]) -> None:
        """Warn if the metrics of an epoch show that the free phases of a resistor network did not settle."""
        if self._substrate.network.kind.conductances and row["residual"] > UNSOLVED:
            self._warn_once(
                "settling",
                f"free phases end with a net current into a node of {row['residual']:.2g} of the largest, after "
                f"{row['free_steps']:.0f} steps; Kirchhoff's law does not hold, so give phases.free more steps"
                f"{self._substrate.network.explanation('settling')}.",
            )

    def _warn_once(self, what: str, sentence: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warnings.warn(sentence, NeuroeqWarning, stacklevel=4)
