"""NIR files hold the network: a simulator of the specification spikes as ours does, and what is not held is refused."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import nir
import numpy as np
import pytest

import neuroeq as ne
from neuroeq.contract import Stop
from neuroeq.physics.engine import Recording
from neuroeq.runs.exchange.nir import nir as exported
from neuroeq.units import physical

from ..house import ROOT
from ..nets import batch_of, network, params_of, substrate_of
from .nir_reader import Reader

SAMPLES, STEPS = 100, 120
ENCODER = Path("encoder.toml")
READER = Path(__file__).with_name("norse_reader.py")
FLOAT64 = {"precision": "float64"}
MODEL = """
schema = 1
title = "a user's own neuron"
emits = "spikes"
equations = '''
{equations}
dtrace/dt = (spike - trace)/tau : 1
'''
state = "x"
activity = "trace"
{more}
dt = "1 ms"
[parameters]
tau = "20 ms"
tau_syn = "5 ms"
rest = "-70 mV"
jump = "20 mV"
half = 0.5
{tables}
"""
CURRENT = "dc/dt = -c/tau_syn + drive/tau_syn : 1"
VOLTS = "dx/dt = -(x - rest)/tau + jump*(half + 20*(c + bias + nudge))/tau : volt\n" + CURRENT
START = '[initial]\nx = "-62 mV"'
SIGMA = "dx/dt = (c + bias - x + nudge)/(4*ms) : 1\n" + CURRENT + "\nphi : 1"
SUM = 'after_step = "phi += x*unit_rate*dt"\nthreshold = "phi > 0.5"\nreset = "phi -= 1"\nunit_rate = "1 kHz"'
MODELS = {
    "CubaLIF": (VOLTS, 'threshold = "x > rest + jump"\nreset = "x = rest - 2*mV"', START),
    "LIF": (
        "dx/dt = (3*drive + 2*bias + nudge - x + half)/tau : 1",
        'threshold = "0.3 < x"\nreset = "x = 0.1"\nunit_rate = "0.5 kHz"',
        "",
    ),
    "IF": ("dx/dt = (drive + bias + nudge)/tau : 1", 'threshold = "x > 0.3"\nreset = "x = 0"', ""),
    "soft LI": (VOLTS, 'threshold = "x > rest + jump"\nreset = "x -= jump"', START),
    "soft I": ("dx/dt = (drive + bias + nudge)/tau : 1", 'threshold = "x > 0.3"\nreset = "x = x - 0.3"', ""),
    "sigma-delta": (SIGMA, SUM, "[initial]\nphi = 0.2"),
}
LATERAL = {"lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.0}}
WAYS = {
    "feed-forward": {"input_hidden1": {}, "hidden1_output": {"directed": True}},
    "tied": LATERAL,
    "delayed": {"hidden1_output": {"delay": "3 ms"}},
    "encoded": {},
}


def model_file(tmp_path, equations, more, tables):
    file = tmp_path / "own.toml"
    file.write_text(MODEL.format(equations=equations, more=more, tables=tables))
    return str(file)


def run_of(neuron, way="tied", **spiking):
    synapse = "two_trace_directed" if way == "feed-forward" else "two_trace"
    spiking = {"neuron": neuron, "synapse": synapse, "precision": "float64", **spiking}
    if way == "encoded":
        ENCODER.write_text('extends = "encoder_sigma_delta"\ntitle = "encoder"\n[initial]\nphi = 0.3')
        spiking["input"] = str(ENCODER)
    described = network("spiking", 6, 8, 3, substrate={"spiking": spiking}, projections=WAYS[way])
    return SimpleNamespace(network=described, params=params_of(described, scale=1.5), path="runs/own")


def read(tmp_path, content):
    (tmp_path / "run.nir").write_bytes(content)
    return nir.read(tmp_path / "run.nir")


def spikes_here(run, inputs):
    """Return the spikes of our own simulation: (steps, samples, n), by layer."""
    substrate = substrate_of(run.network, run.params, SAMPLES, plastic=False, monitored=SAMPLES, target="numpy")
    record = Recording()
    substrate.relax(inputs, stop=Stop(STEPS), record=record)
    spikes = {}
    for layer, (t, sample, unit) in record.phases[0].spikes.items():
        spikes[layer] = np.zeros((STEPS, SAMPLES, run.network.layers[layer].size))
        spikes[layer][np.round(t / 1e-3).astype(int), sample, unit] = 1
    return spikes


def spikes_there(graph, inputs, delayed):
    started = {name: node for name, node in graph.nodes.items() if "initial" in node.metadata}
    start = {(name, "v"): physical(node.metadata["initial"]).value for name, node in started.items()}
    sent = Reader(graph, float(graph.metadata["dt"]), delayed).run(inputs, STEPS, start)
    ends = json.loads(graph.metadata["emitters"])
    return {layer: sent[name] for layer, name in ends.items() if name != "input"}


def same_samples(one, other):
    """Return the number of samples in which all layers spike at the same steps."""
    return int(np.all([(one[layer] == other[layer]).all(axis=(0, 2)) for layer in one], axis=0).sum())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", MODELS)
def test_a_reader_of_the_specification_spikes_at_the_same_steps(kind, way, tmp_path):
    run = run_of(model_file(tmp_path, *MODELS[kind]), way)
    inputs = batch_of(run.network, SAMPLES)[0]
    here = spikes_here(run, inputs)
    assert all(len(np.unique(each.sum(axis=(0, 2)))) > 3 for each in here.values())
    plain = read(tmp_path, exported(run))
    delayed = {tuple(edge) for edge in json.loads(plain.metadata["delayed"])}
    assert same_samples(here, spikes_there(plain, inputs, delayed)) == SAMPLES
    written_out = read(tmp_path, exported(run, step_delays=True))
    assert same_samples(here, spikes_there(written_out, inputs, None)) == SAMPLES
    assert same_samples(here, spikes_there(plain, inputs, None)) < SAMPLES


def spikes_in_norse(graph, inputs):
    """Return the spikes of the file `run.nir` here, of which `graph` was read, in norse."""
    made = ROOT / ".venvs" / "norse"
    python = os.environ.get("NEUROEQ_NORSE", made / "bin" / "python")
    if "NEUROEQ_NORSE" not in os.environ and not (made / ".installed").exists():
        pytest.skip("no Python with norse: scripts/norse makes one, or NEUROEQ_NORSE names it")
    np.save("inputs.npy", inputs)
    command = [python, READER, "run.nir", "inputs.npy", str(STEPS), "spikes.npz"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": ""})
    with np.load("spikes.npz") as sent:
        return {layer: sent[name] for layer, name in json.loads(graph.metadata["emitters"]).items() if layer != "input"}


IN_NORSE = {"feed-forward": {}, "recurrent": LATERAL, "tied": {"hidden1_output": {"directed": False}}}


@pytest.mark.parametrize("way", IN_NORSE)
def test_norse_spikes_at_the_same_steps(way, tmp_path):
    """norse delays only edges that close a cycle: there a layer spikes one step earlier for every layer before it."""
    equations = "dx/dt = (drive + bias + nudge - x)/tau : 1"
    neuron = model_file(tmp_path, equations, 'threshold = "x > 0.1"\nreset = "x = 0"\nunit_rate = "0.5 kHz"', "")
    spiking = {"neuron": neuron, "synapse": "two_trace" if way == "tied" else "two_trace_directed"}
    projections = {"hidden1_output": {"directed": True}} | IN_NORSE[way]
    described = network("spiking", 6, 8, 3, substrate={"spiking": spiking | FLOAT64}, projections=projections)
    drawn = params_of(described, scale=1.5)
    params = {name: value * (not name.endswith("bias")) for name, value in drawn.items()}  # it starts at v_leak, so 0
    run = SimpleNamespace(network=described, params=params, path="runs/own")
    inputs = batch_of(described, SAMPLES)[0]
    graph, here = read(tmp_path, exported(run)), spikes_here(run, inputs)
    there = spikes_in_norse(graph, inputs)
    assert same_samples(there, spikes_there(graph, inputs, None)) == SAMPLES
    shifted = {"hidden1": here["hidden1"][:-1], "output": here["output"][1:]}
    assert all(len(np.unique(each.sum(axis=(0, 2)))) > 3 for each in here.values())
    as_ours = same_samples(shifted, {layer: spikes[:-1] for layer, spikes in there.items()})
    assert as_ours == SAMPLES if way != "tied" else as_ours < SAMPLES  # a step to and fro is not two steps


def arrays(graph):
    """Return the numbers of a graph as bytes, by node and field."""
    fields = ((name, key, value) for name, node in graph.nodes.items() for key, value in node.to_dict().items())
    return {(name, key): (v.dtype, v.shape, v.tobytes()) for name, key, v in fields if isinstance(v, np.ndarray)}


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_trained_run_reads_back_bit_for_bit(precision, tmp_path):
    settings = [f"substrate.spiking.precision={precision}"]
    run = ne.train("xor", "spiking", epochs=1, settings=settings, out=tmp_path / "run")
    ne.export(run, tmp_path / "run.nir", to="nir", leave_out=["bounds"])
    content = (tmp_path / "run.nir").read_bytes()
    graph, params = nir.read(tmp_path / "run.nir"), run.params
    weights = {"w_input_hidden": "input_hidden", "w_hidden_output": "hidden_output"}
    forward = {name: params[own].T for name, own in weights.items()}
    for name, weight in (forward | {"w_hidden_output_back": params["hidden_output"]}).items():
        assert graph.nodes[name].weight.dtype == precision
        assert graph.nodes[name].weight.tobytes() == np.ascontiguousarray(weight).tobytes()
    np.testing.assert_allclose(graph.nodes["output_s"].v_leak, params["output.bias"], rtol=1e-6)
    assert {("w_hidden_output", "output_current"), ("w_hidden_output_back", "hidden_current")} < set(graph.edges)
    nir.write(tmp_path / "again.nir", graph)
    assert arrays(nir.read(tmp_path / "again.nir")) == arrays(graph)
    assert ne.export(run, tmp_path / "other.nir", to="nir", leave_out=["bounds"])["bytes"] == len(content)
    assert (tmp_path / "other.nir").read_bytes() == content


def test_equations_count_and_not_the_names_in_them(tmp_path):
    """The shipped neuron, and the same with other names and otherwise sorted terms, are the same graph."""
    own = model_file(
        tmp_path,
        VOLTS,
        'threshold = "rest < x - jump"\nreset = "x = x - jump"\nunit_rate = "1 kHz"',
        START,
    )
    shipped = read(tmp_path, exported(run_of("lif"), leave_out=["bounds"]))
    written = read(tmp_path, exported(run_of(own)))
    renamed = {"current": "c", "v": "x"}
    for name, node in shipped.nodes.items():
        parts = [renamed.get(part, part) for part in name.split("_")]
        other = written.nodes["_".join(parts)]
        assert type(other) is type(node)
        for key, value in node.to_dict().items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(other.to_dict()[key], value, rtol=1e-12)


def test_hard_resets_and_currents_have_the_parameters_of_their_equations(tmp_path):
    """Of lif_hard: 70 mV below ground at rest, 20 mV from there to the threshold, tau 10 ms, 5 ms, gain 10.5."""
    run = run_of("lif_hard")
    graph = read(tmp_path, exported(run, leave_out=["bounds", "refractory"]))
    node = graph.nodes["hidden1_v"]
    assert isinstance(node, nir.CubaLIF) and float(graph.metadata["dt"]) == 0.2e-3
    known = {"tau_mem": 10e-3, "tau_syn": 5e-3, "r": 0.02 * 10.5, "w_in": 1, "v_threshold": -50e-3, "v_reset": -70e-3}
    for name, value in known.items():
        np.testing.assert_allclose(getattr(node, name), value, rtol=1e-12)
    np.testing.assert_allclose(node.v_leak, -70e-3 + 0.02 * (0.5 + 10.5 * run.params["hidden1.bias"]), rtol=1e-12)
    weight = graph.nodes["w_hidden1_output"].weight
    np.testing.assert_allclose(weight, 5 * run.params["hidden1_output"].T, rtol=1e-12)  # spikes at 1 of 5 steps are 1
    left = json.loads(graph.metadata["left_out"])
    assert left["hidden1"] == ["v is clipped to bounds", "it has a refractory period of 1 ms"]


SOFT = 'threshold = "x > 1"\nreset = "x -= 1"'
PLAIN = "dx/dt = (drive + bias + nudge - x)/tau : 1"
REFUSED = {
    "x is clipped to bounds, for which": (PLAIN, SOFT, "[bounds]\nx = { min = 0, max = 1 }"),
    "it has a refractory period of 2 ms, for which": (PLAIN, SOFT + '\nrefractory = "2 ms"', ""),
    "has 'x\\*x', which is not linear": ("dx/dt = (drive - x*x)/tau : 1", SOFT, ""),
    "has 'exp\\(x\\)', which is not linear": ("dx/dt = (drive - exp(x))/tau : 1", SOFT, ""),
    "x depends on drive, trace, not on one": ("dx/dt = (drive - x - trace)/tau : 1", SOFT, ""),
    "x depends on the unit's own spikes": ("dx/dt = (spike - x)/tau : 1", SOFT, ""),
    "depends on t;": ("dx/dt = (drive - x*t/second)/tau : 1", SOFT, ""),
    "x grows without a drive": ("dx/dt = (drive + x)/tau : 1", SOFT, ""),
    "threshold is 'x >= 1'": (PLAIN, 'threshold = "x >= 1"\nreset = "x -= 1"', ""),
    "threshold is 'x > trace'": (PLAIN, 'threshold = "x > trace"\nreset = "x -= 1"', ""),
    "reset is 'x \\*= 0.5'": (PLAIN, 'threshold = "x > 1"\nreset = "x *= 0.5"', ""),
    "reset is 'x -= trace'": (PLAIN, 'threshold = "x > 1"\nreset = "x -= trace"', ""),
    "method 'rk2' instead": (PLAIN, SOFT + '\nmethod = "rk2"', ""),
    "reads x, which is not computed by one": (PLAIN, SOFT + '\nafter_step = "x = 2*x"', ""),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_primitive_does_is_refused_with_the_reason(reason, tmp_path):
    with pytest.raises(ne.NeuroeqError, match=reason):
        exported(run_of(model_file(tmp_path, *REFUSED[reason])))


def test_rates_and_unknown_parts_are_refused():
    rate = SimpleNamespace(network=network("rate", 2, 3, 2), params={}, path="runs/rate")
    with pytest.raises(ne.NeuroeqError, match="runs/rate: substrate 'rate' sends no spikes, and clipped rate units"):
        exported(rate)
    with pytest.raises(ne.NeuroeqError, match="leave_out has 'noise'; expected 'bounds' or 'refractory'"):
        exported(rate, leave_out=["noise"])
    with pytest.raises(ne.NeuroeqError, match=r"no primitive|depends on|not linear"):
        exported(run_of("bernoulli"))
