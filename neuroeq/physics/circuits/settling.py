"""How a circuit settles when every node has a capacitor to ground, by implicit Euler steps.

    C (v' - v)/h = f(v')     is the operating point with one more resistor at each node: C/h to a source at v

Stable at any step, so stiff circuits, with conducting diodes or amplifiers, take as many steps as a figure has points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .assembly import Assembly
from .circuit import Array, Drive
from .equations import NodeEquations
from .solve import operating_point
from .stacked import Stacked

FLOATING = 1e-9
"""Conductance, as a fraction of the largest of all modes, below which a mode counts as floating, as no resistor."""
STEP_OVER_TAU = 0.1
"""Default integration step, as a fraction of the median node's time constant."""


def settle(
    assembly: Assembly,
    drive: Drive,
    start: Mapping[str, Array] | None,
    capacitance: float,
    *,
    step: float | None = None,
    least: int = 1,
    most: int = 400,
    tolerance: float = 1e-3,
) -> tuple[Array, dict[str, Array]]:
    """Return times and node voltages from `start` until they stand still.

    Parameters
    ----------
    assembly
        The circuit, its conductances and voltage sources.
    drive
        The currents, pulls and held layers that act on the circuit.
    start
        Voltages by layer, (batch, n); 0 V if left out. [V]
    capacitance
        Capacitance of each node to ground. [F]
    step
        [s]; a tenth of the median node's time constant if left out.
    least, most
        Smallest and largest number of steps.
    tolerance
        A change over one time constant that counts as standing still, as a fraction of the largest voltage.

    Returns
    -------
    tuple
        Times (n_steps,) [s], and by layer the voltages after each step (n_steps, batch, n). [V]
    """
    tau = capacitance / float(np.median(np.concatenate(list(assembly.sums.values()))))
    step = step or STEP_OVER_TAU * tau
    m = max(len(voltages) for voltages in assembly.sources.values())
    layers = assembly.circuit.layers
    voltages = {name: np.zeros((m, layer.size)) if start is None else start[name] for name, layer in layers.items()}
    path = []
    for _ in range(most):
        pulls = {name: _with_capacitor(drive, name, capacitance / step, voltages[name]) for name in layers}
        point = operating_point(assembly.circuit, assembly.g, replace(drive, pulls=pulls), voltages, assembly=assembly)
        moved = max(float(np.abs(point.voltages[name] - voltages[name]).max()) for name in layers)
        voltages = dict(point.voltages)
        path.append(voltages)
        if len(path) >= least and moved / STEP_OVER_TAU < tolerance * max(
            float(np.abs(v).max()) for v in voltages.values()
        ):
            break
    times = step * np.arange(1, len(path) + 1)
    return times, {name: np.stack([voltages[name] for voltages in path]) for name in layers}


def slowest_mode(equations: NodeEquations) -> float:
    """Return the conductance of the slowest mode, so that C over it is the longest time constant of the circuit [S].

    Diodes count as open: one that conducts makes a circuit without amplifiers faster. Modes of floating nodes, which no
    resistor ties to a source, do not settle and are left out.

    Parameters
    ----------
    equations
        The node equations of the driven circuit.
    """
    system = Stacked(equations)
    matrix = np.diag(system.diagonal) - system.coupling()
    modes = np.linalg.eigvalsh(matrix) if equations.circuit.reciprocal else np.linalg.eigvals(matrix).real
    return float(modes[modes > FLOATING * modes.max()].min())


def _with_capacitor(drive: Drive, layer: str, conductance: float, voltages: Array) -> tuple[float, Array]:
    """Return the resistor to a source that stands for the capacitor, and for what pulls at the layer already."""
    if layer not in drive.pulls:
        return conductance, voltages
    pull, towards = drive.pulls[layer]
    total = conductance + pull
    return total, (conductance * voltages + pull * towards) / total
