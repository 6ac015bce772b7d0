"""A diode and an update law that users add from one file each, used by name through the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from neuroeq import registry
from neuroeq.cli import main
from neuroeq.contract import Stop
from neuroeq.describe.catalog import load_hardware, resolve
from neuroeq.describe.network import initial_params
from neuroeq.errors import SpecError
from neuroeq.physics.circuits.circuit import Drive
from neuroeq.physics.circuits.diodes import Diode
from neuroeq.physics.circuits.layout import in_siemens, lay_out, source_voltages
from neuroeq.physics.circuits.solve import operating_point
from neuroeq.physics.circuits.spice.netlist import netlist, voltages
from neuroeq.physics.circuits.spice.ngspice import available, simulate
from neuroeq.physics.devices import Chip
from neuroeq.physics.devices.laws import nominal, pulse
from neuroeq.physics.substrates import build
from neuroeq.randomness import Streams
from neuroeq.registry import DIODES

HERE = Path(__file__).parent
EVIDENCE = """
[[evidence]]
keys = ["neuron.nonlinearity", "synapse"]
kind = "assumed"
cite = "made up for this test"
"""
TUNNEL = """title = "tunnel diodes"
extends = "ideal"
[neuron.nonlinearity]
model = "tunnel"
i_p = "2 uA"
v_p = "0.25 V"
"""
SATURATING = """title = "saturating devices"
extends = "ideal"
[synapse.update]
model = "saturating"
w_max = 1.5
range = [-1, 1]
step = 0.02
"""


@pytest.fixture(autouse=True)
def added(tmp_path, monkeypatch):
    """Put both files into the folder of extensions, and forget what they register afterwards."""
    monkeypatch.setattr(registry, "_loaded", set())
    monkeypatch.setattr(registry.DIODES, "_added", {})
    monkeypatch.setattr(registry.UPDATE_LAWS, "_added", {})
    monkeypatch.setattr(registry.PROGRAMMING, "_added", {})
    extensions = tmp_path / "home" / "extensions"
    extensions.mkdir(parents=True)
    for name in ("tunnel_diode.py", "saturating_law.py", "nearest_pulse.py"):
        shutil.copy(HERE / name, extensions)
    (tmp_path / "tunnel.toml").write_text(TUNNEL + EVIDENCE)
    (tmp_path / "saturating.toml").write_text(SATURATING + EVIDENCE)


def ran(capsys, *arguments):
    """Run the command line; return its exit status, its result and what it writes to stderr."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    output = capsys.readouterr()
    return ended.value.code or 0, json.loads(output.out or "null"), output.err


def made(hardware, **options):
    """Return the resistor network of xor with its start values, and all four of its inputs."""
    network = resolve("xor", "resistive", hardware=hardware)
    params = initial_params(network, np.random.default_rng(0))
    return build(network, params, 4, **options), np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def tunnel_current(v, i_p=2e-6, v_p=0.25):
    """Return the current of the diode in the hardware file, as its one-line docstring has it. [A]."""
    return i_p * (v / v_p) * (np.exp(1 - v / v_p) + 1 / np.e)


@pytest.mark.parametrize("file", ["tunnel_diode.py", "saturating_law.py", "nearest_pulse.py"])
def test_an_addition_is_one_short_file(file):
    assert (HERE / file).read_text().count("\n") <= 30


@pytest.mark.parametrize(("on", "hardware"), [("resistive", "tunnel.toml"), ("crossbar", "saturating.toml")])
def test_a_network_is_trained_with_what_was_added(capsys, on, hardware):
    arguments = ["run", "xor", "--substrate", on, "--hardware", hardware, "--epochs", "3", "--quiet"]
    status, result, stderr = ran(capsys, *arguments)
    assert status == 0, stderr
    assert result["hardware"] == hardware.removesuffix(".toml") and np.isfinite(result["loss"])


def test_kirchhoffs_law_holds_with_the_curve_of_the_added_diode():
    """At hidden nodes the resistors bring what the diodes draw, by the formula written out here."""
    substrate, inputs = made("tunnel.toml")
    eq = substrate.relax(inputs, stop=Stop(200, 1e-12))
    assert eq.converged and eq.residual < 1e-9
    circuit, unit = substrate.circuit, substrate.network.v_unit
    assert len(circuit.layers["hidden"].low) == 16
    x = substrate.network.circuit.input_gain * inputs
    sources = np.concatenate([x, -x, np.full((4, 1), 4.0)], axis=1) * unit
    g = {name: substrate.params[name] * substrate.network.g_unit for name in ("input_hidden", "hidden_output")}
    hidden, output = eq.state["hidden"] * unit, eq.state["output"] * unit
    brought = sources @ g["input_hidden"] - hidden * g["input_hidden"].sum(axis=0)
    brought = brought + output @ g["hidden_output"].T - hidden * g["hidden_output"].sum(axis=1)
    low, high = circuit.layers["hidden"].low * unit, circuit.layers["hidden"].high * unit
    upper, lower = (np.where(np.isfinite(bias), bias, 0.0) for bias in (high, low))
    drawn = np.where(np.isfinite(high), tunnel_current(hidden - upper), 0.0)
    drawn = drawn - np.where(np.isfinite(low), tunnel_current(lower - hidden), 0.0)
    np.testing.assert_allclose(brought, drawn, rtol=0, atol=1e-9 * np.abs(drawn).max())
    ideal, _ = made("ideal")
    clamped = ideal.relax(inputs, stop=Stop(200, 1e-12)).state["hidden"] * unit
    assert np.abs(hidden - clamped).max() > 0.05


def test_the_added_diode_settles_in_time_to_the_same_operating_point():
    solved, inputs = made("tunnel.toml")
    in_time, _ = made("tunnel.toml", engine="stepper")
    expected = solved.relax(inputs, stop=Stop(200, 1e-12)).state["hidden"]
    settled = in_time.relax(inputs, stop=Stop(100_000, 1e-9))
    assert settled.converged
    np.testing.assert_allclose(settled.state["hidden"], expected, rtol=0, atol=1e-6)


def test_the_added_diode_is_a_source_of_its_expression_in_a_netlist(capsys):
    arguments = ["run", "xor", "--substrate", "resistive", "--hardware", "tunnel.toml", "--epochs", "1", "--quiet"]
    _, result, _ = ran(capsys, *arguments)
    status, _, stderr = ran(capsys, "export", result["path"], "xor.cir", "--to", "spice")
    assert status == 0, stderr
    line = next(line for line in Path("xor.cir").read_text().splitlines() if line.startswith("B_hidden_0_low"))
    _, anode, cathode, current = line.split(maxsplit=3)
    drop = f"v({anode},{cathode})"
    assert current == f"i=2e-06*{drop}/0.25*(exp(1 - {drop}/0.25) + exp(-1))"


@pytest.mark.skipif(not available(), reason="ngspice is not installed")
def test_ngspice_finds_the_same_operating_point_with_the_added_diode():
    """Its exponential is the same, so only the tolerance of the last Newton step is left."""
    network = resolve("xor", "resistive", hardware="tunnel.toml")
    params = initial_params(network, np.random.default_rng(0))
    circuit = lay_out(network, in_volts=True)
    drive = Drive({"input": source_voltages(network, np.array([[0.0, 1.0]])) * network.v_unit})
    g = in_siemens(network, params)
    found = voltages(circuit, simulate(netlist(circuit, g, drive)))
    solved = operating_point(circuit, g, drive, tolerance=1e-13, iterations=400)
    for layer, volts in solved.voltages.items():
        np.testing.assert_allclose(found[layer], volts, rtol=0, atol=1e-9)


def test_a_diode_without_an_equation_says_so():
    diode = DIODES.get("tunnel")(model="tunnel", i_p="1 uA", v_p="0.1 V")
    silent = type("Silent", (type(diode),), {"expression": Diode.expression})(model="tunnel", i_p="1 uA", v_p="0.1 V")
    with pytest.raises(SpecError, match="has no equation for Brian2, so its circuit does not run in time"):
        silent.expression()
    with pytest.raises(SpecError, match=r"there is no SPICE element for .*; give the diode a method element"):
        silent.element("x", "a", "b", "m")


def test_one_pulse_moves_a_device_by_the_formula_of_the_added_law():
    """By s (1 - |w|/w_max)^2, in the hardware file's own states and in siemens on the chip."""
    law = load_hardware("saturating.toml").synapse.update
    state = np.linspace(-1, 1, 9)
    for direction in (1.0, -1.0):
        after = pulse(law, nominal(law), state, np.full(9, direction), np.random.default_rng(0))
        expected = np.clip(state + direction * 0.02 * (1 - np.abs(state) / 1.5) ** 2, -1, 1)
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-15)


def test_a_chip_pulses_its_devices_by_the_added_law():
    """A change of one step asks each device of a pair for half a pulse; every pulse that comes is as the law says."""
    network = resolve("xor", "crossbar", hardware="saturating.toml")
    params = initial_params(network, np.random.default_rng(0))
    chip = Chip(network, params, Streams(0))
    held = chip.write(params, np.random.default_rng(1))
    law, hardware = network.technology.synapse.update, network.technology
    per_state = (hardware.g_max - hardware.g_min) / 2
    name = "input_hidden"
    step = 0.02 * per_state / chip.arrays[name].mapping.unit
    wanted = {**params, name: params[name] + step}
    after = chip.update(held, params, wanted, np.random.default_rng(2))
    before = -1 + (held[name] - hardware.g_min) / per_state
    moved = -1 + (after[name] - hardware.g_min) / per_state - before
    pulsed = np.abs(moved) > 1e-12
    assert 0.2 < pulsed.mean() < 0.8 and law.model == "saturating"
    np.testing.assert_allclose(np.abs(moved)[pulsed], (0.02 * (1 - np.abs(before) / 1.5) ** 2)[pulsed], atol=1e-12)


def test_a_chip_is_programmed_by_the_added_scheme(capsys):
    """It is chosen on the command line; changes of less than half a step are forgotten, and others are whole steps."""
    setting = "hardware.synapse.programming.scheme=nearest_pulse"
    network = resolve("xor", "crossbar", [setting], hardware="saturating.toml")
    params = initial_params(network, np.random.default_rng(0))
    chip = Chip(network, params, Streams(0))
    held, name = chip.write(params, np.random.default_rng(1)), "input_hidden"
    change = np.zeros_like(params[name])
    change[0], change[1] = 0.4 * chip.arrays[name].granularity, 3.2 * chip.arrays[name].granularity
    after = chip.update(held, params, {**params, name: params[name] + change}, np.random.default_rng(2))
    np.testing.assert_array_equal(after[f"{name}/pulses"].sum(axis=0)[0], 0)
    np.testing.assert_array_equal(after[f"{name}/pulses"].sum(axis=0)[1], 3)
    arguments = ["run", "xor", "--substrate", "crossbar", "--hardware", "saturating.toml", "--set", setting]
    status, result, stderr = ran(capsys, *arguments, "--epochs", "2", "--quiet")
    assert status == 0, stderr
    assert result["programming"]["scheme"] == "nearest_pulse"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[neuron.nonlinearity]\nmodel = "tunel"', r"nonlinearity.model is 'tunel'; expected 'none', .*, 'tunnel'\."),
        ('[neuron.nonlinearity]\nmodel = "tunnel"\ni_p = "1 V"\nv_p = "1 V"', "i_p is '1 V'; expected a current"),
        ('[neuron.nonlinearity]\nmodel = "tunnel"\ni_p = "1 A"', "neuron.nonlinearity.v_p is missing"),
        ('[neuron.nonlinearity]\nmodel = "tunnel"\ni_q = "1 A"', "no key 'i_q'; did you mean 'i_p'.*Allowed here: i_p"),
        (
            '[synapse.update]\nmodel = "saturatin"',
            r"update.model is 'saturatin'; expected .*, 'saturating'\.",
        ),
    ],
)
def test_a_file_that_uses_an_addition_wrongly_is_told_what_there_is(text, sentence):
    Path("wrong.toml").write_text(f'title = "wrong"\n{text}\n')
    with pytest.raises(SpecError, match=sentence):
        load_hardware("wrong.toml")
