"""A user's own model is a file, and nothing else."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.catalog import resolve
from neuroeq.runs.training import train
from tests.conftest import DATA
from tests.nets import network, params_of, substrate_of


def test_an_adaptive_neuron_by_path_learns_xor():
    run = train("xor", "spiking", epochs=100, settings=[f"substrate.spiking.neuron={DATA / 'adaptive.toml'}"])
    assert run.test_error == 0
    assert run.result["spikes_per_inference"] > 0


def test_a_model_in_the_users_folder_goes_by_its_name(tmp_path):
    folder = tmp_path / "home" / "neurons"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('extends = "lif"\ntitle = "mine"\n[parameters]\ngain = 3\n')
    model = resolve("xor", "spiking", ["substrate.spiking.neuron=mine"]).physics.neuron
    assert (model.title, model.parameters["gain"], model.parameters["tau"]) == ("mine", 3, "20 ms")


def test_its_equations_do_what_they_say():
    """Adaptation slows a constantly driven unit down; without it the rate stays."""
    counts = {}
    for b in (0.0, 0.05):
        physics = {"neuron": str(DATA / "adaptive.toml"), "neuron_parameters": {"b": b}}
        net = network("spiking", 1, 1, 1, substrate={"spiking": physics})
        params = {name: np.zeros_like(value) for name, value in params_of(net).items()}
        params["hidden1.bias"] = np.array([0.5])
        substrate = substrate_of(net, params, 1, plastic=False)
        early = substrate.relax(np.zeros((1, 1)), stop=Stop(100))
        middle = substrate.relax(np.zeros((1, 1)), start=early.resume, stop=Stop(400))
        late = substrate.relax(np.zeros((1, 1)), start=middle.resume, stop=Stop(100))
        counts[b] = (early.spikes, late.spikes)
    assert counts[0.0][1] == pytest.approx(counts[0.0][0], abs=2)
    assert counts[0.05][1] < 0.8 * counts[0.05][0]
