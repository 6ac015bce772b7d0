"""The fused training computes what sweeps, the contrast and clipping compute one after the other."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from neuroeq.errors import DataError, DivergenceError, SpecError
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.circuit import Amplifier, Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import IdealDiode, PiecewiseDiode, ShockleyDiode
from neuroeq.physics.circuits.fused.aligned import aligned
from neuroeq.physics.circuits.fused.checks import check_result
from neuroeq.physics.circuits.fused.setting import NUDGES, VARIANTS, Rates, Resistors, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining
from neuroeq.physics.circuits.gradient import amplifier_factors, contrast
from neuroeq.physics.circuits.solve import operating_point

N_INPUT, N_HIDDEN, N_OUTPUT, N_EXAMPLES = 13, 9, 3, 29
FIRST = np.arange(N_HIDDEN) < 5
REAL = {"diode": ShockleyDiode(i_s=1e-3, n=1.933), "low": np.where(FIRST, -0.3, -np.inf)}
REAL["high"] = np.where(FIRST, np.inf, 0.3)
PAIRED = {"paired": True, "nudge": "held_current"}
RATES = Rates([0.02, 0.05, 0.04, 0.03], [0.03, 0.04, 0.02, 0.05])
TWO = Rates(RATES.arrays[:2], RATES.biases[:2])
NUMBA = pytest.mark.skipif(not kernels.available(), reason="needs numba")
COMPILED = [False, pytest.param(True, marks=NUMBA)]


def setting(sizes=(N_HIDDEN,), diode=None, low=None, high=None, amplifier=None, arrays=({}, {}), **options):
    """Return a setting of hidden layers of some sizes; the later arrays have the settings of the second one."""
    hidden = [
        Layer(n, diode or IdealDiode(), *(bound[:n] if np.ndim(bound) else bound for bound in bounds), amplifier)
        for n, bounds in zip(sizes, [_bounds(low, high)] * len(sizes), strict=True)
    ]
    first, *later = [{"limits": (0.0, 0.8)} | arrays[0]] + [{"limits": (0.01, 0.8)} | arrays[1]] * len(sizes)
    plain = {"beta": 0.05, "gain": 5.0, "constants": (1.0, -0.5), "sweeps": (4, 3)}
    return Setting(hidden, arrays=[Resistors(**each) for each in (first, *later)], **(plain | options))


def _bounds(low, high):
    return np.where(FIRST, 0, -np.inf) if low is None else low, np.where(FIRST, np.inf, 0) if high is None else high


def drawn(rng, *sizes):
    """Return conductances of which many are at a limit, and currents."""
    lowest = [-1.0] + [-0.5] * len(sizes)
    g = [
        np.clip(rng.uniform(low, 1, shape), max(low + 0.51, 0), 0.8)
        for low, shape in zip(lowest, pairwise([2 * N_INPUT + 2, *sizes]), strict=False)
    ]
    return g, [rng.normal(size=n) for n in sizes]


@pytest.fixture
def params(rng):
    """Those of one hidden layer."""
    return drawn(rng, N_HIDDEN, N_OUTPUT)


@pytest.fixture
def examples(rng):
    """Sparse inputs, one-hot targets, and an order that does not take all of them."""
    x = rng.random((40, N_INPUT)) * (rng.random((40, N_INPUT)) < 0.4)
    return x, np.eye(N_OUTPUT)[rng.integers(0, N_OUTPUT, 40)], rng.permutation(40)[:N_EXAMPLES]


def outputs_of(setting, nodes):
    return nodes[:, :N_OUTPUT] - nodes[:, N_OUTPUT:] if setting.paired else nodes


def phases(setting, circuit, g, currents, x, y):
    """Return the voltages in the free phase and in the nudged ones."""

    def sweep(drive, start, sweeps):
        found = operating_point(circuit, g, drive, start, tolerance=None, iterations=sweeps, method="descent")
        return found.voltages

    sources = {
        "x": np.concatenate([setting.gain * x, -setting.gain * x, np.tile(setting.constants, (len(x), 1))], axis=1)
    }
    found = [sweep(Drive(sources, currents), None, setting.sweeps[0])]
    for beta in setting.beta * np.array(VARIANTS[setting.variant][0]):
        if setting.nudge == "state":
            nudged = Drive(sources, currents, {"o": (beta, y)})
        else:
            off = y - outputs_of(setting, found[0]["o"])
            off = np.concatenate([off, -off], axis=1) if setting.paired else off
            nudged = Drive(sources, {**currents, "o": currents["o"] + beta * off})
        found.append(sweep(nudged, found[0], setting.sweeps[1]))
    return sources, found


def circuit_of(setting, g):
    names = [*(f"h{n}" for n in range(len(setting.hidden))), "o"]
    layers = dict(zip(names, [*setting.hidden, Layer(g[-1].shape[1])], strict=True))
    ends = pairwise(["x", *names])
    return Circuit({"x": len(g[0])}, layers, {f"g{n}": each for n, each in enumerate(ends)})


def unfused(setting, params, x, y, order, batch, rates=TWO):
    """Return conductances, currents and free outputs after training step by step."""
    g, bias = ([value.copy() for value in each] for each in params)
    circuit = circuit_of(setting, g)
    factors, names = amplifier_factors(circuit, "o"), list(circuit.layers)
    (a, b), outputs, velocity = VARIANTS[setting.variant][1], [], [0.0] * (2 * len(g))
    for first in range(0, len(order), batch):
        which = order[first : first + batch]
        currents = {name: np.tile(current, (len(which), 1)) for name, current in zip(names, bias, strict=True)}
        named = {f"g{n}": each for n, each in enumerate(g)}
        sources, found = phases(setting, circuit, named, currents, x[which], y[which])
        weight = VARIANTS[setting.variant][2] / setting.beta
        change = contrast(circuit, sources, [(weight, found[a]), (-weight, found[b])])
        asked = [-factors[name] * change[name] for name in named]
        moved = [weight * (found[a][name] - found[b][name]).mean(axis=0) for name in names]
        asked += [factors[name] * each for name, each in zip(named, moved, strict=True)]
        velocity = [each + setting.momentum * v for each, v in zip(asked, velocity, strict=True)]
        g = [
            np.clip(each + rate * v - array.l1 * np.sign(each), *array.limits)
            * (1 if array.connected is None else array.connected)
            for each, rate, v, array in zip(g, rates.arrays, velocity, setting.resistors, strict=False)
        ]
        for current, rate, v in zip(bias, rates.biases, velocity[len(g) :], strict=False):
            current += rate * v
        outputs.append(outputs_of(setting, found[0]["o"]))
    return *g, *bias, np.concatenate(outputs)


def fused(setting, params, x, y, order, batch, compiled):
    training = FusedTraining(setting, *params, compiled=compiled)
    outputs = training.train(x, y, order, batch, rates_of(setting))
    return *training.g, *training.biases, outputs


def rates_of(setting):
    n = len(setting.resistors)
    return Rates(RATES.arrays[:n], RATES.biases[:n])


def assert_same(found, expected):
    """Compare to rounding."""
    for one, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize("nudge", NUDGES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_fused_training_is_sweeps_contrast_and_clipping(params, examples, variant, nudge, batch, compiled):
    """To rounding, over batches and a smaller one at the end; 29 examples leave 1 of 4, and 5 of 6."""
    chosen = setting(variant=variant, nudge=nudge)
    expected = unfused(chosen, params, *examples, batch)
    assert (expected[0] == 0).any() and (expected[0] == 0.8).any()
    assert np.abs(expected[0] - params[0][0]).max() > 1e-3
    assert_same(fused(chosen, params, *examples, batch, compiled), expected)


CONNECTED = np.random.default_rng(3).random((2 * N_INPUT + 2, N_HIDDEN)) < 0.6
MASKS = {"connected": CONNECTED}, {"connected": CONNECTED[:N_HIDDEN, :N_OUTPUT]}
MORE = {
    "momentum": {"momentum": 0.7},
    "l1": {"arrays": ({"l1": 0.003}, {"l1": 0.002})},
    "l1 of one array": {"arrays": ({}, {"l1": 0.01})},
    "masks": {"arrays": MASKS},
    "one mask": {"arrays": ({}, MASKS[1])},
    "all": {"momentum": 0.7, "arrays": (MASKS[0] | {"l1": 0.003}, MASKS[1] | {"l1": 0.002})},
}


def masked(setting, params):
    """Return the parameters without conductances where an array connects nothing."""
    g = [
        each if array.connected is None else each * array.connected
        for each, array in zip(params[0], setting.resistors, strict=True)
    ]
    return g, params[1]


@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize(
    ("case", "compiled"),
    [
        *((case, False) for case in MORE),
        *(pytest.param(case, True, marks=NUMBA) for case in ("all", "one mask")),  # each is compiled for its types
    ],
)
def test_momentum_decay_and_masks_do_what_they_do_unfused(params, examples, case, batch, compiled):
    chosen = setting(**MORE[case])
    params = masked(chosen, params)
    expected, plain = unfused(chosen, params, *examples, batch), unfused(setting(), params, *examples, batch)
    assert np.abs(expected[1] - plain[1]).max() > 1e-4
    assert_same(fused(chosen, params, *examples, batch, compiled), expected)


DEEP = (9, 7, 5)
UNLIKE = Amplifier(np.linspace(2, 4, 5), 0.4, np.linspace(-0.05, 0.05, 5))
"""Amplifiers of another gain and offset at each node."""


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [4, 6])
@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"variant": "positive"},
        PAIRED,
        REAL,
        {"amplifier": Amplifier(3.0, 0.4, 0.02), "variant": "negative"},
        {"amplifier": Amplifier(3.0, 0.4, 0.02), **REAL, **PAIRED},
    ],
    ids=["positive", "paired", "real", "amplifiers", "amplifiers, real, paired"],
)
def test_several_hidden_layers_learn_as_they_do_unfused(rng, examples, options, depth, batch, compiled):
    chosen = setting(DEEP[:depth], **options)
    params = drawn(rng, *DEEP[:depth], 2 * N_OUTPUT if chosen.paired else N_OUTPUT)
    expected = unfused(chosen, params, *examples, batch, rates_of(chosen))
    for value, old in zip(expected, [*params[0], *params[1]], strict=False):
        assert np.abs(value - old).max() > 1e-4
    assert_same(fused(chosen, params, *examples, batch, compiled), expected)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [4, 6])
def test_momentum_decay_and_masks_work_in_several_layers(rng, examples, batch, compiled):
    """Of three arrays, one after the first connects all nodes."""
    params = drawn(rng, *DEEP[:2], N_OUTPUT)
    plain = setting(DEEP[:2], momentum=0.7)
    connected = [CONNECTED, CONNECTED[:9, :7], None]
    arrays = [Resistors((0.0, 0.8), each, 0.001 * (n + 1)) for n, each in enumerate(connected)]
    chosen = Setting(plain.hidden, plain.beta, arrays, plain.gain, plain.constants, momentum=0.7)
    params = masked(chosen, params)
    expected = unfused(chosen, params, *examples, batch, rates_of(chosen))
    assert_same(fused(chosen, params, *examples, batch, compiled), expected)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_each_layer_has_its_own_amplifiers_and_diodes(rng, examples, compiled):
    """The middle one of three has amplifiers that differ, and the last one Shockley diodes."""
    plain, real = setting(DEEP), setting(DEEP, **REAL)
    middle = Layer(5, plain.hidden[1].diode, 0.0, np.inf, UNLIKE)
    chosen = Setting([plain.hidden[0], middle, real.hidden[2]], plain.beta, gain=5.0, constants=plain.constants)
    params = drawn(rng, DEEP[0], 5, DEEP[2], N_OUTPUT)
    assert_same(fused(chosen, params, *examples, 6, compiled), unfused(chosen, params, *examples, 6, rates_of(chosen)))


@pytest.mark.parametrize(
    ("case", "compiled"), [("momentum", False), ("l1", False), ("all", False), pytest.param("all", True, marks=NUMBA)]
)
def test_a_training_in_two_parts_with_its_velocities_is_that_in_one(params, examples, case, compiled):
    chosen, (x, y, order) = setting(**MORE[case]), examples
    whole = FusedTraining(chosen, *params, compiled=compiled)
    first = FusedTraining(chosen, *params, compiled=compiled)
    whole.train(x, y, order, 4, TWO)
    first.train(x, y, order[:12], 4, TWO)
    second = FusedTraining(chosen, first.g, first.biases, velocity=first.velocity, compiled=compiled)
    second.train(x, y, order[12:], 4, TWO)
    for one, value in zip([*second.g, *second.biases], [*whole.g, *whole.biases], strict=True):
        np.testing.assert_allclose(one, value, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [4, 6])
@pytest.mark.parametrize("options", [REAL, PAIRED, REAL | PAIRED], ids=["real", "paired", "real, paired"])
def test_real_diodes_and_paired_outputs_learn_as_they_do_unfused(params, examples, rng, options, batch, compiled):
    """To rounding; at the start an eighth of the diodes pass more than 30 times their saturation current."""
    chosen = setting(**options)
    if chosen.paired:
        (g1, g2), bias = params
        params = [g1, np.concatenate([g2, g2[::-1]], axis=1)], [bias[0], rng.normal(size=2 * N_OUTPUT)]
    expected = unfused(chosen, params, *examples, batch)
    assert np.abs(expected[0] - params[0][0]).max() > 1e-3
    assert_same(fused(chosen, params, *examples, batch, compiled), expected)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("options", [{}, REAL], ids=["ideal", "real"])
def test_a_hidden_node_that_no_conductance_reaches_learns_as_it_does_unfused(params, examples, options, compiled):
    """It carries nothing at first, and its conductances to the outputs grow from 0."""
    (g1, g2), (hidden_bias, _) = params
    g1[:, 2] = g2[2] = hidden_bias[2] = 0
    chosen = setting(arrays=({}, {"limits": (0.0, 0.8)}), **options)
    expected = unfused(chosen, params, *examples, 4)
    assert expected[1][2].any()
    assert_same(fused(chosen, params, *examples, 4, compiled), expected)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_a_current_into_a_hidden_node_without_conductance_is_refused(params, examples, compiled):
    (g1, g2), (hidden_bias, _) = params
    g1[:, 2] = g2[2] = 0
    hidden_bias[2] = 0.1
    training = FusedTraining(setting(arrays=({}, {"limits": (0.0, 0.8)})), *params, compiled=compiled)
    with pytest.raises(DataError, match="example 0: a current flows into a node without conductance"):
        training.train(*examples, 4, TWO)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_an_amplifier_that_injects_more_than_its_resistors_draw_is_refused(rng, examples, compiled):
    chosen = setting(DEEP[:2], amplifier=Amplifier(4.0, -20.0))
    training = FusedTraining(chosen, *drawn(rng, *DEEP[:2], N_OUTPUT), compiled=compiled)
    with pytest.raises(DataError, match="an amplifier injects more current than its resistors draw"):
        training.train(*examples, 4, rates_of(chosen))


@pytest.mark.parametrize(
    ("failed", "error", "message"), [(-1, DivergenceError, "learning diverges"), (2, DataError, "example 2")]
)
def test_only_examples_before_the_one_that_failed_count_as_diverged(params, failed, error, message):
    outputs = np.zeros((4, N_OUTPUT))
    outputs[3] = np.nan
    with pytest.raises(error, match=message):
        check_result(FusedTraining(setting(), *params, compiled=False), outputs, failed)


@pytest.mark.skipif(not kernels.available(), reason="needs numba")
@pytest.mark.parametrize("batch", [4, 6])
def test_numba_and_numpy_agree(params, examples, batch):
    (g1, g2), bias = params
    assert_same(*(fused(setting(constants=()), ([g1[:-2], g2], bias), *examples, batch, way) for way in (True, False)))


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_single_precision_is_close_to_double(params, examples, compiled):
    """7 batches each add a few roundings of 6e-8 relative to the largest conductance."""
    double = fused(setting(), params, *examples, 4, compiled)
    single = fused(setting(), [[value.astype("float32") for value in each] for each in params], *examples, 4, compiled)
    assert single[0].dtype == single[-1].dtype == np.float32
    for found, value in zip(single, double, strict=True):
        np.testing.assert_allclose(found, value, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_steps_one_by_one_are_an_epoch(params, examples, compiled):
    x, y, order = examples
    at_once, by_steps = (FusedTraining(setting(), *params, compiled=compiled) for _ in range(2))
    loss, wrong = at_once.epoch(x, y, order, 4, TWO)
    outputs = [by_steps.step(x[order[k : k + 4]], y[order[k : k + 4]], TWO) for k in range(0, len(order), 4)]
    np.testing.assert_allclose(by_steps.g[0], at_once.g[0], rtol=1e-12, atol=1e-12)
    assert loss == pytest.approx(0.5 * np.square(np.concatenate(outputs) - y[order]).sum(), rel=1e-12)
    assert wrong == (np.concatenate(outputs).argmax(axis=1) != y[order].argmax(axis=1)).sum()


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_currents_stay_unless_rates_for_them_are_given(params, examples, compiled):
    training = FusedTraining(setting(), *params, compiled=compiled)
    training.train(*examples, 4, Rates([0.02, 0.05]))
    assert np.abs(training.g[0] - params[0][0]).max() > 1e-3
    for bias, old in zip(training.biases, params[1], strict=True):
        np.testing.assert_array_equal(bias, old)


@pytest.mark.parametrize("order", ["C", "F"])
def test_aligned_copies_begin_at_a_cache_line(order):
    for size in range(1, 20):
        values = np.arange(3.0 * size).reshape(3, size)
        copy = aligned(values, order)
        assert copy.ctypes.data % 64 == 0 and copy.flags[f"{order}_CONTIGUOUS"]
        np.testing.assert_array_equal(copy, values)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_training_leaves_what_it_was_given(params, examples, compiled):
    given = [[np.asfortranarray(value) for value in each] for each in params]
    fused(setting(), given, *examples, 4, compiled)
    for value, old in zip([*given[0], *given[1]], [*params[0], *params[1]], strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_a_negative_nudge_beyond_the_conductances_is_refused(params, examples, compiled):
    training = FusedTraining(setting(beta=20.0), *params, compiled=compiled)
    with pytest.raises(
        DataError,
        match=r"example 0: a current flows .* or a nudge of -20 S exceeds the conductances",
    ):
        training.train(*examples, 4, TWO)
    np.testing.assert_array_equal(training.g[0], params[0][0])


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_what_was_learned_before_a_refused_batch_stays(params, examples, compiled):
    """Uphill, the first batch takes the conductances of an output to 9 x 0.01 S, below beta."""
    x, y, order = examples
    uphill = Rates([0.02, -0.1], [0.0, 0.0])
    training = FusedTraining(setting(beta=0.2), *params, compiled=compiled)
    with pytest.raises(DataError, match="example 4: a current flows"):
        training.train(x, y, order, 4, uphill)
    expected = unfused(setting(beta=0.2), params, x, y, order[:4], 4, uphill)
    np.testing.assert_allclose(training.g[0], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(training.g[1], expected[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("over", [{}, REAL], ids=["ideal", "real"])
def test_inputs_that_are_not_finite_are_refused(params, examples, compiled, over, bad):
    x, y, order = examples
    x[order[-1], 0] = bad
    with pytest.raises(DataError, match="inputs hold NaN or infinite values; mend the data"):
        FusedTraining(setting(**over), *params, compiled=compiled).train(x, y, order, 4, TWO)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("over", [{}, REAL], ids=["ideal", "real"])
def test_voltages_without_bound_are_a_divergence(params, examples, compiled, over):
    x, y, order = examples
    training = FusedTraining(setting(**over), *params, compiled=compiled)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="the outputs are not finite"):
        training.train(1e308 * x, y, order, 4, TWO)


def test_what_does_not_fit_is_refused(params, examples):
    x, y, order = examples
    with pytest.raises(SpecError, match="variant is 'symetric'; expected one of centred, positive, negative"):
        setting(variant="symetric")
    with pytest.raises(SpecError, match=r"beta is -1 and sweeps are \(4, 3\); expected numbers above 0"):
        setting(beta=-1)
    with pytest.raises(SpecError, match="outputs are paired and nudge is 'state'; expected 'held_current'"):
        setting(paired=True)
    with pytest.raises(SpecError, match="diode is neither ideal nor a single Shockley diode at each node"):
        FusedTraining(setting(diode=PiecewiseDiode(0.4, 1.0, 1e9)), *params)
    with pytest.raises(SpecError, match="diode is neither ideal nor a single Shockley diode at each node"):
        FusedTraining(setting(diode=REAL["diode"], low=-1.0, high=1.0), *params)
    g1, g2 = params[0]
    with pytest.raises(SpecError, match="there are 1 hidden layers and 3 arrays; expected at least one layer, and one"):
        Setting(setting().hidden, 1.0, [Resistors()] * 3)
    with pytest.raises(DataError, match=r"there are 1 arrays; expected 2, for 1 hidden layers"):
        FusedTraining(setting(), [g1])
    with pytest.raises(DataError, match=r"g\[0\] has shape \(27, 9\); expected \(2 n_input \+ 2, 9\)"):
        FusedTraining(setting(), [g1[:-1], g2])
    with pytest.raises(DataError, match=r"g\[1\] has shape \(8, 3\); expected \(9, 3\)"):
        FusedTraining(setting(), [g1, g2[1:]])
    with pytest.raises(DataError, match=r"g\[0\] reaches from -1 to .* S; expected \(0.0, 0.8\): clip it"):
        FusedTraining(setting(), [g1 - 1, g2])
    with pytest.raises(DataError, match=r"inputs and targets have shapes \(40, 12\) and \(40, 3\); expected \(n, 13\)"):
        FusedTraining(setting(), *params, compiled=False).train(x[:, 1:], y, order, 4, TWO)
    with pytest.raises(SpecError, match="batch is 0; expected 1 or more"):
        FusedTraining(setting(), *params).train(x, y, order, 0, TWO)
    with pytest.raises(DataError, match="order names examples that are not there; expected 0 to 39"):
        FusedTraining(setting(), *params).train(x, y, order + 30, 4, TWO)


@pytest.mark.skipif(not kernels.available(), reason="needs numba")
def test_the_file_of_the_outermost_kernel_changes_with_the_others():
    """Or numba would go on with what it compiled before, which is on the disk."""
    from neuroeq.physics.circuits.fused import kernels as outermost

    for name, digest in outermost.PARTS.items():
        content = (Path(outermost.__file__).parent / name).read_bytes()
        assert hashlib.blake2b(content, digest_size=4).hexdigest() == digest, f"write that of {name} into kernels.py"
