"""Directed networks: three forms of the dynamics, with feedback weights at an angle to the forward weights.

EP form         tau ds/dt = rho'(s) (W rho(s) + b) - s          has an energy if the weights are symmetric
plain form      tau ds/dt = W rho(s) + b - s                    has none even then, since Jac = W diag(rho') - I
linear          tau ds/dt = W s + b - s                         is the hard sigmoid within its bounds
"""

from typing import Any

import numpy as np
from _problem import batch, change, cosine, descent, inside, layered, made

from neuroeq.measures.fidelity import implicit_gradient

PLAIN = {
    "title": "Leaky integrator of its drive, sigmoid activity", "emits": "rate", "state": "s", "activity": "rho",
    "readout": "s", "dt": "4 ms", "parameters": {"tau": "10 ms"},
    "equations": "ds/dt = (drive + bias - s + nudge)/tau : 1\nrho = 1/(1 + exp(2 - 4*s)) : 1",
}  # fmt: skip
FORMS: dict[str, Any] = {"EP form, sigmoid": "sigmoid", "plain form, sigmoid": PLAIN, "linear": "hard_sigmoid"}
BETA = 1e-3
"""Centred, its bias is of order 1e-6."""
SPREAD = 0.3
"""Of states around 1/2: at equal slopes of the sigmoid the plain form would have a symmetric Jacobian."""


def along_gradient(form: str, angle: float, rule: str, seed: int) -> float:
    """Return the cosine between an update of a random network and its gradient."""
    feedback = {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1}
    over = {
        "projections": {"hidden1_output": {"directed": True}, "output_hidden1": feedback},
        "training": {"rule": rule},
        "substrate": {"rate": {"neuron": FORMS[form], "dt": "4 ms"}},
    }
    net = layered(6, 8, 3, **over)
    forward = inside(net, seed)["hidden1_output"]
    params = inside(net, seed, SPREAD, output_hidden1=turned(forward, angle, seed).T)
    inputs, targets = batch(net, seed)
    substrate = made(net, params)
    gradient = implicit_gradient(substrate, inputs, targets)
    return cosine(change(substrate, inputs, targets, BETA), descent(gradient))


def turned(forward: np.ndarray, angle: float, seed: int) -> np.ndarray:
    """Return random weights with the same norm as others, at an angle [degrees] to them."""
    other = np.random.default_rng(seed + 2000).normal(size=forward.shape)
    other -= forward * (other * forward).sum() / (forward**2).sum()
    other *= np.linalg.norm(forward) / np.linalg.norm(other)
    return np.cos(np.radians(angle)) * forward + np.sin(np.radians(angle)) * other


def mean_cosines(rule: str, angles: tuple[float, ...], nets: int) -> dict[str, list[float]]:
    """Return, by form of the dynamics, the cosine at every angle, averaged over networks."""
    return {
        form: [float(np.mean([along_gradient(form, angle, rule, seed) for seed in range(nets)])) for angle in angles]
        for form in FORMS
    }
