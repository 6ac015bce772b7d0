"""Neo reads back the recorded samples of a run: the same spikes, states and phases."""

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.errors import SpecError
from neuroeq.registry import EXPORTS
from neuroeq.runs.exchange.neo import block

neo = pytest.importorskip("neo", reason="neo is not installed: pip install 'neuroeq[neo]'")
pynwb = pytest.importorskip("pynwb", reason="pynwb is not installed: pip install 'neuroeq[neo]'")
pytest.importorskip("nixio", reason="nixio is not installed: pip install 'neuroeq[neo]'")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
CHOSEN = ["record.layers.hidden='0:8:3'", "record.layers.output=all", "record.samples=2"]
WHEN = ("before", "after")


@pytest.fixture(scope="module")
def spiking():
    return ne.train("iris", "spiking", settings=CHOSEN, epochs=1, keep=False)


@pytest.fixture(scope="module")
def circuit():
    return ne.train("xor", "resistive", settings=["layers.hidden.size=4"], epochs=1, keep=False)


@pytest.fixture(params=["block", "nix", "nwb"])
def written(request):
    """What reads a run back from a file, or from none."""

    def read(run):
        if request.param == "block":
            return block(run)
        facts = ne.export(run, f"run.{request.param}", to=request.param)
        assert facts["segments"] == 2 * len(ne.analysis.samples(run))
        return loaded(f"run.{request.param}")

    return read


def loaded(file):
    """Return the Block of a file, which Neo reads."""
    return neo.io.NWBIO(file, "r").read_block() if file.endswith(".nwb") else neo.io.NixIO(file, "ro").read_block()


def named(objects):
    return {each.name: each for each in objects}


def signals(segment):
    """Return the signals by layer and variable: NWB puts the segment before a name, and a number behind it."""
    found = [*segment.analogsignals, *segment.irregularlysampledsignals]
    return {tuple(each.name.removeprefix(segment.name).split()[:2]): each for each in found}


def test_every_unit_has_its_spikes(spiking, written):
    segments = named(written(spiking).segments)
    assert len(segments) == 4
    for name, segment in segments.items():
        when, sample = name.split()[0], int(name.split()[-1])
        trains = named(segment.spiketrains)
        for layer, units in (("hidden", [0, 3, 6]), ("output", [0, 1, 2])):
            t, of = spiking.spikes(sample, layer, when)
            for unit in units:
                train = trains.pop(f"{layer} {unit}")
                assert np.array_equal(train.rescale("s").magnitude, t[of == unit])
                assert float(train.t_start.rescale("s")) == 0
        assert not trains
    assert any(len(train) > 10 for train in segments["after training, sample 1"].spiketrains)


@pytest.mark.parametrize("kind", ["spiking", "circuit"])
def test_states_are_signals_with_units(kind, written, request):
    run = request.getfixturevalue(kind)
    for name, segment in named(written(run).segments).items():
        when, sample = name.split()[0], int(name.split()[-1])
        found = signals(segment)
        for (layer, variable), signal in found.items():
            states = run.states(sample, layer, variable, when)
            assert np.array_equal(signal.magnitude, states.values)
            np.testing.assert_allclose(signal.times.rescale("s").magnitude, states.t, rtol=1e-9)
            assert signal.units.dimensionality.string == {"1": "dimensionless"}.get(states.dimension, states.dimension)
        kept = {(layer, of) for phase in ne.analysis.segments(run) for layer, s in phase.states.items() for of in s}
        assert set(found) == kept


def test_phases_are_epochs(spiking, written):
    for name, segment in named(written(spiking).segments).items():
        (epoch,) = segment.epochs
        phases = ne.analysis.segments(spiking, name.split()[0])
        labels = [label[0] if isinstance(label, list | np.ndarray) else label for label in epoch.labels]  # NWB: tags
        assert list(labels) == [phase.name for phase in phases] == ["free", "nudged +0.15", "nudged -0.15"]
        np.testing.assert_allclose(epoch.times.rescale("s").magnitude, [phase.start for phase in phases], rtol=1e-12)
        ends = (epoch.times + epoch.durations).rescale("s").magnitude
        np.testing.assert_allclose(ends, [phase.end for phase in phases], rtol=1e-12)


def test_segments_say_which_sample_they_are(spiking):
    ne.export(spiking, "run.nix", to="nix")
    found = loaded("run.nix")
    for segment in found.segments:
        sample = ne.analysis.samples(spiking)[segment.annotations["sample"]]
        assert (segment.annotations["example"], segment.annotations["part"]) == (sample.index, sample.part)
        assert segment.annotations["label"] == sample.label
        assert segment.annotations.get("prediction") == sample.predictions[segment.annotations["when"]]
        assert segment.description == sample.caption(segment.annotations["when"]).partition(": ")[2]
    assert found.annotations["substrate"] == "spiking" and found.annotations["seed"] == 0


def test_the_validator_of_nwb_finds_nothing_and_samples_are_in_the_notes(spiking, circuit):
    for run in (spiking, circuit):
        ne.export(run, "run.nwb", to="nwb")
        with pynwb.NWBHDF5IO("run.nwb", "r") as file:
            assert not pynwb.validate(io=file)
            notes = file.read().notes.splitlines()
        samples = ne.analysis.samples(run)
        assert notes == [f"{when} training, {sample.caption(when)}" for when in WHEN for sample in samples]


def test_steps_of_several_lengths_are_a_signal_without_a_rate(circuit, monkeypatch):
    phases = ne.analysis.segments(circuit)
    phases[1].t[3] += 1e-3 * (phases[1].t[1] - phases[1].t[0])
    monkeypatch.setattr("neuroeq.runs.exchange.neo.read_segments", lambda *_: phases)
    segment = block(circuit).segments[0]
    assert not segment.analogsignals and segment.irregularlysampledsignals
    times = np.concatenate([phase.t for phase in phases])
    assert np.array_equal(segment.irregularlysampledsignals[0].times.magnitude, times)


@pytest.mark.parametrize("dimension", ["V^2", "nonsense", "__import__('os')", "10**10**10", "", "V * s"])
def test_a_unit_that_quantities_has_no_name_for_is_told_by_an_annotation(circuit, monkeypatch, dimension):
    phases = ne.analysis.segments(circuit)
    for phase in phases:
        phase.units.update(dict.fromkeys(phase.units, dimension))
    monkeypatch.setattr("neuroeq.runs.exchange.neo.read_segments", lambda *_: phases)
    signal = block(circuit).segments[0].analogsignals[0]
    assert signal.annotations["dimension"] == dimension
    assert signal.units.dimensionality.string == "dimensionless"


def test_values_of_a_sample_are_an_annotation_too():
    run = ne.train("two_voltages", "resistive", epochs=1, keep=False)
    for to in ("nix", "nwb"):
        ne.export(run, f"run.{to}", to=to)
    segment = loaded("run.nix").segments[0]
    values = [float(value) for value in segment.annotations["label"].split(", ")]
    assert tuple(values) == ne.analysis.samples(run)[0].label


def test_nothing_recorded_is_one_sentence(circuit, monkeypatch):
    monkeypatch.setattr("neuroeq.runs.exchange.neo.recorded_times", lambda _: [])
    with pytest.raises(SpecError, match="no samples are recorded; train with --record samples=1"):
        block(circuit)


def test_writing_logs_and_prints_nothing(circuit, capsys, caplog):
    for to in ("nix", "nwb"):
        ne.export(circuit, f"run.{to}", to=to)
    assert not caplog.records and capsys.readouterr() == ("", "")


def test_neo_itself_is_written_as_nix():
    assert EXPORTS.get("neo") is EXPORTS.get("nix")
