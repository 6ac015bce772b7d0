"""Figures come from records alone, draw what they say, and take and return axes."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from neuroeq import plots
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments, settling_time, weight_history
from neuroeq.runs.training import train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {on: train("iris", on, epochs=4, out=folder / on) for on in ("rate", "spiking")}


@pytest.mark.parametrize("on", ["rate", "spiking"])
def test_all_figures_are_written_as_png_and_svg(runs, on, tmp_path):
    written = plots.save(runs[on], folder=tmp_path)
    names = {path.stem for path in written}
    assert names == set(plots.FIGURES) - {"conductances", "energy", "kernels", "maps", "phases"} - (
        {"raster"} if on == "rate" else set()
    )
    for path in written:
        if path.suffix == ".png":
            pixels = np.asarray(Image.open(path).convert("L"))
            assert pixels.shape[0] > 400 and (pixels < 200).mean() > 0.005, path
        else:
            assert "<svg" in path.read_text()[:2000]


@pytest.mark.parametrize(
    "draw", [plots.raster, plots.settling, plots.weights, plots.plasticity, plots.learning, plots.saturation]
)
def test_every_figure_takes_and_returns_axes(runs, draw):
    axes = Figure().subplots()
    assert draw(runs["spiking"], axes=axes) is axes
    assert isinstance(draw(runs["spiking"]), Axes)
    assert axes.get_xlabel()


@pytest.mark.parametrize("draw", [plots.weights, plots.learning, plots.saturation])
def test_epochs_are_counted_in_whole_numbers(runs, draw):
    axes = draw(runs["spiking"], axes=Figure().subplots())
    ticks = axes.get_xticks()
    assert len(ticks) > 1 and np.array_equal(ticks, np.round(ticks))


def test_the_raster_shows_every_spike_of_the_sample_and_the_phases(runs):
    axes = plots.raster(runs["spiking"], sample=1)
    expected = sum(
        int((samples == 1).sum()) for phase in segments(runs["spiking"]) for _, samples, _ in phase.spikes.values()
    )
    drawn = sum(
        len(collection.get_segments()) for collection in axes.collections if hasattr(collection, "get_segments")
    )
    assert drawn == expected > 50
    assert [text.get_text() for text in axes.texts if "free" in text.get_text() or "β" in text.get_text()] == [
        "free",
        "nudged, β = +0.15",
        "nudged, β = −0.15",
    ]
    assert len([patch for patch in axes.patches]) == 3


def test_phases_follow_each_other_on_one_axis_of_time(runs):
    free, plus, minus = segments(runs["spiking"])
    assert (free.start, free.end) == (0, pytest.approx(0.12))
    assert (plus.start, plus.end) == (free.end, pytest.approx(0.18))
    assert (minus.start, minus.end) == (plus.end, pytest.approx(0.24))
    for phase in (free, plus, minus):
        assert phase.start < phase.t[0] and phase.t[-1] == pytest.approx(phase.end)
        for times, _, _ in phase.spikes.values():
            assert ((times > phase.start - 1e-9) & (times < phase.end + 1e-9)).all()


def test_the_two_nudged_phases_start_from_the_same_state(runs):
    """Their changes differ in sign of the nudge only: for rates the first steps are mirror images to first order."""
    _, plus, minus = segments(runs["rate"])
    one, two = plus.change["hidden_output"][0], minus.change["hidden_output"][0]
    assert np.abs(one).max() > 0
    assert np.corrcoef(one, two)[0, 1] > 0.5


def test_settling_time_is_when_outputs_stay_near_their_end(runs):
    found = settling_time(runs["rate"], tolerance=0.05)
    free = segments(runs["rate"])[0]
    outputs = free.states["output"]["s"]
    late = free.t >= found - 1e-9
    assert 0 < found < free.end
    assert np.abs(outputs[late] - outputs[-1]).max() <= 0.05


def test_weight_history_begins_at_the_start_and_ends_at_the_end(runs):
    at, history = weight_history(runs["spiking"])
    assert at[0] == 0 and at[-1] == 4
    final = runs["spiking"].folder.load().params["hidden_output"].ravel()
    assert set(np.round(history["hidden_output"][-1], 12)) <= set(np.round(final, 12))


def test_what_a_run_does_not_have_is_refused(runs):
    with pytest.raises(SpecError, match="substrate 'rate' has no spikes; plot its settling instead"):
        plots.raster(runs["rate"])
    with pytest.raises(SpecError, match=r"no layer 'hiden' in .*; recorded are hidden, output"):
        plots.settling(runs["rate"], "hiden")
    with pytest.raises(SpecError, match="no projection 'x' in"):
        plots.weights(runs["rate"], "x")
    with pytest.raises(SpecError, match="nothing is recorded 'during' training; expected after or before"):
        plots.raster(runs["spiking"], when="during")
