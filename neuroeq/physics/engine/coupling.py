"""Couplings: the drive of every layer as products over the batch.

    drive_j = sum over projections into j of  emission_i W_ij  (and  emission_k W_jk^T  along symmetric ones)
              - emission_j sum_i W_ij  where the transmission is diffusive

Of an activity with components, there is one such sum for each component that is sent. A clamped input is the first.

What a clamped input sends is constant, so its part of the drive is computed once for a batch of inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from neuroeq.describe.operators import Operator

Array = np.ndarray
Key = tuple[str, str]
"""A layer, and a component of what its units send."""


@dataclass(frozen=True)
class Coupling:
    """One direction of one projection.

    Parameters
    ----------
    projection
        Name of the projection whose weights it uses.
    source, target
        The layers that it runs from and to.
    transposed
        Whether it runs against the projection.
    diffusive
        Whether it transmits differences.
    operator
        The projection as a linear map.
    delay
        Number of steps by which it delays what it transmits.
    component
        What it transmits: ``"activity"``, a component of it, or ``"spike"``.
    """

    projection: str
    source: str
    target: str
    transposed: bool
    operator: Operator
    diffusive: bool = False
    delay: int = 0
    component: str = "activity"

    def product(self, emission: Array, params: Mapping[str, Array]) -> Callable[[Array], object]:
        """Return a function that writes the product of the present emission, (m, source), with the weights."""
        product = self.operator.bound(params[self.projection], self.transposed)
        return lambda rows: product(emission, rows)

    def forward(self, params: Mapping[str, Array], sent: Array) -> Array:
        """Return what arrives at the target: (m, target)."""
        return self._product(params, sent, self.transposed)

    def backward(self, params: Mapping[str, Array], sent: Array) -> Array:
        """Return what would arrive at the source, in the opposite direction: (m, source)."""
        return self._product(params, sent, not self.transposed)

    def load(self, params: Mapping[str, Array]) -> Array:
        """Return the sum of the weights into each unit of the target: (target,)."""
        weight = params[self.projection]
        return self.operator.outgoing(weight) if self.transposed else self.operator.incoming(weight)

    def _product(self, params: Mapping[str, Array], sent: Array, transposed: bool) -> Array:
        return (self.operator.backward if transposed else self.operator.forward)(params[self.projection], sent)


class Drives:
    """The matrix products that write the drive of each layer.

    Parameters
    ----------
    couplings
        All couplings; those whose source has no emission are clamped.
    emissions
        What each moving layer sends, by layer and component: (batch, n), a view of the simulation's own memory.
    drives
        The variable for what arrives at each layer, by layer and component: (batch, n), a view of the simulation's own
        memory.
    """

    def __init__(self, couplings: list[Coupling], emissions: Mapping[Key, Array], drives: Mapping[Key, Array]) -> None:
        self._drives = drives
        self._emissions = emissions
        self._into = {key: [c for c in couplings if (c.target, c.component) == key] for key in drives}
        self._products: list[Callable[[], None]] = []
        self._given: tuple[Mapping[str, Array], Mapping[str, Array]] | None = None  # what no step has used yet

    def clamp(self, values: Mapping[str, Array], params: Mapping[str, Array]) -> None:
        """Fix what clamped layers send, and the weights, until the next call.

        Parameters
        ----------
        values
            What clamped layers send, by layer: (m, n), for m samples of the batch; the others get no drive.
        params
            Weights by projection: (source, target).
        """
        self._given = (values, params)

    def settle(self) -> None:
        """Write what clamped layers give to the drives, unless that is done; a step does it if nobody did."""
        if self._given is not None:
            self._fix(*self._given)
            self._given = None

    def _fix(self, values: Mapping[str, Array], params: Mapping[str, Array]) -> None:
        m = len(next(iter(values.values())))
        self._products = []
        for key, drive in self._drives.items():
            drive.fill(0)
            rows = drive[:m]
            static = None
            moving = []
            for c in self._into[key]:
                if (c.source, c.component) in self._emissions:
                    moving.append(c.product(self._emissions[c.source, c.component][:m], params))
                else:
                    arriving = np.empty_like(rows)
                    c.product(values[c.source], params)(arriving)
                    static = arriving if static is None else static + arriving
            rows[:] = 0 if static is None else static
            diffusive = [c for c in self._into[key] if c.diffusive]
            if moving:
                self._products.append(_product(rows, moving, static))
            elif diffusive:
                self._products.append(_constant(rows, static))
            if diffusive:
                load = sum((c.load(params) for c in diffusive[1:]), start=diffusive[0].load(params))
                self._products.append(_loss(rows, self._emissions[key][:m], load))

    def write(self) -> None:
        """Write the drives of the current step."""
        self.settle()
        for product in self._products:
            product()


def _product(rows: Array, moving: list[Callable[[Array], object]], static: Array | None) -> Callable[[], None]:
    first, *others = moving
    scratch = np.empty_like(rows) if others else rows

    def write() -> None:
        first(rows)
        for product in others:
            product(scratch)
            np.add(rows, scratch, out=rows)
        if static is not None:
            np.add(rows, static, out=rows)

    return write


def _constant(rows: Array, static: Array | None) -> Callable[[], None]:
    def write() -> None:
        rows[:] = 0 if static is None else static

    return write


def _loss(rows: Array, own: Array, load: Array) -> Callable[[], None]:
    """Return a function that subtracts a layer's own emission times the sum of the weights at each of its units."""
    scratch = np.empty_like(rows)

    def write() -> None:
        np.multiply(own, load, out=scratch)
        np.subtract(rows, scratch, out=rows)

    return write
