"""What a substrate holds is its own: no change of an array in place makes a later relaxation stale."""

import copy

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.describe.catalog import load_network
from neuroeq.errors import SpecError
from neuroeq.physics.substrates import build
from tests.nets import COST, batch_of, network, params_of

HARDWARE = {"array": {"phase_mismatch": 0.1}, "periphery": {"dac_bits": 6, "dac_full_scale": "1 V"}}
PLAIN = {"hidden1": {"bias": False}, "output": {"bias": False}}
CASES = {
    "rate": ("rate", {}),
    "spiking": ("spiking", {}),
    "crossbar": ("crossbar", {}),
    "crossbar with converters": ("crossbar", {"made_of": HARDWARE}),
    "resistive": ("resistive", {}),
    "resistive with converters": ("resistive", {"made_of": HARDWARE}),
    "resistive in time": ("resistive", {"training": {"learning": "in_situ"}, "layers": PLAIN}),
}


@pytest.fixture(params=CASES)
def case(request):
    on, over = CASES[request.param]
    net = network(on, 3, 4, 2, phases={"nudge": "held_current"}, **over)
    params = params_of(net)
    if net.kind.conductances:
        params = {name: 0.1 + np.abs(value) for name, value in params.items()}
    options = {"engine": "stepper"} if request.param == "resistive in time" else {}

    def made(params):
        return build(net, params, 4, target="numpy", **options)

    return made, params, *batch_of(net, 4)


def outcome(substrate, inputs, targets):
    """Return where a free phase and a nudged one of it end."""
    free = substrate.relax(inputs, stop=Stop(40))
    nudge = Nudge(0.2, targets, COST, "held_current", free)
    return [free, substrate.relax(inputs, nudge, free.resume, stop=Stop(40))]


def same(one, two):
    for a, b in zip(one, two, strict=True):
        for layer, state in a.state.items():
            np.testing.assert_array_equal(state, b.state[layer])


def different(one, two):
    assert max(np.abs(state - two[0].state[layer]).max() for layer, state in one[0].state.items()) > 1e-6


def test_inputs_changed_in_place_are_seen(case):
    made, params, inputs, targets = case
    substrate = made(params)
    before = outcome(substrate, inputs, targets)
    inputs *= 0.5
    after = outcome(substrate, inputs, targets)
    same(after, outcome(made(params), inputs, targets))
    different(before, after)


def test_inputs_changed_in_place_between_two_phases_are_seen(case):
    made, params, inputs, _ = case
    ends = []
    for copied in (False, True):
        substrate, mine = made(params), inputs.copy()
        free = substrate.relax(mine, stop=Stop(40))
        if copied:
            mine = 0.5 * mine
        else:
            mine *= 0.5
        ends.append(substrate.relax(mine, start=free.resume, stop=Stop(40)))
    same(ends[:1], ends[1:])
    different(ends[:1], [free])


def test_parameters_changed_in_place_after_they_were_given_have_no_effect(case):
    made, params, inputs, targets = case
    mine = copy.deepcopy(params)
    substrate = made(mine)
    before = outcome(substrate, inputs, targets)
    for value in mine.values():
        value *= 0.5
    same(before, outcome(substrate, inputs, targets))


def test_what_is_held_cannot_be_changed_in_place(case):
    made, params, _, _ = case
    substrate = made(params)
    name = next(iter(params))
    with pytest.raises(ValueError, match="read-only"):
        substrate.params[name][0, 0] = 3.0
    for change in (lambda held: held.update({name: 1}), lambda held: held.__setitem__(name, 1)):
        with pytest.raises(TypeError, match=r"call substrate.hold\(params\)"):
            change(substrate.params)
    assert set(copy.deepcopy(substrate.params)) == set(params)


@pytest.mark.parametrize("assign", [False, True], ids=["hold", "assignment"])
def test_other_parameters_act_as_in_a_fresh_substrate(case, assign):
    made, params, inputs, targets = case
    rng = np.random.default_rng(0)
    substrate, other = made(params), {n: value * rng.uniform(0.5, 1, value.shape) for n, value in params.items()}
    before = outcome(substrate, inputs, targets)
    if assign:
        substrate.params = other
    else:
        substrate.hold(other)
    after = outcome(substrate, inputs, targets)
    if substrate.network.training.learning != "in_situ" or not substrate.network.kind.conductances:
        same(after, outcome(made(other), inputs, targets))  # in time, a fresh one would choose another step
    different(before, after)


def test_a_network_of_many_substrates_has_no_kind_and_says_so():
    with pytest.raises(SpecError, match=r"describes 4 substrates \(rate, spiking, oscillator, resistive\), and one"):
        _ = load_network("xor").kind


def test_a_nudge_that_no_part_of_a_circuit_gives_is_refused_with_those_that_one_does():
    net = network("resistive", 3, 4, 2, phases={"nudge": "held_current"})
    substrate = build(net, params_of(net), 4)
    inputs, targets = batch_of(net, 4)
    free = substrate.relax(inputs, stop=Stop(40))
    with pytest.raises(SpecError, match="nudge mode is 'corrected' on a resistor network; expected 'state', 'held_cur"):
        substrate.relax(inputs, Nudge(0.1, targets, COST, "corrected", free), stop=Stop(40))


def test_an_engine_that_no_resistor_network_runs_on_is_refused():
    net = network("resistive", 3, 4, 2, phases={"nudge": "held_current"})
    with pytest.raises(SpecError, match="engine is 'compiled' on substrate 'resistive'; expected 'operating_point'"):
        build(net, params_of(net), 4, engine="compiled")
