"""The stepper is Brian2: it gives the same bits as `Network.run` on the same objects."""

import gc

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.physics.engine import Plasticity, Recording
from tests.conftest import DATA
from tests.nets import COST, batch_of, network, params_of, substrate_of

pytestmark = pytest.mark.smoke
NETS = {
    "rate": lambda: network("rate", 5, 7, 3),
    "rate, sigmoid": lambda: network("rate", 5, 7, 3, substrate={"rate": {"neuron": "sigmoid"}}),
    "spiking": lambda: network("spiking", 5, 7, 3),
    "spiking, refractory": lambda: network("spiking", 5, 7, 3, substrate={"spiking": {"neuron": "lif_hard"}}),
    "spiking, random input": lambda: network("spiking", 5, 7, 3, substrate={"spiking": {"input": "encoder_bernoulli"}}),
    "spiking, delays and native plasticity": lambda: network(
        "spiking",
        5,
        7,
        3,
        substrate={"spiking": {"neuron": "lif_hard"}},
        projections={"hidden1_output": {"synapse": str(DATA / "native_two_trace.toml"), "delay": "1.5 ms"}},
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_stepper_and_network_run_give_the_same_bits(name):
    _compare(NETS[name](), "numpy")


@pytest.mark.compiled
def test_stepper_and_network_run_give_the_same_bits_when_compiled(compiler):
    _compare(NETS["spiking, refractory"](), "cython", monitored=0)


def _compare(net, target, monitored=2):
    ours, brians = (_run(net, engine, target, monitored) for engine in ("stepper", "reference"))
    for a, b in zip(ours["equilibria"], brians["equilibria"], strict=True):
        assert a.residual == b.residual and a.spikes == b.spikes and a.n_steps == b.n_steps
        assert a.resume.timestep == b.resume.timestep
        for one, two in zip(a.resume.arrays, b.resume.arrays, strict=True):
            for variable in one:
                np.testing.assert_array_equal(one[variable], two[variable], err_msg=variable)
    assert ours["change"].keys() == brians["change"].keys() and ours["change"]
    for projection, change in ours["change"].items():
        np.testing.assert_array_equal(change, brians["change"][projection])
        assert np.abs(change).max() > 0
    for one, two in zip(ours["phases"], brians["phases"], strict=True):
        np.testing.assert_array_equal(one.t, two.t)
        for layer, variables in one.states.items():
            for variable, values in variables.items():
                np.testing.assert_array_equal(values, two.states[layer][variable])
        for layer, events in one.spikes.items():
            for a, b in zip(events, two.spikes[layer], strict=True):
                np.testing.assert_array_equal(a, b)


def _run(net, engine, target, monitored):
    """A free phase and two nudged phases from its end, monitored, the last with fewer steps than the others."""
    inputs, targets = batch_of(net, 2)
    options = {"deferred": not monitored, "monitored": monitored}
    substrate = substrate_of(net, params_of(net), 2, engine=engine, target=target, **options)
    record, into = Recording() if monitored else None, substrate.accumulator()
    rng = np.random.default_rng(3)
    free = substrate.relax(inputs, stop=Stop(30), record=record, rng=rng)
    equilibria = [free]
    for beta, steps in ((0.5, 21), (-0.5, 12)):
        equilibria.append(
            substrate.relax(
                inputs,
                Nudge(beta, targets, COST),
                free.resume,
                stop=Stop(steps),
                plasticity=Plasticity(into, 1 / beta),
                record=record,
                rng=rng,
            )
        )
    return {"equilibria": equilibria, "change": into.take(), "phases": record.phases if record else []}


@pytest.mark.parametrize("name", NETS)
def test_networks_that_are_built_again_have_the_same_code_so_that_nothing_is_compiled_twice(name):
    alive = [substrate_of(NETS[name](), target="numpy", monitored=2, deferred=False) for _ in range(2)]
    one, two = (_codes(on.simulation._stepper.network) for on in alive)
    assert one == two and len(one) > 10


def _codes(network):
    return [str(code.code) for each in network.sorted_objects for code in each._code_objects]


def test_a_residual_stops_both_engines_at_the_same_step():
    net = NETS["rate"]()
    inputs, _ = batch_of(net, 2)
    stop = Stop(1000, tolerance=1e-6, every=7)
    steps = {
        engine: substrate_of(net, params_of(net), engine=engine).relax(inputs, stop=stop).n_steps
        for engine in ("stepper", "reference")
    }
    assert steps["stepper"] == steps["reference"] < 1000
    assert steps["stepper"] % 7 == 0


def test_two_networks_keep_their_own_clocks():
    one, two = substrate_of(NETS["rate"]()), substrate_of(NETS["spiking"]())
    inputs, _ = batch_of(one.network, 2)
    first = one.relax(inputs, stop=Stop(10))
    two.relax(inputs, stop=Stop(33))
    later = one.relax(inputs, start=first.resume, stop=Stop(5))
    assert later.resume.timestep == 15
    assert one.simulation.dt != two.simulation.dt


def test_preparing_a_network_leaves_the_garbage_collector_as_it_was():
    gc.unfreeze()
    substrate_of(network("rate", 3, 4, 2))
    assert gc.get_freeze_count() == 0
    gc.freeze()
    before = gc.get_freeze_count()
    substrate_of(network("rate", 3, 4, 2))
    assert gc.get_freeze_count() > 0.9 * before  # less what nothing refers to any more
    gc.unfreeze()
