"""Figures for papers: they have the size that is asked for, show what is asked for, and nothing in them overlaps."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments
from neuroeq.runs.training import train
from neuroeq.show.plots.style import FILE, own_styles, read_style, styled

COLUMN = (85 / 25.4, 60 / 25.4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train("digits", "spiking", epochs=1, settings=["data.limit=60"], out=tmp_path_factory.mktemp("runs") / "run")


def texts_of(axes):
    """The texts that are seen, names of layers and times included, with their places on the page [pixels]."""
    low, high = axes.get_xlim()
    times = [text for text in axes.get_xticklabels() if low <= text.get_position()[0] <= high]
    every = [*axes.texts, *times, *axes.get_yticklabels(), axes.xaxis.label, axes.title]
    return {(text.get_text(), at): text.get_window_extent() for at, text in enumerate(every) if text.get_text()}


def drawn(run, width=85, height=60, limits=None, **view):
    with styled(COLUMN[0]):
        figure = Figure((width / 25.4, height / 25.4), layout="constrained")
        axes = plots.raster(run, axes=figure.subplots(), **view)
        if limits is not None:
            axes.set_xlim(*limits)
        figure.canvas.draw()
        figure.draw_without_rendering()
    return axes


def test_the_command_of_the_page_writes_a_pdf_of_that_size_with_its_fonts(run, tmp_path, capsys):
    out = tmp_path / "fig.pdf"
    words = ["raster", "--sample", "1", "--units", "hidden=0:30", "--size", "85x60mm", "--format", "pdf"]
    with pytest.raises(SystemExit) as end:
        main(["plot", str(run.path), *words, "--from", "20 ms", "--to", "80 ms", "--out", str(out)])
    assert end.value.code == 0 and capsys.readouterr().out.strip() == str(out)
    content = out.read_bytes()
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert [float(side) for side in box] == pytest.approx([85 / 25.4 * 72, 60 / 25.4 * 72], abs=0.01)
    assert b"/FontFile2" in content and b"/Type3" not in content and b"/CreationDate" not in content


def test_a_png_of_a_size_has_as_many_pixels_as_its_resolution_asks_for(run, tmp_path):
    (path,) = plots.save(run, ["learning"], tmp_path, formats=["png"], size=COLUMN)
    assert Image.open(path).size == tuple(int(side * 600) for side in COLUMN)


def test_a_raster_shows_the_spikes_of_the_times_and_units_that_are_asked_for(run):
    axes = plots.raster(run, 1, start="20 ms", end=0.08, units={"hidden": "0:30"}, axes=Figure().subplots())
    expected = 0
    for phase in segments(run):
        for layer, (times, samples, units) in phase.spikes.items():
            inside = (samples == 1) & (times >= 0.02) & (times <= 0.08)
            expected += int((inside & (units < (30 if layer == "hidden" else 10))).sum())
    assert sum(len(each.get_segments()) for each in axes.collections) == expected > 50
    assert axes.get_xlim() == pytest.approx((20, 80))
    assert axes.get_yticklabels()[0].get_text() == "hidden\n0–29 of 256"


@pytest.mark.parametrize(("width", "height"), [(85, 60), (60, 45), (180, 100)])
@pytest.mark.parametrize("limits", [None, (20, 80), (100, 130), (70, 85)])
def test_nothing_overlaps_or_leaves_the_page_at_any_size_and_limits(run, width, height, limits):
    """But for 1.5 points: the layout may change which times are labelled, after it has made room for their labels."""
    axes = drawn(run, width, height, limits)
    page, boxes = axes.figure.bbox, list(texts_of(axes).items())
    assert axes.get_window_extent().width > 0.45 * page.width and axes.get_window_extent().height > 0.4 * page.height
    for index, ((text, _), box) in enumerate(boxes):
        assert box.x0 > page.x0 - 3 and box.x1 < page.x1 + 3 and box.y1 < page.y1 + 3, text
        for (other, _), its in boxes[:index]:
            assert not box.overlaps(its), f"{text!r} overlaps {other!r}"


def test_names_of_phases_are_as_long_as_there_is_room(run):
    names = {width: [text for text, _ in texts_of(drawn(run, width)) if "β" in text] for width in (85, 180)}
    assert names == {85: ["β = +0.3", "β = −0.3"], 180: ["nudged, β = +0.3", "nudged, β = −0.3"]}


def test_classes_are_numbered_in_letters_that_can_be_read_in_a_column(run):
    """Journals ask for 5 points at least."""
    axes = drawn(run)
    numbers = [text for text in axes.texts if text.get_text().isdigit()]
    assert [int(text.get_text()) for text in numbers] == [0, 2, 4, 6, 8] or len(numbers) == 10
    assert min(text.get_fontsize() for text in (*axes.texts, *axes.get_xticklabels(), axes.title)) >= 4.8


def test_settling_in_a_column_keeps_its_legend_on_the_page(run):
    with styled(COLUMN[0]):
        figure = Figure(COLUMN, layout="constrained")
        axes = plots.settling(run, units="0:5+9", axes=figure.subplots())
        figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    assert box.x1 <= figure.bbox.x1 + 1 and box.x0 >= axes.get_window_extent().x1 - 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "2", "3", "4", "9"]


def test_users_override_the_style_by_a_file_at_home_and_then_in_the_current_folder(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("NEUROEQ_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    assert own_styles() == []
    (home / FILE).write_text("font.size: 8\nlines.linewidth: 3\n")
    (tmp_path / FILE).write_text("font.size: 6\n")
    style = read_style(*own_styles())
    assert (style["font.size"], style["lines.linewidth"]) == (6, 3)
    (tmp_path / FILE).write_text("font.size: huge\n")
    with pytest.raises(SpecError, match=rf"{FILE}: is no style of Matplotlib \(.*huge"):
        read_style(*own_styles())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["raster", "--sample", "7"], "sample 7 is not recorded; recorded are samples 0 to 1"),
        (
            ["raster", "--units", "hidden=0:300"],
            "units of layer 'hidden': selects '0:300'; expected some of units 0 to",
        ),
        (["raster", "--units", "hiden=0:3"], "no layer with spikes 'hiden'; did you mean 'hidden'?"),
        (["raster", "--units", "0:3"], "--units is '0:3'; expected a layer and its units"),
        (["raster", "--from", "20"], "expected a time, such as '10 ms'"),
        (["raster", "--from", "1 s"], "nothing is recorded from 1000 to 160 ms; expected times between 0 and 160 ms"),
        (["raster", "--size", "85x60"], "--size is '85x60'; expected a width and a height of 20 to 1000 mm"),
        (["raster", "--format", "jpg"], "--format is 'jpg'; expected png, svg or pdf."),
        (["raster", "--format", "pdf", "--out", "a.png"], "--out a.png: is a file of format png"),
        (["raster", "weights", "--out", "a.pdf"], "--out a.pdf: is one file for 2 figures (raster, weights)"),
        (["learning", "--sample", "1"], "figure 'learning' has no --sample; those that have it are raster, settling"),
    ],
)
def test_a_view_that_a_run_does_not_have_is_one_sentence(run, words, sentence, capsys):
    with pytest.raises(SystemExit) as end:
        main(["plot", str(run.path), *words])
    said = capsys.readouterr().err
    assert end.value.code == 2 and sentence in said and said.count("\n") == 1


def test_the_same_figure_is_the_same_file(run, tmp_path):
    formats = ["png", "svg", "pdf"]
    one, two = (plots.save(run, ["settling"], tmp_path / name, formats=formats, size=COLUMN) for name in "ab")
    same = {path.suffix: path.read_bytes() == other.read_bytes() for path, other in zip(one, two, strict=True)}
    assert same[".png"] and same[".pdf"]
    assert np.array_equal(np.asarray(Image.open(one[0])), np.asarray(Image.open(two[0])))


def test_titles_and_labels_are_as_long_as_their_axes(run):
    found = {}
    for width in (60, 85, 300):
        with styled(COLUMN[0]):
            figure = Figure((width / 25.4, 60 / 25.4), layout="constrained")
            axes = plots.raster(run, axes=figure.subplots())
            figure.draw_without_rendering()
        found[width] = axes.get_title()
        assert axes.title.get_window_extent().width <= axes.get_window_extent().width
    assert found[300].startswith("sample 0: test example ") and ", predicted " in found[300]
    assert found[60].startswith("class ") and found[60] in found[85] in found[300]
    with styled(COLUMN[0]):
        figure = Figure((3, 1.2), layout="constrained")
        axes = plots.plasticity(run, axes=figure.subplots())
        figure.draw_without_rendering()
    assert axes.get_ylabel() in ("change dw", "dw") and axes.get_title() == "hidden_output"


def test_a_title_that_a_user_gives_stays(run):
    figure = Figure(COLUMN, layout="constrained")
    axes = plots.raster(run, axes=figure.subplots())
    axes.set_title("a title of mine that is much longer than what could ever stand above such small axes")
    figure.draw_without_rendering()
    assert axes.get_title().startswith("a title of mine")
