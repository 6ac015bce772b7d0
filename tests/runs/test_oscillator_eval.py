"""Trained oscillators on other disorder: none changes nothing, and each chip has natural frequencies of its own."""

import json

import numpy as np
import pytest

from neuroeq.describe.catalog import load_hardware, load_network, resolve
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.base import validate
from neuroeq.errors import SpecError
from neuroeq.physics.substrates import build
from neuroeq.runs.analysis import segments, settling_time
from neuroeq.runs.sweeps import evaluate_curves
from neuroeq.runs.training import train
from neuroeq.runs.transfer import evaluate_run, on_substrate
from tests.cli.test_cli import cli

SHORT = ["phases.free.duration=20 steps", "phases.nudged.duration=10 steps"]
DISPERSED = "oscillators_dispersed"
INPUTS = np.array([[0.0, 1.0], [1.0, 1.0]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    return train("xor", "oscillator", hardware=DISPERSED, epochs=1, out=folder, settings=SHORT)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    raw = load_network("iris").model_dump(by_alias=True, exclude_unset=True)
    raw = {key: value for key, value in raw.items() if key not in ("expected", "explained")}
    raw["substrate"] = {"oscillator": {"neuron": "kuramoto", "synapse": "oscillator"}}
    folder = tmp_path_factory.mktemp("flowers") / "run"
    return train(validate(Network, raw, "iris"), epochs=1, out=folder, settings=[*SHORT, "training.batch_size=30"])


def outputs(run, seed, *, hardware=None, ideal=(), settings=()):
    """Return the outputs of the weights of a run on a chip, for two inputs."""
    network = on_substrate(run, None, [*settings, {"run": {"seed": seed}}], hardware, ideal)
    return build(network, run.params, 2, plastic=False, target="numpy").relax(INPUTS).outputs


def test_without_disorder_outputs_are_those_of_ideal_oscillators_on_every_chip(run):
    ideal = outputs(run, 0, hardware="oscillators_ideal")
    for seed in (0, 1):
        np.testing.assert_array_equal(outputs(run, seed, ideal=["oscillators"]), ideal)
    none = [f"hardware.oscillators.{key}=0" for key in ("omega_sd", "phase_noise", "coupling_bits", "phase_bits")]
    np.testing.assert_array_equal(outputs(run, 1, settings=none), ideal)
    assert np.abs(outputs(run, 0) - ideal).max() > 0


def test_natural_frequencies_are_those_of_the_chip(run):
    only = {"hardware": "oscillators_ideal", "settings": ["hardware.oscillators.omega_sd=0.1"]}
    one, other = outputs(run, 1, **only), outputs(run, 2, **only)
    assert np.abs(one - other).max() > 1e-3
    np.testing.assert_array_equal(outputs(run, 1, **only), one)


def test_where_it_was_trained_a_run_has_its_own_error(flowers, run):
    for each in (flowers, run):
        assert evaluate_run(each, seed=each.network.run.seed).spreads[0].errors == (each.test_error,)


def test_every_draw_has_a_disorder_of_its_own_and_the_same_every_time(flowers):
    strong = {"settings": ["hardware.oscillators.omega_sd=10"], "draws": 3}
    one, two = (evaluate_run(flowers, hardware=DISPERSED, **strong).spreads[0] for _ in range(2))
    assert one == two and len(set(one.errors)) > 1
    assert (
        evaluate_run(flowers, hardware=DISPERSED, **{**strong, "draws": 1}, seed=2).spreads[0].errors == one.errors[2:]
    )


def test_curves_over_disorder_start_at_the_error_of_the_run(flowers, tmp_path):
    found = evaluate_curves(flowers, ["hardware.oscillators.omega_sd=0,1"], draws=2, out=tmp_path / "curves")
    errors = {row["hardware.oscillators.omega_sd"]: [] for row in found.rows}
    for row in found.rows:
        errors[row["hardware.oscillators.omega_sd"]].append(row["test_error"])
    assert errors[0] == [flowers.test_error] * 2
    assert errors[1] != errors[0]


def test_times_after_programming_are_refused(run):
    with pytest.raises(SpecError, match="substrate 'oscillator' has no devices that drift"):
        evaluate_run(run, at=["1 h"])


def test_hardware_of_another_kind_is_refused():
    with pytest.raises(SpecError, match=r"'pcm' describes a circuit \(synapse, neuron, array, periphery\)"):
        resolve("xor", "oscillator", hardware="pcm")
    with pytest.raises(SpecError, match="describes oscillators, and substrate 'crossbar' has none"):
        resolve("xor", "crossbar", hardware=DISPERSED)


def test_ideal_oscillators_have_no_table_and_no_evidence_left():
    hardware = resolve("xor", "oscillator", hardware=DISPERSED, ideal=["oscillators"]).technology
    assert hardware.oscillators == load_hardware("oscillators_ideal").oscillators and not hardware.evidence
    kept = resolve("xor", "oscillator", hardware=DISPERSED, ideal=["devices"]).technology
    assert kept.oscillators == load_hardware(DISPERSED).oscillators


def test_hardware_of_oscillators_is_listed_and_shown_without_devices(capsys):
    status, out, _ = cli(capsys, "list", "hardware")
    assert status == 0
    (line,) = [line for line in out.splitlines() if DISPERSED in line]
    assert line.split() == [DISPERSED, *["sd", "0.05", "0.001", "none", "10", "bits", "4", "bits", "4", "assumed"]]
    _, out, _ = cli(capsys, "list", "hardware", "--json")
    entry = next(entry for entry in json.loads(out) if entry["name"] == DISPERSED)
    assert entry["oscillators"]["coupling_bits"] == 10 and "g_max_S" not in entry
    _, out, _ = cli(capsys, "show", DISPERSED)
    assert "[oscillators]" in out and "[synapse]" not in out and "not given, and in no total" not in out
    _, out, _ = cli(capsys, "show", DISPERSED, "--json")
    assert set(json.loads(out)) == {"schema", "name", "title", "source", "notes", "oscillators", "evidence"}


def test_outputs_settle_when_their_read_out_phases_do(run):
    """The time is that of (1 + cos phi)/2, not of the phases themselves, which may end a turn apart."""
    free = segments(run)[0]
    levels = (1 + np.cos(free.states["output"]["phi"])) / 2
    away = np.abs(levels - levels[-1]).max(axis=(1, 2)) > 0.3
    last = np.flatnonzero(away)[-1] if away.any() else -1
    assert settling_time(run, tolerance=0.3) == pytest.approx(float(free.t[last + 1] - free.start))
