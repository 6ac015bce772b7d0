"""An exported Brian2 script, run without neuroeq, goes through the states and spikes of neuroeq's own simulation."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.contract import Nudge
from neuroeq.learning.costs import cost_of
from neuroeq.physics.engine import Recording
from neuroeq.randomness import Streams
from neuroeq.runs.exchange.brian2 import brian2
from neuroeq.runs.exchange.samples import sample_of
from tests.nets import network

CASES = {
    "clipped": ("rate", {}),
    "sigmoid": ("rate", {"substrate": {"rate": {"neuron": "sigmoid"}}, "phases": {"nudge": "held_current"}}),
    "cross": ("rate", {"phases": {"cost": "cross_entropy", "variant": "positive"}}),
    "deltas": ("spiking", {}),
    "lif": ("spiking", {"substrate": {"spiking": {"neuron": "lif"}}}),
    "refractory": ("spiking", {"substrate": {"spiking": {"neuron": "lif_hard"}}}),
}
POINTS = np.random.default_rng(1).random((12, 4)), np.arange(12) % 3
RUNNER = """
import pickle, runpy, sys
found = {name: runpy.run_path(name + ".py")["found"] for name in sys.argv[1:]}
assert "neuroeq" not in sys.modules
with open("found.pickle", "wb") as file:
    pickle.dump(found, file)
"""
SAMPLE = 2
OSCILLATORS = {"neuron": "kuramoto", "synapse": "oscillator"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: ne.train(
            network(on, 4, 6, 5, 3, data={"name": "points.npz", "test": 0.25}, **over),
            data=POINTS,
            epochs=1,
            out=folder / name,
            target="numpy",
        )
        for name, (on, over) in CASES.items()
    }


@pytest.fixture(scope="module")
def found(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    for name, run in runs.items():
        ne.export(run, folder / f"{name}.py", "brian2", sample=SAMPLE)
    subprocess.run([sys.executable, "-c", RUNNER, *runs], cwd=folder, check=True, capture_output=True)
    return pickle.loads((folder / "found.pickle").read_bytes())


@pytest.mark.parametrize("name", CASES)
def test_states_and_spikes_of_all_phases_are_those_of_the_simulation(runs, found, name):
    run = runs[name]
    params, net = run.params, run.network
    substrate = ne.build(net, params, 1, plastic=False, target="numpy", engine="stepper", monitored=1)
    inputs, wanted = sample_of(run, net, SAMPLE)
    seen = Recording()
    free = substrate.relax(
        inputs, stop=substrate.stop(net.phases.free), record=seen, rng=Streams(net.run.seed).child("probe", 1)
    )
    phases = {"free": free}
    for phase in list(found[name])[1:]:
        nudge = Nudge(float(phase.split()[1]), wanted, cost_of(net.phases), net.nudge, free)
        phases[phase] = substrate.relax(inputs, nudge, free, stop=substrate.stop(net.phases.nudged), record=seen)
    assert list(phases) == list(found[name]) and len(phases) == (2 if net.phases.variant == "positive" else 3)
    assert net.kind.sends == "rate" or len(found[name]["free"]["hidden1 spikes"][0]) > 5
    for recorded, (phase, end) in zip(seen.phases, phases.items(), strict=True):
        script = found[name][phase]
        np.testing.assert_allclose(script["outputs"], end.outputs[0], rtol=0, atol=1e-12)
        for layer in ("hidden1", "hidden2", "output"):
            states = recorded.states[layer][substrate.simulation.population(layer).model.state][:, 0]
            np.testing.assert_allclose(script[layer].T, states, rtol=0, atol=1e-12)
            if net.kind.sends == "spikes":
                times, units = script[f"{layer} spikes"]
                own_times, _, own_units = recorded.spikes[layer]
                np.testing.assert_array_equal(units, own_units)
                np.testing.assert_allclose(times, own_times, atol=1e-9)


@pytest.mark.parametrize(
    ("on", "over", "match"),
    [
        ("crossbar", {}, "substrate 'crossbar' is a circuit, which --to spice writes"),
        ("oscillator", {"substrate": {"oscillator": OSCILLATORS}}, "sends vectors"),
        ("rate", {"phases": {"nudge": "clamp"}}, "its nudge is 'clamp'"),
        ("rate", {"substrate": {"rate": {"synapse": "resistor"}}}, "transmits more than weights times what is sent"),
    ],
)
def test_what_a_script_has_no_lines_for_is_refused(on, over, match, tmp_path):
    net = network(on, 4, 6, 5, 3, data={"name": "points.npz", "test": 0.25}, **over)
    run = ne.train(net, data=POINTS, epochs=1, out=tmp_path / "run", target="numpy")
    with pytest.raises(ne.NeuroeqError, match=match):
        ne.export(run, tmp_path / "script.py", "brian2")


@pytest.mark.parametrize("way", ["\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", '"""', "'''\\"])
def test_a_title_adds_no_line_to_a_script(way, runs):
    run = runs["clipped"]
    titled = replace(run, network=run.network.model_copy(update={"title": f"x{way}raise SystemExit  # "}))
    one, other = (brian2(each).splitlines() for each in (run, titled))
    assert one[1:] == other[1:] and other[0].startswith("# x") and len(one) == len(other)
