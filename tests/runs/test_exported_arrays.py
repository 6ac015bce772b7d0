"""A run as a file of NumPy holds the numbers of the run, bit for bit, and no pickles."""

import json

import numpy as np
import pytest

import neuroeq as ne

WHEN = ("before", "after")
RUNS = {
    "spiking": ("iris", "spiking", []),
    "encoded": ("iris", "spiking", ["substrate.spiking.input=encoder_sigma_delta"]),
    "resistive": ("xor", "resistive", []),
    "chosen": ("iris", "rate", ["record.layers.hidden='0:8:3'", "record.samples=3"]),
}


@pytest.fixture(scope="module")
def runs():
    return {
        name: ne.train(network, on, settings=settings, epochs=2, keep=False)
        for name, (network, on, settings) in RUNS.items()
    }


@pytest.fixture(params=RUNS)
def both(request, runs):
    """A run and its arrays."""
    run = runs[request.param]
    facts = ne.export(run, "run.npz", to="npz")
    with np.load("run.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert facts == {"file": "run.npz", "arrays": len(arrays)}
    return run, arrays


def same(found, expected):
    expected = np.asarray(expected)
    assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


def test_parameters_and_weights_are_those_of_the_run(both):
    run, arrays = both
    for name, value in run.params.items():
        same(arrays[f"params/{name}"], value)
    for name in run.network.projections:
        for field, value in run.weights(name)._asdict().items():
            same(arrays[f"weights/{name}/{field}"], value)


def test_spikes_and_states_of_every_sample_are_those_of_the_run(both):
    run, arrays = both
    checked = set()
    for when in WHEN:
        phases = ne.analysis.segments(run, when)
        for sample in range(len(arrays["samples/index"])):
            for layer in phases[0].spikes:
                for field, value in run.spikes(sample, layer, when)._asdict().items():
                    same(arrays[f"{when}/{sample}/spikes/{layer}/{field}"], value)
            for layer, variables in phases[0].states.items():
                for name in variables:
                    states = run.states(sample, layer, name, when)
                    checked.add(f"{when}/{sample}/states/{layer}/{name}")
                    same(arrays[f"{when}/{sample}/states/{layer}/{name}"], states.values)
                    same(arrays[f"{when}/t"], states.t)
                    same(arrays[f"{when}/units/{layer}"], states.unit)
                    assert json.loads(str(arrays["about"]))["units"][name] == states.dimension
    assert checked == {name for name in arrays if "/states/" in name}


def test_phases_and_samples_are_those_of_the_run(both):
    run, arrays = both
    for when in WHEN:
        phases = ne.analysis.segments(run, when)
        assert arrays[f"{when}/phase"].tolist() == [phase.name for phase in phases]
        same(arrays[f"{when}/start"], [phase.start for phase in phases])
        same(arrays[f"{when}/end"], [phase.end for phase in phases])
    samples = ne.analysis.samples(run)
    assert arrays["samples/index"].tolist() == [sample.index for sample in samples]
    assert arrays["samples/classes"][arrays["samples/label"]].tolist() == [sample.label for sample in samples]
    for when in WHEN:
        named = [run.classes[n] if n >= 0 else None for n in arrays[f"samples/prediction/{when}"]]
        assert named == [sample.predictions[when] for sample in samples]


def test_what_a_run_is_about_stands_in_the_file(both):
    run, arrays = both
    about = json.loads(str(arrays["about"]))
    assert (about["network"], about["substrate"]) == (run.network.name, run.network.substrate_name)
    assert about["layers"] == {name: layer.size for name, layer in run.network.layers.items()}


def test_values_are_kept_in_the_units_of_the_user():
    run = ne.train("two_voltages", "resistive", epochs=1, keep=False)
    ne.export(run, "run.npz", to="npz")
    with np.load("run.npz", allow_pickle=False) as arrays:
        samples = ne.analysis.samples(run)
        assert [tuple(row) for row in arrays["samples/label"]] == [sample.label for sample in samples]
        assert "samples/classes" not in arrays.files
