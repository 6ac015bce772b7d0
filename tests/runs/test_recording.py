"""What is recorded is what the user asks for; each recorded sample says which it is, and what was made of it."""

import h5py
import numpy as np
import pytest

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.data import load
from neuroeq.describe.spec import Record, recording
from neuroeq.errors import SpecError
from neuroeq.measures.probes import probed
from neuroeq.runs.analysis import samples, segments, settling_time
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train

FEW = ["data.limit=100"]
ASKED = "layer=hidden,units=0:20,class=3,samples=5"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    record = {"record": recording([ASKED])}
    return train("digits", "spiking", epochs=1, settings=[*FEW, record], out=tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    settings = [*FEW, {"record": {"class": 3}}]
    return train("digits", "spiking", epochs=1, settings=settings, out=tmp_path_factory.mktemp("runs") / "plain")


def test_only_the_units_of_the_layers_that_are_asked_for_are_recorded(run):
    assert run.network.record.layers == {"hidden": "0:20"}
    for phase in segments(run):
        assert set(phase.states) == set(phase.spikes) == {"hidden"}
        assert phase.states["hidden"]["s"].shape[1:] == (5, 20)
        assert phase.spikes["hidden"][2].max() < 20
    assert settling_time(run) is None


def test_fewer_units_and_more_samples_change_nothing_of_what_is_recorded(run, plain):
    """But for the random start values of units, which depend on the number of samples."""
    assert [each.index for each in samples(plain)] == [each.index for each in samples(run)][:2]
    for one, other in zip(segments(run), segments(plain), strict=True):
        assert np.array_equal(one.t, other.t) and other.states["output"]["s"].shape[1:] == (2, 10)
        states, same = one.states["hidden"]["s"][:, :2], other.states["hidden"]["s"][:, :, :20]
        assert np.abs(states - same).max() < 0.1 < states.max()
        assert one.nudged or np.allclose(states[0], same[0], atol=1e-5)


def test_each_sample_has_its_index_and_class(run):
    part = load(run.network).test
    found = samples(run)
    assert [each.number for each in found] == [0, 1, 2, 3, 4] and {each.part for each in found} == {"test"}
    assert [part.labels[each.index] for each in found] == [each.label for each in found] == [3] * 5


@pytest.mark.parametrize("when", ["before", "after"])
def test_predictions_are_the_largest_outputs_at_the_end_of_the_free_phases_that_are_drawn(plain, when):
    """Of spikes another free phase, from other start values of units, may end in another class."""
    ends = segments(plain, when)[0].states["output"]["s"][-1]
    assert [each.predictions[when] for each in samples(plain)] == ends.argmax(axis=1).tolist()


def test_rates_are_predicted_as_recorded():
    """A free phase of rates always starts at the same state."""
    run = train("digits", "rate", epochs=1, settings=[*FEW, {"record": {"samples": 10}}], keep=False)
    found = samples(run)
    inputs, _ = load(run.network).test.take(np.array([each.index for each in found]))
    predicted = run.predict(inputs).tolist()
    assert [each.predictions["after"] for each in found] == predicted and len(set(predicted)) > 1


def test_the_title_of_a_figure_says_which_sample_it_shows(run):
    each = samples(run)[4]
    said = f"sample 4: test example {each.index}, class 3, predicted {each.predictions['after']}"
    assert plots.raster(run, 4).get_title() == said
    assert plots.settling(run, "hidden", 4).get_title() == said


def test_what_is_not_recorded_is_one_sentence(run):
    with pytest.raises(
        SpecError, match=r"sample 5 is not recorded; recorded are samples 0 to 4 \(test example \d+, cl"
    ):
        plots.raster(run, 5)
    with pytest.raises(SpecError, match="unit 20 of layer 'hidden' is not recorded; recorded are units 0–19"):
        plots.raster(run, units={"hidden": "10:21"})
    with pytest.raises(SpecError, match=r"no layer 'output' in .*; recorded are hidden"):
        plots.settling(run)


def test_a_run_of_version_0_1_is_drawn_and_says_the_number_of_the_sample(plain, tmp_path):
    """Its traces neither say which samples were recorded, nor what was predicted."""
    path = tmp_path / "old"
    path.mkdir()
    for file in plain.path.iterdir():
        if file.is_file():
            (path / file.name).write_bytes(file.read_bytes())
    with h5py.File(path / "traces.h5", "r+") as file:
        del file["samples"]
    text = (path / "run.toml").read_text()
    (path / "run.toml").write_text(text.replace("[record]\nclass = 3\n", ""))
    old = load_run(path)
    assert [each.caption() for each in samples(old)] == ["sample 0", "sample 1"]
    assert plots.raster(old, 1).get_title() == "sample 1"
    with pytest.raises(SpecError, match="recorded are samples 0 to 1; train with --record samples=3"):
        plots.raster(old, 2)


def test_spikes_of_inputs_are_recorded_and_drawn_where_inputs_spike():
    settings = [*FEW, "substrate.spiking.input=encoder_sigma_delta", {"record": {"index": [7]}}]
    run = train("digits", "spiking", epochs=1, settings=settings, keep=False)
    times, of, units = segments(run)[0].spikes["input"]
    assert len(times) > 100 and set(of) == {0} and units.max() < 64
    axes = plots.raster(run, units={"input": "20:40"})
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == ["input", "hidden", "output"]
    assert samples(run)[0].index == 7


def test_a_resumed_run_records_what_an_uninterrupted_one_does(run, tmp_path):
    def stop(step, state):
        if step.batch == 1:
            raise KeyboardInterrupt

    record = {"record": recording([ASKED])}
    asked = {"epochs": 1, "settings": [*FEW, record], "out": tmp_path / "part"}
    with pytest.raises(KeyboardInterrupt):
        train("digits", "spiking", callback=stop, **asked)
    with pytest.raises(SpecError, match="other settings in 'record'"):
        train("digits", "spiking", resume=True, **{**asked, "settings": FEW})
    resumed = train(tmp_path / "part" / "run.toml", out=tmp_path / "part", resume=True)
    for one, other in zip(segments(run), segments(resumed), strict=True):
        assert np.array_equal(one.states["hidden"]["s"], other.states["hidden"]["s"])
    assert samples(run) == samples(resumed)


def test_samples_that_are_recorded_by_themselves_are_of_different_classes(plain):
    examples = load(plain.network)
    for count in (2, 10, 12):
        network = plain.network.model_copy(update={"record": Record(samples=count)})
        _, which = probed(network, examples)
        assert len(which) == count and len(np.unique(examples.test.labels[which])) >= min(count, 6)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("class=13", "record.class is 13; the test part has no example of it."),
        ("index=3+5000", "record.index is 5000; the test part has examples 0 to"),
        ("part=validation", "record.part is 'validation', and the data have none; expected test or train."),
        ("layer=hiden", "record.layers names 'hiden'; the layers are input, hidden, output."),
        ("layer=hidden,units=250:260", "record.layers.hidden: selects '250:260'; expected some of units 0 to 255."),
        ("layer=hidden,units=a", "expected units such as '0:20', '3', '0:100:5', '0:5+9' or 'all'."),
        ("units=3", "--record units=3: has units and no layer; name it, such as layer=hidden,units=3."),
        ("sample=3", "--record sample=3: expected KEY=VALUE,... with each of the keys layer, units, class"),
        ("index=1,samples=3", "gives index and samples; index says which samples, so leave samples out."),
        ("samples=0", "record.samples is '0'; expected greater than 0."),
    ],
)
def test_what_cannot_be_recorded_is_one_sentence_before_training(asked, sentence, capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["run", "digits", "--substrate", "spiking", "--out", str(tmp_path / "none"), "--record", asked])
    said = capsys.readouterr().err
    assert end.value.code == 2 and sentence in said and said.count("\n") == 1, said
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("names", [("ham", "spam"), (-1, 1), (7, 3)])
def test_classes_of_recorded_samples_are_the_users_labels(names):
    points = np.random.default_rng(0).random((40, 2))
    labels = np.array(names)[(points[:, 0] > 0.5).astype(int)]
    wanted = {"record": {"class": names[1], "samples": 3}}
    run = train("moons", "rate", data=(points, labels), epochs=1, settings=[wanted], keep=False, target="numpy")
    found = samples(run)
    assert [each.label for each in found] == [names[1]] * 3
    part = run.predict(points)
    assert {each.predictions["after"] for each in found} <= set(names) and set(part.tolist()) <= set(names)
    assert f"class {names[1]}, predicted {found[0].predictions['after']}" in found[0].caption()


def test_recorded_samples_of_values_say_them_and_have_no_class():
    volts = np.random.default_rng(0).random((40, 2))
    data = (volts, volts @ [[0.15, 0.25], [0.2, 0.1]])
    run = train("two_voltages", "rate", data=data, epochs=2, keep=False, target="numpy")
    first = samples(run)[0]
    assert len(first.label) == len(first.predictions["after"]) == 2
    assert f"target {first.label[0]:.3g}, {first.label[1]:.3g}, predicted {first.predictions['after'][0]:.3g}" in (
        first.caption()
    )
    with pytest.raises(SpecError, match=r"record\.class is 3"):
        train("two_voltages", "rate", data=data, epochs=2, keep=False, settings=[{"record": {"class": 3}}])
