"""Holomorphic Equilibrium Propagation: nudges around a circle in the complex plane.

    dJ/dtheta = 1/(N |beta|) sum_k E'(s^{beta_k}) exp(-2 pi i k/N),     beta_k = |beta| exp(2 pi i k/N)

The first Fourier coefficient of E' = dE/dtheta around the circle: its error falls as |beta|^N inside the radius where
s^beta is holomorphic. The equations of the units are continued to complex states, so they have to be smooth, which a
clipped one is not. N = 2 is centred nudging. Conjugate nudges give conjugate states, so half a circle is enough.

Laborieux & Zenke 2022, Holomorphic Equilibrium Propagation computes exact gradients through finite size oscillations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroeq.contract import Equilibrium, Params, Rule, Substrate, VectorField
from neuroeq.physics.components import first, paired

from .trial import Trial
from .update import Update

Array = np.ndarray


def holomorphic(substrate: Substrate, trial: Trial) -> Update:
    """Return the first Fourier coefficient of the energy gradient around a circle of nudges."""
    field = substrate.as_field()
    assert field is not None, "a substrate without equations is refused when it is built"
    free = trial.relax(substrate)
    points, radius = substrate.network.phases.points, abs(trial.nudges[0][0])
    half = np.arange(points // 2 + 1)
    turns = np.exp(2j * np.pi * half / points)
    counts = np.where((half == 0) | (2 * half == points), 1.0, 2.0)
    activity = _nudged(field, trial, free, radius * turns)
    weights = counts / (points * radius * turns)
    return Update(_coefficient(field, activity, weights), free, ())


def _nudged(substrate: VectorField, trial: Trial, free: Equilibrium, betas: Array) -> dict[str, Array]:
    """Return the activities at the end of the phases with complex nudges, by layer: (..., points x batch, n)."""
    network, fields, scale = substrate.network, substrate.fields, substrate.simulation.scale
    output, targets = network.output_layer, np.tile(trial.targets, (len(betas), 1))
    state = {layer: np.tile(value.astype(complex), (len(betas), 1)) for layer, value in free.state.items()}
    activity = {network.input_layer: np.tile(free.activity[network.input_layer], (len(betas), 1))}
    pull = np.repeat(betas, len(trial.targets))[:, None]
    values: dict[str, dict[str, Any]] = {}
    for _ in range(trial.nudged.steps):
        for layer, field in fields.items():
            values[layer] = {field.model.state: state[layer]}
            activity[layer] = field.functions[1](values[layer])
        drives = substrate.drives(activity)
        for layer, field in fields.items():
            values[layer] |= {"drive": drives[layer], "bias": substrate.biases(layer), "nudge": 0.0}
            if layer == output:
                values[layer]["nudge"] = -pull * trial.cost.gradient(field.functions[2](values[layer]), targets)
            state[layer] = state[layer] + field.functions[0](values[layer]) / scale(layer)
    ends = {layer: field.functions[1]({field.model.state: state[layer]}) for layer, field in fields.items()}
    return activity | ends


def _coefficient(substrate: VectorField, activity: dict[str, Array], weights: Array) -> Params:
    """Return the real part of the sum over points of weights times -dE/dtheta, averaged over the batch."""
    network, maps = substrate.network, substrate.simulation.operators
    rows = len(activity[network.input_layer])
    m = rows // len(weights)
    weighted = {layer: value * np.repeat(weights, m)[:, None] / m for layer, value in activity.items()}
    ones, change = np.ones((rows, 1)), {}
    for name in substrate.params:
        if name in network.projections:
            ends = network.projections[name]
            change[name] = maps[name].outer(*paired(activity[ends.source], weighted[ends.target])).real
        else:
            change[name] = maps[name].outer(ones, first(weighted[name.removesuffix(".bias")])).real
    return substrate.shaped(change)


HOLOMORPHIC = Rule(holomorphic, nudge="state", needs=frozenset({"energy", "analytic"}))
