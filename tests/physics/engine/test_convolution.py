"""A convolution is the dense network with the same weights written out, and its three products are one energy's."""

from math import prod

import numpy as np
import pytest
from scipy.signal import correlate2d

from neuroeq.contract import Nudge, Stop
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import initial_params
from neuroeq.describe.operators import Convolution, operators
from neuroeq.describe.spec import overlay
from neuroeq.describe.spec.convolution import Geometry
from neuroeq.learning.trainers import choose
from tests.nets import COST, batch_of, centred, network, substrate_of, trained, update_of

GEOMETRIES = {
    "plain": Geometry((2, 6, 5), (3, 4, 3), 3),
    "padded": Geometry((2, 5, 5), (3, 5, 5), 3, padding=1),
    "strided": Geometry((1, 7, 7), (2, 3, 3), 3, stride=2),
    "pooled": Geometry((3, 8, 6), (4, 2, 1), 5, pooled=True),
    "padded, strided and pooled": Geometry((2, 9, 9), (3, 2, 2), 4, stride=2, padding=1, pooled=True),
}


@pytest.fixture(params=list(GEOMETRIES))
def geometry(request):
    return GEOMETRIES[request.param]


def by_hand(geometry, weight, image):
    """The convolution of one image (channels, height, width), position by position, and then the average."""
    padded = np.pad(image, [(0, 0), *[(geometry.padding, geometry.padding)] * 2])
    maps = np.array([sum(correlate2d(padded[c], kernel[c], "valid") for c in range(len(image))) for kernel in weight])[
        :, :: geometry.stride, :: geometry.stride
    ]
    if geometry.pooled:
        maps = maps.reshape(len(weight), maps.shape[1] // 2, 2, maps.shape[2] // 2, 2).mean(axis=(2, 4))
    return maps


def test_a_convolution_is_that_of_scipy(geometry):
    rng, operator = np.random.default_rng(0), Convolution(geometry)
    weight, images = rng.normal(size=operator.shape), rng.normal(size=(3, *geometry.before))
    arriving = operator.forward(weight, images.reshape(3, -1))
    for found, image in zip(arriving, images, strict=True):
        np.testing.assert_allclose(found.reshape(geometry.after), by_hand(geometry, weight, image), atol=1e-12)


def test_feedback_is_exactly_the_transposed_map_and_the_outer_product_its_derivative(geometry, monkeypatch):
    """<y, A(W) x> = <A(W)^T y, x> = <outer(x, y), W>, also where samples are taken one after the other."""
    rng = np.random.default_rng(1)
    for patches in (1, 2**20):
        monkeypatch.setattr("neuroeq.describe.operators.convolution.PATCHES", patches)
        operator = Convolution(geometry)
        weight = rng.normal(size=operator.shape)
        x, y = (rng.normal(size=(4, n)) for n in operator.ends)
        energy = np.sum(y * operator.forward(weight, x))
        assert np.sum(operator.backward(weight, y) * x) == pytest.approx(energy, abs=1e-12 * np.abs(x).sum())
        assert np.sum(operator.outer(x, y) * weight) == pytest.approx(energy, abs=1e-12 * np.abs(x).sum())
        np.testing.assert_allclose(operator.forward(weight, x), x @ operator.matrix(weight), atol=1e-12)
        np.testing.assert_allclose(operator.incoming(weight), operator.matrix(weight).sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(operator.outgoing(weight), operator.matrix(weight).sum(axis=1), atol=1e-12)


NETS = {
    "pooled": {
        "layers": {"input": {"shape": [1, 8, 8]}, "hidden1": {"shape": [3, 3, 3]}, "output": {"size": 4}},
        "projections": {"input_hidden1": {"kind": "conv", "kernel": 3, "pool": "average"}},
    },
    "two convolutions": {
        "layers": {
            "input": {"shape": [2, 6, 6]},
            "hidden1": {"shape": [3, 6, 6]},
            "hidden2": {"shape": [4, 2, 2]},
            "output": {"size": 4},
        },
        "projections": {
            "input_hidden1": {"kind": "conv", "kernel": 3, "padding": 1},
            "hidden1_hidden2": {"kind": "conv", "kernel": 3, "pool": "average"},
        },
    },
}


def conv_net(which, on="rate", **over):
    """A convolutional network, and the dense one with as many units, resolved for a substrate."""
    described = NETS[which]
    sizes = {name: layer.get("size") or prod(layer["shape"]) for name, layer in described["layers"].items()}
    shapes = {name: {"size": sizes[name], **layer} for name, layer in described["layers"].items()}
    conv = network(on, *sizes.values(), layers=shapes, projections=described["projections"], **over)
    return conv, network(on, *sizes.values(), **over)


def params_of(net, scale=0.3):
    params, rng = initial_params(net, np.random.default_rng(0)), np.random.default_rng(1)
    for name, value in params.items():
        params[name] = rng.uniform(0.1, 0.4, value.shape) if name.endswith(".bias") else scale * value
    return params


def written_out(net, params):
    """The parameters of the dense network that has the weights of a convolutional one."""
    maps = operators(net)
    return {
        name: maps[name].incoming(value) if name.endswith(".bias") else maps[name].matrix(value)
        for name, value in params.items()
    }


@pytest.mark.parametrize("which", list(NETS))
@pytest.mark.parametrize("on", ["rate", "spiking", "crossbar"])
@pytest.mark.parametrize("learning", ["in_situ", "contrastive"])
def test_a_convolutional_network_is_the_dense_one_with_its_weights_written_out(which, on, learning):
    """State by state; and a shared weight changes by the sum of what its copies would."""
    conv, dense = conv_net(which, on, training={"learning": learning})
    params = params_of(conv)
    one = substrate_of(conv, params, batch=3)
    other = substrate_of(dense, written_out(conv, params), batch=3)
    inputs, targets = batch_of(conv, 3)
    maps = operators(conv)
    for nudge in (None, Nudge(0.3, targets, COST)):
        ends = [each.relax(inputs, nudge, stop=Stop(30)) for each in (one, other)]
        for layer in ends[0].state:
            np.testing.assert_allclose(ends[0].state[layer], ends[1].state[layer], rtol=0, atol=1e-12)
    changes = [update_of(each, inputs, targets, centred(0.3), learning=learning).change for each in (one, other)]
    for name, change in changes[0].items():
        assert change.shape == params[name].shape and np.abs(change).max() > 1e-6, name
        if name.endswith(".bias"):
            summed = maps[name].outer(np.ones((1, 1)), changes[1][name][None])
        else:
            # the derivative of <C, A(W)> in W, for the change C that the dense network asks for
            summed = maps[name].outer(np.eye(maps[name].ends[0]), changes[1][name])
        np.testing.assert_allclose(change, summed, rtol=0, atol=1e-10)


@pytest.mark.parametrize("which", list(NETS))
def test_the_arrays_of_a_crossbar_settle_at_the_states_of_the_rate_network(which):
    """And their devices, copies for each place, take the power that those of the dense network do."""
    nets = [conv_net(which, on)[0] for on in ("rate", "crossbar")]
    params, (inputs, _) = params_of(nets[0]), batch_of(nets[0], 3)
    rate, crossbar = (substrate_of(net, params, batch=3) for net in nets)
    ends = [each.relax(inputs, stop=Stop(60)) for each in (rate, crossbar)]
    for layer, states in ends[0].state.items():
        np.testing.assert_allclose(ends[1].state[layer] / crossbar.state_of_one, states, rtol=0, atol=1e-9)
    for name, operator in crossbar.simulation.operators.items():
        weights = np.arange(1.0, 1 + np.prod(operator.shape)).reshape(operator.shape)
        np.testing.assert_array_equal(operator.taken_in(operator.laid_out(weights)), weights)
        if name in nets[0].projections and operator.share == 1:
            inside = np.count_nonzero(operator.matrix(np.ones(operator.shape)))
            assert inside <= crossbar.devices()[name] / 2 == operator.copies * weights.size
    dense = substrate_of(conv_net(which, "crossbar")[1], written_out(nets[1], params), batch=3)
    if which == "two convolutions":  # without an average, the same devices stand at the same places
        watts = [each.dissipation(each.relax(inputs, stop=Stop(60))) for each in (crossbar, dense)]
        assert crossbar.hardware.g_rest == 0, "devices that stand for 0 take no power"
        for name in params.keys() - {"hidden1_hidden2"}:
            assert watts[0][name] == pytest.approx(watts[1][name], rel=1e-9)


FIRST, SECOND = "input_hidden1", "hidden1_hidden2"
AGAIN, COPIED = ({"hardware": {"array": {"convolutions": how}}} for how in ("time_multiplexed", "unrolled"))
DENSE = {"projections": {FIRST: {"kind": "dense", "kernel": None, "padding": 0}}}
IN_TURN = {
    "all arrays": ([], [AGAIN], {FIRST: 36, SECOND: 16}, 3 + 4 + 4),
    "one with hardware of its own": ([], [{"projections": {SECOND: AGAIN}}], {SECOND: 16}, 3 * 36 + 4 + 4),
    "all but one": ([], [AGAIN, {"projections": {SECOND: COPIED}}], {FIRST: 36}, 3 + 4 * 4 + 4),
    "all, and one is dense": ([DENSE], [AGAIN], {SECOND: 16}, 3 * 36 + 4 + 4),
}
"""What both crossbars have, what one of them has, the places of the arrays that it uses again, and its op-amps."""


@pytest.mark.parametrize(("base", "changes", "places", "op_amps"), list(IN_TURN.values()), ids=list(IN_TURN))
def test_an_array_that_is_used_again_needs_fewer_devices_and_more_time(base, changes, places, op_amps):
    """Where its own hardware asks for it; a layer that only other arrays lead into has an op-amp for each unit."""
    described = conv_net("two convolutions", "crossbar", made_of={"neuron": {"integrator": {"power": "1 uW"}}})[0]
    nets = [resolve(described, None, [*base, *each]) for each in ([], changes)]
    params, (inputs, _) = params_of(nets[0]), batch_of(nets[0], 3)
    unrolled, shared = (substrate_of(net, params, batch=3) for net in nets)
    ends = [each.relax(inputs, stop=Stop(60)) for each in (unrolled, shared)]
    for layer, states in ends[0].state.items():
        np.testing.assert_array_equal(ends[1].state[layer], states)
    for name, weights in ((FIRST, params[FIRST].size), (SECOND, 4 * 3 * 3 * 3)):
        assert unrolled.devices()[name] == places.get(name, 1) * shared.devices()[name], "2 x 2 for an average"
        assert shared.devices()[name] == 2 * weights or name not in places
    assert shared.devices()["hidden1.bias"] == 2 * 3 * (1 if FIRST in places else 36)
    assert shared.mapping()["hold_capacitors"] == 3 * 36 + 4 * 4 + 4
    assert {name for name, how in shared.mapping()["convolutions"].items() if how != "unrolled"} == places.keys()
    times = [each.phase_time(end) for each, end in zip((unrolled, shared), ends, strict=True)]
    assert times[1] == pytest.approx(max(places.values()) * times[0])
    energy = [
        {kind: time * watt for kind, watt in each.dissipation(end).items() if watt is not None}
        for each, end, time in zip((unrolled, shared), ends, times, strict=True)
    ]
    assert energy[1].pop("hold capacitors") > 0
    assert [each.pop("op-amps") / time for each, time in zip(energy, times, strict=True)] == pytest.approx(
        [1e-6 * (3 * 36 + 4 * 4 + 4), 1e-6 * op_amps]
    )
    assert energy[1] == pytest.approx(energy[0], rel=1e-9, abs=0)


KERNEL = {"kind": "conv", "kernel": 4, "stride": 2, "padding": 1, "pool": "average"}
TWIN = {"source": "hidden1", "target": "hidden2", "learning_rate": 0.05, **KERNEL}
COMPILED = {
    "contrast": {"training": {"momentum": 0.5, "weight_decay": 0.1, "learning": "contrastive"}},
    "in situ": {"projections": {SECOND: {"bounds": [-0.2, 0.3]}}},
    "vector field": {"training": {"learning": "contrastive", "rule": "vector_field"}},
    "spiking": {"on": "spiking"},
    "two kernels of one geometry": {"projections": {"twin": TWIN}, "training": {"learning": "contrastive"}},
    "phases alone": {
        "training": {"rule": "coupled_learning", "learning": "contrastive", "step": {"kind": "sign", "threshold": 0}}
    },
}


def learned(which, engine, threads=1):
    """The weights before and after an epoch; its last batch is smaller, and samples are fewer than taken at a time."""
    base = {
        "data": {"name": "digits", "limit": 130},
        "layers": {
            "input": {"shape": [1, 8, 8]},
            "hidden1": {"size": 192, "shape": [3, 8, 8]},
            "hidden2": {"size": 20, "shape": [5, 2, 2]},
        },
        "projections": {FIRST: {"kind": "conv", "kernel": 3, "padding": 1}, SECOND: KERNEL},
        "phases": {"free": {"duration": "12 steps"}, "nudged": {"duration": "8 steps"}},
        "training": {"epochs": 1, "batch_size": 40},
        "run": {"engine": engine, "threads": threads},
    }
    over = dict(COMPILED[which])
    description = network(over.pop("on", "rate"), *(64, 192, 20, 10), **overlay(base, over))
    assert engine == "stepper" or choose(description, 0).trainer.startswith("compiled")
    return trained(description)[:2]


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("which", list(COMPILED))
def test_compiled_convolutions_end_in_the_weights_of_the_stepper(which):
    (start, expected), (_, found) = (learned(which, engine) for engine in ("stepper", "compiled"))
    for name, before in start.items():
        assert np.abs(expected[name] - before).max() > 1e-5, name
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-12)


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("which", ["in situ", "spiking", "two kernels of one geometry"])
def test_threads_change_no_bit_of_convolutions(which, monkeypatch):
    """With all loops shared; the library is that of the test above."""
    monkeypatch.setattr("neuroeq.physics.engine.compiled.calls.SHARED_FROM", 0)
    (_, one), *others = (learned(which, "compiled", threads) for threads in (1, 2, 3))
    for name, value in one.items():
        for _, other in others:
            np.testing.assert_array_equal(other[name], value)
