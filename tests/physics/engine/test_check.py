"""Equations that are wrong die before anything is built, in one sentence that names file and place."""

import pytest

from neuroeq.errors import NeuroeqError
from tests.nets import network, substrate_of

pytestmark = pytest.mark.smoke
NEURON = """
title = "t"
emits = "{emits}"
equations = '''
{equations}
'''
state = "s"
activity = "{activity}"
dt = "1 ms"
{more}
[parameters]
tau = {tau}
"""
SYNAPSE = """
title = "t"
transmission = "w*activity_pre"
equations = "{equations}"
traces = "{traces}"
plasticity = [{terms}]
"""


def neuron(
    tmp_path, equations="ds/dt = (drive + bias - s + nudge)/tau : 1", emits="rate", activity="s", tau='"10 ms"', more=""
):
    path = tmp_path / "mine.toml"
    path.write_text(NEURON.format(equations=equations, emits=emits, activity=activity, tau=tau, more=more))
    return network("rate", 3, 4, 2, substrate={"rate": {"neuron": str(path)}})


def synapse(
    tmp_path, equations="ddw/dt = gain*hebb : 1", traces="", terms='{pre = "activity_mid", post = "activity_rate"}'
):
    path = tmp_path / "mine.toml"
    path.write_text(SYNAPSE.format(equations=equations, traces=traces, terms=terms))
    return network("rate", 3, 4, 2, substrate={"rate": {"synapse": str(path)}})


def fails(described, match):
    """`described` returns the network that is to be refused when it is read, or when it is built."""
    with pytest.raises(NeuroeqError, match=match) as caught:
        substrate_of(described())
    message = str(caught.value)
    assert "mine.toml: " in message and "\n" not in message


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"equations": "ds/dt = (drive - s/tau : 1"}, r"equations do not parse"),
        ({"equations": "ds/dt = (drve - s + nudge)/tau : 1"}, r"no variable 'drve'; did you mean 'drive'\?"),
        ({"equations": "ds/dt = drive - s + nudge : 1"}, r"equations, s: .* is a number; expected a rate there"),
        ({"tau": '"10 mV"'}, r"parameters.tau is '10 mV'; expected a time, such as '10 ms' \(used in equations, s\)"),
        ({"tau": "10"}, r"parameters.tau is 10.0; expected a time, such as '10 ms'"),
        ({"equations": "ds/dt = (drive - s)/tau : 1\nnudge = 3 : 1"}, r"equations define 'nudge', which already has"),
        ({"equations": "ds/dt = (drive - s)/tau : 1\nx_pre : 1"}, r"define 'x_pre'; names that end in _pre or _post"),
        ({"activity": "clip(s, 0, 1) + tau"}, r"activity: .* mixes units"),
        ({"activity": "u"}, r"activity: no variable 'u'"),
        ({"more": 'after_step = "s + 1"'}, r"after_step has 's \+ 1', which does not parse"),
        ({"more": 'after_step = "s += tau"'}, r"after_step: .*mixes units"),
        ({"more": 'readout = "r"'}, r"readout is 'r'; expected a variable of the equations: s"),
        ({"more": 'initial = {s = "3 mV"}'}, r"bound or start of s is '3 mV'; expected a number"),
        ({"more": 'initial = {s = "3 mm3V"}'}, r"initial.s is '3 mm3V'; expected a number and a unit"),
        (
            {"equations": "ds/dt = (drive - s**2)/tau : 1", "more": 'method = "exact"'},
            r"Brian2 cannot prepare its equations",
        ),
        ({"more": "bounds = {u = {min = 0}}"}, r"no variable 'u'"),
        ({"more": 'method = "eulr"'}, r"method is 'eulr'; expected one of .*'euler'"),
        (
            {"more": 'initial = {s = "uniform(1, 0)"}'},
            r"start of s is 'uniform\(1, 0\)'; expected uniform\(low, high\)",
        ),
    ],
)
def test_a_neuron_that_makes_no_sense_is_refused(tmp_path, given, match):
    fails(lambda: neuron(tmp_path, **given), match)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"equations": "ddw/dt = gain*hebb*second : 1"}, r"equations, dw: .* is a number; expected a rate there"),
        ({"equations": "ddw/dt = gain*heb : 1"}, r"no variable 'heb'; did you mean 'hebb'\?"),
        ({"equations": "dx/dt = gain*hebb : 1"}, r"equations do not define dw; expected 'ddw/dt = ... : 1'"),
        (
            {"terms": '{pre = "activty", post = "activity_rate"}'},
            r"plasticity: 'activty' reads activty.*did you mean 'activity'",
        ),
        ({"traces": "dx/dt = (spikes - x)/(5*ms) : 1"}, r"traces, x: no variable 'spikes'; did you mean 'spike'\?"),
        (
            {"terms": '{pre = "activity_mid", post = "activity_rate"}, {pre = "activity", post = "activity"}'},
            r"plasticity terms add a number and a rate; expected one dimension",
        ),
    ],
)
def test_a_synapse_that_makes_no_sense_is_refused(tmp_path, given, match):
    fails(lambda: synapse(tmp_path, **given), match)


def test_a_factor_that_a_clamped_input_does_not_have_is_refused(tmp_path):
    fails(
        lambda: synapse(tmp_path, terms='{pre = "s", post = "activity_rate"}'),
        r"'s' reads s, which a clamped analog input",
    )


@pytest.mark.parametrize(
    ("on", "models", "match"),
    [
        ("rate", {"neuron": "lif"}, r"lif.toml: emits is 'spikes', but layer 'hidden1' is on substrate 'rate'"),
        ("spiking", {"neuron": "hard_sigmoid"}, r"emits is 'rate'.*choose a neuron model that emits 'spikes'"),
        ("rate", {"synapse": "two_trace"}, r"two_trace.toml: transmits spikes, but projection 'input_hidden1'"),
    ],
)
def test_models_of_another_substrate_are_refused(on, models, match):
    with pytest.raises(NeuroeqError, match=match):
        substrate_of(network(on, 3, 4, 2, substrate={on: models}))
