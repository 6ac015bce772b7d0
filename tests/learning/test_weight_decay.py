"""Weights decay as in stochastic gradient descent of the usual libraries: by what is added to their gradient."""

import numpy as np
import pytest

from neuroeq.describe.catalog import resolve
from neuroeq.errors import SpecError
from neuroeq.learning.optimiser import Descent
from tests.learning.test_training import trained
from tests.nets import network, params_of

DECAY, RATE = 0.2, 0.1
"""The rate is that of `tests.nets`."""


def steps(n, change=0.0, **training):
    """Return the parameters before each of n steps, and after them, with the same change of all parameters."""
    over = {"projections": {"hidden1_output": {"learning_rate": 0.0}}}
    net = network("rate", 3, 5, 2, training={"weight_decay": DECAY, "epochs": n, **training}, **over)
    descent, found = Descent(net), [params_of(net)]
    for epoch in range(n):
        asked = {name: np.full_like(value, change) for name, value in found[0].items()}
        found.append(descent.step(found[-1], asked, epoch))
    return found


def test_weights_that_nothing_moves_shrink_geometrically_and_biases_stay():
    first, *_, last = steps(50)
    name = "input_hidden1"
    np.testing.assert_allclose(last[name], first[name] * (1 - RATE * DECAY) ** 50, rtol=1e-12)
    for name in ("hidden1_output", "hidden1.bias", "output.bias"):
        np.testing.assert_array_equal(last[name], first[name])


def test_they_shrink_less_as_the_learning_rate_falls():
    before, middle, after = (
        each["input_hidden1"] for each in steps(2, schedule={"kind": "exponential", "factor": 0.25})
    )
    np.testing.assert_allclose(middle, before * (1 - RATE * DECAY), rtol=1e-14)
    np.testing.assert_allclose(after, middle * (1 - 0.25 * RATE * DECAY), rtol=1e-14)


def test_momentum_carries_the_decay():
    """Without a gradient, w' = w - rate v' and v' = m v + decay w make w'' = (1 + m - rate decay) w' - m w."""
    weights = [each["input_hidden1"] for each in steps(20, momentum=0.9)]
    for one, two, three in zip(weights, weights[1:], weights[2:], strict=False):
        np.testing.assert_allclose(three, (1.9 - RATE * DECAY) * two - 0.9 * one, rtol=0, atol=1e-14)


def test_with_a_constant_gradient_weights_end_at_its_balance_with_the_decay():
    """To e**-32 of the way, the product of 1 - rate decay over 1600 steps."""
    last = steps(1600, change=0.05)[-1]["input_hidden1"]
    np.testing.assert_allclose(last, 0.05 / DECAY, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (["training.weight_decay=-1"], r"training.weight_decay is -1"),
        (
            ["training.step={kind='sign'}"],
            r"training.weight_decay is 0.1 with training.step.kind 'sign', which has none; leave it out",
        ),
        (
            ["training.update=every_step", "phases.variant=positive"],
            r"training.update is 'every_step' with training.weight_decay, which acts once a batch; expected 'after_ph",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings, match):
    with pytest.raises(SpecError, match=match):
        resolve("xor", "rate", ["training.weight_decay=0.1", *settings])


def test_a_training_ends_in_smaller_weights_and_other_ones():
    changes = ["training.epochs=3", "training.momentum=0.5"]
    plain, decayed = (
        trained(resolve("iris", "rate", [*changes, *more]))[0].params for more in ([], ["training.weight_decay=0.05"])
    )
    for name in ("input_hidden", "hidden_output"):
        assert np.linalg.norm(decayed[name]) < np.linalg.norm(plain[name])
