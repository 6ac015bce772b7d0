"""A run as a script of Brian2 repeats the phases of a recorded sample, with Brian2 and NumPy alone."""

import ast
import subprocess
import sys

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.errors import NeuroeqError
from tests.nets import PATIENCE

PRECISE = 1e-13
"""Sums over synapses in another order than that of matrix products, over some hundred steps."""
CASES = {
    "rate": ("xor", "rate", [], PRECISE),
    "single precision": ("xor", "rate", ["substrate.rate.precision=float32"], 1e-5),
    "held current, cross-entropy": (
        "xor",
        "rate",
        ["phases.nudge=held_current", "phases.cost=cross_entropy", "phases.temperature=0.5"],
        PRECISE,
    ),
    "computed activity": ("xor", "rate", ["substrate.rate.neuron=sigmoid", "phases.free.tolerance=1e-3"], PRECISE),
    "spikes": ("iris", "spiking", [], PRECISE),
    "volts, spiking inputs": (
        "iris",
        "spiking",
        ["substrate.spiking.neuron=lif", "substrate.spiking.input=encoder_sigma_delta"],
        PRECISE,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_script_finds_the_states_and_spikes_of_the_run(name, tmp_path):
    network, on, settings, tolerance = CASES[name]
    run = ne.train(network, on, settings=settings, epochs=2, keep=False)
    facts = ne.export(run, tmp_path / "network.py", to="brian2", sample=1)
    text = (tmp_path / "network.py").read_text()
    assert facts["lines"] == text.count("\n") and facts["run"] == f"python {tmp_path}/network.py"
    done = subprocess.run(
        [sys.executable, "-I", "network.py", "phases.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    dt = float(next(line for line in text.splitlines() if "defaultclock.dt =" in line).split("= ")[1].split("*")[0])
    with np.load(tmp_path / "phases.npz", allow_pickle=False) as found:
        names = set()
        for phase in ne.analysis.segments(run):
            for layer in set(phase.states) - {run.network.input_layer}:
                state = run.network.neuron(layer).state
                names.add(f"{phase.name}/{layer}/{state}")
                expected = phase.states[layer][state][:, 1]
                np.testing.assert_allclose(found[f"{phase.name}/{layer}/{state}"], expected, rtol=0, atol=tolerance)
            for layer, (t, sample, unit) in phase.spikes.items():
                names |= {f"{phase.name}/{layer}/{field}" for field in ("t", "unit")}
                free = 0 if phase.name == "free" else ne.analysis.segments(run)[0].end
                steps = np.rint((found[f"{phase.name}/{layer}/t"] - free) / dt).astype(int)
                ours = np.rint((t - phase.start) / dt).astype(int)[sample == 1]
                assert sorted(zip(steps, found[f"{phase.name}/{layer}/unit"], strict=True)) == sorted(
                    zip(ours, unit[sample == 1], strict=True)
                )
        assert names == set(found.files) and len(names) >= 6
    imports = [ast.unparse(each) for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Import | ast.ImportFrom)]
    assert imports == ["import sys", "import brian2 as b2", "import numpy as np"]


@pytest.mark.parametrize(
    ("network", "on", "settings", "sentence"),
    [
        ("xor", "resistive", [], "substrate 'resistive' is made of hardware, .*; write a circuit with --to spice"),
        ("xor", "crossbar", [], "substrate 'crossbar' is made of hardware"),
        ("xor", "spiking", ["substrate.spiking.neuron=bernoulli"], "bernoulli.toml: draws random numbers"),
        ("xor", "spiking", ["projections.hidden_output.delay='2 ms'"], "projections.hidden_output has a delay"),
        ("xor", "rate", ["phases.nudge=clamp"], "the nudge is 'clamp'; a script of Brian2 holds 'state'"),
    ],
)
def test_what_a_script_cannot_hold_is_one_sentence(network, on, settings, sentence):
    run = ne.train(network, on, settings=settings, epochs=1, keep=False)
    with pytest.raises(NeuroeqError, match=sentence):
        ne.export(run, "network.py", to="brian2")


def test_a_sample_that_is_not_recorded_is_one_sentence():
    run = ne.train("xor", "rate", epochs=1, keep=False)
    with pytest.raises(NeuroeqError, match="sample 9 is not recorded; recorded are samples 0 to 1"):
        ne.export(run, "network.py", to="brian2", sample=9)
