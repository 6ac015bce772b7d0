"""The operating point of a driven circuit, by coordinate descent or by Newton's method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from neuroeq.errors import DataError, DivergenceError, SpecError

from .assembly import Assembly, assemble
from .circuit import Array, Circuit, Conductances, Drive, Layer, OperatingPoint
from .descent import descend
from .diodes import IdealDiode, NoDiode
from .equations import NodeEquations, Voltages, drive_circuit
from .kirchhoff import TINY, largest_current, rounding, violations
from .newton import newton
from .single_diodes import single_diodes

Method = Literal["auto", "descent", "newton"]
LIMITS = {"descent": 400, "newton": 100}
TOLERANCE = 1e-12
"""Default tolerance of the residual."""
RESUMPTIONS = 3
"""How often a method is resumed: its tolerance was too loose if currents are smaller at the solution than before."""


def operating_point(
    circuit: Circuit,
    g: Conductances,
    drive: Drive,
    start: Mapping[str, Array] | None = None,
    *,
    tolerance: float | None = TOLERANCE,
    iterations: int | None = None,
    method: Method = "auto",
    assembly: Assembly | None = None,
    certify: bool = True,
    on_iterate: Callable[[dict[str, Array]], None] | None = None,
) -> OperatingPoint:
    """Solve a circuit.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    g
        Conductances by resistor array, (n_from, n_to). [S]
    drive
        Sources, currents, pulls, held layers.
    start
        Voltages by layer to begin with; layers that are left out begin at 0. [V]
    tolerance
        Net current into a node, as a fraction of the largest current through a resistor, below which it is solved;
        None for exactly so many `iterations`.
    iterations
        Sweeps or Newton steps, at most.
    method
        ``auto``: descent if all diodes are ideal and no resistor joins nodes of one layer, continued by
        Newton's method where it is slow; also for exactly so many iterations where no node has more than one Shockley
        diode; otherwise Newton's method, in double precision.
    assembly
        What `assemble` returned for the same conductances and sources; saves time from the second phase on.
    certify
        Whether to look at Kirchhoff's law at the end; if not, `residual` is nan and `converged` False.
    on_iterate
        Newton's method calls it with the voltages before the first and after each step.

    Raises
    ------
    DataError
        If a value is not finite or of the wrong shape, a conductance is negative, or a current has no way out.
    SpecError
        If the method does not fit the circuit.
    DivergenceError
        If the circuit has no stable operating point.
    """
    equations = drive_circuit(assembly or assemble(circuit, g, drive.sources), drive)
    order = equations.free if start is None else equations.free[::-1]
    voltages, taken, aim = _begin(equations, start), 0, tolerance or TOLERANCE
    if not equations.free:
        return _judge(equations, voltages, aim, taken)
    attempts = [name for name in _methods(circuit, method, tolerance is None) for _ in range(RESUMPTIONS)]
    for name in attempts if certify and tolerance is not None else attempts[:1]:
        threshold = None if tolerance is None else aim * largest_current(equations, voltages)
        limit = iterations or LIMITS[name]
        with np.errstate(over="ignore", invalid="ignore"):
            if name == "descent":
                solved, more = descend(equations, voltages, threshold=threshold, sweeps=limit, order=order)
            else:
                solved, more = newton(
                    equations, voltages, threshold=threshold or 0.0, iterations=limit, on_iterate=on_iterate
                )
        voltages, taken = {**voltages, **solved}, taken + more
        _check_finite(voltages)
        point = _judge(equations, voltages, aim, taken) if certify else _unjudged(voltages, taken)
        if point.converged:
            break
    return point


def _methods(circuit: Circuit, method: Method, counted: bool) -> list[str]:
    """Return the methods to try, in order."""
    layered = all(source != target for source, target in circuit.resistors.values())
    ideal = layered and all(_ideal(layer) for layer in circuit.layers.values())
    closed = layered and all(_ideal(layer) or single_diodes(layer) is not None for layer in circuit.layers.values())
    if method not in ("auto", "descent", "newton"):
        raise SpecError(f"method is '{method}'; expected 'auto', 'descent' or 'newton'.")
    if method == "descent" and not closed:
        raise SpecError(
            "method is 'descent', but diodes of the circuit are neither ideal nor single Shockley diodes, or resistors "
            "join nodes of one layer; use 'newton' or 'auto'."
        )
    if method == "auto":
        if closed and counted:
            return ["descent"]
        return ["descent", "newton"] if ideal else ["newton"]
    return [method]


def _ideal(layer: Layer) -> bool:
    return isinstance(layer.diode, NoDiode | IdealDiode)


def _begin(equations: NodeEquations, start: Voltages | None) -> dict[str, Array]:
    """Return the voltages to begin with, those of held layers included: (batch, n)."""
    voltages = {}
    for name, layer in equations.circuit.layers.items():
        given = equations.drive.held.get(name, (start or {}).get(name, np.zeros(layer.size)))
        if not np.isfinite(given).all():
            raise DataError(f"the voltages of layer '{name}' to start from are not finite; start from 0 V instead.")
        voltages[name] = np.empty((equations.batch, layer.size), equations.dtype)
        voltages[name][:] = given
    return voltages


def _check_finite(voltages: Voltages) -> None:
    if not all(np.isfinite(v).all() for v in voltages.values()):
        raise DivergenceError(
            "the voltages grow without bound: a negative pull exceeds the stability limit, or amplifiers feed back too "
            "much; nudge with a smaller beta."
        )


def _judge(equations: NodeEquations, voltages: Voltages, tolerance: float, taken: int) -> OperatingPoint:
    scale = max(largest_current(equations, voltages), TINY)
    residual, complementarity = (current / scale for current in violations(equations, voltages))
    allowed = max(tolerance, rounding(equations, voltages) / scale)
    return OperatingPoint(voltages, residual, complementarity, max(residual, complementarity) <= allowed, taken)


def _unjudged(voltages: Voltages, taken: int) -> OperatingPoint:
    return OperatingPoint(voltages, np.nan, np.nan, False, taken)
