"""The gradient that `check` compares with is the gradient, and what it reports is what it says."""

import json
import re

import numpy as np
import pytest
from matplotlib.axes import Axes

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.contract import Nudge, Stop
from neuroeq.data import load
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.network import initial_params, mask
from neuroeq.describe.spec import overlay
from neuroeq.errors import SpecError
from neuroeq.measures.fidelity import check, choose_examples, finite_differences, implicit_gradient
from neuroeq.randomness import Streams
from neuroeq.runs.checking import check_network
from neuroeq.runs.training import train
from tests.nets import COST, batch_of, network, params_of, substrate_of
from tests.physics.substrates.test_spiking import SIZES, inner_problem

DT = "4 ms"
"""Equilibria do not depend on it, and long steps are fewer."""
LONG = {phase: {"duration": "1000 steps", "tolerance": 1e-12} for phase in ("free", "nudged")}
LATERAL = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1}}}
CASES = {
    "hard sigmoid": ("rate", None, {}),
    "sigmoid": ("rate", None, {"substrate": {"rate": {"neuron": "sigmoid"}}}),
    "two hidden layers": ("rate", None, {"sizes": (4, 6, 5, 3)}),
    "lateral": ("rate", None, LATERAL),
    "no biases": ("rate", None, {"layers": {"hidden1": {"bias": False}, "output": {"bias": False}}}),
    "crossbar": ("crossbar", "ideal", {}),
    "resistive": ("resistive", None, {}),
    "diodes": ("resistive", "1n4148", {}),
    "amplifiers": ("resistive", "1n4148_amplified", {"sizes": (4, 6, 5, 3)}),
}


def made(case, **over):
    on, hardware, more = CASES[case]
    steps = {} if on == "resistive" else {"substrate": {"rate": {"dt": DT}}}
    options = {"phases": LONG, **overlay(more, steps), **over}
    sizes = options.pop("sizes", (4, 6, 3))
    net = network(on, *sizes, hardware=hardware, **options)
    params = params_of(net)
    if on == "resistive":
        params = {name: value + 0.05 for name, value in params.items()}
    return substrate_of(net, params)


@pytest.mark.parametrize("case", CASES)
def test_the_adjoint_is_the_gradient_of_every_entry(case):
    substrate = made(case)
    inputs, targets = batch_of(substrate.network, 3)
    adjoint = implicit_gradient(substrate, inputs, targets)
    there = {name: mask(substrate.network, name) for name in substrate.network.projections}
    entries = {
        name: np.arange(value.size) if there.get(name) is None else np.flatnonzero(there[name])
        for name, value in adjoint.items()
    }
    differences = finite_differences(substrate, inputs, targets, entries)
    for name, value in adjoint.items():
        scale = np.abs(value).max()
        assert scale > 1e-6, name
        np.testing.assert_allclose(
            value.ravel()[entries[name]], differences[name], rtol=0, atol=1e-5 * scale, err_msg=name
        )


@pytest.mark.parametrize("case", ["sigmoid", "lateral", "crossbar", "diodes", "amplifiers"])
@pytest.mark.parametrize(("variant", "slope"), [("positive", 1), ("centred", 2)])
def test_the_bias_of_a_settled_estimate_has_the_slope_of_its_variant(case, variant, slope):
    substrate = made(case, phases={**LONG, "beta": 0.004, "variant": variant})
    report = check(substrate, *batch_of(substrate.network, 3), Streams(0))
    assert report.bias_slope == pytest.approx(slope, abs=0.1)
    assert report.cosine > 0.9999
    for each in report.projections.values():
        assert each.cosine > 0.999 and each.norm_ratio == pytest.approx(1, abs=0.05) and each.sign_agreement > 0.95
        assert each.finite_difference_error < 1e-5
    assert report.converged and report.suggested_beta == min(report.errors)


def test_a_sign_error_shows():
    """A check that cannot fail checks nothing."""
    substrate = made("hard sigmoid", phases={**LONG, "beta": 0.01})
    inputs, targets = batch_of(substrate.network, 3)
    wrong = check(substrate, inputs, targets, Streams(0), reference=_mirrored(substrate))
    assert wrong.cosine < 0.9


def _mirrored(substrate):
    other = made("hard sigmoid")
    other.params = {name: value if name.endswith("bias") else -value for name, value in substrate.params.items()}
    return other


def test_pair_stdp_has_no_part_of_the_gradient_and_two_traces_have():
    """The negative control: balanced pair STDP between free layers is antisymmetric, and leaves their weight alone."""
    params, inputs, targets = inner_problem(0)
    over = {"phases": {"beta": 0.1, "free": {"duration": "2000 steps"}, "nudged": {"duration": "1000 steps"}}}
    found = {}
    for synapse, constants in (("two_trace", {"tau_fast": "50 ms", "tau_slow": "200 ms"}), ("pair_stdp", {})):
        physics = {"synapse": synapse, "synapse_parameters": constants, "neuron_parameters": {"tau": "20 ms"}}
        spiking = substrate_of(network("spiking", *SIZES, substrate={"spiking": physics}, **over), params)
        rates = substrate_of(network("rate", *SIZES), params)
        found[synapse] = check(spiking, inputs, targets, Streams(0), rates).projections["hidden1_output"]
    assert found["two_trace"].cosine > 0.98
    assert found["pair_stdp"].norm_ratio < 1e-9 and found["two_trace"].norm_ratio > 0.8


def test_where_no_unit_can_move_the_report_says_that_there_is_no_gradient(capsys):
    substrate = made("hard sigmoid")
    substrate.params = {name: value - 5 if name.endswith("bias") else value for name, value in substrate.params.items()}
    report = check(substrate, *batch_of(substrate.network, 2), Streams(0))
    assert report.zero and report.as_dict()["projections"]["input_hidden1"]["cosine"] is None
    assert report.active == {"hidden1": 0.0, "output": 0.0}


def test_the_jacobian_of_symmetric_weights_is_symmetric_and_that_of_the_plain_field_is_not():
    smooth = made("sigmoid")
    assert check(smooth, *batch_of(smooth.network, 2), Streams(0)).asymmetry < 1e-6
    field = {
        "title": "vector field", "emits": "rate", "state": "s", "activity": "rho", "readout": "s", "dt": "4 ms",
        "equations": "ds/dt = (drive + bias - s + nudge)/tau : 1\nrho = 1/(1 + exp(2 - 4*s)) : 1",
        "parameters": {"tau": "10 ms"},
    }  # fmt: skip
    net = network("rate", 4, 6, 3, phases=LONG, substrate={"rate": {"neuron": field}})
    report = check(substrate_of(net), *batch_of(net, 2), Streams(0))
    assert report.asymmetry > 0.01


@pytest.mark.parametrize(
    ("on", "hardware"), [("rate", None), ("spiking", None), ("crossbar", "ideal"), ("resistive", "1n4148")]
)
def test_the_command_works_on_every_substrate(on, hardware, capsys, tmp_path):
    words = [
        "check",
        "xor",
        "--substrate",
        on,
        "--samples",
        "4",
        "--target",
        "numpy",
        "--figure",
        str(tmp_path / "f.png"),
    ]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json", *(["--hardware", hardware] if hardware else [])])
    assert not ended.value.code
    report = json.loads(capsys.readouterr().out)
    assert {"cosine", "norm_ratio", "sign_agreement"} <= set(report["projections"]["input_hidden"])
    assert report["substrate"] == on and report["hardware"] == hardware
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_a_finished_run_is_checked_at_its_trained_weights(tmp_path, capsys):
    run = train("xor", "resistive", epochs=20, out=tmp_path / "run")
    at_start, trained = check_network("xor", "resistive", samples=4), check_network(run.path, samples=4)
    assert trained.projections != at_start.projections and trained.substrate == "resistive"
    with pytest.raises(SystemExit):
        main(["check", str(run.path)])
    said = capsys.readouterr().out
    assert "suggested beta" in said and "input_hidden" in said
    for draw in (plots.cosines, plots.errors):
        assert isinstance(draw(trained), Axes)


def test_spikes_without_a_rate_network_have_no_reference():
    substrate = substrate_of(network("spiking", 4, 6, 3))
    with pytest.raises(SpecError, match="substrate 'spiking' has no fixed point to differentiate"):
        implicit_gradient(substrate, *batch_of(substrate.network, 2))


def test_the_margin_is_that_of_the_settled_state_in_double_precision():
    """After 1 step in single precision, with outputs still at rest, it is that of thousands in double precision."""
    settled, short = (
        resolve("xor", "rate", [f"phases.free.duration={steps} steps", f"substrate.rate.precision={precision}"])
        for steps, precision in ((4000, "float64"), (1, "float32"))
    )
    params = {name: np.float32(value) for name, value in initial_params(settled, np.random.default_rng(1)).items()}
    inputs = np.array([[0.0, 1.0], [1.0, 1.0]])
    found = []
    for net in (settled, short):
        substrate = substrate_of(net, {name: np.asarray(v, net.physics.precision) for name, v in params.items()})
        found.append(substrate.margin(substrate.relax(inputs, stop=substrate.stop(net.phases.free))))
    assert 0 < found[0] < 1 and found[1] == pytest.approx(found[0], rel=1e-6)


def test_the_margin_of_two_layers_is_one_minus_the_largest_square_of_a_singular_value():
    net = network("rate", 3, 4, 2)
    params = {name: 0.3 * value for name, value in params_of(net).items()}
    params |= {f"{layer}.bias": np.full(n, 0.4) for layer, n in (("hidden1", 4), ("output", 2))}
    substrate = substrate_of(net, params)
    free = substrate.relax(np.full((1, 3), 0.5))
    assert all(((state > 0) & (state < 1)).all() for state in free.state.values())
    expected = 1 - np.linalg.svd(params["hidden1_output"], compute_uv=False)[0] ** 2
    assert substrate.margin(free) == pytest.approx(expected, rel=1e-9)


def test_parameters_that_do_not_learn_are_left_out_of_the_check():
    frozen = ["projections.input_hidden.learning_rate=0"]
    report = check_network("iris", "rate", samples=4, settings=frozen)
    assert "input_hidden" not in report.projections and report.cosine > 0.99
    frozen += ["projections.hidden_output.learning_rate=0"]
    with pytest.raises(SpecError, match="all learning rates are 0, so there is no update"):
        check_network("iris", "rate", samples=4, settings=frozen)


@pytest.mark.parametrize("mode", ["state", "held_current"])
@pytest.mark.parametrize("on", ["rate", "spiking", "crossbar", "resistive"])
def test_only_a_nudge_that_follows_the_outputs_has_a_margin(on, mode):
    net = network(on, 3, 4, 2, phases={"nudge": mode})
    substrate = substrate_of(net, params_of(net))
    margin = substrate.margin(substrate.relax(np.full((2, 3), 0.5)))
    assert np.isfinite(margin) == (mode == "state")


def test_a_held_current_far_beyond_the_margin_of_a_state_nudge_moves_outputs_to_a_finite_equilibrium():
    """Of linear units: s = s0 + H^-1 pull, with the curvature of the free phase."""
    net = network("rate", 3, 4, 2, substrate={"rate": {"neuron": "hard_sigmoid", "dt": "1 ms"}})
    params = {name: 0.3 * value for name, value in params_of(net).items()}
    params |= {f"{layer}.bias": np.full(n, 0.45) for layer, n in (("hidden1", 4), ("output", 2))}
    substrate = substrate_of(net, params)
    free = substrate.relax(np.full((1, 3), 0.1), stop=Stop(20000, 1e-13))
    beta = 10 * substrate.margin(free)
    targets = free.outputs + np.array([[0.002, -0.003]])
    held, following = (
        substrate.relax(
            np.full((1, 3), 0.1), Nudge(-beta, targets, COST, mode, free), free.resume, stop=Stop(20000, 1e-13)
        )
        for mode in ("held_current", "state")
    )
    w = params["hidden1_output"]
    curvature = np.eye(2) - w.T @ w
    moved = np.linalg.solve(curvature, beta * (free.outputs - targets)[0])
    np.testing.assert_allclose(held.outputs[0] - free.outputs[0], moved, rtol=1e-8)
    assert set(following.outputs[0]) == {0.0, 1.0}


def test_examples_without_a_gradient_are_passed_over_and_counted():
    """Outputs at their bounds, where targets are too, have nothing to learn; the others are drawn."""
    net = resolve("xor", "rate")
    params = {name: 0 * value for name, value in initial_params(net, np.random.default_rng(0)).items()}
    params["input_hidden"] = np.zeros_like(params["input_hidden"])
    params["input_hidden"][0, 0] = 1.0
    params["hidden_output"][0] = [-1.0, 1.0]
    params["output.bias"] = np.array([0.5, 0.5])
    examples = load(net)
    chosen = choose_examples(substrate_of(net, params, 4), examples, 4)
    inputs, _, wanted = examples.batch(examples.train, np.arange(4), net)
    free = substrate_of(net, params, 4).relax(inputs)
    inside = (free.outputs > 0) & (free.outputs < 1)
    assert set(chosen.which) == set(np.flatnonzero((inside & (free.outputs != wanted)).any(axis=1)))
    assert chosen.passed_over == 4 - len(chosen.which)


def test_a_run_that_has_learned_everything_is_checked_at_an_earlier_epoch_and_the_report_says_so(tmp_path, capsys):
    run = train("xor", "rate", epochs=300, out=tmp_path / "run")
    report = check_network(run.path, samples=4)
    assert report.examples == 4 and 0 < report.epoch < 300 and not report.zero
    assert np.isfinite(report.cosine) and np.isfinite(report.suggested_beta)
    with pytest.raises(SystemExit):
        main(["check", str(run.path), "--samples", "4"])
    said = capsys.readouterr().out
    assert f"weights of epoch {report.epoch}" in said and "nan" not in said


def test_a_report_without_a_gradient_prints_one_reason_and_no_nan(capsys):
    settings = ["projections.input_hidden.initial={scheme = 'constant', gain = -9}", "layers.output.bias=false"]
    settings += ["projections.hidden_output.initial={scheme = 'constant', gain = -9}"]
    with pytest.raises(SystemExit):
        main(["check", "iris", *(word for each in settings for word in ("--set", each))])
    said = capsys.readouterr().out
    assert "no gradient" in said and "the gradient is zero" in said and "nan" not in said
    assert "suggested beta" not in said and "relative error" not in said


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (["phases.beta=20"], ", below beta\n"),
        (
            ["phases.beta=20", "explained=['margin']", "notes='beta is beyond the margin, as published'"],
            ", below beta; the notes of iris say why\n",
        ),
        (["phases.beta=0.01"], "\n"),
        (["phases.beta=20", "phases.nudge=held_current", "training.learning=contrastive"], "no limit\n"),
    ],
)
def test_beta_beyond_the_margin_is_said_beside_it_with_the_notes_that_explain_it(settings, line, capsys):
    with pytest.raises(SystemExit):
        main(["check", "iris", *(word for each in settings for word in ("--set", each))])
    margin = next(each for each in capsys.readouterr().out.splitlines(True) if each.startswith("stability margin"))
    number = "" if "no limit" in line else "[.0-9]+"
    assert re.fullmatch(rf"stability margin +{number}{line}", margin)


@pytest.mark.parametrize("scheme", ["mixed_precision", "write_verify"])
def test_exact_devices_make_the_change_that_is_asked_for_and_noisy_ones_another(scheme, capsys):
    """Devices that hold what is written follow a digital memory exactly; pulses that miss by half a step do not."""
    by_scheme = f"hardware.synapse.programming.scheme={scheme}"
    exact = check_network("xor", "crossbar", hardware="ideal", settings=[by_scheme], samples=4)
    assert exact.made_cosine == pytest.approx(exact.cosine, abs=1e-6)
    for each in exact.projections.values():
        assert each.made_cosine == pytest.approx(each.cosine, abs=1e-6)
    noisy = check_network("xor", "crossbar", hardware="hfo2_reram_array", settings=[by_scheme], samples=4)
    assert -1 <= noisy.made_cosine < noisy.cosine - 0.05
    assert check_network("xor", "crossbar", hardware="ideal", samples=4).made_cosine is None
    with pytest.raises(SystemExit):
        main(["check", "xor", "--substrate", "crossbar", "--hardware", "hfo2_reram_array", "--set", by_scheme])
    assert f"as devices make it        {noisy.made_cosine:.6f} (input_hidden" in capsys.readouterr().out


def test_spiking_units_without_rates_to_compare_with_are_refused_with_what_to_add():
    own = load_network("xor")
    own = own.model_copy(update={"name": "mine", "substrate": {"spiking": own.substrate["spiking"]}})
    with pytest.raises(SpecError, match=r"has no substrate\.rate.*add one to the network's file"):
        check_network(own, "spiking")
