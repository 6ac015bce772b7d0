"""Phases of oscillators are drawn on circles, and their coherence over time; what a run of them lacks is refused."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuroeq import plots
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import conductances, segments
from neuroeq.runs.training import train
from neuroeq.show.plots.phases import order_parameter

SHORT = ["phases.free.duration=20 steps", "phases.nudged.duration=10 steps"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train("xor", "oscillator", epochs=1, out=tmp_path_factory.mktemp("run") / "run", settings=SHORT)


def test_all_figures_of_a_run_of_oscillators_are_those_that_it_has_data_for(run, tmp_path):
    written = plots.save(run, folder=tmp_path)
    assert {path.stem for path in written} == {"weights", "learning", "settling", "phases"}


def test_order_is_1_in_phase_and_0_for_a_half_in_antiphase_whatever_the_common_phase():
    same, halves = np.full((2, 4), 0.3), np.array([[0, 0, np.pi, np.pi], [1, 1, 1 + np.pi, 1 - np.pi]])
    np.testing.assert_allclose(order_parameter(same), 1)
    np.testing.assert_allclose(order_parameter(halves), 0, atol=1e-12)
    np.testing.assert_allclose(order_parameter(halves + 2.0), order_parameter(halves), atol=1e-12)


def test_dots_stand_at_the_recorded_phases_on_circles_in_the_order_of_time(run):
    axes = plots.phases(run, "hidden", sample=1, axes=Figure().subplots())
    free, *nudged = [segment.states["hidden"]["phi"][:, 1] for segment in segments(run)]
    expected = [free[0], free[-1], *(angle[-1] for angle in nudged)]
    drawn = [collection.get_offsets() for collection in axes.collections]
    radii = [np.hypot(*points.T) for points in drawn]
    for points, radius, angles in zip(drawn, radii, expected, strict=True):
        np.testing.assert_allclose(points.T, radius[0] * np.array([np.cos(angles), np.sin(angles)]), atol=1e-9)
    assert np.all(np.diff([radius.mean() for radius in radii]) > 0)


def test_coherence_is_that_of_every_layer_and_sample_and_nudges_start_where_the_free_phase_ends(run):
    axes = plots.coherence(run, axes=Figure().subplots())
    recorded = segments(run)
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 2 * 2 * len(recorded)  # layers, samples and phases
    first = order_parameter(recorded[0].states["hidden"]["phi"])
    np.testing.assert_allclose(lines[0].get_ydata(), first[:, 0])
    for nudged in lines[1 : len(recorded)]:
        assert nudged.get_ydata()[0] == pytest.approx(first[-1, 0])
    shown = axes.get_legend().get_texts()
    assert [text.get_text() for text in shown][:2] == ["hidden, sample 0", "hidden, sample 1"]


def test_figures_of_oscillators_take_and_return_axes(run):
    for draw in (plots.phases, plots.coherence, plots.settling):
        axes = Figure().subplots()
        assert draw(run, axes=axes) is axes
    assert isinstance(axes, Axes) and axes.get_ylabel() == "output state phi [rad]"


def test_what_oscillators_do_not_have_is_refused(run, tmp_path):
    with pytest.raises(SpecError, match="substrate 'oscillator' has no conductances; plot its weights"):
        conductances(run)
    with pytest.raises(SpecError, match="no bounds to be stuck at; plot its phases instead"):
        plots.saturation(run)
    with pytest.raises(SpecError, match="substrate 'oscillator' has no spikes"):
        plots.raster(run)
    with pytest.raises(SpecError, match="has no energies"):
        plots.energy(run)
    with pytest.raises(SpecError, match=r"no layer 'input' of oscillators in .*; expected hidden or output"):
        plots.phases(run, "input")


def test_other_units_have_no_phases(tmp_path):
    rate = train("xor", "rate", epochs=1, out=tmp_path / "rate", settings=SHORT)
    for draw in (plots.phases, plots.coherence):
        with pytest.raises(SpecError, match="substrate 'rate' has no oscillators; plot its settling instead"):
            draw(rate)
