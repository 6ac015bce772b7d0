"""Every shipped configuration loads, says where its numbers are from, and trains; mistakes are one sentence."""

import numpy as np
import pytest

from neuroeq.cli import main
from neuroeq.data import load
from neuroeq.describe.catalog import load_hardware, names, resolve
from neuroeq.errors import NeuroeqError
from neuroeq.learning.training import initial_state
from neuroeq.learning.training import train as steps
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.runs.training import train

CIRCUITS = ("resistive", "crossbar")
OF_PHASES = ("oscillators_ideal", "oscillators_dispersed")
"""Hardware of oscillators, which have no devices."""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "on"),
    [(name, on) for name in names("hardware") for on in (CIRCUITS if name not in OF_PHASES else ("oscillator",))],
)
def test_every_configuration_trains_xor(name, on, tmp_path):
    run = train("xor", on, hardware=name, epochs=6, out=tmp_path / "run", target="numpy")
    assert all(np.isfinite(row["train_loss"]) for row in run.metrics) and len(run.metrics) == 6
    assert run.result["hardware"] == name
    assert name in OF_PHASES or run.result["energy_per_update_J"] >= 0


def fifty_steps_on_digits(on, name, *settings):
    """Parameters stay finite, and move."""
    net = resolve("digits", on, settings, hardware=name)
    streams = Streams(0)
    state = initial_state(net, streams)
    substrate = build(net, state.params, net.training.batch_size, target="numpy")
    before = {key: value.copy() for key, value in state.params.items()}
    for number, _ in enumerate(steps(substrate, load(net, None), state, streams, "stepwise"), 1):
        if number == 50:
            break
    assert all(np.isfinite(value).all() for value in state.params.values())
    assert any(np.abs(value - before[key]).max() > 1e-6 for key, value in state.params.items())


DEVICES = [name for name in names("hardware") if name not in ("1n4148", "1n4148_amplified", *OF_PHASES)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", DEVICES)
def test_every_configuration_takes_50_steps_on_digits(name):
    """Of few hidden units: the wires of an array are solved for at every step."""
    fifty_steps_on_digits("resistive", name, "layers.hidden.size=12")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.reproduction
@pytest.mark.parametrize("name", DEVICES)
def test_every_configuration_takes_50_steps_on_digits_in_full_size(name):
    fifty_steps_on_digits("resistive", name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize("name", names("hardware"))
def test_every_configuration_takes_50_steps_on_digits_on_a_crossbar(name):
    fifty_steps_on_digits("crossbar", name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["pcm", "hfo2_rram_alox"])
def test_a_resumed_run_on_devices_equals_an_uninterrupted_one(name, tmp_path):
    def go(where, **options):
        return train("xor", "crossbar", hardware=name, epochs=6, out=tmp_path / where, target="numpy", **options)

    def stop_after(step, row):
        if step.epoch == 2 and row is not None:
            raise KeyboardInterrupt

    whole = go("whole")
    with pytest.raises((KeyboardInterrupt, NeuroeqError)):
        go("parts", progress=stop_after)
    parts = go("parts", resume=True)
    one, two = (run.folder.load() for run in (whole, parts))
    for kept, other in ((one.params, two.params), (one.devices, two.devices)):
        assert kept.keys() == other.keys() and kept
        for key, value in kept.items():
            np.testing.assert_array_equal(value, other[key])


def test_every_number_of_a_shipped_file_has_its_evidence_and_show_flags_what_is_assumed(capsys):
    for name in names("hardware"):
        hardware = load_hardware(name)
        with pytest.raises(SystemExit) as ended:
            main(["show", name])
        said = capsys.readouterr().out
        assert not ended.value.code and hardware.title in said
        assert ("assumed, not measured" in said) == any(each.kind == "assumed" for each in hardware.evidence)


def test_the_list_is_a_table_of_technologies(capsys):
    with pytest.raises(SystemExit):
        main(["list", "hardware"])
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if "hfo2_rram_alox" in line)
    assert "13.4 µS - 59.2 µS" in line and "4.43" in line and " 40 " in line and "4.8 nJ" in line and "derived" in line


HEAD = 'title = "mine"\n'
EVIDENCE = '[[evidence]]\nkeys = ["synapse"]\nkind = "assumed"\ncite = "a test"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[synapse]\ng_min = "5 uS"\ng_max = "2 uS"\n', r"g_max \(2e-06 S\) must be above g_min"),
        ('[synapse]\ng_min = "5 mV"\n', "synapse.g_min is '5 mV'; expected a conductance"),
        ("[synapse]\ng_min = 5\n", "expected a conductance, such as"),
        ('[synapse]\ngmin = "5 uS"\n', "synapse.gmin"),
        ('[synapse]\ng_max = "1 mS"\n[synapse.faults]\nstuck_random = 1.5\n', "stuck_random"),
        ('[synapse]\ng_max = "1 mS"\n[synapse.faults]\nstuck_random = 0.7\nstuck_at_min = 0.6\n', "add up to 1.3"),
        ("[synapse]\nlevels = 8\n", "levels needs a window; give g_max"),
        (
            '[synapse]\ng_max = "1 mS"\n[synapse.update]\nmodel = "soft_bond"\nstep = 0.1\n',
            "update.model is 'soft_bond'",
        ),
        ('[synapse]\ng_max = "1 mS"\n[synapse.update]\nmodel = "soft_bounds"\nstep = -1\n', "update.step"),
        ('[synapse]\nelement = "mosfet"\nbeta = 1e-4\n', "v_th is None, and element is 'mosfet'; expected one"),
        ('[synapse]\nv_th = "1 V"\n', "v_th is 1.0, and element is 'resistor'; only a mosfet has it"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(text, message, tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + text + EVIDENCE)
    with pytest.raises(SystemExit) as ended:
        main(["run", "xor", "--substrate", "resistive", "--hardware", str(path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    with pytest.raises(NeuroeqError, match=message):
        load_hardware(str(path))
    assert said.count("\n") == 1 and "Traceback" not in said


def test_a_number_without_evidence_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + "[periphery]\ndac_bits = 8\n")
    with pytest.raises(
        NeuroeqError, match=r"periphery.dac_bits has no evidence; add it to the keys of an \[\[evidence\]\]"
    ):
        load_hardware(str(path))


def test_files_that_extend_each_other_are_refused(tmp_path):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(f'extends = "{two}"\n{HEAD}')
    two.write_text(f'extends = "{one}"\n{HEAD}')
    with pytest.raises(NeuroeqError, match="extends itself, by way of"):
        load_hardware(str(one))


@pytest.mark.parametrize(
    ("part", "gone", "left"),
    [
        ("array", "array.r_wire_row", "synapse.update"),
        ("periphery", "periphery.adc_bits", "periphery.dac_energy"),
        ("devices", "synapse.read_noise", "synapse.g_max"),
        ("amplifiers", "neuron.amplifier", "neuron.nonlinearity.i_s"),
        ("diodes", "neuron.nonlinearity.i_s", "neuron.nonlinearity.v_bias_up"),
    ],
)
def test_a_part_is_idealised_by_its_name(part, gone, left):
    def value(path, hardware):
        for key in path.split("."):
            hardware = getattr(hardware, key, None)
        return hardware

    real, ideal = (resolve("xor", "resistive", hardware="pcm", ideal=parts).technology for parts in ((), (part,)))
    assert value(gone, real) and not value(gone, ideal)
    assert value(left, ideal) == value(left, real)
    for evidence in ideal.evidence:
        assert not any(key.startswith(gone) for key in evidence.keys)


def test_noise_of_reading_is_one_word_on_the_command_line():
    noisy = resolve("xor", "crossbar", ["hardware.synapse.read_noise.sigma=0.02"], "ideal").technology
    assert (noisy.synapse.read_noise.model, noisy.synapse.read_noise.sigma) == ("relative", 0.02)
    with pytest.raises(NeuroeqError, match=r"hardware\.synapse\.read_noise"):
        resolve("xor", "crossbar", ["hardware.synapse.read_noise.sigma=0.02"], "pcm")
