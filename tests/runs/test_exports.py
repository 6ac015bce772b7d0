"""A run is written in the formats of other programs, as a whole or not at all, and what cannot be is one sentence."""

import json
from pathlib import Path

import pytest

import neuroeq as ne
from neuroeq.cli import main
from neuroeq.errors import NeuroeqError
from neuroeq.registry import EXPORTS
from neuroeq.runs.exchange import exporting


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return ne.train("xor", "resistive", epochs=2, out=tmp_path_factory.mktemp("runs") / "run")


def ended(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, arguments)])
    output = capsys.readouterr()
    return end.value.code or 0, output.out, output.err


def test_the_command_and_python_write_the_same_file(run, capsys):
    facts = ne.export(run, "a b.cir", to="spice", sample=2, beta=0.1)
    status, out, _ = ended(capsys, run.path, "c.cir", "--to", "spice", "--sample", 2, "--beta", 0.1, "--json")
    assert status == 0 and json.loads(out) == facts | {"file": "c.cir", "run": "ngspice -b c.cir"}
    assert facts["run"] == "ngspice -b 'a b.cir'"
    assert Path("a b.cir").read_bytes() == Path("c.cir").read_bytes()


def test_help_names_every_format(capsys):
    _, out, _ = ended(capsys, "--help")
    assert ", ".join(EXPORTS.ours) in " ".join(out.replace("│", "").split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.cir", "--to", "spcie"], "no format 'spcie'; did you mean 'spice'? Expected one of 'spice'"),
        (["/nowhere/x.cir"], "/nowhere/x.cir: cannot be written"),
        (["."], ".: cannot be written"),
        (["x", "--to", "plain", "--beta", "1"], "format 'plain' has no option 'beta'; it has none, so leave it out."),
        (["x", "--to", "picky", "--beta", "1"], "has no option 'beta'; expected sample, so leave it out."),
    ],
)
def test_what_cannot_be_written_is_one_sentence(run, capsys, arguments, sentence):
    EXPORTS.register("plain")(lambda run, file: file.write_text("plain"))
    EXPORTS.register("picky")(lambda run, file, sample=0: file.write_text("picky"))
    status, out, err = ended(capsys, run.path, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1) and sentence in err


@pytest.mark.parametrize(("to", "extra"), [("spice", "spice"), ("other", "more")])
def test_a_package_that_is_missing_is_named_with_its_extra(run, monkeypatch, to, extra):
    def missing(run, file):
        import no_such_package  # noqa: F401

    monkeypatch.setattr(exporting, "EXTRAS", {"other": "more"})
    monkeypatch.setitem(EXPORTS._added, "other", missing)
    monkeypatch.setattr("neuroeq.runs.exchange.spice.write", missing)
    sentence = rf"needs no_such_package, .* install it with `pip install 'neuroeq\[{extra}\]'`"
    with pytest.raises(NeuroeqError, match=sentence):
        ne.export(run, "x", to=to)


def test_a_file_that_was_there_stays_whole_if_the_new_one_fails(run, monkeypatch):
    def half(run, file):
        file.write_text("half")
        raise KeyboardInterrupt

    Path("x").write_text("whole")
    monkeypatch.setattr("neuroeq.runs.exchange.spice.write", half)
    with pytest.raises(KeyboardInterrupt):
        ne.export(run, "x", to="spice")
    assert Path("x").read_text() == "whole" and [path.name for path in Path().iterdir()] == ["x"]
