"""The generators of a run: seeded late, and otherwise like any other."""

import copy
import pickle

import numpy as np
import pytest

from neuroeq.randomness import Streams


def test_a_child_draws_the_same_wherever_it_is_asked_for():
    streams = Streams(7)
    one, other = streams.child("state", 3, 1).random(5), streams.child("state", 3, 2).random(5)
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(Streams(7).child("state", 3, 1).random(5), one)
    assert np.abs(Streams(8).child("state", 3, 1).random(5) - one).max() > 0.01


@pytest.mark.parametrize("as_others", [copy.copy, copy.deepcopy, lambda rng: pickle.loads(pickle.dumps(rng))])
def test_a_child_can_be_copied_and_sent_to_another_process(as_others):
    expected = Streams(7).child("state").random(3)
    child = Streams(7).child("state")
    np.testing.assert_array_equal(as_others(child).random(3), expected)
    np.testing.assert_array_equal(Streams(7).child("state").spawn(1)[0].random(2), child.spawn(1)[0].random(2))
