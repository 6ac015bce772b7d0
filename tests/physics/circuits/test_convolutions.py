"""A convolution of resistors is the dense array with its conductances written out, and each is shared by all places."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.data import load
from neuroeq.describe.network import bounds, nodes, places_of_inputs
from neuroeq.describe.operators import operators
from neuroeq.describe.spec import overlay
from neuroeq.errors import SpecError
from neuroeq.learning.building import build
from neuroeq.learning.training import initial_state, train
from neuroeq.measures.fidelity import finite_differences, implicit_gradient
from neuroeq.physics.devices import Chip
from neuroeq.randomness import Streams
from tests.nets import COST, batch_of, centred, flat, network, substrate_of, update_of
from tests.physics.engine.test_convolution import NETS, conv_net

SETTLED = Stop(2000, 1e-13)
PAIRED = {"phases": {"nudge": "held_current"}, "substrate": {"resistive": {"circuit": {"outputs": "paired"}}}}
OUTPUTS = pytest.mark.parametrize("over", [{}, PAIRED], ids=["single", "paired"])


def params_of(net):
    """Conductances above 0, and currents into the nodes."""
    rng = np.random.default_rng(0)
    return {
        name: rng.uniform(-0.2, 0.2, operator.shape) if name.endswith(".bias") else rng.uniform(0.1, 1, operator.shape)
        for name, operator in operators(net).items()
    }


class Pair:
    """A convolutional circuit, and the one with its conductances written out, where each bias is one source."""

    def __init__(self, which, over):
        self.conv = conv_net(which, "resistive", **over)[0]
        layers = {name: {"shape": list(each.shape)} for name, each in self.conv.layers.items() if each.shape}
        sizes = [each.size for each in self.conv.layers.values()]
        self.dense = network("resistive", *sizes, **overlay({"layers": layers}, over))
        self.maps, params = operators(self.conv), params_of(self.conv)
        places, n = places_of_inputs(self.conv), nodes(self.conv, "input")
        n_biases = len(self.conv.circuit.bias_voltages)
        self.sources = np.array([*range(n - places * n_biases), *np.repeat(n - places * n_biases, places)])
        assert n_biases == 1 and self.sources.max() + 1 == nodes(self.dense, "input")
        written = {}
        for name, value in params.items():
            matrix = value if name.endswith(".bias") else self.maps[name].matrix(value)
            written[name] = np.add.reduceat(matrix, range(self.sources.max() + 1)) if self.of_inputs(name) else matrix
        self.substrates = substrate_of(self.conv, params, batch=3), substrate_of(self.dense, written, batch=3)

    def of_inputs(self, name):
        return name in self.conv.projections and self.conv.projections[name].source == "input"

    def summed(self, name, change):
        """A change of each resistor of the dense circuit, summed over those that share a conductance."""
        if name.endswith(".bias"):
            return change
        change = change[self.sources] if self.of_inputs(name) else change
        return self.maps[name].outer(np.eye(self.maps[name].ends[0]), change)


@OUTPUTS
@pytest.mark.parametrize("which", list(NETS))
def test_a_convolution_of_resistors_settles_and_learns_as_the_dense_array_written_out(which, over):
    """Node by node, free and nudged; and a shared conductance changes by the sum over its resistors."""
    pair, ends = Pair(which, over), []
    inputs, targets = batch_of(pair.conv, 3)
    for each in pair.substrates:
        free = each.relax(inputs, stop=SETTLED)
        nudge = Nudge(0.3, targets, COST, pair.conv.nudge, reference=free)
        ends.append((free, each.relax(inputs, nudge, stop=SETTLED)))
    for found, expected in zip(*ends, strict=True):
        assert found.converged
        for layer, voltages in expected.state.items():
            np.testing.assert_allclose(found.state[layer], voltages, rtol=0, atol=1e-9)
    for weights in ([(1.0, 0)], [(-1.0, 0), (1.0, 1)]):
        found, expected = (
            each.energy_contrast([(weight, end[number]) for weight, number in weights])
            for each, end in zip(pair.substrates, ends, strict=True)
        )
        for name in found:
            assert np.abs(found[name]).max() > 1e-6
            np.testing.assert_allclose(found[name], pair.summed(name, expected[name]), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("which", list(NETS))
def test_its_power_is_that_of_the_dense_array_and_none_is_lost(which):
    pair = Pair(which, {})
    inputs, _ = batch_of(pair.conv, 3)
    found, expected = (each.power(each.relax(inputs, stop=SETTLED)) for each in pair.substrates)
    for kind, watts in expected.dissipated.items():
        np.testing.assert_allclose(found.dissipated[kind], watts, rtol=1e-9)
    assert found.imbalance < 1e-12


def test_every_place_has_resistors_of_its_own_and_an_average_has_four_and_padding_has_none():
    pair = Pair("two convolutions", {})
    circuit = pair.substrates[0]
    seen = (3 * 6 - 2) ** 2  # nodes along a side of 6 that kernels of 3 see, from places whose first and last see 2
    devices = {
        "input_hidden1": seen * (3 * 5),  # two channels, each of either sign, and one of the bias
        "hidden1_hidden2": 4 * 4 * (4 * 3 * 9),
        "hidden2_output": 16 * 4,
    }
    assert circuit.devices() == devices
    chip = Chip(pair.conv, circuit.params, Streams(0))
    assert {name: copies.sum() for name, copies in chip.copies.items()} == devices
    netlist = circuit.netlist(None, circuit.relax(batch_of(pair.conv, 1)[0]), None, title="padded")
    lines = [line for line in netlist.splitlines() if line.startswith("R_input_hidden1_")]
    assert len(lines) == devices["input_hidden1"]


@OUTPUTS
def test_its_estimate_is_the_gradient_in_the_shared_conductances(over):
    """The adjoint equals finite differences of the cost, and the contrast comes closer to it with a smaller nudge."""
    pair, rng = Pair("two convolutions", over), np.random.default_rng(5)
    one, (inputs, targets) = pair.substrates[0], batch_of(pair.conv, 3)
    exact, start = one.adjoint(inputs, targets, COST, SETTLED), dict(one.params)
    for name in start:
        direction, costs = rng.normal(size=start[name].shape), []
        for step in (1e-5, -1e-5):
            one.hold({**start, name: start[name] + step * direction})
            costs.append(COST.value(one.relax(inputs, stop=SETTLED).outputs, targets).mean())
        assert np.sum(exact[name] * direction) == pytest.approx((costs[0] - costs[1]) / 2e-5, rel=1e-5, abs=1e-8), name
    one.hold(start)
    errors, stops = [], {"free": SETTLED, "nudged": SETTLED}
    for beta in (0.2, 0.1):
        trial = {"learning": "contrastive", "mode": pair.conv.nudge, **stops}
        found = update_of(one, inputs, targets, centred(beta), **trial).change
        errors.append(np.linalg.norm(flat(found) + flat(exact)) / np.linalg.norm(flat(exact)))
    assert errors[1] < 0.01
    assert errors[1] < 0.3 * errors[0] or errors[1] < 1e-9, "centred: second order in beta, or none"


def test_conductances_stay_within_the_window_of_their_devices():
    window = {"synapse": {"g_min": "10 uS", "g_max": "100 uS"}}
    over = {
        "data": {"name": "digits", "protocol": "select", "limit": 40},
        "layers": {"input": {"shape": [1, 8, 8]}, "hidden1": {"size": 72, "shape": [2, 6, 6]}},
        "projections": {"input_hidden1": {"kind": "conv", "kernel": 3}},
        "training": {"epochs": 1, "batch_size": 8, "learning": "contrastive"},
    }
    net, streams = network("resistive", 64, 72, 10, made_of=window, **over), Streams(0)
    state = initial_state(net, streams)
    before = dict(state.params)
    for _ in train(substrate_of(net, state.params, batch=8), load(net), state, streams):
        pass
    for name in net.projections:
        low, high = bounds(net, name)
        assert low <= state.params[name].min() and state.params[name].max() <= high
        assert np.abs(state.params[name] - before[name]).max() > 0


REFUSED = {
    "amplifiers": ({"neuron": {"amplifier": {"gain": 4.0, "back_gain": 0.25}}}, {}, "--ideal amplifiers"),
    "wires": ({"array": {"r_wire_row": "1 ohm"}}, {}, "--ideal array"),
    "in time": (None, {"engine": "stepper"}, "--engine operating_point"),
}


@pytest.mark.parametrize(("made_of", "options", "message"), list(REFUSED.values()), ids=list(REFUSED))
def test_what_a_convolution_of_resistors_cannot_have_is_refused(made_of, options, message):
    conv = conv_net("pooled", "resistive", made_of=made_of, training={"learning": "contrastive"})[0]
    with pytest.raises(SpecError, match=message):
        substrate_of(conv, params_of(conv), batch=3, **options)


def test_the_gradient_in_single_precision_is_that_of_differences():
    """Beside currents from 800 V, what moves the outputs when a bias moves by 1e-5 is below single precision."""
    rng = np.random.default_rng(0)
    substrate = build("mnist_conv_resistive", batch=2)
    inputs, targets = rng.random((2, 784)).astype(np.float32), np.eye(10, dtype=np.float32)[:2]
    adjoint = implicit_gradient(substrate, inputs, targets)
    differences = finite_differences(substrate, inputs, targets, {"hidden1.bias": np.arange(4)})["hidden1.bias"]
    np.testing.assert_allclose(adjoint["hidden1.bias"][:4], differences, rtol=1e-3)
