"""The loop, the optimiser, and what training says to its user."""

import math
import time
import warnings

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.data import load
from neuroeq.data.coding import Classes, predictions
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params, learning_rates, mask
from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Phases
from neuroeq.describe.spec.recipe import Constant, Cosine, Exponential, Steps
from neuroeq.errors import DivergenceError, NeuroeqWarning, SpecError
from neuroeq.learning.free_phases import FreePhases
from neuroeq.learning.learned import chance_error, has_learned
from neuroeq.learning.monitor import TrainingMonitor
from neuroeq.learning.optimiser import Descent, schedule_factor
from neuroeq.learning.particles import Particles
from neuroeq.learning.phases import nudges
from neuroeq.learning.state import Tally
from neuroeq.learning.training import initial_state, train
from neuroeq.learning.weight_store import WeightStore
from neuroeq.randomness import Streams
from tests.nets import network, params_of, substrate_of


def trained(net, seed=0, **options):
    """Train to the end; return the state and the steps."""
    streams = Streams(seed)
    state = initial_state(net, streams)
    substrate = substrate_of(net, state.params, net.training.batch_size, **options)
    return state, list(train(substrate, load(net), state, streams))


@pytest.mark.parametrize("on", ["rate", "spiking"])
@pytest.mark.parametrize("learning", ["in_situ", "contrastive"])
def test_both_ways_of_learning_lower_the_loss_on_both_substrates(on, learning):
    net = resolve("iris", on, [f"training.learning={learning}", "training.epochs=8"])
    _, steps = trained(net)
    losses = [np.mean([step.loss for step in steps if step.epoch == epoch]) for epoch in range(8)]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("on", ["rate", "spiking"])
def test_same_seed_same_bits_and_another_seed_others(on):
    net = resolve("iris", on, ["training.epochs=1", "data.limit=40"])
    one, same, other = (trained(net, seed)[0].params for seed in (3, 3, 4))
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert not np.array_equal(one["input_hidden"], other["input_hidden"])


def test_in_situ_training_equals_contrastive_training_on_rates():
    """Not only one update: whole trainings end in the same weights."""
    ends = [
        trained(resolve("iris", "rate", [f"training.learning={how}", "training.epochs=2"]))[0].params
        for how in ("in_situ", "contrastive")
    ]
    for name in ends[0]:
        np.testing.assert_allclose(ends[0][name], ends[1][name], rtol=0, atol=1e-9)


def test_moving_weights_at_every_step_learns_too():
    changes = ["training.update=every_step", "phases.variant=random_sign", "training.epochs=20"]
    _, steps = trained(resolve("iris", "rate", [*changes, "phases.nudged.duration=40 ms"]))
    assert np.mean([step.loss for step in steps[-5:]]) < 0.6 * steps[0].loss


def test_steps_tell_where_training_is():
    net = resolve("iris", "rate", ["training.epochs=2", "training.batch_size=50"])
    _, steps = trained(net)
    assert [(s.epoch, s.batch, s.n_batches, s.examples, s.ends_epoch) for s in steps] == [
        (0, 0, 3, 50, False),
        (0, 1, 3, 50, False),
        (0, 2, 3, 20, True),
        (1, 0, 3, 50, False),
        (1, 1, 3, 50, False),
        (1, 2, 3, 20, True),
    ]


def test_descent_has_momentum_rates_schedule_and_bounds():
    net = network(
        "rate",
        2,
        3,
        1,
        training={"momentum": 0.5, "schedule": {"kind": "exponential", "factor": 0.1}},
        projections={
            "input_hidden1": {"learning_rate": 0.2, "bounds": [-0.1, 0.3]},
            "hidden1_output": {"learning_rate": 0.0},
        },
        layers={"hidden1": {"bias_learning_rate": 0.7}},
    )
    assert learning_rates(net) == {"input_hidden1": 0.2, "hidden1_output": 0.0, "hidden1.bias": 0.7, "output.bias": 0.0}
    params = {name: np.zeros_like(value) for name, value in params_of(net).items()}
    change = {name: np.ones_like(value) for name, value in params.items()}
    descent = Descent(net)
    first = descent.step(params, change, 0)
    assert (params["input_hidden1"] == 0).all(), "what was given stays"
    assert np.allclose(first["input_hidden1"], 0.2) and np.allclose(first["hidden1.bias"], 0.7)
    second = descent.step(first, change, 1)
    assert np.allclose(second["input_hidden1"], 0.2 + 0.02 * 1.5)
    third = descent.step(second, {name: 100 * value for name, value in change.items()}, 0)
    assert np.allclose(third["input_hidden1"], 0.3) and (third["hidden1_output"] == 0).all()


def test_schedules_are_what_they_say():
    assert [schedule_factor(Constant(), e, 4) for e in range(4)] == [1, 1, 1, 1]
    assert np.allclose(
        [schedule_factor(Exponential(kind="exponential", factor=0.5), e, 4) for e in range(3)], [1, 0.5, 0.25]
    )
    steps = Steps(kind="steps", epochs=(2, 3), factor=0.1)
    assert np.allclose([schedule_factor(steps, e, 4) for e in range(4)], [1, 1, 0.1, 0.01])
    cosine = Cosine(kind="cosine", final=0.2)
    assert np.allclose([schedule_factor(cosine, e, 4) for e in (0, 2, 4)], [1, 0.6, 0.2])
    assert math.isclose(schedule_factor(cosine, 1, 4), 0.2 + 0.4 * (1 + math.cos(math.pi / 4)))
    warmed = Exponential(kind="exponential", factor=0.5, warmup=(0.1, 0.6))
    assert np.allclose([schedule_factor(warmed, e, 4) for e in range(4)], [0.1, 0.3, 0.25, 0.125])


def test_variants_have_the_phases_of_their_estimator():
    def of(variant, seed=0):
        phases = Phases(variant=variant, beta=0.5, free={"duration": "9 steps"}, nudged={"duration": "1 ms"})
        return nudges(phases, np.random.default_rng(seed))

    assert of("positive") == [(0.5, 2.0)]
    assert of("negative") == [(-0.5, -2.0)]
    assert of("centred") == of("centered") == [(0.5, 1.0), (-0.5, -1.0)]
    drawn = [of("random_sign", seed)[0] for seed in range(200)]
    assert set(drawn) == {(0.5, 2.0), (-0.5, -2.0)}
    assert 70 < sum(beta > 0 for beta, _ in drawn) < 130


def test_masks_and_lateral_weights_stay_masked_and_symmetric_through_training():
    lateral = {"source": "hidden", "target": "hidden", "learning_rate": 0.1, "connect": {"probability": 0.5, "seed": 1}}
    table = {"projections": {"lateral": lateral, "input_hidden": {"connect": {"edges": [[0, 0], [1, 3], [2, 5]]}}}}
    net = resolve("iris", "rate", [table, "training.epochs=1"])
    state, _ = trained(net)
    weight, connected = state.params["lateral"], mask(net, "lateral")
    start = initial_params(net, Streams(0).child("init"))["lateral"]
    np.testing.assert_allclose(weight, weight.T, atol=1e-15)
    assert (weight[~connected] == 0).all() and (weight[connected] != start[connected]).mean() > 0.2
    assert np.diag(connected).sum() == 0
    assert np.count_nonzero(state.params["input_hidden"]) == 3


def test_streams_do_not_shift_each_other():
    streams = Streams(5)
    first = streams.child("data", 1).random(3)
    streams.child("init").random(100)
    np.testing.assert_array_equal(first, streams.child("data", 1).random(3))
    assert not np.array_equal(first, streams.child("data", 2).random(3))
    assert not np.array_equal(first, streams.child("state", 1).random(3))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_diverging_network_names_layer_phase_and_step(tmp_path):
    grows = 'equations = "ds/dt = (1 + s + drive + nudge)/tau : 1"\nactivity = "s"\n'
    (tmp_path / "grows.toml").write_text(f'extends = "sigmoid"\n{grows}')
    growing = ["substrate.rate.neuron=./grows.toml", "phases.variant=positive", "phases.free.duration=4000 steps"]
    net = resolve("xor", "rate", growing)
    with pytest.raises(
        DivergenceError,
        match=r"network 'xor': layer '\w+' grew without bound in phase 'free', seen at step \d+; try a smaller",
    ):
        trained(net)


@pytest.mark.parametrize("batch_size", [20, 120], ids=["six batches", "one batch"])
def test_beta_beyond_the_margin_is_said_once_where_states_are_bounded(batch_size):
    net = resolve("iris", "rate", ["phases.beta=20", "training.epochs=2", f"training.batch_size={batch_size}"])
    with pytest.warns(
        NeuroeqWarning, match=r"phases.beta is 20, beyond the stability margin \d.* of epoch 1"
    ) as caught:
        trained(net)
    assert sum("margin" in str(each.message) for each in caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroeqWarning)
        trained(resolve("iris", "rate", ["phases.beta=20", "training.epochs=1", "phases.variant=positive"]))


def test_a_warning_that_the_notes_explain_names_them():
    changes = ["phases.beta=20", "training.epochs=1"]
    plain = resolve("iris", "rate", changes)
    noted = resolve(
        "iris", "rate", [*changes, "explained=['margin']", "notes='beta is beyond the margin, as published'"]
    )
    for net, end in ((plain, r"divided by beta\.$"), (noted, r"divided by beta; the notes of iris say why\.$")):
        with pytest.warns(NeuroeqWarning, match=end):
            trained(net)


def test_a_file_cannot_accept_a_warning_that_its_notes_do_not_explain():
    with pytest.raises(SpecError, match="explained names 'margin', a word that the notes do not contain"):
        resolve("xor", "rate", ["explained=['margin']"])


def test_beta_beyond_the_margin_is_refused_where_nothing_bounds_the_state():
    net = resolve("iris", "rate", ["substrate.rate.neuron=sigmoid", "phases.beta=2"])
    with pytest.raises(
        SpecError,
        match=r"phases.beta is 2, but a nudge of -beta is stable only below \d.*nothing bounds neuron 'sigmoid'",
    ):
        trained(net)
    held = ["phases.nudge=held_current", "training.learning=contrastive", "training.epochs=1"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroeqWarning)
        trained(resolve("iris", "rate", ["substrate.rate.neuron=sigmoid", "phases.beta=2", *held]))


def test_a_saturated_layer_is_said_once_with_numbers():
    net = resolve(
        "iris", "rate", ["projections.input_hidden.initial={scheme = 'constant', gain = 9}", "training.epochs=2"]
    )
    with pytest.warns(
        NeuroeqWarning, match=r"layer 'hidden' is saturated: 0.0% of its units can move, 100.0% are stuck"
    ) as caught:
        trained(net)
    assert sum("layer 'hidden' is saturated" in str(each.message) for each in caught) == 1


def test_one_hot_outputs_at_their_bounds_are_healthy_as_long_as_wrong_examples_have_one_that_can_move():
    """The law is about units for each example: of ten outputs, 1.5 % that move are enough for an error of 12 %.

    Of 20 examples only 2.4 are expected to be wrong, of which it proves nothing that none has an output that can move.
    """
    monitor = TrainingMonitor(substrate_of(resolve("digits", "rate")))
    row = {"train_error": 0.12, "moving_hidden": 0.5, "top_hidden": 0.1, "moving_output": 0.015, "top_output": 0.09}
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroeqWarning)
        monitor.saturation({**row, "looked_at": 1000})
        monitor.saturation({**row, "looked_at": 20, "moving_output": 0.0})
    with pytest.warns(NeuroeqWarning, match="layer 'output' is saturated: 0.2% of its units can move"):
        monitor.saturation({**row, "looked_at": 1000, "moving_output": 0.002})


@pytest.mark.parametrize(
    ("word", "spoiled", "advised"),
    [
        (
            "saturated",
            ["projections.input_hidden.initial={scheme = 'constant', gain = 9}"],
            ["projections.input_hidden.initial={scheme = 'uniform', gain = 0.5}"],
        ),
        ("margin", ["phases.beta=20"], ["phases.beta=0.2", "projections.input_hidden.learning_rate=0.2"]),
    ],
)
def test_the_advice_of_a_warning_helps(word, spoiled, advised):
    ends = {}
    common = ["phases.beta=0.1", "projections.hidden_output.initial.gain=0.3", "training.epochs=6"]
    for name, changes in (("spoiled", spoiled), ("advised", advised)):
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always", NeuroeqWarning)
            _, steps = trained(resolve("iris", "rate", [*common, *changes]))
        errors = [step.error for step in steps if step.epoch == 5]
        ends[name] = np.mean(errors), [each for each in given if word in str(each.message)]
    assert ends["spoiled"][1] and not ends["advised"][1]
    assert ends["advised"][0] < ends["spoiled"][0]


def test_a_training_at_chance_over_its_last_half_has_not_learned():
    chance = chance_error(np.array([0, 0, 1, 2]))
    assert chance == 0.5
    assert not has_learned([0.1, 0.2, 0.5, 0.5], chance)
    assert has_learned([0.5, 0.5, 0.3, 0.2], chance)


def test_biases_start_at_0_or_as_their_layer_says_and_shift_no_weight():
    plain = network("rate", 2, 40, 2)
    drawn = network("rate", 2, 40, 2, layers={"hidden1": {"bias_initial": {"scheme": "normal", "gain": 0.05}}})
    one, two = (initial_params(net, Streams(3).child("init")) for net in (plain, drawn))
    assert not one["hidden1.bias"].any() and not two["output.bias"].any()
    assert 0.03 < two["hidden1.bias"].std() < 0.07
    for name in plain.projections:
        np.testing.assert_array_equal(one[name], two[name])


def test_the_metrics_of_an_epoch_are_means_over_its_examples():
    """Nothing learns, so each example's loss and class are those of one free phase at the start weights."""
    still = {name: {"learning_rate": 0.0} for name in ("input_hidden1", "hidden1_output")}
    gate = {"name": "and", "protocol": "whole"}
    net = network("rate", 2, 5, 2, data=gate, projections=still, training={"epochs": 1, "batch_size": 3})
    streams, examples = Streams(0), load(net)
    state = initial_state(net, streams)
    substrate = substrate_of(net, state.params)
    steps, rows = train(substrate, examples, state, streams), []
    for step in steps:
        rows += [state.tally.row(examples.coding, examples.train.labels)] if step.ends_epoch else []
    inputs, labels, targets = examples.batch(examples.train, slice(None), net)
    free = substrate.relax(inputs, stop=substrate.stop(net.phases.free))
    loss = 0.5 * ((free.outputs - targets) ** 2).sum(axis=1)
    assert rows[0]["train_error"] == np.mean(predictions(free.outputs, "one_hot") != labels) in (0.5, 0.75)
    np.testing.assert_allclose(rows[0]["train_loss"], loss.mean(), rtol=1e-12)
    assert rows[0]["looked_at"] == len(labels) == 4


def test_an_example_that_was_never_seen_starts_at_rest_beside_one_that_goes_on():
    net = network("rate", 2, 5, 2)
    substrate = substrate_of(net)
    stop, inputs = substrate.stop(net.phases.free), np.eye(2)
    particles = Particles(substrate, 4, {})
    assert particles.start(np.array([0, 1]), np.random.default_rng(0)) is None
    seen = substrate.relax(inputs, stop=stop)
    particles.keep(seen, np.array([0, 1]))
    short = Stop(1)
    mixed = substrate.relax(inputs, start=particles.start(np.array([0, 2]), np.random.default_rng(0)), stop=short)
    on, fresh = substrate.relax(inputs, start=seen, stop=short), substrate.relax(inputs, stop=short)
    assert np.array_equal(mixed.state["hidden1"][0], on.state["hidden1"][0])
    assert np.array_equal(mixed.state["hidden1"][1], fresh.state["hidden1"][1])


def test_means_of_an_epoch_are_the_same_if_all_of_it_is_counted_twice():
    free = FreePhases(3, spikes=12.0, residual=0.6, steps=90, moving={"output": 1.5}, top={"output": 0.3})
    once, twice = Tally(examples=4, misses=[1], loss=2.0), Tally(examples=8, misses=[2], loss=4.0)
    for tally, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            tally.add(free)
    assert once.mean() | {"looked_at": 6} == pytest.approx(twice.mean(), rel=1e-12)
    assert once.mean()["spikes"] == pytest.approx(4.0) and once.row(Classes((0, 1)), np.zeros(4))["train_error"] == 0.25


def test_a_training_counts_all_of_its_own_time_and_no_other():
    net = network("rate", 2, 5, 2)
    streams, examples = Streams(0), load(net)
    state = initial_state(net, streams)
    substrate = substrate_of(net, state.params)
    cpu, wall, times = time.process_time(), time.perf_counter(), []
    for _ in train(substrate, examples, state, streams):
        times.append((state.cpu_s, state.wall_s))
    assert (np.diff([(0, 0), *times], axis=0) >= 0).all() and state.wall_s > 0
    assert state.cpu_s <= time.process_time() - cpu and state.wall_s <= time.perf_counter() - wall


def test_devices_are_programmed_once_and_their_weights_taken_up_again():
    made_of = {"synapse": {"g_min": "1 uS", "g_max": "10 uS", "levels": 16, "rounding": "stochastic"}}
    net = network("resistive", 2, 4, 2, made_of=made_of)
    params, held = params_of(net), {}
    first = WeightStore(net, params, held, Streams(0))
    assert np.abs(first.params["input_hidden1"] - params["input_hidden1"]).max() > 0
    programmed = {name: g.copy() for name, g in held.items()}
    again = WeightStore(net, first.params, held, Streams(1))
    for name, g in programmed.items():
        np.testing.assert_array_equal(held[name], g)
        np.testing.assert_array_equal(again.params[name], first.params[name])


def test_start_weights_of_resistors_are_brought_into_the_window_of_their_devices():
    window = {"synapse": {"g_min": "100 uS", "g_max": "400 uS"}}
    net = network("resistive", 2, 4, 2, made_of=window, substrate={"resistive": {"circuit": {"g_unit": "1 mS"}}})
    params = {name: np.linspace(0, 1, np.prod(size)).reshape(size) for name, size in param_shapes(net).items()}
    held = WeightStore(net, params, {}, Streams(0)).params
    for name in net.projections:
        np.testing.assert_allclose(held[name], np.clip(params[name], 0.1, 0.4), rtol=1e-12)


def test_the_weights_that_are_followed_are_those_of_synapses_that_exist():
    sparse = {"input_hidden1": {"connect": {"probability": 0.3, "seed": 1}}}
    net = network("rate", 2, 40, 2, projections=sparse, training={"epochs": 1, "batch_size": 4})
    streams = Streams(0)
    state = initial_state(net, streams)
    for _ in train(substrate_of(net, state.params), load(net), state, streams):
        pass
    followed = np.array(state.history["input_hidden1"])
    assert followed.shape[1] == min(16, int(mask(net, "input_hidden1").sum()))
    assert (followed != 0).all()
