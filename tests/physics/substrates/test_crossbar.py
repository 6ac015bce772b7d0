"""A crossbar of ideal devices is the rate network, in volts and siemens."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import SpecError
from neuroeq.learning.optimiser import Descent
from neuroeq.measures.parts import total
from neuroeq.physics.circuits.crossbar import effective_conductance
from neuroeq.physics.circuits.wires import Wires
from neuroeq.physics.devices.mapping import Mapping as DeviceMapping
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates.pairs import ideal_devices
from tests.nets import COST, batch_of, centred, network, positive, substrate_of, update_of

FIELD = {
    "title": "vector field",
    "emits": "rate",
    "equations": "ds/dt = (drive + bias - s + nudge)/tau : 1\nrho = 1/(1 + exp(2 - 4*s)) : 1",
    "state": "s",
    "activity": "rho",
    "readout": "s",
    "dt": "1 ms",
    "parameters": {"tau": "10 ms"},
}
NEURONS = {"hard_sigmoid": "hard_sigmoid", "vector field": FIELD}
GRAPHS = {
    "layers": {},
    "lateral and skipping": {
        "projections": {
            "lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1},
            "skip": {"source": "input", "target": "output", "learning_rate": 0.1},
        }
    },
}


def both(neuron="hard_sigmoid", hardware=None, graph="layers", **options):
    """Return the network on rates and on a crossbar, with the same weights."""
    physics = {"neuron": NEURONS[neuron], "synapse": "rate_derivative"}
    over = {**GRAPHS[graph], "substrate": {"rate": physics}}
    rate = substrate_of(network("rate", 5, 8, 6, 3, **over), **options)
    crossbar = substrate_of(network("crossbar", 5, 8, 6, 3, hardware=hardware, **over), rate.params, **options)
    return rate, crossbar


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("hardware", [None, "ideal"])
@pytest.mark.parametrize("neuron", NEURONS)
def test_voltages_over_their_scale_are_the_rate_networks_states_at_every_instant(neuron, hardware, graph):
    rate, crossbar = both(neuron, hardware, graph, monitored=2)
    inputs, targets = batch_of(rate.network, 2)
    seen = []
    for substrate in (rate, crossbar):
        record = Recording()
        free = substrate.relax(inputs, stop=Stop(60), record=record)
        substrate.relax(inputs, Nudge(0.4, targets, COST), free.resume, stop=Stop(40), record=record)
        seen.append(record)
    scale = crossbar.hardware.neuron.integrator.v_scale
    for one, two in zip(seen[0].phases, seen[1].phases, strict=True):
        assert two.units["v"] == "V"
        assert two.t[-1] < 1e-3 * one.t[-1]
        for layer in one.states:
            states = one.states[layer]["s"]
            assert np.ptp(states[:, 0]) > 0.01
            np.testing.assert_allclose(two.states[layer]["v"] / scale, states, rtol=0, atol=1e-9)


def test_fixed_points_and_contrasts_agree_too():
    rate, crossbar = both(hardware="ideal")
    inputs, targets = batch_of(rate.network, 4)
    settled = Stop(5000, 1e-13)
    updates = [
        update_of(each, inputs, targets, centred(0.05), learning="contrastive", free=settled, nudged=settled)
        for each in (rate, crossbar)
    ]
    for name, change in updates[0].change.items():
        assert np.abs(change).max() > 1e-4
        np.testing.assert_allclose(updates[1].change[name], change, rtol=0, atol=1e-9)


def test_a_voltage_scale_changes_volts_and_nothing_else():
    over = {"made_of": {"neuron": {"integrator": {"v_scale": "200 mV"}}}}
    one, two = (substrate_of(network("crossbar", 5, 8, 3, **more)) for more in ({}, over))
    inputs, _ = batch_of(one.network, 4)
    free = [each.relax(inputs, stop=Stop(80)) for each in (one, two)]
    np.testing.assert_allclose(free[1].state["hidden1"], 0.2 * free[0].state["hidden1"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(free[1].outputs, free[0].outputs, rtol=0, atol=1e-12)


def test_a_pair_holds_its_weight_within_the_window():
    hardware = network("crossbar", 3, 2, hardware="ideal").technology
    weights = np.array([[-2.5, -2.0, -0.3, 0.0, 0.4, 1.9, 7.0]])
    plus, minus = ideal_devices(hardware, weights)
    for g in (plus, minus):
        assert g.min() >= hardware.synapse.g_min - 1e-18 and g.max() <= hardware.synapse.g_max + 1e-18
    np.testing.assert_allclose(hardware.r_f * (plus - minus), np.clip(weights, -2, 2), rtol=0, atol=1e-12)


def test_the_mapping_says_what_it_did():
    crossbar = both(hardware="ideal")[1]
    said = crossbar.mapping()
    assert said["r_f_ohm"] * (1e-5 - 1e-7) == pytest.approx(2.0)
    assert 0 < said["window_used"] < 1 and said["clipped_weights"] == 0
    crossbar.params = {**crossbar.params, "input_hidden1": 5 * np.ones((5, 8))}
    assert crossbar.mapping()["clipped_weights"] == 40
    assert crossbar.mapping()["window_used"] == pytest.approx(1.0)


def test_what_devices_take_sources_give():
    """Every driven wire delivers V times the current that the virtual grounds and feedback resistors draw from it."""
    crossbar = both(hardware="ideal")[1]
    inputs, _ = batch_of(crossbar.network, 3)
    eq = crossbar.relax(inputs, stop=Stop(100))
    scale, delivered = crossbar.hardware.neuron.integrator.v_scale, 0.0
    for name, weight in crossbar.params.items():
        plus, minus = ideal_devices(crossbar.hardware, weight)
        if name.endswith(".bias"):
            delivered += float((scale * scale * (plus + minus)).sum())
            continue
        ends = crossbar.network.projections[name]
        v = eq.activity[ends.source] * scale
        delivered += (v * (v @ np.eye(len(weight)) * (plus + minus).sum(axis=1))).sum(axis=1).mean()
        if crossbar.network.symmetric(name):
            v = eq.activity[ends.target] * scale
            delivered += (v * v * (plus + minus).sum(axis=0)).sum(axis=1).mean()
    delivered += sum((v * v / crossbar.hardware.r_f).sum(axis=1).mean() for v in eq.state.values())
    assert total(crossbar.dissipation(eq)) == pytest.approx(delivered, rel=1e-12)


@pytest.mark.parametrize(
    ("over", "match"),
    [
        ({"substrate": {"rate": {"neuron": "sigmoid"}}}, r"multiplies drive by 4\*rho.*so it has no such circuit"),
        ({"substrate": {"rate": {"neuron": {**FIELD, "equations": "ds/dt = (drive + bias - s*s + nudge)/tau : 1",
                                            "activity": "s"}}}}, "beside its leak"),
        ({"substrate": {"rate": {"neuron": {**FIELD, "equations": FIELD["equations"] + "\nda/dt = -a/tau : 1"}}}},
         "has more than one state; an op-amp integrator has one voltage"),
        ({"projections": {"input_hidden1": {"delay": "5 ms"}}}, "runs as native synapses; a crossbar has no delays"),
    ],
)  # fmt: skip
def test_what_has_no_such_circuit_is_refused_with_the_reason(over, match):
    with pytest.raises(SpecError, match=match):
        substrate_of(network("crossbar", 4, 5, 3, **over))


def test_a_window_that_cannot_hold_the_weights_is_refused():
    made_of = {"synapse": {"g_max": "1 uS"}, "neuron": {"integrator": {"r_f": "10 kohm"}}}
    net = network("crossbar", 4, 5, 3, made_of=made_of)
    with pytest.raises(SpecError, match=r"has weights up to .*, but .* holds 0.01 at most"):
        substrate_of(net)


def test_learning_keeps_weights_within_what_pairs_hold():
    net = network("crossbar", 4, 5, 3, hardware="ideal")
    substrate = substrate_of(net)
    change = {name: 100 * np.ones_like(value) for name, value in substrate.params.items()}
    moved = Descent(net).step(substrate.params, change, 0)
    assert max(float(moved[name].max()) for name in net.projections) == pytest.approx(net.technology.w_max)


def test_weights_that_move_at_every_step_move_in_siemens():
    """At a vanishing learning rate the commits of a nudged phase sum to the update after it."""
    crossbar = both()[1]
    inputs, targets = batch_of(crossbar.network, 3)
    once = update_of(crossbar, inputs, targets, positive(0.2)).change
    start, total = crossbar.params, {name: np.zeros_like(value) for name, value in crossbar.params.items()}

    def commit(change):
        for name, amount in change.items():
            total[name] += amount
        crossbar.params = {name: value + 1e-7 * total[name] for name, value in start.items()}

    update_of(crossbar, inputs, targets, positive(0.2), commit=commit)
    for name, change in once.items():
        np.testing.assert_allclose(total[name], change, rtol=0, atol=1e-4 * np.abs(change).max())


WIRES = {"array": {"r_wire_row": "20 ohm", "r_wire_col": "10 ohm", "r_source": "50 ohm", "r_sense": "50 ohm"}}


def test_wires_weaken_weights_as_their_crossbar_says_and_tiles_give_some_back():
    plain = substrate_of(network("crossbar", 20, 30, 3, hardware="ideal"))
    wired = substrate_of(network("crossbar", 20, 30, 3, hardware="ideal", made_of=WIRES), plain.params)
    tiles = {"array": {**WIRES["array"], "max_rows": 8, "max_cols": 8}}
    tiled = substrate_of(network("crossbar", 20, 30, 3, hardware="ideal", made_of=tiles), plain.params)
    name = "input_hidden1"
    wires = Wires(20.0, 10.0, 50.0, 50.0)
    pairs = ideal_devices(plain.hardware, plain.params[name])
    expected = effective_conductance(pairs[0], wires) - effective_conductance(pairs[1], wires)
    np.testing.assert_allclose(wired.weights[name], expected, rtol=0, atol=1e-18)
    lost = [np.abs(each.weights[name] - plain.weights[name]).max() for each in (wired, tiled)]
    assert lost[0] > lost[1] > 1e-4 * np.abs(plain.weights[name]).max()
    np.testing.assert_array_equal(wired.weights["hidden1.bias"], plain.weights["hidden1.bias"])
    inputs, _ = batch_of(plain.network, 2)
    outputs = [each.relax(inputs, stop=Stop(200)).outputs for each in (plain, wired)]
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-6


def test_an_array_with_unequal_ends_is_not_read_in_both_directions():
    made_of = {"array": {"r_source": "10 ohm"}}
    with pytest.raises(SpecError, match="r_source is 10 ohm and r_sense 0 ohm; an array that is read in both"):
        substrate_of(network("crossbar", 4, 5, 3, hardware="ideal", made_of=made_of))


def test_of_hardware_a_crossbar_uses_devices_wires_converters_and_op_amps_and_no_diodes():
    inputs, _ = batch_of(network("rate", 4, 5, 3), 4)
    one, two = (
        substrate_of(network("crossbar", 4, 5, 3, hardware=hardware)).relax(inputs, stop=Stop(30))
        for hardware in ("unbounded", "1n4148_amplified")
    )
    np.testing.assert_array_equal(one.outputs, two.outputs)


def test_biases_stay_within_what_pairs_hold_too():
    net = network("crossbar", 4, 5, 3, hardware="ideal")
    substrate = substrate_of(net)
    moved = Descent(net).step(substrate.params, {"output.bias": 100 * np.ones(3)}, 0)
    assert moved["output.bias"].max() == pytest.approx(net.technology.w_max)
    substrate_of(net, moved)


def test_a_nudge_takes_the_power_of_its_conductance_and_missing_synapses_none():
    sparse = {"projections": {"input_hidden1": {"connect": {"probability": 0.5}}}}
    whole, some = (substrate_of(network("crossbar", 6, 8, 3, hardware="ideal", **more)) for more in ({}, sparse))
    inputs, targets = batch_of(whole.network, 3)
    eq = whole.relax(inputs, stop=Stop(100))
    nudge = Nudge(0.5, targets, COST)
    expected = 0.5 / whole.hardware.r_f * np.square(targets - eq.outputs).sum(axis=1).mean()
    assert whole.dissipation(eq, nudge)["nudge"] == pytest.approx(expected)
    there = int((some.params["input_hidden1"] != 0).sum())
    assert sum(whole.devices().values()) == 2 * (6 * 8 + 8 * 3 + 8 + 3)
    assert sum(some.devices().values()) == 2 * (there + 8 * 3 + 8 + 3)
    held = some.dissipation(some.relax(inputs, stop=Stop(100)))["input_hidden1"]
    assert held < 0.75 * whole.dissipation(eq)["input_hidden1"]


def test_an_op_amp_of_finite_gain_falls_short_of_its_drive():
    """Settled, V (1 + 1/A) is what an ideal integrator would hold: for every unit inside its bounds."""
    net = network("crossbar", 4, 5, 3, made_of={"neuron": {"integrator": {"gain": 20.0}}})
    substrate, (inputs, _) = substrate_of(net), batch_of(net, 4)
    free = substrate.relax(inputs, stop=Stop(5000, 1e-13))
    for layer, values in substrate.field_values(free).items():
        inside = (values["s"] > 0) & (values["s"] < 1)
        asked = (values["drive"] + values["bias"])[inside]
        np.testing.assert_allclose(values["s"][inside] * (1 + 1 / 20), asked, rtol=0, atol=1e-9, err_msg=layer)
        assert inside.any()


@pytest.mark.parametrize("technology", ["ecram_mo", "pcm", "flash_sonos", "hfo2_reram_array"])
def test_ideal_devices_stand_where_a_chip_of_the_technology_would_put_them(technology):
    """Around the middle where pulses move them up and down, one of them at rest elsewhere, or beside a reference."""
    crossbar = substrate_of(network("crossbar", 6, 5, 3, hardware=technology))
    for name in crossbar.params:
        mapping = DeviceMapping(crossbar.network, name)
        expected = mapping.conductances(np.clip(crossbar.params[name], *mapping.bounds))
        plus, minus = crossbar.pair(name)
        np.testing.assert_allclose(plus, expected[0], rtol=1e-6)
        beside = expected[1] if len(expected) == 2 else np.full_like(plus, crossbar.hardware.g_reference)
        np.testing.assert_allclose(minus, beside, rtol=1e-6)
