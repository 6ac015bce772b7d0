"""Every trainer learns the same moved and mirrored images, and a resumed run those of an uninterrupted one."""

import numpy as np
import pytest

from neuroeq.data import Epoch, load
from neuroeq.learning.training import initial_state, train
from neuroeq.randomness import Streams
from neuroeq.runs.training import train as run
from tests.nets import network, substrate_of

pytestmark = pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
DATA = {"name": "digits", "protocol": "final", "limit": 46, "normalise": "channel"}
AUGMENT = {"crop": 1, "flip": True}


def learned(on, trainer, **data):
    """Return the weights after two epochs of digits, the last batch of which is smaller than the others."""
    phases = {"beta": 0.05, "free": {"duration": "4 steps"}, "nudged": {"duration": "2 steps"}}
    training = {"learning": "contrastive", "epochs": 2, "batch_size": 4}
    slow = {name: {"learning_rate": 1e-3} for name in ("input_hidden1", "hidden1_output")}
    net = network(on, 64, 16, 10, data={**DATA, **data}, phases=phases, training=training, projections=slow)
    streams = Streams(0)
    state = initial_state(net, streams)
    steps = list(train(substrate_of(net, state.params, 4), load(net), state, streams, trainer))
    return state.params, len(steps)


@pytest.mark.parametrize(
    ("on", "trainer"), [("resistive", "fused"), pytest.param("rate", "compiled", marks=pytest.mark.compiled)]
)
def test_trainers_that_take_many_batches_learn_the_same_images(on, trainer, request):
    if trainer == "compiled":
        request.getfixturevalue("compiler")
    (one, slow), (two, quick) = (learned(on, name, augment=AUGMENT) for name in ("stepwise", trainer))
    assert (slow, quick) == (24, 2)
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0, atol=1e-12)
    plain, _ = learned(on, trainer)
    assert any(np.abs(two[name] - plain[name]).max() > 1e-6 for name in two)


def test_every_epoch_is_drawn_anew(monkeypatch):
    numbers = []

    class Watched(Epoch):
        def __init__(self, examples, network, streams, number):
            super().__init__(examples, network, streams, number)
            numbers.append(number)

    monkeypatch.setattr("neuroeq.learning.training.Epoch", Watched)
    learned("resistive", "fused", augment=AUGMENT)
    assert numbers == [0, 1]


def test_a_resumed_run_sees_the_images_of_an_uninterrupted_one(tmp_path):
    settings = [
        *("layers.hidden.size=6", "training.batch_size=10", "data.limit=46", "data.augment={crop = 1, flip = true}"),
        *("phases.free.duration=4 steps", "phases.nudged.duration=2 steps"),
    ]

    def fail(step, state):
        if (step.epoch, step.batch) == (1, 2):
            raise RuntimeError("enough")

    whole = run("digits", "rate", epochs=3, settings=settings, out=tmp_path / "whole")
    with pytest.raises(RuntimeError, match="enough"):
        run("digits", "rate", epochs=3, settings=settings, out=tmp_path / "parts", callback=fail)
    parts = run("digits", "rate", epochs=3, settings=settings, out=tmp_path / "parts", resume=True)
    for name, value in whole.params.items():
        np.testing.assert_array_equal(parts.params[name], value)
