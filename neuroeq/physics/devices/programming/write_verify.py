"""Closed loop: digital memory holds the weights that are wanted, and devices that are too far from them are written.

    W* <- clip(W* + dW),    and while |W* - W| > tolerance, at most `tries` times:
    n = round((W* - W)/epsilon) pulses, read W

n is one pulse at least, and epsilon the change of a weight that one pulse is worth on average; devices that are
programmed to a conductance are programmed to it again. Reads that verify are averaged, so they are exact.

Alibart et al. 2012, Nanotechnology 23:075201; Joshi et al. 2020, Nat. Commun. 11:2473.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuroeq.describe.spec.programming import Programmable, Programming

Array = np.ndarray


class WriteAndVerify(Programming):
    """Write, read, and write again.

    Parameters
    ----------
    scheme
        The name of this scheme, ``"write_verify"``.
    tolerance
        The largest distance from the wanted weight that is left alone, as a fraction of the largest weight; half a
        granule if left out.
    tries
        The largest number of times that a device is written at one update.
    """

    scheme: Literal["write_verify"] = "write_verify"
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    tries: Annotated[int, Field(gt=0, le=1000)] = 10

    def update(self, devices: Programmable, change: Array, rng: np.random.Generator) -> None:
        """Change the wanted weights, and write; the arguments are those of `Programming.update`."""
        low, high = devices.bounds
        wanted = np.clip(devices.memory("wanted", devices.weights) + change, low, high)
        devices.keep("wanted", wanted)
        size, off = devices.granularity, wanted - devices.weights
        if not size:
            devices.pulse(off, rng)
            return
        within = size / 2 if self.tolerance is None else self.tolerance * high
        for _ in range(self.tries):
            number = np.where(np.abs(off) > within, off / size, 0.0)
            if not number.any():
                break
            if devices.pulsed:
                number = np.sign(number) * np.maximum(np.round(np.abs(number)), number != 0)
            devices.step(np.clip(number, -devices.most, devices.most), rng)
            off = np.where(number != 0, wanted - devices.read(), off)
