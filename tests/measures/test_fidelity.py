"""The gradient that `check` compares with is the gradient, and what it reports is what it says."""

import json

import numpy as np
import pytest
from matplotlib.axes import Axes

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.describe.network import mask
from neuroeq.describe.spec import overlay
from neuroeq.errors import SpecError
from neuroeq.measures.fidelity import check, finite_differences, implicit_gradient
from neuroeq.randomness import Streams
from neuroeq.runs.checking import check_network
from neuroeq.runs.training import train
from tests.nets import batch_of, network, params_of, substrate_of
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
