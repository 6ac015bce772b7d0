"""A resistor network as a substrate: its contrast is the gradient, in time it does what its operating points say."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.data import load
from neuroeq.describe.spec import overlay
from neuroeq.errors import DataError, DivergenceError, SpecError
from neuroeq.learning.rules import Trial, contrastive, in_situ
from neuroeq.learning.training import initial_state, train
from neuroeq.measures.parts import total
from neuroeq.physics.circuits.layout import source_voltages
from neuroeq.physics.engine import Recording
from neuroeq.physics.substrates import ResistiveInTime
from neuroeq.randomness import Streams
from neuroeq.runs.training import train as train_run
from tests.nets import COST, batch_of, centred, cosine, flat, network, params_of, positive, substrate_of, update_of

SETTLED = Stop(500, 1e-13)
NO_BIAS = {"layers": {"hidden1": {"bias": False}, "output": {"bias": False}}}
LATERAL = {"projections": {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.1,
                                       "initial": {"scheme": "rectified_uniform"}}}}  # fmt: skip
HARDWARE = {
    "ideal": {"neuron": {"nonlinearity": {"model": "ideal", "v_bias_up": "1.5 V", "v_bias_down": "-1.5 V"}}},
    "shockley": "1n4148",
    "amplified": "1n4148_amplified",
    "piecewise": {"neuron": {"nonlinearity": {"model": "piecewise", "threshold": "0.3 V", "r_on": "1 kohm",
                                              "r_off": "10 Mohm"}}},
    "linear": {"neuron": {"nonlinearity": {"model": "none"}}},
}  # fmt: skip
JUNCTION = {"neuron": {"nonlinearity": {"model": "shockley", "i_s": "4.352 nA", "n": 1.906}}, "temperature": "350 K"}
LAYOUTS = {
    "single": ({"outputs": "single"}, "state"),
    "held current": ({"outputs": "single"}, "held_current"),
    "paired": ({"outputs": "paired"}, "held_current"),
    "half a volt": ({"outputs": "paired", "v_unit": "0.5 V", "g_unit": "0.2 mS"}, "held_current"),
    "both diodes": ({"outputs": "paired", "diodes": "both", "double_inputs": False}, "held_current"),
}


def made(hardware="ideal", layout="single", sizes=(4, 6, 3), **over):
    given, (circuit, nudge) = HARDWARE[hardware], LAYOUTS[layout]
    parts = {"made_of": given} if isinstance(given, dict) else {"hardware": given}
    physics = {"resistive": {"circuit": circuit}}
    return network("resistive", *sizes, phases={"nudge": nudge}, substrate=physics, **parts, **over)


def estimate(substrate, inputs, targets, nudges):
    mode = substrate.network.nudge
    return update_of(
        substrate, inputs, targets, nudges, learning="contrastive", free=SETTLED, nudged=SETTLED, mode=mode
    )


def loss(substrate, params, inputs, targets):
    substrate.params = params
    return COST.value(substrate.relax(inputs, stop=SETTLED).outputs, targets).mean()


def difference_gradient(substrate, inputs, targets, shift=1e-5):
    """Return dC/dtheta of every parameter by central differences."""
    params, gradient = substrate.params, {}
    for name, value in params.items():
        gradient[name] = np.empty_like(value)
        for index in np.ndindex(value.shape):
            moved = []
            for sign in (1, -1):
                other = {**params, name: value.copy()}
                other[name][index] += sign * shift
                moved.append(loss(substrate, other, inputs, targets))
            gradient[name][index] = (moved[0] - moved[1]) / (2 * shift)
    substrate.params = params
    return gradient


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("hardware", HARDWARE)
def test_the_estimate_is_the_gradient_of_conductances_and_bias_currents(hardware, layout):
    """As far as central differences and beta tell: 1e-4 of the largest; a clamped node's bias changes nothing."""
    substrate = substrate_of(made(hardware, layout))
    substrate.params = {name: value + 0.05 for name, value in substrate.params.items()}
    inputs, targets = batch_of(substrate.network, 3)
    found = estimate(substrate, inputs, targets, centred(1e-4)).change
    true = difference_gradient(substrate, inputs, targets)
    for name in found:
        scale = np.abs(true[name]).max()
        assert scale > 1e-5, name
        np.testing.assert_allclose(-found[name], true[name], rtol=0, atol=5e-4 * scale, err_msg=name)


@pytest.mark.parametrize(("variant", "slope"), [(positive, 1), (centred, 2)])
def test_the_estimate_comes_closer_with_beta_to_the_power_of_the_variant(variant, slope):
    substrate = substrate_of(made("shockley"))
    inputs, targets = batch_of(substrate.network, 3)
    exact = flat(estimate(substrate, inputs, targets, centred(1e-5)).change)
    betas = np.array([0.003, 0.01, 0.03])
    errors = [np.linalg.norm(flat(estimate(substrate, inputs, targets, variant(b)).change) - exact) for b in betas]
    assert np.polyfit(np.log(betas), np.log(errors), 1)[0] == pytest.approx(slope, abs=0.15)


def test_coupled_learning_points_along_the_gradient_for_small_clamps():
    net = made("shockley", "single")
    params = {name: value + 0.05 for name, value in params_of(net).items()}
    clamping = net.model_copy(update={"phases": net.phases.model_copy(update={"nudge": "clamp"})})
    substrate = substrate_of(clamping, params)
    inputs, targets = batch_of(net, 3)
    clamped = estimate(substrate, inputs, targets, positive(1e-3)).change
    assert cosine(flat(clamped), flat(difference_gradient(substrate_of(net, params), inputs, targets))) < -0.5
    end = substrate.relax(inputs, stop=SETTLED)
    held = substrate.relax(inputs, Nudge(0.25, targets, COST, "clamp", end), end.resume, stop=SETTLED)
    np.testing.assert_allclose(held.outputs, end.outputs + 0.25 * (targets - end.outputs), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "diodes", [HARDWARE["ideal"], HARDWARE["piecewise"], JUNCTION], ids=["ideal", "piecewise", "shockley"]
)
def test_the_unit_of_voltage_is_but_a_unit(diodes):
    """The same volts in and out: what is a number there is half of it here."""
    bias = {"neuron": {"nonlinearity": {"v_bias_up": "0.4 V", "v_bias_down": "-0.2 V"}}}
    volts = []
    for unit, gain in (("1 V", 3.0), ("0.5 V", 6.0)):
        circuit = {"outputs": "single", "v_unit": unit, "input_gain": gain, "bias_voltages": [], "g_unit": "1 mS"}
        net = network(
            "resistive",
            4,
            6,
            3,
            made_of=overlay(diodes, bias),
            substrate={"resistive": {"circuit": circuit}},
            **NO_BIAS,
        )
        substrate = substrate_of(net, params_of(net))
        eq = substrate.relax(batch_of(net, 3)[0], stop=SETTLED)
        volts.append(substrate.voltages(eq)["hidden1"])
    np.testing.assert_allclose(volts[0], volts[1], rtol=0, atol=1e-9)
    assert (volts[0] > 0.3).any()


@pytest.mark.parametrize(
    ("layout", "beside"),
    [("single", {}), ("held current", {}), ("paired", {}), ("both diodes", {}), ("single", LATERAL)],
    ids=["single", "held current", "paired", "both diodes", "lateral"],
)
@pytest.mark.parametrize("hardware", ["ideal", "shockley", "piecewise", "linear"])
def test_in_time_the_circuit_settles_at_its_operating_point_free_and_nudged(hardware, layout, beside):
    """Equations of capacitors, integrated by Brian2, against Kirchhoff's laws: to 1e-9 V."""
    net = made(hardware, layout, **NO_BIAS, **beside)
    still, moving = substrate_of(net), substrate_of(net, engine="stepper")
    assert isinstance(moving, ResistiveInTime)
    inputs, targets = batch_of(net, 2)
    mode, long = net.nudge, Stop(200_000, 1e-11)
    free = [each.relax(inputs, stop=stop) for each, stop in ((still, SETTLED), (moving, long))]
    ends = [
        each.relax(inputs, Nudge(0.1, targets, COST, mode, start), start.resume, stop=stop)
        for each, start, stop in ((still, free[0], SETTLED), (moving, free[1], long))
    ]
    for one, two in (free, ends):
        for layer in one.state:
            np.testing.assert_allclose(one.state[layer], two.state[layer], rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.outputs, two.outputs, rtol=0, atol=1e-9)
    assert np.abs(ends[0].outputs - free[0].outputs).max() > 1e-3


@pytest.mark.parametrize(
    ("hardware", "layout", "beside"),
    [
        ("ideal", "paired", {}),
        ("shockley", "paired", {}),
        ("shockley", "half a volt", {}),
        ("ideal", "single", LATERAL),
    ],
)
def test_resistors_that_learn_in_place_change_as_the_contrast_says(hardware, layout, beside):
    net = made(hardware, layout, **NO_BIAS, **beside, training={"learning": "in_situ"})
    still = substrate_of(made(hardware, layout, **NO_BIAS, **beside))
    moving = substrate_of(net, still.params, engine="stepper")
    inputs, targets = batch_of(net, 2)
    long, rng = Stop(200_000, 1e-13), np.random.default_rng(0)
    one = contrastive(still, Trial(inputs, targets, centred(0.01), COST, SETTLED, SETTLED, rng, mode=net.nudge)).change
    two = in_situ(moving, Trial(inputs, targets, centred(0.01), COST, long, long, rng, mode=net.nudge)).change
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-7 * np.abs(one[name]).max())


def test_the_settling_of_a_recording_is_that_of_the_equations_in_time():
    """Two integrators, implicit Euler of the solver and explicit Euler of Brian2, each of first order."""
    net = made("shockley", "paired", **NO_BIAS)
    still, moving = substrate_of(net), substrate_of(net, engine="stepper", monitored=1)
    inputs, _ = batch_of(net, 1)
    record = Recording()
    moving.relax(inputs, stop=Stop(200_000, 1e-6), record=record)
    path = still.settle(still.relax(inputs, stop=SETTLED), None, "free")
    seen = record.phases[0]
    for layer in path.states:
        v = path.states[layer]["v"][:, 0]
        other = seen.states[layer]["v"][:, 0]
        there = np.stack([np.interp(path.t, seen.t, each) for each in other.T], axis=1)
        assert np.abs(v - there).max() < 0.04 * np.abs(v).max()
        assert np.abs(v[-1] - other[-1]).max() < 0.01 * np.abs(v).max()


def test_a_recorded_nudge_settles_at_the_nudged_operating_point():
    """Of a conductance, which acts beside the capacitors."""
    still = substrate_of(made("shockley", "single"))
    inputs, targets = batch_of(still.network, 2)
    free = still.relax(inputs, stop=SETTLED)
    nudged = still.relax(inputs, Nudge(0.2, targets, COST, "state", free), free.resume, stop=SETTLED)
    path = still.settle(nudged, free, "nudged", least=150)
    moved = np.abs(nudged.outputs - free.outputs).max()
    assert np.abs(path.states["output"]["v"][-1] - nudged.state["output"]).max() < 0.01 * moved
    assert np.abs(path.states["output"]["v"][0] - free.state["output"]).max() < 0.3 * moved


def test_sources_are_the_inputs_their_negatives_and_the_constants():
    net = made("ideal", "single")
    np.testing.assert_allclose(
        source_voltages(net, np.array([[0.1, 0.2, 0.3, 0.4]])),
        [[0.3, 0.6, 0.9, 1.2, -0.3, -0.6, -0.9, -1.2, 1.0]],
        rtol=1e-12,
    )


def test_conductances_stay_in_the_window_at_every_update():
    net = network("resistive", 2, 6, 2, hardware="ideal", training={"epochs": 30},
                  substrate={"resistive": {"circuit": {"g_unit": "2 uS"}}})  # fmt: skip
    streams = Streams(0)
    state = initial_state(net, streams)
    for _ in train(substrate_of(net, state.params), load(net), state, streams):
        for name in net.projections:
            g = state.params[name] * 2e-6
            assert g.min() >= 1e-7 * (1 - 1e-12) and g.max() <= 1e-5 * (1 + 1e-12)


def test_where_the_power_comes_from_is_where_it_goes():
    for hardware in HARDWARE:
        substrate = substrate_of(made(hardware, "paired"))
        inputs, targets = batch_of(substrate.network, 3)
        free = substrate.relax(inputs, stop=SETTLED)
        nudged = substrate.relax(inputs, Nudge(0.2, targets, COST, "held_current", free), free.resume, stop=SETTLED)
        for eq in (free, nudged):
            assert substrate.power(eq).imbalance < 1e-12
            assert total(substrate.dissipation(eq)) > 0


def test_a_beta_beyond_the_stability_limit_is_refused_where_a_conductance_nudges():
    over = {"layers": {"input": {"size": 2}, "output": {"size": 2}}, "phases": {"beta": 50.0, "variant": "centred"}}
    net = network("resistive", 2, 6, 2, **over)
    streams = Streams(0)
    state = initial_state(net, streams)
    with pytest.raises((SpecError, DivergenceError, DataError), match=r"beta|pull"):
        list(train(substrate_of(net, state.params), load(net), state, streams))
    held = network("resistive", 2, 6, 2, **{**over, "phases": {**over["phases"], "nudge": "held_current"}})
    assert len(list(train(substrate_of(held, state.params), load(held), initial_state(held, streams), streams))) == 2


def test_what_the_substrate_cannot_do_is_refused_with_the_way_out():
    with pytest.raises(SpecError, match=r"'in_situ', which takes place in time; use 'contrastive'"):
        substrate_of(made(training={"learning": "in_situ"}))
    with pytest.raises(SpecError, match=r"outputs are paired; use phases.nudge 'held_current'"):
        substrate_of(network("resistive", 3, 4, 2, substrate={"resistive": {"circuit": {"outputs": "paired"}}}))
    with pytest.raises(SpecError, match=r"has amplifiers, whose circuit is solved for operating points only"):
        substrate_of(made("amplified", **NO_BIAS), engine="stepper")
    with pytest.raises(SpecError, match=r"layers have biases, which are currents"):
        substrate_of(made(), engine="stepper")
    with pytest.raises(SpecError, match=r"outputs are paired; use phases.nudge 'held_current'"):
        paired = {"resistive": {"circuit": {"outputs": "paired"}}}
        substrate_of(network("resistive", 3, 4, 2, substrate=paired, **NO_BIAS), engine="stepper")
    with pytest.raises(SpecError, match=r"substrate.resistive has a neuron or synapse model"):
        network("resistive", 3, 2, substrate={"resistive": {"neuron": "hard_sigmoid"}})


@pytest.mark.parametrize("hardware", ["linear", "ideal", "shockley"])
@pytest.mark.parametrize("method", ["operating_point", "sweeps"])
def test_a_node_that_no_conductance_reaches_carries_nothing(hardware, method):
    """A conductance of 1e-9 of the others lets it take part, and nothing else changes; as SPICE's gmin has it."""
    net = made(hardware, **NO_BIAS)
    stop = SETTLED if method == "operating_point" else Stop(200)
    params = params_of(net)
    params["input_hidden1"][:, 2] = params["hidden1_output"][2] = 0
    connected = {name: value.copy() for name, value in params.items()}
    connected["hidden1_output"][2] = 1e-9
    inputs, targets = batch_of(net, 3)
    for nudge in (None, Nudge(0.1, targets, COST)):
        alone, joined = (substrate_of(net, each).relax(inputs, nudge, stop=stop) for each in (params, connected))
        np.testing.assert_allclose(alone.outputs, joined.outputs, rtol=0, atol=1e-7)
        assert np.isfinite(alone.state["hidden1"]).all()
    if hardware != "shockley":
        assert (alone.state["hidden1"][:, 2] == 0).all()


@pytest.mark.parametrize("seed", [8, 19])
def test_a_gate_is_learned_from_a_start_that_leaves_a_hidden_node_without_conductance(seed):
    run = train_run("id", "resistive", seed=seed, keep=False)
    start = initial_state(run.network, Streams(seed)).params
    assert (start["input_hidden"].sum(axis=0) + start["hidden_output"].sum(axis=1) == 0).any()
    assert run.result["test_error"] == 0


def test_a_current_into_a_node_without_conductance_is_refused():
    net = made("linear")
    params = params_of(net)
    params["input_hidden1"][:, 2] = params["hidden1_output"][2] = 0
    with pytest.raises(DataError, match=r"current flows into node 2 of layer 'hidden1'"):
        substrate_of(net, params).relax(batch_of(net, 1)[0], stop=SETTLED)


IN_MILLISIEMENS = {"resistive": {"circuit": {"g_unit": "1 mS"}}}


@pytest.mark.parametrize("hardware", ["ideal", "shockley", "amplified"])
def test_the_estimate_is_the_gradient_through_several_layers(hardware):
    substrate = substrate_of(made(hardware, "paired", sizes=(3, 5, 4, 2)))
    substrate.params = {name: value + 0.05 for name, value in substrate.params.items()}
    inputs, targets = batch_of(substrate.network, 2)
    found = estimate(substrate, inputs, targets, centred(1e-4)).change
    true = difference_gradient(substrate, inputs, targets)
    for name in found:
        np.testing.assert_allclose(-found[name], true[name], rtol=0, atol=1e-3 * np.abs(true[name]).max(), err_msg=name)


@pytest.mark.parametrize(
    ("over", "match"),
    [
        ({"projections": {"input_hidden1": {"delay": "1 ms"}}}, "projections.input_hidden1.delay is given"),
        ({"layers": {"hidden1": {"neuron": "lif"}}}, "layers.hidden1.neuron is given"),
        ({"substrate": {"resistive": {"dt": "1 ms"}}}, "substrate.resistive.dt is given"),
        ({"substrate": {"resistive": {"input": "encoder_bernoulli"}}}, "substrate.resistive.input is given"),
    ],
)
def test_what_a_resistor_network_has_no_part_for_is_refused(over, match):
    with pytest.raises(SpecError, match=match):
        substrate_of(network("resistive", 4, 6, 3, **over))


def test_a_window_that_cannot_hold_the_start_is_refused_and_its_top_is_the_unit_by_default():
    net = network("resistive", 4, 6, 3, hardware="ideal")
    assert net.g_unit == net.technology.synapse.g_max and network("resistive", 4, 6, 3).g_unit == 1e-3
    with pytest.raises(SpecError, match=r"starts with conductances up to .*, but .* holds 0.01 at most"):
        params_of(network("resistive", 4, 6, 3, hardware="ideal", substrate=IN_MILLISIEMENS))
    with pytest.raises(
        SpecError, match=r"projections.input_hidden1.bounds are \[0.0, 0.001\], outside what the devices"
    ):
        params_of(
            network("resistive", 4, 6, 3, hardware="ideal", projections={"input_hidden1": {"bounds": [0, 0.001]}})
        )
