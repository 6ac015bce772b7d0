"""Devices that hold the same weight at several places are programmed and read alike, and each costs what one does."""

import numpy as np
import pytest

from neuroeq.learning.training import initial_state
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.programming import programming
from neuroeq.physics.devices import PULSES, READS, ROUNDS, Chip
from neuroeq.randomness import Streams
from tests.physics.engine.test_convolution import AGAIN, conv_net

COPIES = {"input_hidden1": 6 * 6, "hidden1_hidden2": 4 * 4, "hidden1.bias": 6 * 6, "hidden2.bias": 2 * 2}
"""An average is taken over 2 x 2 of 4 x 4 places."""


@pytest.mark.parametrize("how", [AGAIN["hardware"], {}], ids=["used again", "copied"])
def test_every_copy_of_a_device_is_pulsed_and_read_at_the_time_of_the_others(how):
    net, streams = conv_net("two convolutions", "crossbar", hardware="ecram_mo", made_of=how)[0], Streams(0)
    state, rng = initial_state(net, streams), np.random.default_rng(0)
    chip = WeightStore.of(net, state, streams).chip
    total, of_one, devices = dict.fromkeys((PULSES, READS), 0), 0, 0
    for name, shape in chip.shapes.items():
        copies = 1 if how else COPIES.get(name, 1)
        devices += copies * np.prod(shape)
        for what in total:
            count = rng.integers(0, 9, shape)
            state.devices |= {f"{name}/{what}": count, f"{name}/{ROUNDS[what]}": np.array(7)}
            total[what] += copies * count.sum()
            of_one += count.sum() * (what == PULSES)
    took, costs = programming(net, state, streams, n_batches=5), net.technology.periphery
    assert took.pulses_per_update * 5 == pytest.approx(total[PULSES])
    assert took.reads_per_update * 5 == pytest.approx(total[READS])
    assert took.write_energy_per_update / took.pulses_per_update == pytest.approx(costs.write_energy, rel=1e-9, abs=0)
    assert took.writes_per_device_mean == pytest.approx(total[PULSES] / devices)
    weights = sum(np.prod(shape) / 2 for shape in chip.shapes.values())
    assert took.pulses_per_weight_per_epoch == pytest.approx(of_one / weights)
    assert took.read_rounds_per_update * 5 == took.write_time_per_update * 5 / costs.write_time == pytest.approx(7)


def test_the_columns_of_every_copy_are_read_to_compensate_drift():
    over = {"array": {"drift_compensation": "column"}}
    net = conv_net("two convolutions", "crossbar", hardware="pcm", made_of=over)[0]
    chip = Chip(net, initial_state(net, Streams(0)).params, Streams(0))
    columns = COPIES["input_hidden1"] * 3 + COPIES["hidden1_hidden2"] * 4 + 4
    assert chip.compensation_reads(1) == 2 * 2 * columns, "two devices a weight, at first and once more"
