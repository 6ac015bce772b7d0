"""Oscillators that end differently from other start phases are found and said once, and looking changes nothing."""

import warnings

import numpy as np
import pytest

from neuroeq.errors import NeuroeqWarning
from neuroeq.learning.monitor import TrainingMonitor
from neuroeq.physics.substrates import build
from neuroeq.physics.substrates.multistability import multistable
from neuroeq.randomness import Streams
from neuroeq.runs.training import train
from tests.nets import network, substrate_of, trained

OSCILLATORS = {"oscillator": {"neuron": "kuramoto", "synapse": "oscillator"}}
INPUTS = np.ones((5, 1))


def pair(coupling, field, **made_of):
    """Return two coupled oscillators, each with a field: one from the input, and the other from its bias."""
    described = network("oscillator", 1, 1, 1, substrate=OSCILLATORS, made_of={"oscillators": made_of})
    params = {"input_hidden1": [[field]], "hidden1_output": [[coupling]], "hidden1.bias": [0.0]}
    return build(described, {**params, "output.bias": [field]}, 4, target="numpy")


def fraction(substrate, seed=0):
    return multistable(substrate, INPUTS, np.random.default_rng(seed))


def test_oscillators_without_a_field_end_anywhere_and_those_in_strong_fields_at_one_place():
    assert fraction(pair(3.0, 0.0)) == 1
    assert fraction(pair(0.5, 4.0)) == 0


def test_an_injection_makes_two_ends_of_one():
    assert fraction(pair(0.5, 0.5)) == 0
    assert fraction(pair(0.5, 0.5, injection=3.0)) > 0


def test_few_bits_of_reading_make_no_difference():
    assert fraction(pair(0.5, 4.0, phase_bits=1)) == 0


def test_the_same_numbers_find_the_same_and_other_units_have_no_phases():
    assert fraction(pair(3.0, 0.0), 1) == fraction(pair(3.0, 0.0), 1)
    assert fraction(substrate_of(network("rate", 1, 1, 1))) is None


def test_what_most_samples_do_is_said_once():
    monitor = TrainingMonitor(pair(3.0, 0.0))
    with pytest.warns(NeuroeqWarning, match="100% of the samples that were looked at before epoch 3 end with other"):
        assert monitor.multistability(INPUTS, 2, Streams(0)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroeqWarning)
        monitor.multistability(INPUTS, 3, Streams(0))
        assert TrainingMonitor(pair(0.5, 4.0)).multistability(INPUTS, 0, Streams(0)) == 0


def test_after_some_epochs_only_every_tenth_is_looked_at():
    monitor = TrainingMonitor(pair(0.5, 4.0))
    looked_at = [monitor.multistability(INPUTS, epoch, Streams(0)) is not None for epoch in range(31)]
    assert [epoch for epoch, each in enumerate(looked_at) if each] == [*range(10), 10, 20, 30]


@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
def test_looking_changes_nothing_else_of_a_training_with_noise(monkeypatch):
    noisy = {"omega_sd": 0.1, "phase_noise": 0.01}
    described = network("oscillator", 2, 3, 2, substrate=OSCILLATORS, made_of={"oscillators": noisy})
    before, after, _ = trained(described)
    monkeypatch.setattr(TrainingMonitor, "multistability", lambda *_: None)
    _, unseen, _ = trained(described)
    for name, value in after.items():
        np.testing.assert_array_equal(value, unseen[name])
        assert np.abs(value - before[name]).max() > 0


@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
def test_metrics_have_a_column_for_oscillators_only(tmp_path):
    short = ["phases.free.duration=20 steps", "phases.nudged.duration=10 steps"]
    runs = [train("xor", on, epochs=2, out=tmp_path / on, settings=short) for on in ("oscillator", "rate")]
    assert all(0 <= row["multistable"] <= 1 for row in runs[0].metrics)
    assert not any("multistable" in row for row in runs[1].metrics)
