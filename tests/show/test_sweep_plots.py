"""Figures of a sweep are chosen by what was varied, and show the numbers of its table."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from neuroeq.errors import SpecError
from neuroeq.runs.sweeps import NUMBERS, Sweep
from neuroeq.show.plots import QUANTITIES, save_sweep, sweep_figure
from neuroeq.show.plots.sweep_axes import asks_for_log
from tests.cli.test_cli import cli

ACCURACY, COSINE = (next(each for each in QUANTITIES if each.name == name) for name in ("accuracy", "gradient_cosine"))


def made(values, cells=("rate",), seeds=3, error=lambda point, seed: 0.1, together=()):
    """A sweep of keys with these values, whose test errors are those of a function."""
    points = [dict(zip(values, point, strict=True)) for point in product(*values.values())]
    if together:
        points = [dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)]
    dimensions = {"sample": list(values)} if together else {key: [key] for key in values}
    blank = dict.fromkeys(NUMBERS) | {"status": "done", "message": None, "hardware": None, "chance_error": 0.9}
    rows = tuple(
        {
            **blank,
            **point,
            "cell": cell,
            "substrate": cell.split(":")[0],
            "seed": seed,
            "test_error": error(point, seed),
        }
        for point in points
        for cell in cells
        for seed in range(seeds)
    )
    own = {**rows[0], **dict.fromkeys(values), "cell": rows[0]["substrate"], "test_error": 0.02}
    sizes = (len(points),) if together else tuple(map(len, values.values()))
    return Sweep(Path("swept"), "digits", "Digits", dimensions, sizes, rows, (own,))


def test_one_key_of_numbers_is_a_curve_with_its_interval_and_a_dot_for_each_seed():
    errors = {0.05: (0.1, 0.2, 0.3), 0.1: (0.2, 0.2, 0.2), 0.2: (0.3, 0.5, 0.4)}
    figure = sweep_figure(made({"phases.beta": list(errors)}, error=lambda p, s: errors[p["phases.beta"]][s]), ACCURACY)
    (axes,) = figure.axes
    mean, dots, unvaried, *_ = axes.lines
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "phases.beta"
    np.testing.assert_allclose(mean.get_xydata(), [(0.05, 80), (0.1, 80), (0.2, 60)])
    assert len(dots.get_xydata()) == 9
    (band,) = axes.collections
    half = stats.t.ppf(0.975, 2) * np.std(errors[0.05], ddof=1) / np.sqrt(3) * 100
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(80 + half)
    np.testing.assert_allclose(unvaried.get_ydata(), 98)


def test_chance_is_a_line_where_it_is_near_and_words_where_it_is_not():
    for worst, near in ((0.88, True), (0.1, False)):
        values = {"phases.beta": [0.05, 0.1]}
        figure = sweep_figure(
            made(values, error=lambda p, s, e=worst: e if p["phases.beta"] == 0.1 else 0.05), ACCURACY
        )
        labels = [line.get_label() for line in figure.axes[0].lines]
        assert ("chance" in labels) == near and ("chance is at 10, further below" in labels) != near


def test_two_keys_of_numbers_are_a_map_with_the_number_in_each_field():
    values = {"a.b": [1, 2, 3], "c": [4, 8]}
    sweep = made(values, cells=("rate", "crossbar:pcm"), error=lambda p, s: p["a.b"] / p["c"] / 10)
    figure = sweep_figure(sweep, ACCURACY)
    first, second, _ = figure.axes
    texts = [text.get_text() for text in first.texts]
    assert texts == [f"{100 - 10 * a / c:.1f}" for c in values["c"] for a in values["a.b"]]
    assert (first.get_xlabel(), first.get_ylabel()) == ("a.b", "c")
    assert first.get_title().startswith("rate\nunvaried 98.0, chance 10.0")
    assert second.get_title().startswith("crossbar:pcm\nchance 10.0")


def test_a_key_of_words_makes_lines_and_alone_it_is_the_axis():
    words = {"substrate.spiking.neuron": ["lif", "sigma_delta"]}
    figure = sweep_figure(made({**words, "phases.free.duration": ["20 ms", "40 ms"]}), ACCURACY)
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert "neuron lif" in labels and "neuron sigma_delta" in labels
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["20 ms", "40 ms"]
    alone = sweep_figure(made(words), ACCURACY).axes[0]
    assert [tick.get_text() for tick in alone.get_xticklabels()] == ["lif", "sigma_delta"]


def test_random_points_are_dots_in_a_panel_for_each_key():
    values = {"phases.beta": [0.01, 0.2, 0.05], "training.batch_size": [3, 7, 60]}
    figure = sweep_figure(made(values, seeds=1, together=True), ACCURACY)
    assert [axes.get_xlabel() for axes in figure.axes] == list(values)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xydata(), [(0.01, 90), (0.2, 90), (0.05, 90)])


@pytest.mark.parametrize(
    ("numbers", "log"),
    [([0.05, 0.1, 0.2], True), ([4, 6, 8], False), ([0, 1, 10], False), ([1, 5], False), ([1, 20], True)],
)
def test_an_axis_is_logarithmic_where_the_values_ask_for_it(numbers, log):
    assert asks_for_log(numbers) == log


def test_only_what_there_is_is_drawn(tmp_path):
    written = save_sweep(made({"phases.beta": [0.05, 0.1]}), folder=tmp_path)
    assert [path.name for path in written] == ["accuracy.png", "accuracy.svg"]
    assert all(path.stat().st_size > 5000 for path in written)
    with pytest.raises(SpecError, match="has no numbers for figure 'energy'"):
        save_sweep(made({"phases.beta": [0.05, 0.1]}), ["energy"], tmp_path)
    waiting = made({"phases.beta": [0.05, 0.1]})
    for row in waiting.rows:
        row["status"] = "waiting"
    with pytest.raises(SpecError, match="no cell is done yet"):
        save_sweep(waiting, folder=tmp_path)


def test_a_figure_of_too_much_is_refused():
    many = {"name": list("abcdefghijklmn"), "phases.beta": [0.1, 0.2]}
    with pytest.raises(SpecError, match=r"a figure of 14 curves cannot be read; expected 1 to 12"):
        sweep_figure(made(many, seeds=1), ACCURACY)


def test_the_figures_of_a_sweep_are_drawn_by_its_folder(capsys):
    options = ["--epochs", "2", "--jobs", "1", "--quiet", "--out", "out"]
    assert cli(capsys, "sweep", "xor", "--vary", "phases.beta=0.1,0.2", *options)[0] == 0
    status, out, _ = cli(capsys, "plot", "out")
    assert status == 0 and "out/figures/gradient_cosine.png" in out.splitlines()
    assert all(Path(line).exists() for line in out.splitlines())
    status, _, err = cli(capsys, "plot", "out", "acuracy")
    assert status == 2 and "no figure of a sweep 'acuracy'; did you mean 'accuracy'?" in err
