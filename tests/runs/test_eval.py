"""Trained weights on other chips: what is ideal changes nothing, what is not is drawn anew for every chip."""

import json

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.errors import SpecError
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.evaluation import evaluate
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.runs import transfer
from neuroeq.runs.run import EVALUATION_BATCH
from neuroeq.runs.training import train
from neuroeq.runs.transfer import Spread, evaluate_run
from tests.cli.test_cli import cli

WINDOW = """
schema = 1
title = "A device to test with"
[synapse]
g_min = "0.1 uS"
g_max = "10 uS"
"""
EVIDENCE = """
[[evidence]]
keys = ["synapse"]
kind = "assumed"
cite = "a test"
"""
NOISE = (
    WINDOW
    + """
[synapse.programming_noise]
model = "polynomial"
coefficients = [0.15]
"""
    + EVIDENCE
)
DRIFT = (
    WINDOW
    + """
[synapse.drift]
model = "power_law"
t0 = "1 s"
nu_offset = 0.1
sd_offset = 0.03
"""
    + EVIDENCE
)
OWN_CONSTANTS = """
schema = 1
title = "A unit with a time constant of its own"
emits = "rate"
equations = '''
ds/dt = (drive + bias + nudge - s)/tau_i : 1
tau_i : second (constant)
'''
state = "s"
activity = "clip(s, 0, 1)"
time_constant = "tau"
dt = "1 ms"
parameters = { tau = "10 ms" }
initial = { tau_i = "uniform(5 ms, 20 ms)" }
"""
CALIBRATED, OFFSETS = "hardware.periphery.adc_full_scale=calibrated", "hardware.periphery.adc_offset_sd=5 mV"
SPREAD = [f"hardware.neuron.amplifier.{each}" for each in ("gain=4", "gain_sd=0.1", "back_gain=0.25")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    few = {"epochs": 6, "settings": ["data.limit=400"]}
    return {
        "rate": train("digits", "rate", **few, out=folder / "rate"),
        "spiking": train("iris", "spiking", epochs=2, out=folder / "spiking"),
        "crossbar": train("digits", "crossbar", hardware="ideal", **few, out=folder / "crossbar"),
        "resistive": train("xor", "resistive", epochs=20, out=folder / "resistive"),
        "small": train("iris", "rate", epochs=2, out=folder / "small"),
    }


@pytest.mark.parametrize("name", ["rate", "spiking", "crossbar", "resistive"])
def test_where_it_was_trained_a_run_has_its_own_error(runs, name):
    found = evaluate_run(runs[name])
    assert found.spreads[0].errors == (runs[name].test_error,)


@pytest.mark.parametrize("name", ["rate", "crossbar"])
def test_ideal_hardware_reproduces_the_error_of_the_run(runs, name):
    found = evaluate_run(runs[name], "crossbar", hardware="ideal", draws=3)
    assert found.spreads[0].errors == (runs[name].test_error,) * 3
    assert found.spreads[0].sd < 1e-15


def test_a_run_on_a_circuit_goes_back_to_rates_and_to_spikes(runs):
    own = runs["crossbar"].test_error
    assert evaluate_run(runs["crossbar"], "rate").spreads[0].errors == (own,)
    assert abs(evaluate_run(runs["crossbar"], "spiking").spreads[0].mean - own) < 0.05


def test_every_chip_is_its_own_and_the_same_every_time(runs, tmp_path):
    (tmp_path / "noisy.toml").write_text(NOISE)
    one, two = (
        evaluate_run(runs["crossbar"], hardware=str(tmp_path / "noisy.toml"), draws=3).spreads[0] for _ in range(2)
    )
    assert one == two
    assert len(set(one.errors)) == 3
    third = evaluate_run(runs["crossbar"], hardware=str(tmp_path / "noisy.toml"), seed=2).spreads[0]
    assert third.errors == one.errors[2:]


def test_later_errors_are_those_of_the_weights_as_they_act_then(runs, tmp_path):
    (tmp_path / "drifting.toml").write_text(DRIFT)
    name = str(tmp_path / "drifting.toml")
    found = evaluate_run(runs["crossbar"], hardware=name, seed=5, at=["1 s", "1 h", "365 day"])
    network = resolve(runs["crossbar"].network, "crossbar", [{"run": {"seed": 5}}], name)
    streams, params = Streams(5), runs["crossbar"].folder.load().params
    evaluator, examples = build(network, params, EVALUATION_BATCH, plastic=False, target="numpy"), load(network)
    store = WeightStore(network, params, {}, streams)
    sizes = []
    for index, (spread, at) in enumerate(zip(found.spreads, (1.0, 3600.0, 365 * 86400.0), strict=True)):
        evaluator.params = store.effective(streams.child("read test", index), at)
        sizes.append(np.abs(evaluator.params["input_hidden"]).mean())
        stop = evaluator.stop(evaluator.network.phases.free)
        score = evaluate(evaluator, examples.test, examples.coding, stop, streams, "test", 0)
        assert (spread.at_s, spread.errors) == (at, (score.error,))
    assert sizes[0] > 1.5 * sizes[1] > 2 * sizes[2]
    assert found.spreads[2].mean > found.spreads[0].mean


@pytest.mark.parametrize(
    ("name", "on", "hardware", "settings", "builds"),
    [
        ("small", "crossbar", "pcm", [], 1),
        ("small", "crossbar", "pcm", [CALIBRATED], 1),
        ("small", "crossbar", "hfo2_reram_array", [], 1),
        ("small", "crossbar", "pcm", [OFFSETS], 3),
        ("small", "rate", None, ["phases.free.duration=30 ms", "substrate.rate.neuron=own.toml"], 3),
        ("spiking", "spiking", None, ["substrate.spiking.input=encoder_bernoulli"], 1),
        ("resistive", "resistive", "pcm", [], 3),
        ("resistive", "resistive", "pcm", SPREAD, 3),
    ],
)
def test_a_chip_is_the_same_to_the_bit_whatever_chips_came_before_it(
    runs, monkeypatch, tmp_path, name, on, hardware, settings, builds
):
    (tmp_path / "own.toml").write_text(OWN_CONSTANTS)
    monkeypatch.chdir(tmp_path)
    scores, built = [], []
    monkeypatch.setattr(transfer, "evaluate", lambda *given: scores.append(evaluate(*given)) or scores[-1])
    monkeypatch.setattr(transfer, "build", lambda *given, **more: built.append(build(*given, **more)) or built[-1])
    options = {"hardware": hardware, "settings": settings, "at": ["1 h", "1 day"] if hardware else []}
    evaluate_run(runs[name], on, **options, draws=3)
    together, built_together = list(scores), len(built)
    for seed in range(3):
        evaluate_run(runs[name], on, **options, seed=seed)
    assert scores[len(together) :] == together
    assert len({score.loss for score in together}) == len(together)
    assert built_together == builds


def test_a_spread_is_that_of_its_draws():
    spread = Spread.of(None, [0.1, 0.2, 0.6])
    assert (spread.mean, spread.sd) == (pytest.approx(0.3), pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1)))
    assert (spread.min, spread.max, Spread.of(None, [0.1]).sd) == (0.1, 0.6, None)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("resistive", {"substrate": "rate"}, r"weights mean something else on 'rate'; train it on 'rate'"),
        ("rate", {"substrate": "resistive"}, r"on 'resistive'; expected one of rate, spiking, crossbar"),
        ("rate", {"at": ["1 h"]}, r"--at: substrate 'rate' has no devices that drift"),
        ("resistive", {"at": ["5"]}, r"--at is '5'; expected a time, such as '10 ms'"),
        ("resistive", {"at": ["-1 s"]}, r"--at is '-1 s'; expected a time after programming"),
        ("spiking", {"settings": ["data.protocol=select"]}, r"'select' leaves the test part alone"),
        ("rate", {"settings": ["layers.hidden.size=8"]}, r"parameter 'hidden.bias' has shape \(256,\)"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(runs, name, options, sentence):
    with pytest.raises(SpecError, match=sentence):
        evaluate_run(runs[name], **options)


def test_the_command_prints_a_table_or_one_object(capsys, runs, tmp_path):
    (tmp_path / "noisy.toml").write_text(NOISE)
    command = ["eval", str(runs["crossbar"].path), "--hardware", "noisy.toml", "--draws", "2", "--at", "1 s,1 h"]
    status, out, _ = cli(capsys, *command, "--json")
    found = json.loads(out)
    assert status == 0 and [each["at_s"] for each in found["spreads"]] == [1.0, 3600.0]
    assert found["own_error"] == runs["crossbar"].test_error and found["draws"] == [0, 1]
    status, out, _ = cli(capsys, *command)
    assert status == 0 and "trained on crossbar:ideal, tested on crossbar:noisy: 2 chips" in " ".join(out.split())
    assert ne.evaluate_run is evaluate_run
