"""Runs on circuits: what they report, keep and draw, and what they refuse."""

import json
import time
import tomllib
from signal import SIGINT, raise_signal

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from neuroeq import plots
from neuroeq.cli import main
from neuroeq.errors import SpecError
from neuroeq.measures.parts import total
from neuroeq.physics.devices import array
from neuroeq.runs.analysis import conductances, segments, settling_time
from neuroeq.runs.interruption import Interrupted
from neuroeq.runs.records import RunFolder
from neuroeq.runs.training import train

RUNS = {"resistive": ("resistive", "1n4148_amplified"), "crossbar": ("crossbar", "ideal")}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: train("xor", on, hardware=hardware, epochs=20, out=folder / name) for name, (on, hardware) in RUNS.items()
    }


@pytest.mark.parametrize("name", RUNS)
def test_the_result_says_what_it_is_made_of_and_what_it_spends(runs, name):
    result = json.loads((runs[name].path / "result.json").read_text())
    assert result["hardware"] == RUNS[name][1]
    for what in ("inference", "update"):
        parts = result["energy"][what]
        assert result[f"energy_per_{what}_J"] == pytest.approx(total(parts), rel=1e-9, abs=0)
        assert parts["input_hidden"] > 0 and parts["hidden_output"] > 0
    assert 1e-15 < result["energy_per_inference_J"] < result["energy_per_update_J"] < 1e-3
    assert (result["mapping"] is not None) == (name == "crossbar")
    table = tomllib.loads((runs[name].path / "run.toml").read_text())
    assert table["hardware"]["name"] == RUNS[name][1]


def test_conversions_and_pulses_are_counted_from_the_hardwares_constants(tmp_path):
    settings = [
        "hardware.periphery.dac_energy='2 pJ'",
        "hardware.periphery.adc_energy='3 pJ'",
        "hardware.periphery.write_energy='5 pJ'",
    ]
    run = train("xor", "resistive", settings=settings, epochs=1, out=tmp_path / "run")
    sources, nodes, devices = 5, 16 + 4, 5 * 16 + 16 * 4
    assert run.result["energy"]["inference"]["DAC"] == pytest.approx(sources * 2e-12, rel=1e-9, abs=0)
    assert run.result["energy"]["inference"]["ADC"] == pytest.approx(4 * 3e-12, rel=1e-9, abs=0)
    assert run.result["energy"]["update"]["ADC"] == pytest.approx(4 * 3 * nodes * 3e-12, rel=1e-9, abs=0)
    assert run.result["energy"]["update"]["writing"] == pytest.approx(devices * 5e-12, rel=1e-9, abs=0)


def test_a_phase_held_twice_as_long_takes_twice_the_energy(tmp_path):
    one, two = (
        train("xor", "resistive", settings=[f"hardware.periphery.phase_time='{t} us'"], epochs=1, out=tmp_path / str(t))
        for t in (1, 2)
    )
    assert two.result["energy_per_inference_J"] == pytest.approx(
        2 * one.result["energy_per_inference_J"], rel=1e-9, abs=0
    )


@pytest.mark.parametrize("name", RUNS)
def test_node_voltages_are_recorded_while_they_settle(runs, name):
    phases = segments(runs[name])
    assert phases[0].name == "free" and len(phases) == 3
    v = phases[0].states["output"]["v"]
    assert phases[0].units["v"] == "V" and np.abs(v[-1]).max() > 0.05
    assert np.abs(v[-1] - v[-2]).max() < 0.5 * np.abs(v[1] - v[0]).max()
    assert settling_time(runs["resistive"]) < 1e-6


@pytest.mark.parametrize("name", RUNS)
def test_devices_are_within_their_window_and_move(runs, name):
    before, after = conductances(runs[name], "before"), conductances(runs[name])
    for projection in after:
        assert after[projection].min() >= (1e-7 * (1 - 1e-9) if name == "crossbar" else 0)
        assert np.abs(after[projection] - before[projection]).max() > 0


@pytest.mark.parametrize("name", RUNS)
def test_all_figures_of_a_circuit_are_drawn(runs, name, tmp_path):
    written = plots.save(runs[name], folder=tmp_path)
    assert {path.stem for path in written} == set(plots.FIGURES) - {"raster", "saturation", "kernels", "maps", "phases"}
    for path in written:
        if path.suffix == ".png":
            pixels = np.asarray(Image.open(path).convert("L"))
            assert pixels.shape[0] > 300 and (pixels < 200).mean() > 0.005, path
    for draw in (plots.energy, plots.histogram):
        assert isinstance(draw(runs[name]), Axes)


def test_what_has_no_devices_has_no_such_figures(tmp_path):
    run = train("xor", "rate", epochs=1, out=tmp_path / "run")
    with pytest.raises(SpecError, match="substrate 'rate' has no conductances"):
        plots.histogram(run)
    with pytest.raises(SpecError, match="substrate 'rate' has no energies"):
        plots.energy(run)


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_ends_in_the_same_bits(runs, name, tmp_path):
    on, hardware = RUNS[name]

    def stop(step, row):
        if step.epoch == 7:
            raise_signal(SIGINT)

    with pytest.raises(Interrupted):
        train("xor", on, hardware=hardware, epochs=20, out=tmp_path / "cut", progress=stop)
    train("xor", on, hardware=hardware, epochs=20, out=tmp_path / "cut", resume=True)
    whole, cut = (RunFolder(path).load().params for path in (runs[name].path, tmp_path / "cut"))
    for projection in whole:
        np.testing.assert_array_equal(whole[projection], cut[projection])


WIRES = {"hardware": {"array": {"r_wire_row": "0.35 ohm", "r_wire_col": "0.35 ohm", "max_rows": 8, "max_cols": 8}}}
EXACT = {"hardware": {"array": {"solver": "exact"}}}


@pytest.mark.parametrize("name", RUNS)
def test_wires_are_approximated_within_the_bound_and_a_resumed_run_ends_in_the_same_bits(name, tmp_path):
    on, hardware = RUNS[name]
    how = {"hardware": hardware, "epochs": 6}

    def stop(step, row):
        if step.epoch == 3 and step.batch == 1:
            raise_signal(SIGINT)

    batches_of_one = {"training": {"batch_size": 1}}
    whole, exact = (
        train("xor", on, settings=settings, out=tmp_path / str(len(settings)), **how)
        for settings in ([WIRES, batches_of_one], [WIRES, batches_of_one, EXACT])
    )
    assert 0 < whole.result["wire_error"] < 1e-3
    assert exact.result["wire_error"] is None
    with pytest.raises(Interrupted):
        train("xor", on, settings=[WIRES, batches_of_one], out=tmp_path / "cut", progress=stop, **how)
    cut = train("xor", on, settings=[WIRES, batches_of_one], out=tmp_path / "cut", resume=True, **how)
    assert cut.result["wire_error"] == whole.result["wire_error"]
    ends = [RunFolder(run.path).load().params for run in (whole, cut, exact)]
    for projection, value in ends[0].items():
        np.testing.assert_array_equal(value, ends[1][projection])
        np.testing.assert_allclose(value, ends[2][projection], rtol=0, atol=1e-3 * np.abs(value).max())
    assert any((value != ends[2][projection]).any() for projection, value in ends[0].items())


def test_a_small_network_learns_in_time(tmp_path):
    """The resistors' own equation changes them while the nudge lasts, in Brian2."""
    settings = ["layers.hidden.size=4", "training.learning=in_situ", "training.batch_size=4"]
    run = train(
        "and", "resistive", settings=settings, engine="stepper", target="numpy", epochs=15, out=tmp_path / "run"
    )
    losses = [row["train_loss"] for row in run.metrics]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--substrate", "rate", "--hardware", "ideal"], "substrate 'rate' has no hardware; expected one of"),
        (["--substrate", "resistive", "--hardware", "idael"], "no hardware 'idael'; did you mean 'ideal'?"),
        (["--substrate", "resistive", "--ideal", "wire"], "no part of the hardware 'wire'; did you mean 'wires'?"),
        (
            ["--substrate", "resistive", "--set", "hardware.neuron.c_nod='1 pF'"],
            "no key 'hardware.neuron.c_nod'; did you mean 'hardware.neuron.c_node'?",
        ),
        (
            ["--substrate", "resistive", "--set", "hardware.synapse.g_max='0 S'"],
            "hardware.synapse.g_max",
        ),
        (
            ["--substrate", "crossbar", "--set", "hardware.synapse.g_max='1 uS'",
             "--set", "hardware.neuron.integrator.r_f='1 kohm'"],
            "holds 0.001 at most",
        ),
        (
            ["--substrate", "resistive", "--set", "phases.nudge=state"],
            "outputs are paired; use phases.nudge 'held_current'",
        ),
        (["--substrate", "resistive", "--engine", "stepper", "--hardware", "1n4148_amplified"], "has amplifiers"),
        (
            ["--substrate", "resistive", "--set", "substrate.resistive.circuit.outputs=single",
             "--set", "phases.nudge=conductance", "--set", "phases.beta=100"],
            "phases.beta is 100, but a nudge of -beta is stable only below",
        ),
    ],
)  # fmt: skip
def test_a_users_mistake_on_a_circuit_is_one_sentence_and_status_2(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        main(["run", "xor", *arguments, "--epochs", "1"])
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith("neuroeq: ") and sentence in err
    assert err.count("\n") == 1 and "Traceback" not in err


def test_hardware_is_listed_and_shown(capsys):
    for words, expected in ((["list", "hardware"], "1n4148"), (["show", "1n4148"], "4.352 nA")):
        with pytest.raises(SystemExit):
            main(words)
        assert expected in capsys.readouterr().out


def test_writing_counts_two_devices_a_weight_and_bias_and_a_batch_the_samples_there_are(tmp_path):
    settings = ["hardware.periphery.write_energy='1 pJ'", "training.batch_size=100"]
    run = train("xor", "crossbar", hardware="ideal", settings=settings, epochs=1, out=tmp_path / "run")
    update = run.result["energy"]["update"]
    assert update["writing"] == pytest.approx(2 * (2 * 16 + 16 * 2 + 16 + 2) * 1e-12, rel=1e-9, abs=0)
    again = train("xor", "crossbar", hardware="ideal", settings=settings[:1], epochs=1, out=tmp_path / "again")
    assert update["input_hidden"] == pytest.approx(again.result["energy"]["update"]["input_hidden"], rel=0.2, abs=0)


def test_a_circuit_that_is_not_solved_is_said_once_with_the_residual(tmp_path):
    settings = ["phases.free.duration='1 steps'"]
    with pytest.warns(UserWarning, match=r"net current into a node of .* of the largest, after 1 steps") as said:
        run = train("xor", "resistive", hardware="1n4148", settings=settings, epochs=2, out=tmp_path / "run")
    assert sum("net current" in str(each.message) for each in said) == 1
    assert run.result["residual"] > 0.01


def test_a_fused_run_reports_its_residual_and_draws_no_empty_figure(tmp_path):
    settings = ["substrate.resistive.circuit.outputs=single", "phases.nudge=conductance", "phases.beta=0.02"]
    settings += ["phases.free.duration='4 steps'", "phases.nudged.duration='4 steps'"]
    run = train("xor", "resistive", settings=settings, epochs=3, out=tmp_path / "run")
    assert run.metrics[-1]["residual"] > 0 and run.metrics[-1]["free_steps"] == 4
    assert run.metrics[-1]["looked_at"] == 4, "the only batch of an epoch"
    assert run.result["trainer"] == "fused (numpy)"
    assert (run.result["engine"], run.result["target"]) == ("operating_point", None)
    assert 0 < run.metrics[-1]["moving_hidden"] < 1


def test_the_devices_of_a_chip_are_drawn_once_in_training_and_once_for_the_start_in_the_conclusion(monkeypatch):
    drawn, draw = [], array.draw_cells
    monkeypatch.setattr(array, "draw_cells", lambda law, shape, rng: drawn.append(shape) or draw(law, shape, rng))
    run = train("xor", "crossbar", hardware="ecram_mo", epochs=2, keep=False)
    assert len(drawn) == 2 * len(run.params)


def test_compiling_counts_as_compiling(tmp_path, monkeypatch):
    """Here it takes 0.3 s; training takes hundredths."""

    def compile_slowly(network, samples):
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    monkeypatch.setattr("neuroeq.learning.trainers.fused.Fused.prepare", compile_slowly)
    settings = ["substrate.resistive.circuit.outputs=single", "phases.nudge=conductance", "phases.beta=0.02"]
    settings += ["phases.free.duration='4 steps'", "phases.nudged.duration='4 steps'"]
    run = train("xor", "resistive", settings=settings, epochs=1, out=tmp_path / "run")
    assert run.result["compile_s"] >= 0.3 > run.result["cpu_s"]


def test_a_run_in_time_has_energies_figures_and_a_netlist(tmp_path, capsys):
    settings = ["layers.hidden.size=4", "training.learning=in_situ"]
    how = {"engine": "stepper", "target": "numpy", "epochs": 2}
    run = train("and", "resistive", settings=settings, out=tmp_path / "run", **how)
    assert run.result["energy_per_inference_J"] > 0
    assert {path.stem for path in plots.save(run, folder=tmp_path)} >= {"energy", "conductances", "settling"}
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run.path), str(tmp_path / "and.cir")])
    assert not ended.value.code and "run it with: ngspice -b " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["/nowhere/x.cir"], "/nowhere/x.cir: cannot be written"),
        (["x.cir", "--beta", "nan"], "--beta is nan; expected"),
    ],
)
def test_an_export_that_cannot_be_is_one_sentence(runs, capsys, extra, sentence):
    with pytest.raises(SystemExit) as ended:
        main(["export", str(runs["resistive"].path), *extra])
    assert ended.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.parametrize("model", ["ideal", "none", "piecewise"])
def test_without_former_keys_are_one_setting_away(model, tmp_path):
    more = ["threshold='0.4 V'", "r_on='100 ohm'", "r_off='1 Mohm'"] if model == "piecewise" else []
    settings = [f"hardware.neuron.nonlinearity.{each}" for each in (f"model={model}", *more)]
    run = train("and", "resistive", hardware="1n4148", settings=settings, epochs=1, out=tmp_path / "run")
    assert run.network.technology.neuron.nonlinearity.model == model
