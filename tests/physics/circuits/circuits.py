"""Small random circuits."""

import numpy as np

from neuroeq.physics.circuits.circuit import Amplifier, Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import IdealDiode, NoDiode, PiecewiseDiode, ShockleyDiode

SHOCKLEY = ShockleyDiode(i_s=4.352e-9, n=1.906)
DIODES = {
    "none": NoDiode(),
    "ideal": IdealDiode(),
    "piecewise": PiecewiseDiode(threshold=0.4, r_on=1e3, r_off=1e7),
    "shockley": SHOCKLEY,
    "spice": ShockleyDiode(i_s=4.352e-9, n=1.906, spice=True),
}


def layered(sizes=(6, 5, 4, 3), diode=SHOCKLEY, bias=0.3, amplifier=None, single=False, upper=False, extra=()):
    """Return a circuit with sources x and bias, hidden layers h1, h2, ... with diodes, and plain outputs y."""
    names = [*(f"h{number + 1}" for number in range(len(sizes) - 2)), "y"]
    layers = {}
    for name, size in zip(names, sizes[1:], strict=True):
        low, high = np.full(size, -bias), np.full(size, bias)
        if single:
            low[: size // 2], high[size // 2 :] = -np.inf, np.inf
        if upper:
            low[:] = -np.inf
        hidden = name != "y"
        layers[name] = Layer(size, diode, low, high, amplifier) if hidden else Layer(size)
    resistors = {f"{a}_{b}": (a, b) for a, b in [*zip(["x", *names], names, strict=False), *extra]}
    return Circuit({"x": sizes[0], "bias": 1}, layers, resistors | {f"bias_{name}": ("bias", name) for name in names})


def conductances(circuit, rng, low=1e-6, high=1e-4):
    sizes = {**circuit.sources, **{name: layer.size for name, layer in circuit.layers.items()}}
    return {name: rng.uniform(low, high, (sizes[a], sizes[b])) for name, (a, b) in circuit.resistors.items()}


def random_case(rng, batch=7, amplitude=2.0, **options):
    """Return a circuit, its conductances and a drive."""
    circuit = layered(**options)
    g = conductances(circuit, rng)
    x = rng.uniform(-amplitude, amplitude, (batch, circuit.sources["x"]))
    return circuit, g, Drive({"x": x, "bias": np.array([0.5])})


KENDALL = Amplifier(4.0, 0.25)
