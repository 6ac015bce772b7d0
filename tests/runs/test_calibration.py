"""Converters that are calibrated read each layer over the range that it was seen to need, in training and after it."""

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import with_full_scales
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.runs.checking import check_network
from neuroeq.runs.records.checkpoint import checkpoint_bytes, read_checkpoint
from neuroeq.runs.transfer import evaluate_run
from tests.cli.test_cli import cli
from tests.nets import batch_of, network, params_of

CALIBRATED = {"adc_bits": 6, "adc_full_scale": "calibrated"}
SMALL = [{"data": {"limit": 200}, "layers": {"hidden": {"size": 16}}, "training": {"epochs": 2}}]
ON = {"crossbar": "pcm", "resistive": "ecram_mo"}


def digits(on, **periphery):
    tables = [*SMALL, {"hardware": {"periphery": {**CALIBRATED, "calibration_samples": 50, **periphery}}}]
    return resolve("digits", on, tables, ON[on])


def pieces(net):
    streams = Streams(net.run.seed)
    state = initial_state(net, streams)
    return build(net, state.params, target="numpy"), load(net), state, streams


@pytest.mark.parametrize("quantile", [1.0, 0.9])
@pytest.mark.parametrize("on", ON)
def test_a_full_scale_is_the_quantile_of_the_voltages_of_the_first_samples(on, quantile):
    net = network(on, 5, 7, 3, made_of={"periphery": {**CALIBRATED, "calibration_quantile": quantile}})
    exact = network(on, 5, 7, 3)
    params, inputs = params_of(net), batch_of(net, 10)[0]
    circuit, ideal = (build(each, params, 4, target="numpy") for each in (net, exact))
    found = circuit.as_calibrated().calibrate(inputs)
    batches = [ideal.voltages(ideal.relax(inputs[start : start + 4])) for start in (0, 4, 8)]
    for layer, volts in found.items():
        seen = np.abs(np.concatenate([each[layer] for each in batches]))
        np.testing.assert_allclose(volts, np.quantile(seen, quantile), rtol=1e-9)
    assert set(found) == {"hidden1", "output"}
    readings = circuit.readings(circuit.relax(inputs[:4]))
    for layer, volts in found.items():
        steps = readings[layer] / (2 * volts / 2**6)
        np.testing.assert_allclose(steps, steps.round(), atol=1e-9)


@pytest.mark.parametrize("on", ON)
def test_training_calibrates_before_every_epoch(on):
    net = digits(on)
    substrate, examples, state, streams = pieces(net)
    inputs = examples.batch(examples.train, slice(0, 50), net)[0]
    at_start = build(net, state.params, target="numpy")
    scales = []
    for step in train(substrate, examples, state, streams):
        if step.batch == 0:
            scales.append(dict(state.full_scales))
        assert state.full_scales == substrate.as_calibrated().full_scales == scales[-1]
    assert len(scales) == 2 and scales[0] != scales[1]
    near = at_start.as_calibrated().calibrate(inputs)  # with ideal devices in the place of written ones
    for layer, volts in near.items():
        assert 0.5 < scales[0][layer] / volts < 2


@pytest.mark.parametrize("at", [3, 9])
def test_a_resumed_training_ends_in_the_same_bits(at, tmp_path):
    net = digits("crossbar")
    substrate, examples, whole, streams = pieces(net)
    path = tmp_path / "checkpoint.npz"
    for step in train(substrate, examples, whole, streams):
        if (step.epoch, step.batch) == (0, at):
            path.write_bytes(checkpoint_bytes(whole))
    half = read_checkpoint(path, net)
    assert half.full_scales and half.full_scales != whole.full_scales
    again = build(net, half.params, target="numpy")
    for _ in train(again, examples, half, Streams(net.run.seed)):
        pass
    assert half.full_scales == whole.full_scales
    for name, value in whole.params.items():
        np.testing.assert_array_equal(half.params[name], value)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = [*SMALL, {"hardware": {"periphery": {**CALIBRATED, "adc_bits": 3, "calibration_samples": 50}}}]
    out = tmp_path_factory.mktemp("calibrated") / "run"
    return ne.train("digits", "resistive", hardware="ecram_mo", settings=settings, out=out)


def test_all_that_comes_after_reads_over_the_last_range_of_the_training(run):
    scales = run.result["adc_full_scales_V"]
    assert scales == run.folder.load().full_scales and set(scales) == {"hidden", "output"}
    assert with_full_scales(run.network, scales).technology.periphery.adc_full_scale == scales

    def errors(**periphery):
        settings = [{"hardware": {"periphery": periphery}}] if periphery else []
        return evaluate_run(run, settings=settings, draws=2).spreads[0].errors

    same = {layer: f"{volts!r} V" for layer, volts in scales.items()}
    assert errors() == errors(adc_full_scale=same) != errors(adc_full_scale="20 V")
    steps = run.outputs(load(run.network).test.take(np.arange(20), "float64")[0]) / (2 * scales["output"] / 2**3)
    np.testing.assert_allclose(steps, steps.round(), atol=1e-9)


def test_a_check_of_a_run_reads_over_its_ranges_and_calibrates_nothing(run, monkeypatch):
    def calibrate(substrate, examples, rng):
        assert substrate.as_calibrated() is None

    monkeypatch.setattr("neuroeq.runs.checking.calibrate", calibrate)
    assert check_network(run.path, samples=2).examples == 2


def test_a_check_at_start_weights_calibrates_first():
    settings = [*SMALL, {"hardware": {"periphery": CALIBRATED}}]
    assert check_network("digits", "crossbar", hardware="ideal", settings=settings, samples=2).examples == 2


def test_another_circuit_is_calibrated_with_the_training_samples_of_its_data(run, tmp_path):
    rate = ne.train("digits", "rate", settings=SMALL, out=tmp_path / "rate")
    periphery = {"hardware": {"periphery": CALIBRATED}}
    assert evaluate_run(rate, "crossbar", hardware="ideal", settings=[periphery]).spreads[0].mean < 0.9


def test_a_layer_that_stays_at_zero_keeps_the_voltage_that_stands_for_one():
    net = network("crossbar", 5, 7, 3, hardware="ideal", made_of={"periphery": CALIBRATED})
    circuit = build(net, {name: 0 * value for name, value in params_of(net).items()}, 4, target="numpy")
    assert circuit.as_calibrated().calibrate(batch_of(net, 4)[0]) == {"hidden1": 1.0, "output": 1.0}


def test_converters_without_rounding_have_no_range():
    net = network("crossbar", 3, 4, 2, made_of={"periphery": {**CALIBRATED, "adc_bits": 0}})
    circuit = build(net, params_of(net), 4, target="numpy")
    assert circuit.as_calibrated() is None and circuit.relax(batch_of(net, 2)[0]).outputs.shape == (2, 2)


def test_a_calibration_without_samples_is_one_sentence(capsys):
    settings = [{"hardware": {"periphery": CALIBRATED}}]
    circuit = ne.build("xor", substrate="crossbar", hardware="ideal", settings=settings, target="numpy")
    with pytest.raises(SpecError, match=r"is 'calibrated', and the converters have seen no samples; .* give a voltage"):
        circuit.relax([0, 1])
    with pytest.raises(SpecError, match=r"is 'calibrated' and there are no samples; give some, or a voltage"):
        circuit.as_calibrated().calibrate(np.zeros((0, 2)))
    circuit.as_calibrated().calibrate(np.array([[0.0, 1.0]]))
    assert circuit.relax([0, 1]).outputs.shape == (1, 2)
    line = ["run", "xor", "--substrate", "crossbar", "--hardware", "ideal"]
    code, _, said = cli(capsys, *line, "--set", "hardware.periphery.calibration_samples=0")
    assert code == 2 and said.count("\n") == 1 and "calibration_samples is 0; expected greater than 0" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1 A", "expected a voltage above 0, such as '1 V', a table of one for each layer, or 'calibrated'"),
        ("0 V", "expected a voltage above 0"),
        ({"hidden": "1 V"}, "adc_full_scale has hidden; expected a voltage for each of hidden, output"),
    ],
)
def test_other_full_scales_are_refused(value, said):
    with pytest.raises(NeuroeqError, match=said):
        ne.build(
            "xor",
            substrate="crossbar",
            hardware="ideal",
            settings=[{"hardware": {"periphery": {"adc_full_scale": value}}}],
        )
