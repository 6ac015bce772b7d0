"""The pages on figures and on Python are programs: their commands end well, and what they promise is there."""

import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from neuroeq.registry import EXPORTS
from neuroeq.runs.exchange import export
from neuroeq.runs.training import train
from neuroeq.show.plots.style import read_style
from tests.pages import blocks, type_in

DOCS = Path(__file__).parents[2] / "docs"


def parts(page, language):
    return blocks((DOCS / page).read_text(), language)


@pytest.mark.reproduction
def test_the_page_on_figures_is_a_program(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in "".join(parts("figures.md", "sh")).splitlines():
        type_in(shlex.split(line))
    wanted = ["fig.pdf", "settling.pdf", "figures/raster.png", "figures/raster.pdf", "figures/weights.svg"]
    assert all(Path(name).stat().st_size > 5000 for name in wanted)
    assert Image.open("figures/raster.png").size == (int(3.3 * 600), int(2.4 * 600))
    names = {}
    for code in parts("figures.md", "python"):
        exec(compile(code, "figures.md", "exec"), names)
    assert Path("both.pdf").exists() and Path("figures/raster.pdf").exists()
    printed = capsys.readouterr().out
    assert re.search(r"^\d+ Hz; weights moved by up to 0\.\d\d$", printed, re.MULTILINE)
    assert len(re.findall(r"^sample \d: test example \d+, class 3, predicted \d$", printed, re.MULTILINE)) == 5


@pytest.mark.reproduction
def test_the_page_on_exchange_is_a_program(capsys):
    for package in ("neo", "nixio", "pynwb"):
        pytest.importorskip(package)
    for line in "".join(parts("exchange.md", "sh")).splitlines():
        type_in(shlex.split(line))
    for code in parts("exchange.md", "python"):
        exec(compile(code, "exchange.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.search(r"^xor \(2, 16\) \d\d% of the spikes are free$", printed, re.MULTILINE)
    assert "after training, sample 1 ['free', 'nudged +0.3', 'nudged -0.3'] 18" in printed
    assert re.search(r"^{'file': 'spikes.csv', 'spikes': \d+}$", printed, re.MULTILINE)


def test_the_page_on_exchange_has_all_formats_and_all_arrays():
    text = (DOCS / "exchange.md").read_text()
    rows = re.findall(r"^\| (`.*?`) \|", text.split("## Arrays")[0], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(EXPORTS.ours)
    shown = {name for row in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE) for name in re.findall(r"`(.*?)`", row)}
    run = train("xor", "spiking", epochs=1, keep=False)
    export(run, "run.npz", to="npz")
    layers, projections = "|".join(run.network.layers), "|".join(run.network.projections)
    with np.load("run.npz", allow_pickle=False) as arrays:
        for name in arrays.files:
            general = re.sub(rf"/({projections})\b", "/PROJECTION", name)
            general = re.sub(rf"/({layers})\b", "/LAYER", re.sub(r"^(before|after)/(\d+/)?", r"WHEN/\2", general))
            general = re.sub(r"^WHEN/\d+/", "WHEN/N/", re.sub(r"prediction/\w+", "prediction/WHEN", general))
            general = re.sub(r"(states/LAYER)/\w+", r"\1/VARIABLE", general)
            assert general in shown, name


def test_the_style_on_the_page_is_one(tmp_path):
    (text,) = parts("figures.md", "text")
    (tmp_path / "neuroeq.mplstyle").write_text(text)
    assert read_style(tmp_path / "neuroeq.mplstyle")["font.size"] == 8


def test_the_short_network_and_the_logger_of_the_page_on_python_run(capsys, monkeypatch):
    seen = []

    class SummaryWriter:
        def __init__(self, folder):
            seen.append(folder)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen.append("closed")

        def add_scalar(self, name, value, epoch):
            seen.append((name, float(value), epoch))

        def add_histogram(self, name, values, epoch):
            seen.append((name, values.shape, epoch))

    for name in ("torch", "torch.utils"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=SummaryWriter))
    _, short, board = parts("python.md", "python")
    assert len(short.split("\n\n")[1].splitlines()) <= 16
    names = {}
    for code in (short, board):
        exec(compile(code, "python.md", "exec"), names)
    assert "Exclusive or, 2-8-2, on substrate rate, seed 0" in capsys.readouterr().out
    assert ("x_h", (2, 8), 3) in seen and seen[0] == "board" and seen[-1] == "closed"
    assert {epoch for name, _, epoch in seen[1:-1] if name == "train_error"} == {1, 2, 3}
