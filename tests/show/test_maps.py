"""Kernels and channels are drawn as images, and rasters show whole channels."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from neuroeq import plots
from neuroeq.errors import SpecError
from neuroeq.runs.analysis import segments
from neuroeq.runs.training import train

SHORT = ["data.limit=40", "phases.free.duration=20 steps", "phases.nudged.duration=10 steps"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {on: train("digits_conv", on, epochs=1, out=folder / on, settings=SHORT) for on in ("rate", "spiking")}


@pytest.mark.parametrize("on", ["rate", "spiking"])
def test_all_figures_of_a_convolutional_run_are_drawn(runs, on, tmp_path):
    names = {path.stem for path in plots.save(runs[on], folder=tmp_path)}
    assert {"kernels", "maps", "settling", "weights"} <= names and ("raster" in names) == (on == "spiking")


def test_every_kernel_is_drawn_once_with_its_weights_around_zero(runs):
    axes = plots.kernels(runs["rate"], axes=Figure().subplots())
    image, weights = axes.images[0], runs["rate"].params["input_hidden1"]
    drawn = np.ma.masked_invalid(image.get_array()).compressed()
    np.testing.assert_allclose(np.sort(drawn), np.sort(weights.ravel()))
    low, high = image.get_clim()
    assert -low == high == pytest.approx(np.abs(weights).max())
    np.testing.assert_allclose(image.get_array()[:3, :3], weights[0, 0])


def test_maps_are_the_states_of_rates_and_the_rates_of_spikes(runs):
    free = segments(runs["rate"])[0]
    image = plots.maps(runs["rate"], "hidden2", axes=Figure().subplots()).images[0]
    np.testing.assert_allclose(image.get_array()[:4, :4].ravel(), free.states["hidden2"]["s"][-1, 0, :16])
    free = segments(runs["spiking"])[0]
    image = plots.maps(runs["spiking"], "hidden1", axes=Figure().subplots()).images[0]
    _, samples, _ = free.spikes["hidden1"]
    counted = np.ma.masked_invalid(image.get_array()).sum() * (free.end - free.start)
    assert counted == pytest.approx((samples == 0).sum())


def test_a_raster_selects_whole_channels(runs):
    axes = plots.raster(runs["spiking"], axes=Figure().subplots())
    said = [label.get_text() for label in axes.get_yticklabels()]
    assert said[-3:] == ["hidden1\n1 of 16 channels", "hidden2\n4 of 32 channels", "output\n10 units"]


def test_what_has_no_shape_is_refused(runs, tmp_path):
    with pytest.raises(SpecError, match="no convolution 'hidden2_output' in it; expected input_hidden1 or"):
        plots.kernels(runs["rate"], "hidden2_output")
    with pytest.raises(SpecError, match="layer 'output' has no shape; expected hidden1 or hidden2"):
        plots.maps(runs["rate"], "output")
