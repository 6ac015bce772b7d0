"""Read-only copies of parameters and inputs, so that what is computed from them stays valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from neuroeq.contract import OnDevices, Params

Array = np.ndarray


class HeldParams(dict[str, Array]):
    """The parameters of a substrate, which are read-only; `hold` replaces them.

    Parameters
    ----------
    params
        The arrays by projection and bias. Each is copied, unless it is a read-only copy already.

    Attributes
    ----------
    conductances
        The conductances of the devices that hold them, if they are known. [S]
    gains
        The factors that compensate the drift of devices, by array.
    """

    def __init__(self, params: Mapping[str, Array]) -> None:
        super().__init__({name: frozen(value) for name, value in params.items()})
        known: dict[str, Array] = getattr(params, "conductances", {})
        self.conductances = {name: frozen(value) for name, value in known.items()}
        gains: dict[str, Array] = getattr(params, "gains", {})
        self.gains = {name: frozen(np.asarray(value)) for name, value in gains.items()}

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("the parameters of a substrate cannot be changed in place; call substrate.hold(params)")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is copied and pickled: as a dictionary of its arrays."""
        return HeldParams, (OnDevices(dict(self), self.conductances, self.gains),)


def held(params: Params) -> HeldParams:
    """Return a read-only copy of parameters; the same object if it is one already."""
    return params if isinstance(params, HeldParams) else HeldParams(params)


def frozen(value: Array) -> Array:
    """Return a read-only copy of an array, in the same memory order; the array itself if it is one already."""
    if not value.flags.writeable and value.base is None:
        return value
    copy = np.array(value, copy=True, order="K")
    copy.flags.writeable = False
    return copy


class Latest:
    """The inputs of the last relaxation, recognised by value.

    Results for a batch are cached under the array that `of` returns, so that the phases of one batch share them.
    """

    def __init__(self) -> None:
        self._inputs: Array | None = None

    def of(self, inputs: Array) -> Array:
        """Return a read-only copy of inputs: the same object as long as their values stay the same."""
        last = self._inputs
        if last is inputs:
            return last
        if last is None or last.dtype != inputs.dtype or not np.array_equal(last, inputs):
            last = self._inputs = frozen(inputs)
        return last
