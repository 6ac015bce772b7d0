"""Networks, examples and parameters that are written in Python."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neuroeq
from neuroeq.contract import Nudge, Stop
from neuroeq.data import examples_of, from_arrays
from neuroeq.describe.catalog import changed, load_network, network, resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.params import checked_params, param_shapes
from neuroeq.errors import DataError, NeuroeqError, SpecError
from neuroeq.learning.building import build
from neuroeq.learning.costs import SquaredError
from neuroeq.physics.engine import Recording
from neuroeq.randomness import Streams
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from neuroeq.runs.transfer import evaluate_run
from tests.nets import table

PLAIN = {key: value for key, value in table(2, 3, 2).items() if key != "name"}


def test_a_network_in_python_is_the_one_that_its_file_describes():
    raw = load_network("xor").model_dump(by_alias=True, exclude_unset=True)
    assert resolve(network(**raw), "rate").model_dump() == resolve("xor", "rate").model_dump()


def test_a_network_in_python_is_validated_as_a_file_is():
    with pytest.raises(SpecError, match=r"no key 'phases\.bata'; did you mean 'phases\.beta'"):
        network("mine", **{**PLAIN, "phases": {**PLAIN["phases"], "bata": 1}})


def test_a_substrate_of_a_network_in_python_is_validated_too():
    rate = {**PLAIN["substrate"]["rate"], "phases": {"beta": -1}}
    with pytest.raises(NeuroeqError, match=r"network 'mine': substrate\.rate: phases\.beta is -1"):
        network("mine", **{**PLAIN, "substrate": {"rate": rate}})


def test_a_change_is_validated_and_leaves_the_network_as_it_is():
    net = load_network("xor")
    other = changed(net, "phases.beta=0.25", {"training": {"epochs": 3}})
    assert (other.phases.beta, other.training.epochs) == (0.25, 3)
    assert net == load_network("xor")
    with pytest.raises(SpecError, match=r"phases\.beta is -1"):
        changed(net, "phases.beta=-1")
    with pytest.raises(SpecError, match="a change is a int; expected 'KEY=VALUE' or a table"):
        changed(net, 3)


def test_what_is_no_network_is_refused_with_a_sentence():
    with pytest.raises(SpecError, match="network is a dict; expected a name, the path of a file, or a Network"):
        resolve({"layers": {}})


def test_arrays_are_split_as_the_network_says():
    rng = np.random.default_rng(0)
    inputs, labels = rng.random((50, 2)), np.arange(50) % 2
    net = changed(network("mine", **PLAIN), {"data": {"protocol": "holdout", "test": 0.2, "validation": 0.1}})
    examples = examples_of(net, from_arrays((inputs, labels)))
    assert [len(part) for part in (examples.train, examples.validation, examples.test)] == [35, 5, 10]
    seen = np.concatenate([part.take(slice(None))[0] for part in (examples.train, examples.validation, examples.test)])
    assert sorted(map(tuple, seen)) == sorted(map(tuple, inputs))


def test_a_test_part_that_is_given_is_the_one_that_is_tested():
    inputs, labels = np.eye(2)[[0, 1, 0, 1]], [0, 1, 0, 1]
    net = changed(network("mine", **PLAIN), {"data": {"protocol": "final"}})
    examples = examples_of(net, from_arrays((inputs, labels, [[0.5, 0.5]], [1])))
    assert examples.test.take(slice(None))[0].tolist() == [[0.5, 0.5]]
    assert len(examples.train) == 4


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (np.ones((4, 2)), r"data is float64 of shape \(4, 2\); expected \(X, y\) or"),
        ((np.ones((4, 2)),), r"data is a tuple of 1; expected"),
        ((np.ones(4), [0, 1, 0, 1]), r"inputs are float64 of shape \(4,\)"),
        ((np.ones((4, 2)), [0, 1, 0]), r"labels int64 of shape \(3,\)"),
        ((np.ones((4, 2)), [0, 1, 0, None]), "labels object"),
        ((np.ones((4, 2)), np.ones((4, 1, 1))), "labels float64"),
        (
            (np.ones((4, 2)), [0, 1, 0, 1], np.ones((2, 3)), [0, 1]),
            r"inputs have the shape \(n, 2\) and test_inputs \(n, 3\)",
        ),
        ((np.array([["a", "b"]]), [0]), "inputs are <U1"),
        ((np.ones((0, 2)), np.zeros(0, int)), r"inputs are float64 of shape \(0, 2\)"),
    ],
)
def test_arrays_that_are_no_examples_are_refused(data, match):
    with pytest.raises(DataError, match=match):
        from_arrays(data)


def test_params_have_the_names_and_shapes_that_are_drawn():
    for substrate in ("rate", "spiking", "crossbar", "resistive"):
        net = resolve("digits", substrate)
        drawn = initial_params(net, np.random.default_rng(0))
        assert param_shapes(net) == {name: value.shape for name, value in drawn.items()}
        again = checked_params(net, {name: value.tolist() for name, value in drawn.items()})
        assert all(np.array_equal(again[name], drawn[name]) for name in drawn)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda p: p.pop("input_hidden"), "'input_hidden' is missing; expected input_hidden, hidden_output"),
        (lambda p: p.update(input_hiden=p["input_hidden"]), "no parameter 'input_hiden'; did you mean 'input_hidden'"),
        (
            lambda p: p.update(input_hidden=p["input_hidden"].T),
            r"is float64 of shape \(16, 2\) on 'rate'",
        ),
        (lambda p: p["input_hidden"].fill(np.nan), "'input_hidden' holds NaN or infinite values"),
        (lambda p: p.update(input_hidden=None), r"'input_hidden' is object of shape \(\)"),
    ],
)
def test_params_that_do_not_fit_are_refused(change, match):
    net = resolve("xor", "rate")
    params = initial_params(net, np.random.default_rng(0))
    change(params)
    with pytest.raises(NeuroeqError, match=match):
        checked_params(net, params)


@pytest.fixture(scope="module")
def blobs():
    """Two clouds of points, and a network for them."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    inputs = np.clip(0.25 + 0.5 * labels[:, None] + 0.08 * rng.normal(size=(40, 2)), 0, 1)
    changes = {"data": {"protocol": "holdout"}, "training": {"epochs": 3, "batch_size": 8}}
    return changed(network("blobs", **PLAIN), changes), (inputs, labels)


def test_a_run_in_memory_is_the_run_in_a_folder(blobs, tmp_path):
    net, data = blobs
    kept = train(net, "rate", data=data, out=tmp_path / "run")
    memory = train(net, "rate", data=data, keep=False)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    for name, value in kept.params.items():
        assert np.array_equal(memory.params[name], value)
    times = {"cpu_s", "wall_s"}
    for one, other in zip(kept.metrics, memory.metrics, strict=True):
        assert {k: v for k, v in one.items() if k not in times} == {k: v for k, v in other.items() if k not in times}
    one, other = kept.recordings()["after"].phases[0], memory.recordings()["after"].phases[0]
    assert np.array_equal(one.states["hidden1"]["s"], other.states["hidden1"]["s"])
    assert (one.name, one.units) == (other.name, other.units)
    assert kept.test_error == memory.test_error


def test_a_run_keeps_the_arrays_that_it_was_given(blobs, tmp_path):
    net, data = blobs
    run = train(net, "rate", data=data, out=tmp_path / "run")
    assert run.test_error == evaluate_run(run).spreads[0].errors[0]
    assert evaluate_run(load_run(tmp_path / "run")).spreads[0].errors == (run.test_error,)


def test_predictions_are_the_classes_that_the_test_error_counts(blobs):
    net, (inputs, labels) = blobs
    run = train(net, "rate", data=(inputs[:30], labels[:30], inputs[30:], labels[30:]), keep=False)
    assert np.mean(run.predict(inputs[30:]) != labels[30:]) == run.test_error
    assert run.predict(inputs[0]) == run.predict(inputs[:1])
    assert run.outputs(inputs).shape == (40, 2)
    with pytest.raises(DataError, match=r"inputs have shape \(3, 5\)"):
        run.predict(np.ones((3, 5)))
    with pytest.raises(DataError, match=r"inputs have shape \(0, 2\)"):
        run.predict(np.ones((0, 2)))


def test_a_callback_sees_the_state_after_every_batch(blobs):
    net, data = blobs
    seen = []
    run = train(
        net,
        "rate",
        data=data,
        keep=False,
        callback=lambda step, state: seen.append(state.params["hidden1_output"].copy()),
    )
    assert len(seen) == 3 * 4
    assert not np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[-1], run.params["hidden1_output"])


def test_a_run_in_memory_has_no_folder(blobs):
    net, data = blobs
    with pytest.raises(SpecError, match="keep is False, so there is no folder"):
        train(net, "rate", data=data, keep=False, out="run")


@pytest.mark.parametrize("substrate", ["rate", "spiking", "crossbar", "resistive"])
def test_a_substrate_is_built_of_a_name_with_the_start_weights_of_a_run(substrate):
    built = build("xor", substrate=substrate, seed=3, target="numpy")
    drawn = initial_params(resolve("xor", substrate), Streams(3).child("init"))
    assert all(np.array_equal(built.params[name], drawn[name]) for name in drawn)
    whole = build(resolve("xor", substrate), drawn, 4, target="numpy")
    inputs = np.array([[0.0, 1.0], [1.0, 1.0]])
    phases = whole.network.phases
    by_hand = whole.relax(inputs, stop=whole.stop(phases.free))
    assert np.array_equal(built.relax([[0, 1], [1, 1]]).outputs, by_hand.outputs)
    assert np.array_equal(
        built.relax([0, 1]).outputs, build("xor", substrate=substrate, seed=3).relax([[0, 1]]).outputs
    )
    targets = np.array([[1.0, 0.0], [0.0, 1.0]])
    pull = Nudge(0.1, targets, SquaredError(), whole.network.nudge, by_hand)
    nudged = whole.relax(inputs, pull, by_hand.resume, stop=whole.stop(phases.nudged))
    lists = replace(pull, targets=targets.tolist())
    assert np.array_equal(whole.relax(inputs.tolist(), lists, by_hand).outputs, nudged.outputs)


def test_what_cannot_relax_is_refused_with_a_sentence():
    built = build("xor", substrate="rate", target="numpy")
    with pytest.raises(DataError, match="inputs are 'one'; expected numbers, one row a sample"):
        built.relax("one")
    with pytest.raises(DataError, match=r"inputs are \[\[0, 1\], \[1\]\]; expected numbers"):
        built.relax([[0, 1], [1]])
    with pytest.raises(DataError, match=r"targets have shape \(1, 3\); expected \(1, 2\)"):
        built.relax([0, 1], Nudge(0.1, [1, 0, 0], SquaredError()))
    with pytest.raises(SpecError, match="record is given, but no sample is monitored"):
        built.relax([0, 1], record=Recording())
    with pytest.raises(SpecError, match="'hidden_output' is missing"):
        build("xor", {"input_hidden": np.ones((2, 16))}, substrate="rate")


def test_the_page_on_python_runs_and_learns(capsys, recwarn):
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
    exec(compile(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], "python.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "test error 0%" in printed
    assert "classes of two points: [0 1]" in printed
    assert "recorded phases: ['free', 'nudged +0.25', 'nudged -0.25']" in printed
    assert "the nudge lowers the cost: True" in printed
    assert not [each for each in recwarn if issubclass(each.category, neuroeq.NeuroeqWarning)]


def test_a_circuit_built_by_hand_has_the_weights_that_the_devices_of_a_chip_hold():
    """On phase-change memory outputs differ from ideal ones, and from chip to chip; the same seed is the same chip."""
    exact = ["hardware.periphery.adc_bits=0", "hardware.periphery.dac_bits=0"]
    params = initial_params(resolve("xor", "crossbar"), np.random.default_rng(0))

    def outputs(hardware, seed):
        built = build("xor", params, substrate="crossbar", hardware=hardware, settings=exact, seed=seed)
        return built.relax([0.2, 0.5], stop=Stop(200)).outputs[0]

    ideal, first, again, other = (outputs(*each) for each in (("ideal", 0), ("pcm", 0), ("pcm", 0), ("pcm", 1)))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - ideal).max() > 1e-3 and np.abs(first - other).max() > 1e-3
    np.testing.assert_array_equal(outputs("ideal", 1), ideal)
