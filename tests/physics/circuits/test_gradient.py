"""The contrast of operating points is the gradient of the cost, with the slopes that theory says."""

import numpy as np
import pytest

from neuroeq.errors import SpecError
from neuroeq.physics.circuits.circuit import Amplifier, Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import NoDiode
from neuroeq.physics.circuits.gradient import amplifier_factors, contrast, resistor_energy_gradient
from neuroeq.physics.circuits.solve import operating_point
from tests.physics.circuits.circuits import DIODES, KENDALL, layered, random_case
from tests.physics.circuits.oracle import solve_adjoint

SMOOTH = ["none", "shockley", "spice"]


def nudged(circuit, g, drive, free, beta, targets, mode="conductance"):
    if mode == "conductance":
        nudge = Drive(drive.sources, pulls={"y": (beta, targets)})
    else:
        nudge = Drive(drive.sources, currents={"y": beta * (targets - free.voltages["y"])})
    point = operating_point(circuit, g, nudge, free.voltages, tolerance=1e-14)
    assert point.residual < 1e-12
    return point.voltages


def estimate(circuit, g, drive, free, beta, targets, mode, centred):
    plus = nudged(circuit, g, drive, free, beta, targets, mode)
    if not centred:
        return contrast(circuit, drive.sources, [(1 / beta, plus), (-1 / beta, free.voltages)])
    minus = nudged(circuit, g, drive, free, -beta, targets, mode)
    return contrast(circuit, drive.sources, [(0.5 / beta, plus), (-0.5 / beta, minus)])


def cost(circuit, g, drive, targets):
    return (0.5 * (operating_point(circuit, g, drive).voltages["y"] - targets) ** 2).sum(axis=1).mean()


def error(found, truth):
    difference = np.concatenate([(found[name] - truth[name]).ravel() for name in truth])
    return np.linalg.norm(difference) / np.linalg.norm(np.concatenate([truth[name].ravel() for name in truth]))


@pytest.fixture
def targets(rng):
    return rng.uniform(-0.5, 0.5, (7, 3))


@pytest.mark.parametrize("extra", [(), (("h1", "h1"),), (("x", "y"), ("h1", "y"))], ids=["chain", "lateral", "skips"])
@pytest.mark.parametrize("diode", DIODES)
def test_adjoint_is_the_finite_difference(rng, targets, diode, extra):
    """The oracle itself, so that sign and order of every resistor array are beyond doubt."""
    circuit, g, drive = random_case(rng, diode=DIODES[diode], extra=extra, amplifier=None if extra else KENDALL)
    adjoint = solve_adjoint(circuit, g, drive, operating_point(circuit, g, drive), targets)
    for name, values in g.items():
        i, j = (int(rng.integers(size)) for size in values.shape)
        shift = 1e-4 * values[i, j]
        costs = []
        for sign in (1, -1):
            moved = values.copy()
            moved[i, j] += sign * shift
            costs.append(cost(circuit, {**g, name: moved}, drive, targets))
        found = (costs[0] - costs[1]) / (2 * shift)
        assert found == pytest.approx(adjoint[name][i, j], rel=1e-5, abs=1e-6 * np.abs(adjoint[name]).max())


@pytest.mark.parametrize("mode", ["conductance", "held current"])
@pytest.mark.parametrize("diode", SMOOTH)
def test_contrast_tends_to_the_adjoint_gradient(rng, targets, diode, mode):
    """With slope 1 in beta one-sided and slope 2 centred; exactly, centred and held, in a linear circuit."""
    circuit, g, drive = random_case(rng, diode=DIODES[diode], bias=0.1)
    free = operating_point(circuit, g, drive, tolerance=1e-14)
    truth = solve_adjoint(circuit, g, drive, free, targets)
    betas = np.array([1e-7, 3e-7, 1e-6])
    for centred, slope in ((False, 1), (True, 2)):
        errors = [error(estimate(circuit, g, drive, free, beta, targets, mode, centred), truth) for beta in betas]
        if centred and mode == "held current" and diode == "none":
            assert max(errors) < 1e-8
            continue
        assert errors[0] < 10 ** (-1.5 * slope)
        assert abs(np.polyfit(np.log(betas), np.log(errors), 1)[0] - slope) < 0.1, errors


@pytest.mark.parametrize("diode", ["ideal", "piecewise"])
def test_contrast_of_lines_is_the_gradient_unless_a_diode_switches(rng, targets, diode):
    circuit, g, drive = random_case(rng, diode=DIODES[diode], bias=0.1)
    free = operating_point(circuit, g, drive, tolerance=1e-14)
    truth = solve_adjoint(circuit, g, drive, free, targets)
    assert error(estimate(circuit, g, drive, free, 1e-8, targets, "held current", True), truth) < 1e-7


@pytest.mark.parametrize(("a", "k"), [(1, 1), (4, 0.25), (4, 1), (4, 4), (2, -0.1)])
def test_amplifier_factors_make_the_contrast_the_gradient(rng, targets, a, k):
    """A current injected instead of drawn, k < 0, turns the sign at each amplifier."""
    circuit, g, drive = random_case(rng, sizes=(6, 5, 4, 3), amplifier=Amplifier(a, k), amplitude=0.5)
    free = operating_point(circuit, g, drive, tolerance=1e-14)
    truth = solve_adjoint(circuit, g, drive, free, targets)
    found = estimate(circuit, g, drive, free, 1e-8, targets, "held current", True)
    factors = amplifier_factors(circuit, "y")
    for name in truth:
        assert error({name: factors[name] * found[name]}, {name: truth[name]}) < 1e-3
    assert [factors[name] for name in ("x_h1", "h1_h2", "h2_y")] == pytest.approx([(a / k) ** 2, a / k, 1])


def test_factors_of_two_amplifiers_are_256_16_and_1():
    factors = amplifier_factors(layered(amplifier=KENDALL), "y")
    assert [factors[name] for name in ("x_h1", "h1_h2", "h2_y")] == [256, 16, 1]
    assert [factors[name] for name in ("bias_h1", "bias_h2", "bias_y")] == [256, 16, 1]
    injected = amplifier_factors(layered(amplifier=Amplifier(4, -0.25)), "y")
    assert injected["h1_h2"] == -16


def test_factors_of_mismatched_amplifiers_are_those_of_their_means():
    layers = {"h": Layer(2, amplifier=Amplifier(np.array([3.0, 5.0]), np.array([0.2, 0.3]))), "y": Layer(1)}
    circuit = Circuit({"x": 1}, layers, {"x_h": ("x", "h"), "h_y": ("h", "y")})
    assert amplifier_factors(circuit, "y") == pytest.approx({"x_h": 16, "h_y": 1})


def test_ways_past_different_amplifiers_have_no_factor():
    with pytest.raises(SpecError, match="past different amplifiers, so the circuit has no energy"):
        amplifier_factors(layered(amplifier=KENDALL, extra=[("h1", "y")]), "y")


def test_energy_gradient_is_half_of_the_mean_squared_drop(rng):
    circuit, g, drive = random_case(rng, amplifier=KENDALL, amplitude=0.5)
    point = operating_point(circuit, g, drive)
    gradient = resistor_energy_gradient(circuit, drive.sources, point.voltages)
    at = {**drive.sources, **point.voltages}
    for name, (source, target) in circuit.resistors.items():
        start = at[source] * (4 if source in point.voltages else 1)
        drop = np.broadcast_to(start, (7, start.shape[-1]))[:, :, None] - at[target][:, None, :]
        np.testing.assert_allclose(gradient[name], (drop**2).mean(axis=0) / 2, rtol=1e-12)


def test_contrast_is_the_weighted_sum_of_gradients(rng):
    circuit = layered(diode=NoDiode(), extra=[("h1", "h1")])
    sources = {"x": rng.normal(size=(7, 6)), "bias": np.ones(1)}
    points = [{name: rng.normal(size=(7, layer.size)) for name, layer in circuit.layers.items()} for _ in range(3)]
    for weights in ((1.0, -2.0, 1.0), (0.3, 0.2, 0.1)):
        together = contrast(circuit, sources, list(zip(weights, points, strict=True)))
        apart = [resistor_energy_gradient(circuit, sources, point) for point in points]
        for name, values in together.items():
            expected = sum(weight * each[name] for weight, each in zip(weights, apart, strict=True))
            np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-13)


def test_contrast_does_not_cancel_in_single_precision(rng):
    """Inputs of 100 V and changes of 1 mV: their squares would leave two digits."""
    circuit = layered(sizes=(6, 5, 3), diode=NoDiode())
    x, free = rng.uniform(50, 100, (7, 6)), {"h1": rng.normal(size=(7, 5)), "y": rng.normal(size=(7, 3))}
    sources = {"x": x.astype(np.float32), "bias": np.ones(1, np.float32)}
    moved = {name: (v + 1e-3 * rng.normal(size=v.shape)).astype(np.float32) for name, v in free.items()}
    free = {name: v.astype(np.float32) for name, v in free.items()}
    double = [{name: v.astype(float) for name, v in point.items()} for point in (moved, free)]
    expected = contrast(circuit, {k: v.astype(float) for k, v in sources.items()}, [(1, double[0]), (-1, double[1])])
    found = contrast(circuit, sources, [(1.0, moved), (-1.0, free)])
    for name, values in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, atol=1e-5 * np.abs(values).max())
