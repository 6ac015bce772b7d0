"""Pulse laws are recovered from the curves that they generate, within the intervals that the fit states."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neuroeq
from neuroeq.describe.catalog import load_hardware
from neuroeq.errors import DataError, NeuroeqError, SpecError
from neuroeq.measures.pulse_fit import FORMS, as_csv, fit_pulses, hardware_toml, read_pulses, simulate
from neuroeq.measures.pulse_fit.estimation import estimate
from neuroeq.measures.pulse_fit.least_squares import Weighting, solve
from neuroeq.measures.pulse_fit.model import Model, NoiseModel
from neuroeq.measures.pulse_fit.population import population
from neuroeq.physics.devices.laws import ConstantStep, ExpStep, LinearStep, NonLinear, SoftBounds
from neuroeq.registry import UPDATE_LAWS
from tests.cli.test_cli import cli
from tests.conftest import DATA

WINDOW = (1e-6, 1e-5)
LAWS = {
    "constant_step": ConstantStep(model="constant_step", step=0.04, up_down=0.1),
    "soft_bounds": SoftBounds(model="soft_bounds", step=0.08, up_down=-0.2),
    "linear_step": LinearStep(model="linear_step", step=0.04, gamma_up=0.4, gamma_down=0.7, up_down=0.05),
    "neurosim_nl": NonLinear(model="neurosim_nl", step=1 / 48, range=(0, 1), nl_up=1.75, nl_down=2.5),
    "exp_step": ExpStep(
        model="exp_step", step=0.06, a=1, b=0, a_up=0.05, a_down=0.1, gamma_up=2.5, gamma_down=2.0, up_down=0.1
    ),
}
ROWS = [f"A,1,{pulse},{way},{2 + sign * pulse / 10}" for way, sign in (("up", 1), ("down", -1)) for pulse in range(7)]
HEAD = "device,cycle,pulse,direction,conductance_uS"


def curves_of(name, seed=0, devices=1, cycles=3, pulses=100, **spread):
    law = LAWS[name].model_copy(update=spread)
    return simulate(law, WINDOW, devices=devices, cycles=cycles, pulses=pulses, rng=np.random.default_rng(seed))


def truth(name, key, **spread):
    return {"g_min": WINDOW[0], "g_max": WINDOW[1], **spread}.get(key, getattr(LAWS[name], key, 0.0))


def covered(name, seeds, **spread):
    """Return, for every constant of every seed, whether its interval holds the constant that the curves came from."""
    sizes = {key: spread.pop(key) for key in ("devices", "cycles", "pulses")}
    hits = []
    for seed in seeds:
        found = population(estimate(FORMS[name], curves_of(name, seed, **sizes, **spread)), (None, None))
        known = [each for each in found.constants if not np.isnan(each.low)]
        for each in known:
            true = truth(name, each.name, **spread)
            hits.append(each.low - 1e-9 * abs(true) <= true <= each.high + 1e-9 * abs(true))
    return np.array(hits)


def test_every_shipped_pulse_law_can_be_fitted():
    own = {
        name for name in UPDATE_LAWS.names() if issubclass(UPDATE_LAWS.get(name), neuroeq.describe.spec.device.Pulsed)
    }
    assert own == set(FORMS) == set(LAWS)


@pytest.mark.parametrize("name", LAWS)
def test_curves_without_noise_give_the_constants_to_a_millionth(name):
    fit = fit_pulses(curves_of(name, cycles=2), name)
    for key in ("step", "up_down", *FORMS[name].shape):
        assert fit.value(key) == pytest.approx(truth(name, key), rel=1e-6, abs=1e-7), key
    assert [fit.value("g_min"), fit.value("g_max")] == pytest.approx(WINDOW, rel=1e-6)
    assert fit.value("sigma_c2c") < 1e-6
    assert fit.held_out < 1e-6


@pytest.mark.parametrize("name", LAWS)
def test_the_constants_lie_in_their_intervals(name):
    """Of 95 % intervals of ten noisy data sets; one device, so that all intervals are those of the fit itself."""
    hits = covered(name, range(10), devices=1, cycles=3, pulses=100, sigma_c2c=0.3)
    assert len(hits) >= 30
    assert 0.85 <= hits.mean() <= 1


@pytest.mark.parametrize("name", LAWS)
def test_the_spreads_from_device_to_device_lie_in_their_intervals(name):
    spread = {"d2d_step": 0.1, "d2d_up_down": 0.05, "d2d_min": 0.04, "d2d_max": 0.04}
    hits = covered(name, range(4), devices=8, cycles=2, pulses=100, sigma_c2c=0.3, **spread)
    assert len(hits) >= 30
    assert 0.85 <= hits.mean() <= 1


def test_the_error_of_an_estimate_is_no_spread_of_devices():
    """Of 40 devices: a spread of a tenth is found to a third, and none where the devices are alike."""
    noise = {"devices": 40, "cycles": 1, "pulses": 60, "sigma_c2c": 0.5}
    spread = fit_pulses(curves_of("constant_step", d2d_step=0.1, **noise), "constant_step")
    alike = fit_pulses(curves_of("constant_step", **noise), "constant_step")
    assert spread.value("d2d_step") == pytest.approx(0.1, rel=0.33)
    assert alike.value("d2d_step") < 0.03
    steps = alike.estimate.model.of(alike.estimate.x, "up")
    assert steps.std() / steps.mean() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_the_intervals_cover_what_they_say(name):
    """Of 95 % intervals of 60 data sets: devices share the truth, so misses come in groups, and .91 is allowed."""
    spread = {"d2d_step": 0.1, "d2d_up_down": 0.05, "d2d_min": 0.04, "d2d_max": 0.04}
    assert covered(name, range(1000, 1060), devices=1, cycles=4, pulses=150, sigma_c2c=0.3).mean() >= 0.91
    assert covered(name, range(2000, 2060), devices=8, cycles=2, pulses=150, sigma_c2c=0.3, **spread).mean() >= 0.91


def test_a_noise_of_readings_is_told_from_that_of_pulses():
    hits = covered("linear_step", range(2), devices=1, cycles=4, pulses=100, sigma_c2c=0.3, write_noise=0.6)
    assert len(hits) == 16
    assert hits.sum() >= 13


def test_plain_increments_of_noisy_readings_would_bend_the_curve():
    """A reading that is too high makes the next step look too small: why there is a filter."""
    curves = curves_of("linear_step", cycles=4, sigma_c2c=0.1, write_noise=3.0)
    found = estimate(FORMS["linear_step"], curves)
    true = np.array([LAWS["linear_step"].gamma_up, LAWS["linear_step"].gamma_down])
    ones = np.ones(found.kept.shape)
    blind, _ = solve(found.model, found.x, Weighting(ones, ones, found.kept))
    assert found.noise.reading == pytest.approx(3.0, rel=0.1)
    assert np.all(np.abs(found.x[:2] - true) < 0.25)
    assert np.all(blind[:2] - true > 0.5)


def test_readings_without_noise_are_the_states_themselves():
    curves = curves_of("soft_bounds", sigma_c2c=0.3)
    form = FORMS["soft_bounds"]
    model = Model(form, curves, WINDOW, (False, False), np.array([[WINDOW[0]], [WINDOW[1]]]))
    plain = model.filtered(np.array([0.08, 0.08]), NoiseModel("additive", 0.3))
    nearly = model.filtered(np.array([0.08, 0.08]), NoiseModel("additive", 0.3, 1e-9))
    for one, other in zip(plain, nearly, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["constant_step", "soft_bounds", "linear_step", "exp_step"])
def test_auto_finds_the_law_that_the_curves_came_from(name):
    strong = {"exp_step": {"a_up": 0.02, "gamma_up": 3.5, "a_down": 0.02, "gamma_down": 3.5, "step": 0.03}}
    noise = {"sigma_c2c": 0.05, "d2d_step": 0.05, **strong.get(name, {})}
    fit = fit_pulses(curves_of(name, seed=5, devices=4, pulses=150, **noise))
    assert fit.model == name
    assert set(fit.errors) == set(FORMS)


def test_neurosim_and_linear_steps_are_the_same_curves():
    """They differ in what their constants mean, so `auto` names the one that stands first."""
    fit = fit_pulses(curves_of("neurosim_nl", cycles=2))
    assert fit.model == "linear_step"
    assert fit.errors["linear_step"] < 1e-6 and fit.errors["neurosim_nl"] < 1e-6
    assert np.tanh(LAWS["neurosim_nl"].nl_up / 2) == pytest.approx(fit.value("gamma_up"), rel=1e-6)


def test_limits_far_outside_the_data_are_not_chosen_but_named():
    curves = curves_of("soft_bounds", cycles=2, pulses=8)
    asked = fit_pulses(curves, "soft_bounds")
    assert any("far outside the data" in note for note in asked.notes)
    assert fit_pulses(curves).model != "soft_bounds"


def test_a_given_window_is_kept():
    fit = fit_pulses(curves_of("soft_bounds", sigma_c2c=0.2), "soft_bounds", g_min=0.5e-6, g_max=2e-5)
    assert (fit.value("g_min"), fit.value("g_max"), fit.given) == (0.5e-6, 2e-5, ("g_min", "g_max"))
    Path("mine.toml").write_text(hardware_toml(fit))
    assert [row.kind for row in load_hardware("mine.toml").evidence] == ["fit", "assumed"]


@pytest.mark.parametrize("name", LAWS)
def test_the_hardware_file_holds_the_law(name):
    fit = fit_pulses(curves_of(name, devices=3, cycles=2, sigma_c2c=0.2, d2d_step=0.1), name)
    Path("mine.toml").write_text(hardware_toml(fit, extends="board"))
    hardware = load_hardware("mine.toml")
    assert hardware.synapse.g_max == pytest.approx(fit.value("g_max"), rel=1e-7)
    assert hardware.neuron.amplifier.gain == 4
    update, law = hardware.synapse.update.model_dump(), fit.law.model_dump()
    assert update.pop("range") == law.pop("range")
    assert all(
        update[key] == (pytest.approx(value, rel=1e-7) if isinstance(value, float) else value)
        for key, value in law.items()
    )
    cite = next(row.cite for row in hardware.evidence if row.keys == ("synapse.update",) and row.kind == "fit")
    assert "95 % intervals: step" in cite and "held-out error" in cite


def test_a_file_in_siemens_and_one_in_microsiemens_are_the_same_curves():
    text = "\n".join([HEAD, *ROWS])
    Path("micro.csv").write_text(text)
    rows = [line.rsplit(",", 1) for line in ROWS]
    Path("siemens.csv").write_text("\n".join([HEAD.replace("uS", "S"), *(f"{a},{float(g) * 1e-6!r}" for a, g in rows)]))
    micro, siemens = read_pulses(Path("micro.csv")), read_pulses(Path("siemens.csv"))
    np.testing.assert_allclose(micro.g, siemens.g, rtol=1e-12)
    Path("again.csv").write_text(as_csv(micro))
    np.testing.assert_allclose(read_pulses(Path("again.csv")).g, micro.g, rtol=1e-5)


def test_rows_may_come_in_any_order_and_with_further_columns():
    Path("plain.csv").write_text("\n".join([HEAD, *ROWS]))
    Path("mixed.csv").write_text("\n".join([f"{HEAD},remark", *(f"{row},x" for row in reversed(ROWS))]))
    plain, mixed = read_pulses(Path("plain.csv")), read_pulses(Path("mixed.csv"))
    np.testing.assert_array_equal(plain.g[plain.up], mixed.g[mixed.up])


def test_the_command_writes_a_file_and_a_figure_and_prints_the_constants(capsys):
    status, out, _ = cli(capsys, "fit", str(DATA / "pulses.csv"), "--model", "soft_bounds", "--out", "mine.toml")
    assert status == 0
    assert "soft_bounds, from pulses.csv" in out and "held-out error" in out and "sigma_c2c" in out
    assert Path("mine.png").stat().st_size > 10_000
    status, out, _ = cli(capsys, "show", "./mine.toml")
    assert status == 0 and "fit      synapse.update" in out


def test_the_command_prints_one_json_object(capsys):
    arguments = ["--model", "linear_step", "--json", "--figure", "curves.svg", "--g-max", "21 uS"]
    status, out, _ = cli(capsys, "fit", str(DATA / "pulses.csv"), *arguments)
    found = json.loads(out)
    assert status == 0
    assert (found["model"], found["file"], found["figure"]) == ("linear_step", "pulses.toml", "curves.svg")
    assert found["constants"]["g_max"] == {"value": pytest.approx(21e-6), "interval": None}
    low, high = found["constants"]["step"]["interval"]
    assert low < found["constants"]["step"]["value"] < high
    assert Path("pulses.toml").exists() and Path("curves.svg").exists()


def changed(row, text):
    return "\n".join([HEAD, *ROWS[:row], text, *ROWS[row + 1 :]])


UP, DOWN = ROWS[:7], ROWS[7:]
MISTAKES = {
    "no column": (HEAD.replace(",cycle", ""), "has no column 'cycle'; expected the columns device, cycle, pulse"),
    "no unit": (HEAD.replace("_uS", ""), "has 0 columns of conductance; expected the columns"),
    "empty": ("", "has no column 'device'"),
    "no rows": (HEAD, "holds no readings below its first line"),
    "one pulse": ("\n".join([HEAD, *UP[:2], *DOWN]), "device 'A' has 1 pulse up; expected at least 5"),
    "no up": ("\n".join([HEAD, *DOWN]), "device 'A' has no pulses up; expected at least 5"),
    "no down": ("\n".join([HEAD, *UP]), "device 'A' has no pulses down; expected at least 5"),
    "no number": (changed(3, "A,1,3,up,high"), "line 5: conductance_uS is 'high'; expected a number of at least 0"),
    "nothing": (changed(3, "A,1,3,up"), "line 5: conductance_uS is None; expected a number of at least 0"),
    "infinite": (changed(3, "A,1,3,up,inf"), "conductance_uS is 'inf'; expected a number of at least 0"),
    "negative": (changed(3, "A,1,3,up,-2"), "conductance_uS is '-2'; expected a number of at least 0"),
    "half a pulse": (changed(3, "A,1,2.5,up,2"), "pulse is '2.5'; expected a whole number of at least 0"),
    "direction": (changed(3, "A,1,3,left,2"), "line 5: direction is 'left'; expected 'up' or 'down'"),
    "repeated": (changed(3, UP[2]), "line 5: repeats device 'A', cycle 1, up, pulse 2; expected each reading once"),
    "gap": ("\n".join([HEAD, *UP[:3], *UP[4:], *DOWN]), "cycle 1, up, jumps from pulse 2 to 4; expected every pulse"),
    "swapped": (
        "\n".join([HEAD, *ROWS]).replace("up", "?").replace("down", "up").replace("?", "down"),
        "device 'A' moves by -0.6 uS over all its pulses up; expected a move up",
    ),
    "one curve": ("\n".join([HEAD, *ROWS]), "has too few curves to choose a law by held-out ones; expected two cycles"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_file_is_one_sentence_and_status_2(capsys, mistake):
    text, sentence = MISTAKES[mistake]
    Path("pulses.csv").write_text(text)
    status, out, err = cli(capsys, "fit", "pulses.csv")
    assert (status, out) == (2, "")
    assert err.startswith("neuroeq: pulses.csv") and sentence in err and err.count("\n") == 1
    assert not Path("pulses.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv"], "nowhere.csv: cannot be read (No such file or directory)."),
        (["."], ".: is a folder; expected a CSV file."),
        (["binary.csv"], "binary.csv: is not UTF-8 text (byte 0)"),
        (["good.csv", "--model", "soft_bound"], "no pulse law 'soft_bound'; did you mean 'soft_bounds'?"),
        (["good.csv", "--model", "pcm"], "no pulse law 'pcm'. There are: auto, constant_step"),
        (["good.csv", "--out", "mine.csv"], "--out mine.csv: is no name of a hardware file"),
        (["good.csv", "--out", "no/mine.toml"], "--out no/mine.toml: there is no folder 'no'"),
        (["good.csv", "--figure", "f.gif"], "--figure f.gif: is no name of a figure"),
        (["good.csv", "--g-min", "3"], "--g-min is '3'; expected a conductance, such as '10 nS'"),
        (["good.csv", "--model", "linear_step", "--g-min", "1 mS"], "g_min (0.001 S) must be below g_max"),
        (["good.csv", "--extends", "bord"], "no hardware 'bord'; did you mean 'board'?"),
    ],
)
def test_wrong_arguments_are_one_sentence_and_status_2(capsys, arguments, sentence):
    Path("good.csv").write_text("\n".join([HEAD, *ROWS]))
    Path("binary.csv").write_bytes(b"\xff\xfe\x00")
    status, out, err = cli(capsys, "fit", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("neuroeq: ") and sentence in err and err.count("\n") == 1


def test_curves_that_a_law_cannot_describe_are_refused():
    curves = curves_of("linear_step")
    still = replace(curves, g=np.full_like(curves.g, 1e-6))
    with pytest.raises(DataError, match="every reading is the same"):
        fit_pulses(still, "linear_step")
    with pytest.raises(SpecError, match=r"g_min is -1 S; expected at least 0"):
        fit_pulses(curves, "linear_step", g_min=-1)
    with pytest.raises(NeuroeqError, match="no pulse law 'cubic'"):
        fit_pulses(curves, "cubic")


def test_the_example_is_what_its_script_writes():
    from runpy import run_path

    script = run_path(str(DATA / "example_pulses.py"))
    curves = simulate(script["LAW"], (2e-6, 20e-6), devices=4, cycles=3, pulses=40, rng=np.random.default_rng(2024))
    assert as_csv(curves) == (DATA / "pulses.csv").read_text()
