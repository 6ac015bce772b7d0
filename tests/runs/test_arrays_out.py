"""The records of a run are arrays with axes of time: the same numbers as in its recordings."""

import numpy as np
import pytest

from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.runs.analysis import segments
from neuroeq.runs.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train("iris", "spiking", epochs=3, out=tmp_path_factory.mktemp("runs") / "run")


def test_spikes_are_those_of_all_phases_in_the_order_of_time(run):
    t, unit = run.spikes(sample=1, layer="hidden")
    expected = [
        (at, to) for phase in segments(run) for at, of, to in zip(*phase.spikes["hidden"], strict=True) if of == 1
    ]
    assert len(t) > 100 and (np.diff(t) >= 0).all() and t[-1] <= segments(run)[-1].end
    assert sorted(expected) == list(zip(t, unit, strict=True))


def test_spikes_and_states_are_those_of_the_output_layer_if_none_is_named(run):
    assert run.spikes().unit.max() < 3
    assert np.array_equal(run.spikes().t, run.spikes(0, "output").t)
    assert np.array_equal(run.states().values, run.states(0, "output").values)


def test_states_have_a_row_for_each_time_and_a_column_for_each_unit(run):
    found = run.states(sample=1, layer="hidden")
    assert found.values.shape == (len(found.t), 32) and found.dimension == "1"
    assert np.array_equal(found.unit, np.arange(32)) and (np.diff(found.t) > 0).all()
    free = segments(run)[0]
    assert np.array_equal(found.values[: len(free.t)], free.states["hidden"]["s"][:, 1])
    assert not np.array_equal(found.values, run.states(1, "hidden", when="before").values)


def test_weights_over_training_end_at_the_parameters_of_the_run(run):
    for name, value in run.params.items():
        if name.endswith(".bias"):
            continue
        epoch, weights, synapse = run.weights(name)
        assert epoch[0] == 0 and epoch[-1] == 3 and weights.shape == (len(epoch), len(synapse))
        assert np.array_equal(weights[-1], value[tuple(synapse.T)])


def test_weights_of_an_epoch_are_what_was_sampled_last_until_then(run):
    epoch, weights, synapse = run.weights("input_hidden")
    for at in (0, 1, 1.5, 3):
        one = run.weights("input_hidden", epoch=at)
        row = np.flatnonzero(epoch <= at + 1e-9)[-1]
        assert one.epoch == epoch[row] and np.array_equal(one.values, weights[row])
        assert np.array_equal(one.synapse, synapse)


def test_a_run_in_memory_has_the_same_arrays(run):
    other = train("iris", "spiking", epochs=3, keep=False)
    assert np.array_equal(other.spikes(1, "hidden").t, run.spikes(1, "hidden").t)
    assert np.array_equal(other.weights().values, run.weights().values)


def test_states_of_a_circuit_are_voltages():
    run = train("xor", "resistive", epochs=1, keep=False)
    assert run.states(0, "hidden").dimension == "V"
    with pytest.raises(SpecError, match="no spikes of layer 'output' are recorded; those of these layers are: none"):
        run.spikes()


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda run: run.spikes(7), "sample 7 is not recorded; recorded are samples 0 to 1"),
        (lambda run: run.spikes(0, "hiden"), "no spikes of layer 'hiden' are recorded"),
        (lambda run: run.states(0, "hiden"), "no layer 'hiden' in .*; recorded are hidden, output"),
        (lambda run: run.states(0, "hidden", "x"), "no variable of layer 'hidden' 'x'"),
        (lambda run: run.weights("hidden_out"), "no projection 'hidden_out'; did you mean 'hidden_output'"),
        (lambda run: run.weights(epoch=4), "epoch 4 was not trained; expected one from 0 to 3"),
        (lambda run: run.states(when="during"), "nothing is recorded 'during' training"),
    ],
)
def test_what_is_not_recorded_is_one_sentence(run, ask, sentence):
    with pytest.raises(NeuroeqError, match=sentence):
        ask(run)
