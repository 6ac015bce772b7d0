"""What a model file may say in Brian2's syntax runs as Brian2 means it, on every engine."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.data import load
from neuroeq.errors import NeuroeqError
from neuroeq.learning.training import initial_state, train
from neuroeq.randomness import Streams
from tests.nets import COST, batch_of, network, params_of, substrate_of

LEAKY = "dv/dt = (3*(0.5 + drive + bias + nudge) - v)/tau : 1\ndrate/dt = (spike - rate)/tau_r : 1"
DRAWN = "dv/dt = (3*(0.5 + drive + bias + nudge) - v)/tau_i : 1\ndrate/dt = (spike - rate)/tau_r : 1\n"
SLOPES = "uniform(5 ms, 20 ms)"


def neuron(equations=LEAKY, threshold="v > 1", **more):
    table = {
        "title": "t",
        "emits": "spikes",
        "equations": equations,
        "state": "v",
        "activity": "rate",
        "threshold": threshold,
        "reset": "v = 0",
        "unit_rate": "1 kHz",
        "time_constant": "tau_r",
        "dt": "0.5 ms",
        "parameters": {"tau": "10 ms", "tau_r": "20 ms"},
    }
    return table | more


def silent(model, sizes=(2, 3, 2), seed=0, batch=3, **options):
    """Return a network without weights, in which all samples of a batch see the same."""
    net = network("spiking", *sizes, substrate={"spiking": {"neuron": model}}, run={"seed": seed})
    shapes = substrate_of(net, batch=1).params
    return substrate_of(net, {name: np.zeros_like(value) for name, value in shapes.items()}, batch, **options)


def relaxed(model, steps=60, draw=0, **more):
    substrate = silent(model, **more)
    batch = more.get("batch", 3)
    return substrate.relax(np.zeros((batch, 2)), stop=Stop(steps), rng=np.random.default_rng(draw))


# Constants of units.


def test_a_constant_that_is_drawn_is_the_same_in_all_samples_and_batches():
    drawn = neuron(DRAWN + "tau_i : second (constant)", initial={"tau_i": SLOPES})
    first, later, other = (relaxed(drawn, draw=draw, seed=seed) for draw, seed in ((0, 0), (1, 0), (0, 1)))
    v = first.state["hidden1"]
    assert (v == v[0]).all() and (v == later.state["hidden1"]).all()
    assert len(np.unique(v[0])) == 3, "each unit has its own"
    assert not (v == other.state["hidden1"]).any(), "another seed is another chip"


def test_a_drawn_constant_does_not_depend_on_the_batch_or_on_other_layers():
    drawn = neuron(DRAWN + "tau_i : second (constant)", initial={"tau_i": SLOPES})
    wide, narrow = relaxed(drawn, batch=3), relaxed(drawn, batch=1)
    assert np.array_equal(wide.state["hidden1"][:1], narrow.state["hidden1"])
    deeper = relaxed(drawn, batch=1, sizes=(2, 3, 4, 2))
    assert np.array_equal(deeper.state["hidden1"], narrow.state["hidden1"])


def test_a_constant_is_what_the_parameter_of_that_value_is():
    fixed = neuron(DRAWN + "tau_i : second (constant)", initial={"tau_i": "10 ms"})
    assert np.array_equal(relaxed(fixed).state["hidden1"], relaxed(neuron()).state["hidden1"])


@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
def test_a_training_that_is_resumed_meets_the_same_units():
    drawn = neuron(DRAWN + "tau_i : second (constant)", initial={"tau_i": SLOPES})
    net = network("spiking", 2, 3, 2, substrate={"spiking": {"neuron": drawn}}, run={"seed": 4})
    whole, stopped = (initial_state(net, Streams(4)) for _ in range(2))
    for _ in train(substrate_of(net, whole.params), load(net), whole, Streams(4)):
        pass
    for step in train(substrate_of(net, stopped.params), load(net), stopped, Streams(4)):
        if step.ends_epoch:
            break
    assert stopped.epoch == 1 or stopped.epoch < whole.epoch
    for _ in train(substrate_of(net, stopped.params), load(net), stopped, Streams(4)):
        pass
    assert all(np.array_equal(whole.params[name], stopped.params[name]) for name in whole.params)


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore::neuroeq.errors.NeuroeqWarning")
@pytest.mark.parametrize("start", [SLOPES, "10 ms"])
def test_a_compiled_training_has_the_constants_of_the_stepper(start):
    drawn = neuron(DRAWN + "tau_i : second (constant)", initial={"tau_i": start, "v": "uniform(0, 0.5)"})
    found = {}
    for engine in ("stepper", "compiled"):
        net = network(
            "spiking",
            4,
            5,
            3,
            data={"name": "iris"},
            training={"epochs": 1, "batch_size": 7},
            substrate={"spiking": {"neuron": drawn}},
            run={"engine": engine, "seed": 3},
        )
        state, streams = initial_state(net, Streams(3)), Streams(3)
        for _ in train(substrate_of(net, state.params, 7), load(net), state, streams):
            pass
        found[engine] = state.params
    for name, value in found["stepper"].items():
        np.testing.assert_allclose(found["compiled"][name], value, rtol=1e-9, atol=1e-12, err_msg=name)


# Noise.


@pytest.mark.parametrize("method", ["euler", "heun"])
def test_xi_is_white_noise(method):
    """Without a threshold dv = -v/tau dt + sigma sqrt(2/tau) dW has the standard deviation sigma."""
    noisy = LEAKY.replace("(3*(0.5 + drive + bias + nudge) - v)/tau", "-v/tau + 0.2*xi*(2/tau)**0.5")
    model = neuron(noisy, threshold="v > 1000", method=method)
    v = relaxed(model, steps=200, batch=400, sizes=(2, 10, 2)).state["hidden1"]
    assert v.std() == pytest.approx(0.2, rel=0.06)  # 4000 values: 1.1 % standard error, and Euler adds 1.3 %
    assert abs(v.mean()) < 0.015
    again = relaxed(model, steps=200, batch=400, sizes=(2, 10, 2)).state["hidden1"]
    assert np.array_equal(v, again)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reset": "v = xi"}, r"reset: 'xi' is noise, which stands in differential equations"),
        ({"equations": LEAKY + "\nn = xi : Hz**0.5"}, r"do not parse|is noise|refuses"),
        (
            {"equations": LEAKY.replace("drive", "xi*second**0.5 + drive"), "method": "exponential_euler"},
            r"cannot prepare its equations: .*stochastic|noise",
        ),
    ],
)
def test_noise_elsewhere_is_refused(change, sentence):
    with pytest.raises(NeuroeqError, match=sentence):
        relaxed(neuron(**change))


# Resets and refractory periods.


@pytest.mark.parametrize("reset", ["", None, "rate = rate"])
def test_a_neuron_without_a_reset_spikes_until_it_is_below_threshold(reset):
    model = neuron(reset=reset, refractory="5 ms")
    model = {key: value for key, value in model.items() if value is not None}
    quiet = relaxed(model, steps=100)
    # v crosses 1 at 10 ms ln 3 = 11 ms; from there a spike every 5 ms until 50 ms, of 5 units
    assert quiet.spikes == 5 * 8


def test_refractory_expressions_are_those_of_brian2():
    fixed = relaxed(neuron(refractory="5 ms"), steps=100).spikes
    assert relaxed(neuron(refractory="5*ms"), steps=100).spikes == fixed
    assert relaxed(neuron(refractory="tau/2"), steps=100).spikes == fixed
    assert relaxed(neuron(refractory="timestep(t - lastspike, dt) < 10"), steps=100).spikes == fixed
    own = neuron(LEAKY + "\npause : second (constant)", refractory="pause", initial={"pause": "5 ms"})
    assert relaxed(own, steps=100).spikes == fixed
    assert relaxed(neuron(), steps=100).spikes == fixed, "the reset takes longer than 5 ms anyway"
    longer = relaxed(neuron(refractory="20 ms"), steps=100).spikes
    assert longer < fixed and relaxed(neuron(refractory="2*tau"), steps=100).spikes == longer


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit_rate": "10 ms"}, r"unit_rate is '10 ms'; expected a rate, such as '100 Hz'"),
        ({"unit_rate": "-1 kHz"}, r"unit_rate is '-1 kHz'; expected .*greater than 0"),
        ({"unit_rate": "0 Hz"}, r"unit_rate is '0 Hz'; expected .*greater than 0"),
        ({"refractory": "-5 ms"}, r"refractory is '-5 ms'; expected a time of 0 or more"),
        ({"refractory": "5 mV"}, r"refractory is '5 mV'; expected a time of 0 or more"),
        ({"refractory": "v"}, r"Refractory expression is dimensionless but not a boolean value"),
        ({"refractory": "tau*tau"}, r"Refractory expression has to evaluate to a timespan or a boolean"),
        ({"refractory": "vv"}, r"refractory: no variable 'vv'"),
        ({"after_step": "v += poisson(1e300)"}, r"the code of its models fails as it runs: .*lam"),
        ({"threshold": "v"}, r"Threshold condition 'v' is not a boolean expression"),
        ({"dt": "1e9 ms"}, r"dt is 1 Ms, more than twice the time constant tau_r = 20 ms"),
        (
            {"equations": LEAKY + "\nx : 1 (shared)"},
            r"'x', which is kept for each unit and cannot be \(shared\)",
        ),
        ({"equations": LEAKY + "\nactivity : 1"}, r"'activity'|refuses its code"),
        ({"equations": LEAKY + "\nlastspike : second"}, r"lastspike"),
        ({"equations": LEAKY + "\nvolt : 1"}, r"volt"),
    ],
)
def test_values_and_names_that_make_no_sense_are_refused(change, sentence):
    with pytest.raises(NeuroeqError, match=sentence):
        relaxed(neuron(**change), steps=2)


# Activities that are computed from other variables.


@pytest.mark.parametrize("activity", ["1/(1 + exp(2 - 4*s))", "s + 0.2*drive", "(0.3 + clip(s, 0, 1))*(1 + nudge)"])
def test_a_rate_sees_the_activity_as_it_is_whether_or_not_it_has_its_name(activity):
    """Only one of states alone is that of the step before, and then it is not computed again for the rate."""
    ends, codes = [], []
    for name in ("rho", "another"):
        equations = f"ds/dt = (4*{name}*(1 - {name})*(drive + bias) - s + nudge)/tau : 1\n"
        equations += f"rho = {activity} : 1\nanother = {activity} : 1"
        common = {"title": "t", "emits": "rate", "state": "s", "activity": "rho", "dt": "1 ms"}
        model = {**common, "equations": equations, "parameters": {"tau": "10 ms"}}
        net = network("rate", 4, 6, 3, substrate={"rate": {"neuron": model}})
        substrate, (inputs, targets) = substrate_of(net, params_of(net), 2), batch_of(net, 2)
        free = substrate.relax(inputs, stop=Stop(9))
        ends.append(substrate.relax(inputs, Nudge(0.5, targets, COST), free.resume, stop=Stop(7)).state)
        codes.append(substrate.simulation._assembly.populations[0].group.state_updater.abstract_code)
    for layer in ends[0]:
        assert np.abs(ends[0][layer]).max() > 0.01
        np.testing.assert_allclose(ends[0][layer], ends[1][layer], rtol=0, atol=1e-14)
    assert ("exp" in codes[1].splitlines()[0]) == ("exp" in activity)
    assert "exp" not in codes[0].splitlines()[0]
