"""The nudged phase does what backpropagation does: recurrent, beside it, and through time, backwards."""

import json

import numpy as np
import pytest
from matplotlib.axes import Axes

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.contract import Nudge, Stop
from neuroeq.errors import SpecError
from neuroeq.measures.fidelity import backpropagate, follow, implicit_gradient
from neuroeq.runs.checking import check_network
from tests.learning.rules.test_corrected import directed
from tests.nets import COST, batch_of, network, params_of, substrate_of

SETTLED = Stop(20000, 1e-13)
CASES = {
    "one hidden layer": ((5, 7, 3), "hard_sigmoid", "5 ms"),
    "smooth, two layers": ((5, 8, 6, 3), "sigmoid", "2 ms"),
    "in discrete time": ((5, 8, 6, 3), "hard_sigmoid", "10 ms"),
}
BETAS = (1e-1, 1e-2, 1e-3, 1e-4)


def made(case, seed=0, on="rate", **over):
    sizes, neuron, dt = CASES[case]
    physics = {"neuron": neuron, "synapse": "rate_derivative", "dt": dt}
    net = network(on, *sizes, substrate={on: physics}, training={"learning": "contrastive"}, **over)
    return substrate_of(net, params_of(net, seed, scale=0.3), plastic=False), *batch_of(net, 4, seed)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_step_of_the_nudged_phase_is_one_of_recurrent_backpropagation(case, seed):
    """For states within 2 beta of the largest error, and slope 1; for parameters slope 1."""
    substrate, inputs, targets = made(case, seed)
    found = [follow(substrate, inputs, targets, beta, 200) for beta in BETAS]
    for each in found:
        assert each.state_error < 2 * each.beta
    for error in ("state_error", "parameter_error"):
        slope = np.polyfit(np.log(BETAS), np.log([getattr(each, error) for each in found]), 1)[0]
        assert slope == pytest.approx(1, abs=0.1)
    assert found[-1].parameter_error < 1e-3


def test_on_directed_weights_the_two_part_and_the_correction_joins_them():
    net, params, inputs, targets = directed(60.0, "sigmoid")
    substrate = substrate_of(net, params)
    errors = {mode: follow(substrate, inputs, targets, 1e-3, 100, mode) for mode in ("state", "corrected")}
    assert errors["state"].state_error > 0.1 and errors["state"].parameter_error > 0.1
    assert errors["corrected"].state_error < 2e-3 and errors["corrected"].parameter_error < 5e-3


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("beta", [1e-2, 1e-3])
def test_nudged_updates_equal_the_gradients_through_time_step_by_step(case, beta):
    """In discrete and in continuous time; the gap is of first order in beta."""
    substrate, inputs, targets = made(case)
    free = eq = substrate.relax(inputs, stop=SETTLED)
    unrolled = backpropagate(substrate, free, inputs, targets, 30)
    largest = np.abs(unrolled.states[0]["output"]).max()
    nudge = Nudge(beta, targets, COST, "state", free)
    for states, params in zip(unrolled.states, unrolled.params, strict=True):
        after = substrate.relax(inputs, nudge, eq.resume, stop=Stop(1))
        for layer, gradient in states.items():
            moved = (after.state[layer] - eq.state[layer]) * substrate.simulation.scale(layer) / beta
            assert np.abs(moved + gradient).max() < 2 * beta * largest
        change = substrate.energy_contrast([(1 / beta, eq), (-1 / beta, after)])
        for name, gradient in params.items():
            assert np.abs(change[name] + gradient).max() < 2 * beta * largest
        eq = after


@pytest.mark.parametrize("case", CASES)
def test_through_many_steps_the_gradient_is_the_adjoint(case):
    substrate, inputs, targets = made(case)
    total = backpropagate(substrate, substrate.relax(inputs, stop=SETTLED), inputs, targets, 600).total
    for name, gradient in implicit_gradient(substrate, inputs, targets).items():
        np.testing.assert_allclose(total[name], gradient, rtol=0, atol=1e-7 * np.abs(gradient).max())


@pytest.mark.parametrize("on", ["rate", "crossbar"])
def test_from_rest_it_is_the_gradient_of_the_unsettled_cost(on):
    """Backwards through every step of a free phase of nine, against finite differences."""
    substrate, inputs, targets = made("one hidden layer", on=on, phases={"free": {"duration": "9 steps"}})
    rest = substrate.simulation.placed({}, np.zeros(4, bool), np.random.default_rng(0))
    start = substrate.relax(inputs, start=rest, stop=Stop(1))
    total = backpropagate(substrate, start, inputs, targets, 8).total

    other = substrate_of(substrate.described, substrate.params, plastic=False)

    def loss(params):
        other.params = params
        begun = other.relax(inputs, start=start.resume, stop=Stop(8))
        return COST.value(begun.outputs, targets).mean()

    for name in ("hidden1_output", "output.bias", "input_hidden1"):
        for index in (0, 2):
            shifted = []
            for by in (1e-6, -1e-6):
                value = substrate.params[name].copy()
                value.flat[index] += by
                shifted.append(loss({**substrate.params, name: value}))
            assert (shifted[0] - shifted[1]) / 2e-6 == pytest.approx(total[name].flat[index], abs=1e-7)


def test_the_check_reports_the_equivalence_and_draws_it(tmp_path, capsys, monkeypatch):
    figure = tmp_path / "rbp.png"
    reports = []

    def check_once(*given, rbp, **options):
        if not reports:
            reports.append(check_network(*given, rbp=rbp, **options))
        assert rbp
        return reports[0]

    monkeypatch.setattr("neuroeq.runs.checking.check_network", check_once)
    words = ["check", "iris", "--samples", "4", "--target", "numpy", "--rbp", "--figure", str(figure)]
    words += ["--set", "substrate.rate.dt='5 ms'", "--set", "layers.hidden.size=8"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert not ended.value.code and figure.stat().st_size > 20_000
    report = json.loads(capsys.readouterr().out)
    assert [each["beta"] for each in report["rbp"]] == sorted((e["beta"] for e in report["rbp"]), reverse=True)
    assert report["rbp"][-1]["state_error"] < 1e-2 < report["rbp"][0]["state_error"]
    assert all(each["bptt_cosine"] is not None for each in report["projections"].values())
    with pytest.raises(SystemExit):
        main(words)
    assert "beside backpropagation" in capsys.readouterr().out
    assert isinstance(plots.backpropagation(reports[0], "parameters"), Axes)


def test_there_is_no_side_network_of_spikes():
    with pytest.raises(SpecError, match="--rbp compares step by step with a side network of rates"):
        check_network("xor", "spiking", samples=2, target="numpy", rbp=True)
