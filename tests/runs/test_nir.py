"""NIR files hold the network: a simulator of the specification spikes as ours does, and what is not held is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.contract import Stop
from neuroeq.physics.engine import Recording
from neuroeq.runs.exchange.nir import nir as exported

from ..nets import batch_of, network, params_of, substrate_of

nir = pytest.importorskip("nir")
from .nir_reader import Reader, closing  # noqa: E402

SAMPLES, STEPS = 100, 120
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
    "LIF": ("dx/dt = (3*drive + 2*bias + nudge - x + half)/tau : 1", 'threshold = "0.3 < x"\nreset = "x = 0.1"', ""),
    "IF": ("dx/dt = (drive + bias + nudge)/tau : 1", 'threshold = "x > 0.3"\nreset = "x = 0"', ""),
    "soft LI": (VOLTS, 'threshold = "x > rest + jump"\nreset = "x -= jump"', START),
    "soft I": ("dx/dt = (drive + bias + nudge)/tau : 1", 'threshold = "x > 0.3"\nreset = "x = x - 0.3"', ""),
    "sigma-delta": (SIGMA, SUM, "[initial]\nphi = 0.2"),
}
WAYS = {
    "feed-forward": {"input_hidden1": {}, "hidden1_output": {"directed": True}},
    "tied": {"hidden1_output": {}, "lateral": {"source": "hidden1", "target": "hidden1", "learning_rate": 0.0}},
    "delayed": {"hidden1_output": {"delay": "3 ms"}},
}


def model_file(tmp_path, equations, more, tables):
    file = tmp_path / "own.toml"
    file.write_text(MODEL.format(equations=equations, more=more, tables=tables))
    return str(file)


def run_of(neuron, way="tied", **spiking):
    synapse = "two_trace_directed" if way == "feed-forward" else "two_trace"
    spiking = {"neuron": neuron, "synapse": synapse, "precision": "float64", **spiking}
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
    start = {
        (name, "v"): SimpleNamespace(value=node.metadata["initial"])
        for name, node in graph.nodes.items()
        if "initial" in node.metadata
    }
    start = {key: ne.units.physical(text.value).value for key, text in start.items()}
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
