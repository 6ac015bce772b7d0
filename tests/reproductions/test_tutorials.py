"""The tutorials are programs: what they say to type works in this order, and prints what they show."""

import re
import shlex
import sys
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pages import type_in

PAGES = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("[1-9]*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\w+\.(?:toml|py))\n")
"""The first line of a block that is a file."""


def typed(line):
    """Do what a line of a shell does: a command of neuroeq, or a program in Python."""
    program, *words = shlex.split(line, comments=True)
    if program == "python":
        return exec(compile(Path(words[0]).read_text(), words[0], "exec"), {})
    type_in([program, *words])


def written(shown):
    """Return a line as it is printed, as far as spaces matter, where * stands for anything."""
    return " ".join(shown.split())


@pytest.mark.reproduction
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_tutorial_says_works(page, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["neuroeq"])
    said = ""
    for language, block in BLOCK.findall(page.read_text()):
        if file := FILE.match(block):
            Path(file[1]).write_text(block)
        elif language == "sh":
            for line in block.splitlines():
                typed(line)
        elif language == "python":
            exec(compile(block, page.name, "exec"), {})
        elif language == "text":
            lines = [written(line) for line in said.splitlines()]
            for shown in block.splitlines():
                assert any(fnmatchcase(line, written(shown)) for line in lines), f"{shown!r} is not in:\n{said}"
        said = said if language == "text" else said + capsys.readouterr().out


def test_tutorials_are_short_and_lead_to_each_other():
    assert len(PAGES) == 5
    for page, following in pairwise(PAGES):
        assert f"]({following.name})" in page.read_text()
    assert all(60 <= page.read_text().count("\n") <= 120 for page in PAGES)


def test_the_second_tutorial_ends_with_a_raster_in_a_pdf_of_an_own_neuron_on_own_data():
    text = PAGES[1].read_text()
    files = [file[1] for _, block in BLOCK.findall(text) if (file := FILE.match(block))]
    assert files == ["data.py", "adaptive.toml", "slope_stdp.toml", "rings.toml"]
    assert re.search(r"plot runs/rings raster .*--format pdf --out fig\.pdf", text)
