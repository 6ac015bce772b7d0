"""Operating points obey Kirchhoff's law, are unique, and are found downhill."""

from dataclasses import replace

import numpy as np
import pytest

from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.assembly import assemble
from neuroeq.physics.circuits.circuit import Drive
from neuroeq.physics.circuits.descent import descend
from neuroeq.physics.circuits.diodes import IdealDiode, PiecewiseDiode, ShockleyDiode
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.junctions import Junctions
from neuroeq.physics.circuits.kirchhoff import co_content, net_current, violations
from neuroeq.physics.circuits.solve import operating_point
from tests.physics.circuits.circuits import DIODES, KENDALL, random_case
from tests.physics.circuits.oracle import net_currents

pytestmark = pytest.mark.smoke
SHAPES = {
    "one hidden layer": {"sizes": (6, 5, 3)},
    "three hidden layers": {"sizes": (6, 5, 7, 4, 3)},
    "single diodes at 0 V": {"single": True, "bias": 0.0},
    "upper diodes alone": {"upper": True},
    "a skip": {"extra": [("x", "y"), ("h1", "y")]},
    "lateral resistors": {"extra": [("h1", "h1"), ("y", "y")]},
    "amplifiers": {"amplifier": KENDALL},
    "amplifiers with offsets": {
        "sizes": (6, 4, 4, 3),
        "amplifier": replace(KENDALL, offset=np.array([0, 0.05, -0.1, 0])),
    },
}
LINES = (DIODES["none"], DIODES["ideal"])


def equations_of(circuit, g, drive):
    return drive_circuit(assemble(circuit, g, drive.sources), drive)


def by_layer(rng, circuit, batch, amplitude):
    return {name: rng.uniform(-amplitude, amplitude, (batch, layer.size)) for name, layer in circuit.layers.items()}


def distance(a, b):
    return max(np.abs(a.voltages[layer] - b.voltages[layer]).max() for layer in a.voltages)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("diode", DIODES)
def test_net_current_into_every_node_vanishes(rng, diode, shape):
    """Summed resistor by resistor; at a node that an ideal diode clamps, it presses into the diode."""
    circuit, g, drive = random_case(rng, diode=DIODES[diode], **SHAPES[shape])
    point = operating_point(circuit, g, drive)
    assert point.converged and point.residual < 1e-12 and point.complementarity < 1e-12
    largest = 1e-4 * np.abs(drive.sources["x"]).max()
    for sample in range(len(drive.sources["x"])):
        for layer, f in net_currents(circuit, g, drive, point, sample).items():
            v, spec = point.voltages[layer][sample], circuit.layers[layer]
            if isinstance(spec.diode, IdealDiode):
                f = np.where(v == spec.high, np.minimum(f, 0), np.where(v == spec.low, np.maximum(f, 0), f))
                assert ((v >= spec.low) & (v <= spec.high)).all()
            assert np.abs(f).max() < 1e-12 * largest


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("diode", DIODES)
def test_any_start_leads_to_the_same_operating_point(rng, diode, shape):
    circuit, g, drive = random_case(rng, diode=DIODES[diode], **SHAPES[shape])
    point = operating_point(circuit, g, drive)
    for amplitude in (0.1, 1.0, 8.0):
        other = operating_point(circuit, g, drive, by_layer(rng, circuit, 7, amplitude))
        assert other.converged and other.iterations < (100 if DIODES[diode] in LINES else 20)
        assert distance(point, other) < 1e-9


@pytest.mark.parametrize("diode", DIODES)
def test_co_content_never_rises_along_newton_steps(rng, diode):
    """From 0 V, where a diode hardly conducts, a full step to 20 V inputs would go far too far."""
    circuit, g, drive = random_case(rng, diode=DIODES[diode], bias=0.1, amplitude=20.0)
    equations, contents = equations_of(circuit, g, drive), []
    operating_point(
        circuit,
        g,
        drive,
        method="newton",
        on_iterate=lambda voltages: contents.append(co_content(equations, voltages)),
    )
    assert len(contents) > 1
    assert (np.diff(contents, axis=0) <= 1e-13 * np.abs(contents).max()).all()


def test_co_content_never_rises_along_sweeps(rng):
    circuit, g, drive = random_case(rng, diode=IdealDiode())
    equations, start = equations_of(circuit, g, drive), by_layer(rng, circuit, 7, 0.3)
    points = [operating_point(circuit, g, drive, start, tolerance=None, iterations=n) for n in range(1, 20)]
    contents = [co_content(equations, point.voltages) for point in points]
    assert (np.diff(contents, axis=0) <= 1e-13 * np.abs(contents).max()).all()
    assert (contents[0] - contents[-1] > 1e-9 * np.abs(contents).max()).all()


@pytest.mark.parametrize("diode", ["none", "piecewise", "shockley", "spice"])
def test_net_current_is_the_downhill_slope_of_the_co_content(rng, diode):
    circuit, g, drive = random_case(rng, diode=DIODES[diode])
    equations, v = equations_of(circuit, g, drive), by_layer(rng, circuit, 7, 0.4)
    way = by_layer(rng, circuit, 7, 1e-5)
    there, back = ({name: v[name] + sign * way[name] for name in v} for sign in (1, -1))
    rise = co_content(equations, there) - co_content(equations, back)
    slope = sum((current * way[name]).sum(axis=1) for name, current in net_current(equations, v).items())
    np.testing.assert_allclose(rise, -2 * slope, rtol=1e-5, atol=1e-8 * np.abs(rise).max())


@pytest.mark.parametrize("diode", ["none", "piecewise", "shockley", "spice"])
def test_kirchhoffs_law_is_violated_by_the_largest_net_current_of_all_layers(rng, diode):
    circuit, g, drive = random_case(rng, diode=DIODES[diode])
    equations, v = equations_of(circuit, g, drive), by_layer(rng, circuit, 7, 0.4)
    largest = max(np.abs(f).max() for f in net_current(equations, v).values())
    assert violations(equations, v) == (largest, 0.0) and largest > 1e-6


def test_clamped_nodes_violate_no_more_than_the_direction_of_their_diodes(rng):
    """Currents may press into a diode, not pull out of it."""
    circuit, g, drive = random_case(rng, diode=IdealDiode())
    equations = equations_of(circuit, g, replace(drive, held={"y": np.zeros((7, 3))}))
    v = {name: np.clip(each, -0.3, 0.3) for name, each in by_layer(rng, circuit, 7, 0.6).items()} | {
        "y": np.zeros((7, 3))
    }
    f = np.concatenate([net_current(equations, v)[name] for name in equations.free], axis=1)
    at = np.concatenate([v[name] for name in equations.free], axis=1)
    clamped = np.abs(at) == 0.3
    assert violations(equations, v) == (np.abs(f[~clamped]).max(), (-np.sign(at) * f)[clamped].max())


@pytest.mark.parametrize("diode", ["none", "piecewise", "shockley", "spice"])
def test_the_co_content_is_the_sum_over_all_elements(rng, diode):
    circuit, g, drive = random_case(rng, diode=DIODES[diode], extra=[("h1", "h1"), ("x", "y")])
    currents, pull, y = rng.uniform(-1e-5, 1e-5, (7, 3)), 3e-5, rng.uniform(-1, 1, (7, 3))
    drive, v = replace(drive, currents={"y": currents}, pulls={"y": (pull, y)}), by_layer(rng, circuit, 7, 0.4)
    total = (pull / 2 * (y - v["y"]) ** 2 - currents * v["y"]).sum(axis=1)
    total = total + sum(Junctions(layer).content(v[name]) for name, layer in circuit.layers.items())
    ends = v | {name: np.atleast_2d(voltages) for name, voltages in drive.sources.items()}
    for name, (source, target) in circuit.resistors.items():
        drop = ends[source][:, :, None] - ends[target][:, None, :]
        total = total + (g[name] * drop**2).sum(axis=(1, 2)) / 2
    np.testing.assert_allclose(co_content(equations_of(circuit, g, drive), v), total, rtol=1e-12)


def test_a_newton_step_that_lowers_the_co_content_is_tried_once(rng):
    """Diodes that never open leave a linear circuit; both diodes of two hidden layers are asked at every look."""
    asked = []

    class Watched(PiecewiseDiode):
        def content(self, drop):
            asked.append(drop)
            return super().content(drop)

    circuit, g, drive = random_case(rng, diode=Watched(100.0, 1e3, 1e7))
    point = operating_point(circuit, g, drive, method="newton")
    assert point.converged and len(asked) == 4 * (1 + point.iterations)


def test_sweeps_can_be_compiled_where_numba_is_installed():
    pytest.importorskip("numba")
    assert kernels.available()


@pytest.mark.parametrize("shape", ["one hidden layer", "three hidden layers", "a skip", "amplifiers"])
@pytest.mark.parametrize("diode", ["none", "ideal"])
def test_descent_and_newton_agree(rng, diode, shape):
    circuit, g, drive = random_case(rng, diode=DIODES[diode], **SHAPES[shape])
    descent = operating_point(circuit, g, drive, method="descent")
    newton = operating_point(circuit, g, drive, descent.voltages if shape == "amplifiers" else None, method="newton")
    assert descent.converged and newton.converged
    assert distance(descent, newton) < 1e-10


@pytest.mark.parametrize("order", [["h1", "y"], ["y", "h1"]], ids=str)
def test_descent_goes_on_while_a_nudge_has_not_arrived(rng, order):
    """One that looked at the change of its first layer alone would stop where it started."""
    circuit, g, drive = random_case(rng, diode=IdealDiode(), sizes=(6, 5, 3))
    free = operating_point(circuit, g, drive)
    nudge = Drive(drive.sources, pulls={"y": (1e-4, np.ones((7, 3)))})
    found, sweeps = descend(equations_of(circuit, g, nudge), free.voltages, threshold=1e-16, sweeps=100, order=order)
    nudged = operating_point(circuit, g, nudge)
    assert 3 < sweeps < 100
    assert max(np.abs(found[layer] - nudged.voltages[layer]).max() for layer in order) < 1e-10


def test_one_sweep_brings_a_nudge_to_the_hidden_layer(rng):
    circuit, g, drive = random_case(rng, diode=IdealDiode(), sizes=(6, 5, 3))
    free = operating_point(circuit, g, drive)
    nudge = Drive(drive.sources, pulls={"y": (1e-4, np.ones((7, 3)))})
    nudged = operating_point(circuit, g, nudge, free.voltages)
    assert nudged.converged
    moved = np.abs(nudged.voltages["h1"] - free.voltages["h1"]).max()
    assert moved > 1e-4
    once = operating_point(circuit, g, nudge, free.voltages, tolerance=None, iterations=1)
    assert np.abs(once.voltages["h1"] - free.voltages["h1"]).max() > moved / 2


def test_ideal_diodes_agree_with_a_quadratic_program(rng):
    clarabel = pytest.importorskip("clarabel", reason="the second opinion is clarabel's")
    from scipy import sparse

    circuit, g, drive = random_case(rng, diode=IdealDiode(), sizes=(20, 12, 8, 4), batch=3, amplitude=10.0)
    point, equations = operating_point(circuit, g, drive), equations_of(circuit, g, drive)
    names, sizes = list(circuit.layers), [layer.size for layer in circuit.layers.values()]
    ends = dict(zip(names, np.cumsum(sizes), strict=True))
    n = sum(sizes)
    hessian = np.diag(np.concatenate([equations.diagonal[name] for name in names]))
    for name in names:
        for other, coupling in equations.assembly.neighbours[name]:
            matrix = coupling.matrix
            hessian[ends[other] - len(matrix) : ends[other], ends[name] - matrix.shape[1] : ends[name]] -= matrix
    limits = [
        np.concatenate([np.broadcast_to(getattr(circuit.layers[m], end), circuit.layers[m].size) for m in names])
        for end in ("high", "low")
    ]
    finite = np.isfinite(limits[0])
    rows = sparse.csc_matrix(np.concatenate([np.eye(n)[finite], -np.eye(n)[finite]]))
    bound = np.concatenate([limits[0][finite], -limits[1][finite]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    clamped = 0
    for sample in range(3):
        b = np.concatenate([equations.injected[name][sample % len(equations.injected[name])] for name in names])
        problem = (sparse.csc_matrix(np.triu(hessian) * 1e4), -b * 1e4, rows, bound)
        found = clarabel.DefaultSolver(*problem, [clarabel.NonnegativeConeT(len(bound))], settings).solve()
        v = np.concatenate([point.voltages[name][sample] for name in names])
        np.testing.assert_allclose(np.array(found.x), v, atol=1e-6)
        clamped += (np.abs(v) == 0.3).sum()
    assert clamped > 5


def test_shockley_tends_to_ideal_as_n_falls(rng):
    """Linearly, with the thermal voltage n V_t, but for the leakage of 1e-15 A."""
    found = {}
    for diode in (IdealDiode(), *(ShockleyDiode(1e-15, n) for n in (0.1, 0.01, 0.001))):
        circuit, g, drive = random_case(np.random.default_rng(3), diode=diode)
        found[diode] = operating_point(circuit, g, drive)
        assert found[diode].converged
    ideal, *real = found.values()
    errors = [distance(ideal, point) for point in real]
    assert errors[-1] < 1e-3
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 10, rtol=0.1)


@pytest.mark.parametrize("diode", DIODES)
def test_held_outputs_stay_where_they_are_held(rng, diode):
    circuit, g, drive = random_case(rng, diode=DIODES[diode])
    held = rng.uniform(-1, 1, (7, 3))
    point = operating_point(circuit, g, Drive(drive.sources, held={"y": held}))
    assert point.converged
    np.testing.assert_array_equal(point.voltages["y"], held)
    pulled = operating_point(circuit, g, Drive(drive.sources, pulls={"y": (1e4, held)}))
    assert distance(point, pulled) < 1e-7


def test_single_precision_descent_is_near_double(rng):
    circuit, g, drive = random_case(rng, diode=IdealDiode(), sizes=(60, 20, 5))
    single = operating_point(
        circuit,
        {name: values.astype(np.float32) for name, values in g.items()},
        Drive({name: values.astype(np.float32) for name, values in drive.sources.items()}),
    )
    assert single.converged
    assert {values.dtype for values in single.voltages.values()} == {np.dtype(np.float32)}
    assert distance(single, operating_point(circuit, g, drive)) < 2e-6


def test_exactly_as_many_sweeps_as_asked(rng):
    circuit, g, drive = random_case(rng, diode=IdealDiode())
    point = operating_point(circuit, g, drive, tolerance=None, iterations=4)
    assert point.iterations == 4 and not point.converged
    assert np.isnan(operating_point(circuit, g, drive, tolerance=None, iterations=4, certify=False).residual)


def test_an_assembly_saves_work_and_changes_nothing(rng):
    circuit, g, drive = random_case(rng)
    point = operating_point(circuit, g, drive, assembly=assemble(circuit, g, drive.sources))
    assert distance(point, operating_point(circuit, g, drive)) == 0


@pytest.mark.parametrize("shape", ["one hidden layer", "three hidden layers", "single diodes at 0 V", "a skip"])
@pytest.mark.parametrize("phase", ["free", "held"])
def test_compiled_sweeps_are_those_of_numpy(rng, shape, phase):
    pytest.importorskip("numba", reason="sweeps are compiled only where numba is installed")
    circuit, g, drive = random_case(rng, diode=IdealDiode(), **SHAPES[shape])
    held = (
        {"held": {"y": rng.uniform(-1, 1, (7, 3))}} if phase == "held" else {"currents": {"y": np.full((7, 3), 1e-5)}}
    )
    equations = equations_of(circuit, g, Drive(drive.sources, **held))
    start = {**by_layer(rng, circuit, 7, 0.3), **equations.drive.held}
    for threshold, sweeps in ((None, 3), (1e-16, 300)):
        numpy, compiled = (
            descend(equations, start, threshold=threshold, sweeps=sweeps, order=equations.free, compiled=compiled)
            for compiled in (False, True)
        )
        assert abs(numpy[1] - compiled[1]) <= 1
        for layer in equations.free:
            np.testing.assert_allclose(compiled[0][layer], numpy[0][layer], rtol=0, atol=1e-12)


def test_a_circuit_that_is_held_everywhere_is_settled(rng):
    circuit, g, drive = random_case(rng)
    held = by_layer(rng, circuit, 7, 1.0)
    point = operating_point(circuit, g, Drive(drive.sources, held=held))
    assert point.converged and point.iterations == 0
    np.testing.assert_array_equal(point.voltages["h1"], held["h1"])


@pytest.mark.parametrize(
    ("diode", "amplitude", "steps"),
    [(ShockleyDiode(1e-6, 2.0), 0.02, 40), (PiecewiseDiode(0.2, 1.0, 1e9), 2.0, 101)],
    ids=["leaky", "stiff"],
)
def test_rounding_of_large_diode_currents_is_told_from_net_current(diode, amplitude, steps):
    """Resistors carry nA, opposite leakages uA; or one unit in the last place of a voltage is worth 1e-17 A."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        circuit, g, drive = random_case(rng, diode=diode, amplitude=amplitude)
        g = {name: 1e-3 * values for name, values in g.items()}
        point = operating_point(circuit, g, drive, by_layer(rng, circuit, 7, 6.0))
        assert point.converged and point.iterations < steps
