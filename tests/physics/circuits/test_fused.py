"""The fused training computes what sweeps, the contrast and clipping compute one after the other."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neuroeq.errors import DataError, DivergenceError, SpecError
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.circuit import Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import PiecewiseDiode, ShockleyDiode
from neuroeq.physics.circuits.fused.aligned import aligned
from neuroeq.physics.circuits.fused.checks import check_result
from neuroeq.physics.circuits.fused.setting import NUDGES, VARIANTS, Rates, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining
from neuroeq.physics.circuits.gradient import contrast
from neuroeq.physics.circuits.solve import operating_point

N_INPUT, N_HIDDEN, N_OUTPUT, N_EXAMPLES = 13, 9, 3, 29
FIRST = np.arange(N_HIDDEN) < 5
REAL = {"diode": ShockleyDiode(i_s=1e-3, n=1.933), "low": np.where(FIRST, -0.3, -np.inf)}
REAL["high"] = np.where(FIRST, np.inf, 0.3)
PAIRED = {"paired": True, "nudge": "held_current"}
RATES = Rates(0.02, 0.05, 0.03, 0.04)
COMPILED = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not kernels.available(), reason="needs numba")),
]


def setting(**options):
    interval = {"low": np.where(FIRST, 0, -np.inf), "high": np.where(FIRST, np.inf, 0)}
    bounded = {"g1_limits": (0.0, 0.8), "g2_limits": (0.01, 0.8)}
    plain = {"beta": 0.05, "gain": 5.0, "constants": (1.0, -0.5), "sweeps": (4, 3)}
    return Setting(**(plain | interval | bounded | options))


@pytest.fixture
def params(rng):
    """Conductances of which many are at a limit, and currents."""
    g1 = np.clip(rng.uniform(-1, 1, (2 * N_INPUT + 2, N_HIDDEN)), 0, 0.8)
    g2 = np.clip(rng.uniform(-0.5, 1, (N_HIDDEN, N_OUTPUT)), 0.01, 0.8)
    return g1, g2, rng.normal(size=N_HIDDEN), rng.normal(size=N_OUTPUT)


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


def unfused(setting, params, x, y, order, batch, rates=RATES):
    """Return conductances, currents and free outputs after training step by step."""
    g1, g2, *bias = (value.copy() for value in params)
    layers = {"h": Layer(N_HIDDEN, setting.diode, setting.low, setting.high), "o": Layer(g2.shape[1])}
    circuit = Circuit({"x": len(g1)}, layers, {"g1": ("x", "h"), "g2": ("h", "o")})
    (a, b), outputs, velocity = VARIANTS[setting.variant][1], [], [0.0, 0.0, 0.0, 0.0]
    for first in range(0, len(order), batch):
        which = order[first : first + batch]
        currents = {name: np.tile(current, (len(which), 1)) for name, current in zip("ho", bias, strict=True)}
        sources, found = phases(setting, circuit, {"g1": g1, "g2": g2}, currents, x[which], y[which])
        weight = VARIANTS[setting.variant][2] / setting.beta
        change = contrast(circuit, sources, [(weight, found[a]), (-weight, found[b])])
        asked = [-change["g1"], -change["g2"]]
        asked += [weight * (found[a][name] - found[b][name]).mean(axis=0) for name in "ho"]
        velocity = [each + setting.momentum * v for each, v in zip(asked, velocity, strict=True)]
        g1, g2 = (
            np.clip(g + rate * v - decay * np.sign(g), *limits) * (1 if connected is None else connected)
            for g, rate, v, decay, limits, connected in (
                (g1, rates.g1, velocity[0], setting.l1[0], setting.g1_limits, setting.g1_connected),
                (g2, rates.g2, velocity[1], setting.l1[1], setting.g2_limits, setting.g2_connected),
            )
        )
        for current, rate, v in zip(bias, rates[2:], velocity[2:], strict=True):
            current += rate * v
        outputs.append(outputs_of(setting, found[0]["o"]))
    return g1, g2, *bias, np.concatenate(outputs)


def fused(setting, params, x, y, order, batch, compiled):
    training = FusedTraining(setting, *params, compiled=compiled)
    outputs = training.train(x, y, order, batch, RATES)
    return training.g1, training.g2, training.hidden_bias, training.output_bias, outputs


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize("nudge", NUDGES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_fused_training_is_sweeps_contrast_and_clipping(params, examples, variant, nudge, batch, compiled):
    """To rounding, over batches and a smaller one at the end; 29 examples leave 1 of 4, and 5 of 6."""
    chosen = setting(variant=variant, nudge=nudge)
    expected = unfused(chosen, params, *examples, batch)
    assert (expected[0] == 0).any() and (expected[0] == 0.8).any()
    assert np.abs(expected[0] - params[0]).max() > 1e-3
    for found, value in zip(fused(chosen, params, *examples, batch, compiled), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


CONNECTED = np.random.default_rng(3).random((2 * N_INPUT + 2, N_HIDDEN)) < 0.6
MORE = {
    "momentum": {"momentum": 0.7},
    "l1": {"l1": (0.003, 0.002)},
    "l1 of one array": {"l1": (0.0, 0.01)},
    "masks": {"g1_connected": CONNECTED, "g2_connected": CONNECTED[:N_HIDDEN, :N_OUTPUT]},
    "one mask": {"g2_connected": CONNECTED[:N_HIDDEN, :N_OUTPUT]},
}
MORE["all"] = MORE["momentum"] | MORE["l1"] | MORE["masks"]


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize("case", MORE)
def test_momentum_decay_and_masks_do_what_they_do_unfused(params, examples, case, batch, compiled):
    chosen = setting(**MORE[case])
    g1, g2 = (
        g if connected is None else g * connected
        for g, connected in ((params[0], chosen.g1_connected), (params[1], chosen.g2_connected))
    )
    params = (g1, g2, *params[2:])
    expected, plain = unfused(chosen, params, *examples, batch), unfused(setting(), params, *examples, batch)
    assert np.abs(expected[1] - plain[1]).max() > 1e-4
    for found, value in zip(fused(chosen, params, *examples, batch, compiled), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("case", ["momentum", "l1", "all"])
def test_a_training_in_two_parts_with_its_velocities_is_that_in_one(params, examples, case, compiled):
    chosen, (x, y, order) = setting(**MORE[case]), examples
    whole = FusedTraining(chosen, *params, compiled=compiled)
    first = FusedTraining(chosen, *params, compiled=compiled)
    whole.train(x, y, order, 4, RATES)
    first.train(x, y, order[:12], 4, RATES)
    held = (first.g1, first.g2, first.hidden_bias, first.output_bias)
    second = FusedTraining(chosen, *held, velocity=first.velocity, compiled=compiled)
    second.train(x, y, order[12:], 4, RATES)
    for name in ("g1", "g2", "hidden_bias", "output_bias"):
        np.testing.assert_allclose(getattr(second, name), getattr(whole, name), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("batch", [4, 6])
@pytest.mark.parametrize("options", [REAL, PAIRED, REAL | PAIRED], ids=["real", "paired", "real, paired"])
def test_real_diodes_and_paired_outputs_learn_as_they_do_unfused(params, examples, rng, options, batch, compiled):
    """To rounding; at the start an eighth of the diodes pass more than 30 times their saturation current."""
    chosen = setting(**options)
    if chosen.paired:
        g2 = np.concatenate([params[1], params[1][::-1]], axis=1)
        params = (params[0], g2, params[2], rng.normal(size=2 * N_OUTPUT))
    expected = unfused(chosen, params, *examples, batch)
    assert np.abs(expected[0] - params[0]).max() > 1e-3
    for found, value in zip(fused(chosen, params, *examples, batch, compiled), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("options", [{}, REAL], ids=["ideal", "real"])
def test_a_hidden_node_that_no_conductance_reaches_learns_as_it_does_unfused(params, examples, options, compiled):
    """It carries nothing at first, and its conductances to the outputs grow from 0."""
    g1, g2, hidden_bias, output_bias = (value.copy() for value in params)
    g1[:, 2] = g2[2] = hidden_bias[2] = 0
    chosen = setting(g2_limits=(0.0, 0.8), **options)
    expected = unfused(chosen, (g1, g2, hidden_bias, output_bias), *examples, 4)
    assert expected[1][2].any()
    found = fused(chosen, (g1, g2, hidden_bias, output_bias), *examples, 4, compiled)
    for one, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_a_current_into_a_hidden_node_without_conductance_is_refused(params, examples, compiled):
    g1, g2, hidden_bias, output_bias = (value.copy() for value in params)
    g1[:, 2] = g2[2] = 0
    hidden_bias[2] = 0.1
    training = FusedTraining(setting(g2_limits=(0.0, 0.8)), g1, g2, hidden_bias, output_bias, compiled=compiled)
    with pytest.raises(DataError, match="example 0: a current flows into a node without conductance"):
        training.train(*examples, 4, RATES)


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
    both = [fused(setting(constants=()), (params[0][:-2], *params[1:]), *examples, batch, way) for way in (True, False)]
    for found, value in zip(*both, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_single_precision_is_close_to_double(params, examples, compiled):
    """7 batches each add a few roundings of 6e-8 relative to the largest conductance."""
    double = fused(setting(), params, *examples, 4, compiled)
    single = fused(setting(), [value.astype("float32") for value in params], *examples, 4, compiled)
    assert single[0].dtype == single[-1].dtype == np.float32
    for found, value in zip(single, double, strict=True):
        np.testing.assert_allclose(found, value, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_steps_one_by_one_are_an_epoch(params, examples, compiled):
    x, y, order = examples
    at_once, by_steps = (FusedTraining(setting(), *params, compiled=compiled) for _ in range(2))
    loss, wrong = at_once.epoch(x, y, order, 4, RATES)
    outputs = [by_steps.step(x[order[k : k + 4]], y[order[k : k + 4]], RATES) for k in range(0, len(order), 4)]
    np.testing.assert_allclose(by_steps.g1, at_once.g1, rtol=1e-12, atol=1e-12)
    assert loss == pytest.approx(0.5 * np.square(np.concatenate(outputs) - y[order]).sum(), rel=1e-12)
    assert wrong == (np.concatenate(outputs).argmax(axis=1) != y[order].argmax(axis=1)).sum()


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_currents_stay_unless_rates_for_them_are_given(params, examples, compiled):
    training = FusedTraining(setting(), *params, compiled=compiled)
    training.train(*examples, 4, Rates(0.02, 0.05))
    assert np.abs(training.g1 - params[0]).max() > 1e-3
    np.testing.assert_array_equal(training.hidden_bias, params[2])
    np.testing.assert_array_equal(training.output_bias, params[3])


@pytest.mark.parametrize("order", ["C", "F"])
def test_aligned_copies_begin_at_a_cache_line(order):
    for size in range(1, 20):
        values = np.arange(3.0 * size).reshape(3, size)
        copy = aligned(values, order)
        assert copy.ctypes.data % 64 == 0 and copy.flags[f"{order}_CONTIGUOUS"]
        np.testing.assert_array_equal(copy, values)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_training_leaves_what_it_was_given(params, examples, compiled):
    given = [np.asfortranarray(value) for value in params]
    fused(setting(), given, *examples, 4, compiled)
    for value, old in zip(given, params, strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_a_negative_nudge_beyond_the_conductances_is_refused(params, examples, compiled):
    training = FusedTraining(setting(beta=20.0), *params, compiled=compiled)
    with pytest.raises(
        DataError,
        match=r"example 0: a current flows .* or a nudge of -20 S exceeds the conductances",
    ):
        training.train(*examples, 4, RATES)
    np.testing.assert_array_equal(training.g1, params[0])


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
def test_what_was_learned_before_a_refused_batch_stays(params, examples, compiled):
    """Uphill, the first batch takes the conductances of an output to 9 x 0.01 S, below beta."""
    x, y, order = examples
    uphill = Rates(0.02, -0.1)
    training = FusedTraining(setting(beta=0.2), *params, compiled=compiled)
    with pytest.raises(DataError, match="example 4: a current flows"):
        training.train(x, y, order, 4, uphill)
    expected = unfused(setting(beta=0.2), params, x, y, order[:4], 4, uphill)
    np.testing.assert_allclose(training.g1, expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(training.g2, expected[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("over", [{}, REAL], ids=["ideal", "real"])
def test_inputs_that_are_not_finite_are_refused(params, examples, compiled, over, bad):
    x, y, order = examples
    x[order[-1], 0] = bad
    with pytest.raises(DataError, match="inputs hold NaN or infinite values; mend the data"):
        FusedTraining(setting(**over), *params, compiled=compiled).train(x, y, order, 4, RATES)


@pytest.mark.parametrize("compiled", COMPILED, ids=["numpy", "numba"])
@pytest.mark.parametrize("over", [{}, REAL], ids=["ideal", "real"])
def test_voltages_without_bound_are_a_divergence(params, examples, compiled, over):
    x, y, order = examples
    training = FusedTraining(setting(**over), *params, compiled=compiled)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="the outputs are not finite"):
        training.train(1e308 * x, y, order, 4, RATES)


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
    with pytest.raises(DataError, match=r"g1 has shape \(27, 9\); expected \(2 n_input \+ 2, 9\)"):
        FusedTraining(setting(), params[0][:-1], *params[1:])
    with pytest.raises(DataError, match=r"g1 reaches from -1 to .* S; expected \(0.0, 0.8\): clip it"):
        FusedTraining(setting(), params[0] - 1, *params[1:])
    with pytest.raises(DataError, match=r"inputs and targets have shapes \(40, 12\) and \(40, 3\); expected \(n, 13\)"):
        FusedTraining(setting(), *params, compiled=False).train(x[:, 1:], y, order, 4, RATES)
    with pytest.raises(SpecError, match="batch is 0; expected 1 or more"):
        FusedTraining(setting(), *params).train(x, y, order, 0, RATES)
    with pytest.raises(DataError, match="order names examples that are not there; expected 0 to 39"):
        FusedTraining(setting(), *params).train(x, y, order + 30, 4, RATES)


@pytest.mark.skipif(not kernels.available(), reason="needs numba")
def test_the_file_of_the_outermost_kernel_changes_with_the_other():
    """Or numba would go on with what it compiled before, which is on the disk."""
    from neuroeq.physics.circuits.fused import kernels as outermost
    from neuroeq.physics.circuits.fused import passes

    content = Path(passes.__file__).read_bytes()
    assert hashlib.blake2b(content, digest_size=4).hexdigest() == outermost.PASSES, "write it into kernels.py"
