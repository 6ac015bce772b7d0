"""How the energy of the resistors depends on their conductances, and its difference between operating points.

    dE/dg_ij = 1/2 <(u_i - v_j)^2> = 1/2 <u_i^2> + 1/2 <v_j^2> - (U^T V)_ij / B         < > over the B samples

u_i = A v_i behind an amplifier. A conductance that several resistors share has the sum of their gradients. Between two
points the squares are taken as products of differences and sums,

    u^2 - u0^2 = (u - u0)(u + u0),    U^T V - U0^T V0 = (U - U0)^T V + U0^T (V - V0)

so nothing large cancels: at sources u - u0 is 0 and one product of matrices is left.

An amplifier takes current k I from its node for A dv at its output, so the circuit descends E = sum_l c_l E_l with
c = 1 for the arrays into the outputs and c (A / k) for those one amplifier before:

    true gradient of an array = contrast x (A / k)^(number of amplifiers between it and the outputs)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuroeq.describe.operators import Operator
from neuroeq.errors import SpecError

from .assembly import shown
from .circuit import Array, Circuit
from .equations import Voltages

Weighted = Sequence[tuple[float, Voltages]]


def resistor_energy_gradient(circuit: Circuit, sources: Mapping[str, Array], voltages: Voltages) -> dict[str, Array]:
    """Return dE/dg at one operating point, the mean over the batch.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    sources
        Voltages by source, (batch, n) or (n,). [V]
    voltages
        Node voltages by layer, (batch, n). [V]

    Returns
    -------
    dict
        The gradient by resistor array, in the shape of its conductances. [V^2]
    """
    return contrast(circuit, sources, [(1.0, voltages)])


def contrast(circuit: Circuit, sources: Mapping[str, Array], weighted: Weighted) -> dict[str, Array]:
    """Return the sum of weights times dE/dg at operating points with the same sources, the mean over the batch.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    sources
        Voltages by source, (batch, n) or (n,). [V]
    weighted
        Weight and voltages of each point.

    Returns
    -------
    dict
        The contrast by resistor array, in the shape of its conductances. [V^2 times the unit of the weights]
    """
    return {
        name: _array_contrast(
            circuit.operator(name),
            [(weight, _start(circuit, sources, source, voltages), voltages[target]) for weight, voltages in weighted],
        )
        for name, (source, target) in circuit.resistors.items()
    }


def amplifier_factors(circuit: Circuit, output: str) -> dict[str, float]:
    """Return by what the contrast of each resistor array has to be multiplied to be the gradient of the cost.

    Where the amplifiers of a layer differ, their mean A and mean k are used: mismatch then shows as a gradient error,
    as it does on hardware.

    Parameters
    ----------
    circuit
        The layers, sources and resistor arrays of the circuit.
    output
        The layer that the cost reads.

    Raises
    ------
    SpecError
        If two ways to the outputs pass different amplifiers; then the circuit has no energy.
    """
    factors = {output: 1.0}
    for _ in circuit.layers:
        for source, target in circuit.resistors.values():
            if source not in circuit.layers:
                continue
            ratio = _ratio(circuit, source)
            for near, far, factor in ((target, source, ratio), (source, target, 1 / ratio)):
                if near in factors and not np.isclose(
                    factors.setdefault(far, factors[near] * factor) / factors[near], factor
                ):
                    raise SpecError(
                        f"layer '{far}' reaches '{output}' past different amplifiers, so the circuit has no energy and "
                        "no factor for its resistors; give all ways the same amplifiers."
                    )
    return {name: factors.get(target, 1.0) for name, (_, target) in circuit.resistors.items()}


def _ratio(circuit: Circuit, layer: str) -> float:
    amplifier = circuit.layers[layer].amplifier
    return 1.0 if amplifier is None else float(np.mean(amplifier.gain) / np.mean(amplifier.back_gain))


def _start(circuit: Circuit, sources: Mapping[str, Array], name: str, voltages: Voltages) -> Array:
    """Return u, the voltages at the start of the resistors that leave a source or a layer."""
    if name in circuit.sources:
        return sources[name]
    return shown(circuit.layers[name], voltages[name])


def _array_contrast(array: Operator, points: Sequence[tuple[float, Array, Array]]) -> Array:
    """Return the contrast of one array, by one product: the squares are two more samples of it."""
    (_, u0, v0), total = points[0], sum(weight for weight, _, _ in points)
    u0 = np.atleast_2d(u0)
    dv, of_u, of_v = total * v0, total / 2 * np.square(u0), total / 2 * np.square(v0)
    senders, receivers = [-u0], [dv]
    for weight, u, v in points[1:]:
        dv += weight * (v - v0)
        of_v += weight / 2 * (v - v0) * (v + v0)
        if np.ndim(u) == 2 and u is not points[0][1]:
            du = weight * (u - u0)
            of_u = of_u + du / 2 * (u + u0)
            senders, receivers = [*senders, -du], [*receivers, v]
    receivers = [each / len(v0) if len(u0) > 1 else each.mean(axis=0, keepdims=True) for each in receivers]
    ones = [np.ones((1, n), v0.dtype) for n in array.ends]
    senders += [of_u.mean(axis=0, keepdims=True), ones[0]]
    receivers += [ones[1], of_v.mean(axis=0, keepdims=True)]
    return array.outer(np.concatenate(senders), np.concatenate(receivers))
