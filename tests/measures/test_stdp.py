"""Windows of plasticity rules, measured by simulation, against what the rules say in closed form."""

import json

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from scipy.integrate import trapezoid

from neuroeq import plots
from neuroeq.errors import EquationError, SpecError, UnknownNameError
from neuroeq.measures.windows import STEPS, measure
from tests.cli.test_cli import cli
from tests.conftest import DATA

ALL = [
    "pair_stdp",
    "two_trace",
    "two_trace_ternary",
    "trace_contrast",
    "rate_derivative",
    "vector_field",
]
ONE_STEP = 1.01 / STEPS
"""What an exponential loses in a step of its time constant, relative to where it starts; and Euler's second order."""


@pytest.fixture(scope="module")
def windows():
    return {name: measure(name) for name in ALL}


def exponential(delta, tau):
    """What a spike that counts as 1 for 1 ms leaves on a trace after a time: 1 ms/tau exp(-t/tau)."""
    return 1e-3 / tau * np.exp(-np.abs(delta) / tau)


def near(found, expected, steepest=None):
    """Within a step's loss of the steepest exponential, which is the largest value if there is one only."""
    largest = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=ONE_STEP * (steepest or largest))
    assert largest > 10 * ONE_STEP * (steepest or largest)


@pytest.mark.parametrize(("a_plus", "a_minus"), [(1, 1), (2, 0.5)])
def test_pair_stdp_has_the_two_exponentials_of_its_definition(tmp_path, a_plus, a_minus):
    """A_plus exp(-d/tau) and -A_minus exp(d/tau), in units of (1 ms/tau)^2; 0 for spikes in one step."""
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "pair_stdp"\n[parameters]\nA_plus = {a_plus}\nA_minus = {a_minus}\n')
    window, tau = measure(str(path)), 20e-3
    amplitude = np.where(window.delta > 0, a_plus, -a_minus) * (window.delta != 0)
    near(window.change, amplitude * 1e-3 / tau * exponential(window.delta, tau))
    np.testing.assert_array_equal(window.at_spike, window.change)


def test_two_trace_window_is_even_and_a_difference_of_exponentials(windows):
    window = windows["two_trace"]
    np.testing.assert_allclose(window.change, window.change[::-1], rtol=0, atol=1e-15)
    slope = (exponential(window.delta, 5e-3) - exponential(window.delta, 15e-3)) / 10e-3
    near(window.change, 1e-3 * slope * (window.delta != 0), steepest=1e-3 * exponential(0, 5e-3) / 10e-3)
    np.testing.assert_array_equal(window.at_spike, window.change)


def test_two_trace_window_has_no_integral(windows):
    """Both filters pass a constant whole, so steady unrelated spikes move no weight.

    Within 4 % of the positive part, of which the tail beyond the range is 1.7 % and the discrete step 1.4 %. The limit
    at 0, which simultaneous spikes miss, is extrapolated.
    """
    window = windows["two_trace"]
    change, middle = window.change.copy(), len(window.change) // 2
    change[middle] = 2 * change[middle + 1] - change[middle + 2]
    positive = trapezoid(np.maximum(change, 0), window.delta)
    assert abs(trapezoid(change, window.delta)) < 0.04 * positive


def test_the_ternary_window_has_three_values_where_the_slope_has_a_sign(windows):
    smooth, ternary = windows["two_trace"], windows["two_trace_ternary"]
    assert set(np.round(ternary.change, 12)) == {-5e-3, 0, 5e-3}
    moved = ternary.change != 0
    np.testing.assert_array_equal(np.sign(ternary.change[moved]), np.sign(smooth.change[moved]))
    np.testing.assert_array_equal(moved, np.abs(smooth.change) > 1e-3 * 1.0)


@pytest.mark.parametrize("name", ["trace_contrast", "rate_derivative"])
def test_a_total_derivative_leaves_nothing_but_what_is_there_when_the_phase_ends(windows, name):
    """d(r_pre r_post)/dt: the product of the traces at the later spike, and nothing 10 time constants later."""
    window, tau = windows[name], 10e-3
    near(window.at_spike, (1e-3 / tau) * exponential(window.delta, tau) * (1 - 1 / STEPS) ** 2)
    assert np.abs(window.change).max() < 1e-8 * window.at_spike.max()


def test_presynaptic_rate_times_postsynaptic_change_has_the_window_of_stdp(windows):
    """Bengio et al. 2017: half of sign(d) exp(-|d|/tau); so one weight for both directions gets nothing in the end."""
    window, tau = windows["vector_field"], 10e-3
    apart = window.delta != 0
    half = 0.5 * np.sign(window.delta) * (1e-3 / tau) * exponential(window.delta, tau)
    near(window.change[apart], half[apart], steepest=2 * half.max())
    near(window.at_spike[window.delta > 0], 2 * half[window.delta > 0])
    assert np.abs(window.even[apart]).max() < ONE_STEP * 2 * half.max()


def test_even_part_is_what_one_weight_for_both_directions_gets(windows):
    assert np.abs(windows["pair_stdp"].even).max() < 1e-15
    np.testing.assert_allclose(windows["two_trace"].even, windows["two_trace"].change, atol=1e-15)


@pytest.mark.parametrize("name", ALL)
def test_the_range_follows_the_models_time_constants(windows, name):
    longest = {"pair_stdp": 20e-3, "two_trace": 15e-3, "two_trace_ternary": 15e-3}.get(name, 10e-3)
    delta = windows[name].delta
    assert delta[-1] == pytest.approx(5 * longest)
    np.testing.assert_allclose(delta, -delta[::-1], atol=0)


def test_a_rule_that_depends_on_the_weight_is_measured_at_one_half(windows):
    """gain hebb (w_max - w), which is integrated step by step."""
    bounded = measure(str(DATA / "soft_bound.toml"))
    np.testing.assert_allclose(bounded.at_spike, 0.5 * windows["rate_derivative"].at_spike, rtol=0, atol=1e-15)


def test_an_eligibility_trace_delays_the_change_and_keeps_the_window(tmp_path):
    path, tau = tmp_path / "late.toml", 20e-3
    path.write_text(
        'extends = "pair_stdp"\n'
        'equations = """\nddw/dt = gain*tag/tau_stdp : 1\ndtag/dt = (hebb - tag)/tau_tag : 1\n"""\n'
        '[parameters]\ntau_tag = "40 ms"\n'
    )
    window = measure(str(path))
    near(window.change, np.sign(window.delta) * (1e-3 / tau) * exponential(window.delta, tau))
    assert np.abs(window.at_spike).max() < 0.1 * np.abs(window.change).max()


def test_what_has_no_window_is_refused(tmp_path):
    plain = tmp_path / "plain.toml"
    plain.write_text('title = "fixed"\ntransmission = "w*spike_pre"\n')
    with pytest.raises(SpecError, match=r"plain.toml: has no plasticity terms, so there is no window"):
        measure(str(plain))
    with pytest.raises(UnknownNameError, match="no synapse 'two_tracs'; did you mean 'two_trace'"):
        measure("two_tracs")
    other = tmp_path / "other.toml"
    other.write_text('extends = "vector_field"\n[[plasticity]]\npre = "v"\npost = "activity_rate"\n')
    with pytest.raises(EquationError, match=r"other.toml: plasticity: no variable 'v'"):
        measure(str(other))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plot"], "plot: nothing to draw; expected the folder of a finished run, or --stdp NAME."),
        (["plot", "here", "--stdp", "two_trace"], "--stdp: measures a synapse model, not the run 'here'"),
        (["plot", "--stdp", "two_tracs"], "no synapse 'two_tracs'; did you mean 'two_trace'?"),
        (["plot", "--stdp", "lif"], "no synapse 'lif'"),
        (["plot", "--stdp", "plain.toml"], "plain.toml: has no plasticity terms, so there is no window; expected"),
        (["plot", "--stdp", "a", "--stdp", "b", "--out", "w.png"], "--out: 'w.png' is one file for 2 windows"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(capsys, tmp_path, arguments, sentence):
    (tmp_path / "plain.toml").write_text('title = "fixed"\ntransmission = "w*spike_pre"\n')
    status, out, err = cli(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("neuroeq: ") and sentence in err and err.count("\n") == 1
    assert not list(tmp_path.glob("*.png"))


def test_windows_are_drawn_where_they_are_wanted(capsys, tmp_path):
    status, out, _ = cli(capsys, "plot", "--stdp", "two_trace", "--json")
    found = json.loads(out)
    assert status == 0 and found["files"] == ["stdp_two_trace.png", "stdp_two_trace.svg"]
    assert len(found["delta_ms"]) == len(found["change"]) == 201
    assert found["delta_ms"][-1] == pytest.approx(75)
    pixels = np.asarray(Image.open("stdp_two_trace.png").convert("L"))
    assert pixels.shape[0] > 400 and (pixels < 200).mean() > 0.005
    _, out, _ = cli(capsys, "plot", "--stdp", "two_trace", "--stdp", "vector_field", "--out", "new/folder", "--json")
    assert [each["synapse"] for each in json.loads(out)["windows"]] == ["two_trace", "vector_field"]
    assert len(list((tmp_path / "new" / "folder").iterdir())) == 4
    _, out, _ = cli(capsys, "plot", "--stdp", "pair_stdp", "--out", "one.svg")
    assert out == "one.svg\n" and "<svg" in (tmp_path / "one.svg").read_text()[:2000]


@pytest.mark.parametrize(
    ("name", "labels"),
    [("pair_stdp", ["directed", "even"]), ("two_trace", []), ("trace_contrast", ["directed", "later spike"])],
)
def test_a_figure_has_the_curves_that_differ(windows, name, labels):
    axes = Figure().subplots()
    assert plots.window(windows[name], axes=axes) is axes
    assert isinstance(plots.window(windows[name]), Axes)
    shown = [] if axes.get_legend() is None else [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(shown) == len(labels) and all(word in text for word, text in zip(labels, shown, strict=True))
    assert "ms" in axes.get_xlabel() and axes.get_ylabel() and name in axes.get_title()
