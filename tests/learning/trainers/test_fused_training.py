"""A fused training is the ordinary one, faster: same weights, same metrics, same resume."""

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.learning.trainers.fused import Fused
from neuroeq.learning.training import initial_state, train
from neuroeq.physics.circuits import kernels
from neuroeq.randomness import Streams
from neuroeq.runs import session
from neuroeq.runs.records import RunFolder
from neuroeq.runs.training import train as run
from tests.nets import network, substrate_of

pytestmark = pytest.mark.filterwarnings("ignore:free phases end with a net current")
SWEEPS = {"free": {"duration": "3 steps"}, "nudged": {"duration": "2 steps"}}
TRAINING = {
    "epochs": 3,
    "batch_size": 1,
    "schedule": {"kind": "exponential", "factor": 0.9},
}


BIASED = {"bias_voltages": [1.0, -2.0], "input_gain": 5.0, "diodes": "both"}
PIECEWISE = {"model": "piecewise", "threshold": "0.4 V", "r_on": "1 ohm", "r_off": "1 Gohm"}
PAIRED = {"bias_voltages": [4.0], "input_gain": 5.0, "diodes": "upper", "outputs": "paired"}


REAL = {"hardware": "real_diode", "circuit": PAIRED, "phases": {"nudge": "held_current"}}
SKIP = {"source": "input", "target": "hidden2", "learning_rate": 0.1}
SLOW = {name: {"learning_rate": 0.005} for name in ("input_hidden1", "hidden1_hidden2", "hidden2_output")}
SPREAD = {"gain": 2, "back_gain": 0.5, "gain_sd": 0.1, "back_gain_sd": 0.1, "offset_sd": "5 mV"}
UNLIKE = {"hardware": "1n4148_amplified", "made_of": {"neuron": {"amplifier": SPREAD}}, "circuit": {"diodes": "split"}}

UNEQUAL = {
    "hidden1": {"nonlinearity": {"v_bias_up": "0.2 V", "i_s": "1 pA"}},
    "hidden2": {"nonlinearity": {"model": "ideal"}},
}


def net(sizes=(2, 6, 2), on="resistive", hardware=None, phases=None, training=None, **over):
    own = {key: over.pop(key) for key in ("circuit", "precision") if key in over}
    return network(
        on,
        *sizes,
        hardware=hardware,
        data={"name": "xor", "protocol": "whole"},
        phases={"beta": 0.05, **SWEEPS, **(phases or {})},
        training={**TRAINING, **(training or {})},
        substrate={on: own},
        **over,
    )


def trained(description, trainer):
    streams = Streams(5)
    state = initial_state(description, streams)
    state.params = {name: value + 0.05 for name, value in state.params.items()}
    substrate = substrate_of(description, state.params)
    steps = list(train(substrate, load(description), state, streams, trainer))
    return state.params, steps


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"phases": {"variant": "positive"}},
        {"phases": {"variant": "negative", "nudge": "held_current"}},
        {"circuit": {**BIASED, "g_unit": "10 uS"}, "hardware": "ideal"},
        {"layers": {"hidden1": {"bias": False}, "output": {"bias_learning_rate": 0.01}}},
        {"training": {"batch_size": 3}},
        {"circuit": {"outputs": "paired"}, "phases": {"nudge": "held_current"}},
        {"hardware": "real_diode", "circuit": {**BIASED, "diodes": "split"}},
        REAL,
        {"training": {"momentum": 0.5}},
        {"training": {"l1": 1e-4}, "projections": {"input_hidden1": {"connect": {"probability": 0.5}}}},
        {"sizes": (2, 6, 5, 2), "projections": SLOW, "phases": {"variant": "positive"}},
        {"sizes": (2, 6, 5, 4, 2), **REAL, "training": {"momentum": 0.5}},
        {"hardware": "1n4148_amplified", "circuit": {"diodes": "split"}},
        {"sizes": (2, 6, 5, 2), "projections": SLOW, **UNLIKE},
        {"sizes": (2, 6, 5, 4, 2), **REAL, "layers": UNEQUAL},
    ],
    ids=[
        "centred",
        "positive",
        "negative, held",
        "biases, window",
        "bias currents",
        "ragged batches",
        "paired",
        "real diodes",
        "real diodes, paired",
        "momentum",
        "l1 and a mask",
        "two hidden layers",
        "three hidden layers, real diodes, momentum",
        "amplifiers",
        "two hidden layers, amplifiers that differ",
        "diodes that differ by layer",
    ],
)
def test_fused_training_ends_in_the_same_weights(over):
    description = net(**over)
    assert not list(Fused.reasons(description))
    (one, slow), (two, fast) = (trained(description, trainer) for trainer in ("stepwise", "fused"))
    for name in one:
        assert np.abs(one[name] - initial_state(description, Streams(5)).params[name]).max() > 1e-4
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-12)
    assert sum(step.examples for step in slow) == sum(step.examples for step in fast) == 12
    assert [step.epoch for step in slow if step.ends_epoch] == [step.epoch for step in fast if step.ends_epoch]


@pytest.mark.parametrize(
    "over",
    [
        {"sizes": (2, 2)},
        {"sizes": (2, 5, 4, 2), "projections": {"input_hidden2": SKIP}},
        {"on": "rate"},
        {"made_of": {"neuron": {"nonlinearity": PIECEWISE}}},
        {"hardware": "real_diode", "circuit": {"diodes": "both"}},
        {"phases": {"nudge": "clamp"}},
        {"phases": {"variant": "random_sign"}},
        {"phases": {"free": {"duration": "3 steps", "tolerance": 1e-9}}},
        {"phases": {"free": {"duration": "50 ms"}}},
        {"training": {"step": {"kind": "sign"}}},
        {"training": {"prune": {"below": 0.01, "temperature": 5}}},
    ],
)
def test_what_the_kernels_do_not_do_is_not_fused(over):
    assert list(Fused.reasons(net(**over)))


@pytest.mark.skipif(not kernels.available(), reason="needs numba")
@pytest.mark.parametrize("precision", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("over", [{}, REAL], ids=["ideal", "real diodes, paired"])
def test_what_training_calls_was_compiled_ahead(monkeypatch, over, precision):
    """numba compiles once for the types of all arguments."""
    from numba import typeof

    from neuroeq.physics.circuits.fused import with_numba as fused_numba

    called, learn = [], fused_numba.learn
    monkeypatch.setattr("neuroeq.learning.trainers.contract.COMPILED_FROM", 0)
    monkeypatch.setattr(fused_numba, "learn", lambda *args: called.append([*map(typeof, args)]) or learn(*args))
    description = net(precision=precision, **over)
    Fused.prepare(description, 12)
    assert len(called) == 1
    trained(description, "fused")
    assert len(called) > 2 and all(types == called[0] for types in called)


def test_a_fused_training_that_was_cut_ends_in_the_same_bits(monkeypatch):
    """Cut between two chunks; the state that a checkpoint holds is all that is needed."""
    monkeypatch.setattr("neuroeq.learning.trainers.contract.CHUNK", 2)
    description = net()
    whole, _ = trained(description, "fused")
    streams = Streams(5)
    state = initial_state(description, streams)
    state.params = {name: value + 0.05 for name, value in state.params.items()}
    examples, steps = load(description), 0
    while state.epoch < 3:
        state.params = {name: np.array(value, order="C") for name, value in state.params.items()}
        for step in train(substrate_of(description, state.params), examples, state, streams):
            steps += 1
            if not step.ends_epoch:
                break
    assert steps == 6
    for name in whole:
        np.testing.assert_array_equal(state.params[name], whole[name])


def test_a_training_with_momentum_that_is_resumed_ends_in_the_same_bits(tmp_path, monkeypatch):
    """Since its velocities are in the checkpoint."""
    monkeypatch.setattr(session, "SAVE_SELDOM_S", 0.0)
    settings = ["training.momentum=0.7", "training.l1=1e-5"]
    settings += [f"phases.{phase}.duration=4 steps" for phase in ("free", "nudged")]
    whole = run("xor", "resistive", epochs=6, settings=settings, out=tmp_path / "whole")
    assert whole.result["trainer"].startswith("fused")

    def fail(step, state):
        if step.epoch == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run("xor", "resistive", epochs=6, settings=settings, out=tmp_path / "run", callback=fail)
    saved = RunFolder(tmp_path / "run").load()
    assert saved.epoch == 3 and all(np.abs(v).max() > 0 for v in saved.velocity.values())
    resumed = run("xor", "resistive", epochs=6, settings=settings, out=tmp_path / "run", resume=True)
    for name, value in whole.params.items():
        np.testing.assert_array_equal(resumed.params[name], value)
