"""Exports for other programs hold what the run holds, bit for bit."""

import numpy as np
import pytest

import neuroeq as ne
from neuroeq import analysis
from neuroeq.cli import main
from neuroeq.runs.exchange.formats import FORMATS


@pytest.fixture(scope="module", params=["rate", "spiking"])
def run(request, tmp_path_factory):
    return ne.train("xor", request.param, epochs=1, out=tmp_path_factory.mktemp("exports") / "run")


def same(found, wanted):
    wanted = np.asarray(wanted)
    return (found.dtype, found.shape, found.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())


def test_an_npz_holds_parameters_and_recorded_phases_bit_for_bit(run, tmp_path):
    ne.export(run, tmp_path / "run.npz", to="npz")
    left = dict(np.load(tmp_path / "run.npz", allow_pickle=False))
    assert left.pop("layout") == 1
    assert run.params and all(same(left.pop(f"params/{name}"), values) for name, values in run.params.items())
    known = analysis.samples(run)
    assert left.pop("samples/index").tolist() == [each.index for each in known] and left.pop("samples/part") == known[0].part
    assert left.pop("samples/label").tolist() == [each.label for each in known]
    for when, recording in run.recordings().items():
        predicted = [each.predictions[when] for each in known]
        assert left.pop(f"samples/predictions/{when}").tolist() == [-1 if each is None else each for each in predicted]
        for index, phase in enumerate(recording.phases):
            at = f"recorded/{when}/{index}"
            assert left.pop(f"{at}/name") == phase.name and same(left.pop(f"{at}/t"), phase.t)
            for layer, variables in phase.states.items():
                assert all(same(left.pop(f"{at}/states/{layer}/{name}"), each) for name, each in variables.items())
            assert all(left.pop(f"{at}/units/{name}") == unit for name, unit in phase.units.items())
            for layer, columns in phase.spikes.items():
                for column, values in zip(("t", "sample", "unit"), columns, strict=True):
                    assert same(left.pop(f"{at}/spikes/{layer}/{column}"), values)
            for name, values in phase.change.items():
                assert same(left.pop(f"{at}/change/{name}"), values)
                assert same(left.pop(f"{at}/synapses/{name}"), phase.chosen[name])
    assert not left


def test_the_verb_writes_what_python_writes(run, tmp_path, capsys):
    content = ne.export(run, tmp_path / "python.npz", to="npz")
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run.path), str(tmp_path / "verb.npz"), "--to", "npz"])
    assert not ended.value.code and f"{len(content):,} bytes" in capsys.readouterr().out
    assert (tmp_path / "verb.npz").read_bytes() == content


def test_what_a_format_does_not_have_is_one_sentence(run, tmp_path):
    with pytest.raises(ne.NeuroeqError, match="--beta is no option of the format 'npz', which has none"):
        ne.export(run, tmp_path / "run.npz", to="npz", beta=1.0)
    with pytest.raises(ne.NeuroeqError, match="--to is 'png'; expected " + " or ".join(map(repr, FORMATS))):
        ne.export(run, tmp_path / "run.png", to="png")
    assert not list(tmp_path.iterdir())
