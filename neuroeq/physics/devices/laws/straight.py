"""Laws whose step is a straight line in the state w of the device, from which many pulses follow at once.

    w <- w + d (alpha - mu w),    after n pulses    w + d (alpha - mu w) (1 - q^n)/(1 - q),    q = 1 - d mu

d = +-1 is the direction of the pulses. With q >= 0 states move one way only, so the limits can wait until the end.
"""

from __future__ import annotations

import numpy as np

from neuroeq.describe.spec.device import Limits, Pulsed

Array = np.ndarray


class Straight(Pulsed):
    """The base class of laws whose step without noise is alpha - mu w."""

    @property
    def proportional(self) -> bool:
        """Whether noise scales with the step as it is at a state, and not with the whole step of the device."""
        return True

    def line(self, limits: Limits, up: Array, step: Array) -> tuple[Array, Array | float]:
        """Return alpha and mu of each device, in units of the state and without one.

        Parameters
        ----------
        limits
            The lowest and the highest state of each device.
        up
            Whether the pulse is upwards, of the shape of the states.
        step
            The step of each device in that direction, of the shape of the states.

        Raises
        ------
        NotImplementedError
            If the law does not define its own.
        """
        raise NotImplementedError

    def size(self, limits: Limits, state: Array, up: Array, step: Array, noise: Array | float) -> Array:
        """Return how far one pulse moves each device; the arguments are those of `Pulsed.size`."""
        at_zero, slope = self.line(limits, up, step)
        size = at_zero - slope * state
        return size * (1 + noise) if self.proportional else size + step * noise
