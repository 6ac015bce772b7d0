"""Channels have mean 0 and deviation 1 over the training part, and nothing else decides that."""

import tracemalloc

import numpy as np
import pytest

from neuroeq.data import examples_of, from_arrays, load
from neuroeq.data.scaling import BLOCK, channels
from neuroeq.errors import DataError
from tests.data.test_data import net_of

SHAPE = (3, 5, 4)
D = 60


def sets(n=BLOCK + 83, seed=0):
    """Return images whose channels differ by orders of magnitude, and classes."""
    rng = np.random.default_rng(seed)
    size, middle = np.array([1.0, 30.0, 0.01]), np.array([0.0, -2.0, 1e3])
    x = rng.standard_normal((n, *SHAPE)) * size[:, None, None] + middle[:, None, None]
    return x, np.arange(n) % 2


def by_channel(part):
    return part.take(slice(None))[0].reshape(-1, SHAPE[0], SHAPE[1] * SHAPE[2])


@pytest.mark.parametrize("protocol", ["final", "holdout"])
def test_each_channel_has_mean_0_and_deviation_1_over_the_training_part(protocol):
    examples = examples_of(net_of("own", D, 2, protocol=protocol, normalise="channel"), from_arrays(sets()))
    learned = by_channel(examples.train)
    np.testing.assert_allclose(learned.mean(axis=(0, 2)), 0, atol=1e-9)  # 1e-12 of the mean 1e5 times the deviation
    np.testing.assert_allclose(learned.std(axis=(0, 2)), 1, rtol=1e-9)
    for part in filter(None, (examples.validation, examples.test)):
        assert (np.abs(by_channel(part).mean(axis=(0, 2))) > 1e-6).all(), "others are not looked at"


def test_the_test_part_is_normalised_as_the_training_part_is():
    (x, y), (x_test, y_test) = sets(), sets(40, seed=1)
    examples = examples_of(net_of("own", D, 2, normalise="channel"), from_arrays((x, y, x_test, y_test)))
    mean, deviation = (of(x, axis=(0, 2, 3))[:, None] for of in (np.mean, np.std))
    expected = (x_test.reshape(40, 3, -1) - mean) / deviation
    np.testing.assert_allclose(by_channel(examples.test), expected, rtol=0, atol=1e-9)


def test_offset_and_scale_act_on_what_is_normalised():
    plain, changed = (
        examples_of(net_of("own", D, 2, normalise="channel", **more), from_arrays(sets()))
        for more in ({}, {"offset": 0.2, "scale": 3.0})
    )
    np.testing.assert_allclose(by_channel(changed.test), 3 * (by_channel(plain.test) - 0.2), rtol=0, atol=1e-9)


def test_bytes_and_the_same_numbers_are_normalised_alike():
    x = np.random.default_rng(0).integers(0, 256, (40, *SHAPE)).astype(np.uint8)
    y = np.arange(40) % 2
    net = net_of("own", D, 2, normalise="channel")
    one, two = (examples_of(net, from_arrays((inputs, y))) for inputs in (x, x / 255))
    np.testing.assert_allclose(by_channel(one.train), by_channel(two.train), rtol=0, atol=1e-12)


def test_a_channel_without_variation_becomes_0(recwarn):
    x, y = sets()
    x[:, 1] = 0.1
    learned = by_channel(examples_of(net_of("own", D, 2, normalise="channel"), from_arrays((x, y))).train)
    assert np.abs(learned[:, 1]).max() < 1e-12
    np.testing.assert_allclose(learned[:, 2].std(), 1, rtol=1e-9)
    assert not [each for each in recwarn if "inputs reach" in str(each.message)], "they are scaled"


def test_the_set_is_never_held_as_floats():
    source = from_arrays((np.full((8000, 3, 16, 16), 7, np.uint8), np.arange(8000) % 2))
    tracemalloc.start()
    channels(source, np.arange(8000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * 8 * source.inputs.size


def test_a_table_has_no_channels():
    with pytest.raises(DataError, match=r"data.normalise is 'channel', and data set 'iris' is a table without cha"):
        load(net_of("iris", 4, 3, normalise="channel"))
