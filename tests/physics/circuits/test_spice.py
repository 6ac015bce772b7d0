"""Netlists of circuits: ngspice finds what the solvers find."""

import re
import shlex
import subprocess
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuroeq.errors import DataError, NeuroeqError, SpecError
from neuroeq.physics.circuits.assembly import assemble
from neuroeq.physics.circuits.circuit import Amplifier, Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import Diode, IdealDiode, NoDiode, ShockleyDiode
from neuroeq.physics.circuits.diodes.ideal import IDEAL_RESISTANCE
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.solve import operating_point
from neuroeq.physics.circuits.spice import ngspice
from neuroeq.physics.circuits.spice.elements import node_names
from neuroeq.physics.circuits.spice.netlist import netlist, voltages
from neuroeq.physics.circuits.spice.ngspice import simulate
from tests.physics.circuits.circuits import DIODES, KENDALL, random_case

needs_ngspice = pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed")

NETWORKS = [(20, 10, 5), (64, 32, 10), pytest.param((784, 128, 10), marks=pytest.mark.reproduction)]
TINY = random_case(np.random.default_rng(0), batch=3, sizes=(3, 4, 2), amplifier=KENDALL)


def case(seed=0, **options):
    return random_case(np.random.default_rng(seed), batch=3, **options)


def pushed(circuit, drive, seed=1):
    """Return the drive with a negative pull at y, currents into h1 that differ by sample, and one into y."""
    rng = np.random.default_rng(seed)
    sizes = {name: layer.size for name, layer in circuit.layers.items()}
    currents = {name: rng.uniform(-1e-5, 1e-5, (3, sizes[name])) for name in ("h1", "y")}
    return replace(drive, currents=currents, pulls={"y": (-2e-6, rng.uniform(-1, 1, (3, sizes["y"])))})


def drawn(layer, v):
    """Return what the diodes at the nodes of a layer draw. [A]."""
    if isinstance(layer.diode, NoDiode):
        return np.zeros_like(v)
    return layer.diode.current(v - layer.high) - layer.diode.current(layer.low - v)


def largest_difference(circuit, g, drive, sample=2):
    """Return max |v - v of ngspice| [V] of one sample; the solver has all of them at once."""
    found = voltages(circuit, simulate(netlist(circuit, g, drive, sample=sample)))
    solved = operating_point(circuit, g, drive, tolerance=1e-14, iterations=400).voltages
    return max(np.abs(found[name][0] - solved[name][sample]).max() for name in circuit.layers)


@needs_ngspice
@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
def test_ngspice_finds_the_operating_point(sizes, bias):
    """To its k/q, a millionth off ours; with its constants and formula, to rounding."""
    circuit, g, drive = case(sizes=sizes, bias=bias, diode=DIODES["spice"])
    assert largest_difference(circuit, g, drive) < 1e-12


@needs_ngspice
@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("sizes", NETWORKS[:2], ids=str)
def test_other_constants_move_the_operating_point_below_a_microvolt(sizes, bias):
    circuit, g, drive = case(sizes=sizes, bias=bias, diode=DIODES["shockley"])
    assert 1e-9 < largest_difference(circuit, g, drive) < 5e-7


@needs_ngspice
@pytest.mark.parametrize("diode", ["none", "piecewise", "spice"])
@pytest.mark.parametrize(
    "amplifier", [None, KENDALL, Amplifier(np.linspace(2, 5, 8), np.linspace(0.2, 0.5, 8))], ids=["none", "one", "each"]
)
def test_ngspice_finds_it_with_amplifiers_pulls_and_currents(diode, amplifier):
    circuit, g, drive = case(sizes=(12, 8, 8, 4), amplifier=amplifier, diode=DIODES[diode])
    assert largest_difference(circuit, g, pushed(circuit, drive)) < 1e-12


@needs_ngspice
def test_ngspice_finds_it_with_held_layers_single_diodes_and_absent_resistors():
    circuit, g, drive = case(sizes=(12, 8, 6, 4), diode=DIODES["spice"], single=True, extra=[("x", "y"), ("h1", "y")])
    g = {name: np.where(values > 3e-5, values, 0) for name, values in g.items()}
    held = replace(pushed(circuit, drive), held={"y": np.random.default_rng(2).uniform(-1, 1, (3, 4))})
    assert largest_difference(circuit, g, pushed(circuit, drive)) < 1e-12
    assert largest_difference(circuit, g, held) < 1e-12


@needs_ngspice
def test_leakage_is_that_of_ngspice_to_its_last_digit():
    """Fed by 1 nS, a node shows the reverse current in nV; there 2.71828 is not e."""
    circuit = Circuit({"x": 1}, {"h1": Layer(1, DIODES["spice"], low=0.0)}, {"x_h1": ("x", "h1")})
    assert largest_difference(circuit, {"x_h1": np.array([[1e-9]])}, Drive({"x": np.array([[5.0]])}), 0) < 1e-11


@needs_ngspice
@pytest.mark.parametrize("kelvin", [250.0, 300.0, 358.15, 400.0])
@pytest.mark.parametrize(("diode", "volts"), [("spice", 1e-12), ("shockley", 1e-5)])
def test_a_diode_is_as_hot_in_ngspice(diode, volts, kelvin):
    """To its last digit with its constants and formulas; hot junctions leak in reverse, by the cubic formula there."""
    circuit, g, drive = case(diode=replace(DIODES[diode], temperature=kelvin))
    assert largest_difference(circuit, g, drive) < volts


@needs_ngspice
@pytest.mark.parametrize("sizes", NETWORKS[:2], ids=str)
def test_near_ideal_diodes_are_ideal_but_for_the_drop_across_their_resistance(sizes):
    """What they pass is at most the currents of all resistors at the node."""
    circuit, g, drive = case(sizes=sizes, diode=IdealDiode(), amplitude=20.0)
    clamped = operating_point(circuit, g, drive).voltages["h1"][2]
    assert (np.abs(clamped) == 0.3).sum() > len(clamped) / 2
    largest = 20 * (g["x_h1"].sum(axis=0) + g["h1_y"].sum(axis=1)).max()
    assert largest_difference(circuit, g, drive) < IDEAL_RESISTANCE * largest < 1e-6


@needs_ngspice
@pytest.mark.parametrize("amplifier", [None, KENDALL], ids=["none", "one"])
def test_circuits_settle_as_their_differential_equation_does(amplifier):
    """C dv/dt is the net current into a node; ngspice steps to a relative tolerance of 1e-6."""
    circuit, g, drive = case(sizes=(6, 5, 4, 3), diode=DIODES["spice"], amplifier=amplifier)
    equations, farads, duration = drive_circuit(assemble(circuit, g, drive.sources), drive), 1e-9, 2e-5
    found = simulate(netlist(circuit, g, drive, sample=2, capacitance=farads, transient=(1e-8, duration)))
    sizes = np.cumsum([layer.size for layer in circuit.layers.values()])

    def change(_, v):
        parts = dict(zip(circuit.layers, np.split(v, sizes[:-1]), strict=True))
        batch = {name: np.broadcast_to(part, (3, len(part))) for name, part in parts.items()}
        linear = np.concatenate([equations.linear_current(name, batch)[2] for name in circuit.layers])
        return (linear - np.concatenate([drawn(layer, parts[name]) for name, layer in circuit.layers.items()])) / farads

    span = (0, found["time"][-1])
    solved = solve_ivp(change, span, np.zeros(sizes[-1]), "Radau", found["time"], rtol=1e-9, atol=1e-12)
    stepped = np.hstack(list(voltages(circuit, found).values()))
    assert found["time"][-1] == pytest.approx(duration)
    assert np.abs(stepped - solved.y.T).max() < 2e-5
    assert np.abs(stepped).max() > 0.1


def test_every_element_is_one_line():
    circuit, g, drive = TINY
    g = {**g, "x_h1": np.where(np.arange(12).reshape(3, 4) % 2, g["x_h1"], 0)}
    lines = netlist(circuit, g, pushed(circuit, drive), capacitance=1e-12).splitlines()
    kinds = Counter(line[0] for line in lines)
    resistors = 12 // 2 + 8 + 4 + 2 + 2
    amplifiers, bias_sources, senses, pulls = 4, 2, 4, 2
    sources = 3 + 1 + bias_sources + senses + pulls
    assert kinds == {"R": resistors, "V": sources, "E": amplifiers, "F": amplifiers, "D": 8, "I": 6, "C": 6} | {
        "*": 2,
        ".": 4,
    }
    names = [line.split()[0] for line in lines if line[0] not in "*."]
    assert len({name.lower() for name in names}) == len(names)


def test_a_held_node_has_its_source_and_resistors_only():
    circuit, g, drive = TINY
    held = replace(pushed(circuit, drive), held={"h1": np.ones((3, 4))})
    lines = netlist(circuit, g, held, capacitance=1e-12).splitlines()
    assert not [line for line in lines if re.match("[DIC]_h1", line)]
    assert [line for line in lines if line.startswith("V_h1_2 ")] == ["V_h1_2 h1_2 0 1.0"]


@pytest.mark.parametrize("end", ["\n", "\r", "\f", "\v", "\x00", "\x85", "\u2028", "\u2029", "\\", "#", "$ ; //"])
def test_titles_stay_in_their_comments(tmp_path, end):
    circuit, g, drive = TINY
    canary = tmp_path / "canary"
    command = f"a{end}#shell touch {canary}{end}.control{end}shell touch {canary}{end}.endc{end}+ x"
    text = netlist(circuit, g, drive, title=f"#shell touch {canary}{end}{command}", header=[command])
    plain = netlist(circuit, g, drive, title="a", header=["a"])
    assert [line for line in text.splitlines() if not line.startswith("* ")] == plain.splitlines()[3:]
    if ngspice.available():
        simulate(text)
    assert not canary.exists()


def test_lines_name_what_they_stand_for():
    circuit, g, drive = TINY
    lines = netlist(circuit, g, drive, sample=1, title="a network", header=["trained\non xor"]).splitlines()
    assert lines[:5] == [
        "* a network",
        "* trained",
        "* on xor",
        "* Run with: ngspice -b FILE",
        ".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-12 temp=27 tnom=27",
    ]
    assert lines[-2:] == [".op", ".end"]
    assert {
        f"V_x_2 x_2 0 {float(drive.sources['x'][1, 2])!r}",
        f"R_x_h1_2_3 x_2 h1_3 {float(1 / g['x_h1'][2, 3])!r}",
        f"R_h1_y_3_1 h1_3_out y_1 {float(1 / g['h1_y'][3, 1])!r}",
        "E_h1_3 h1_3_amp 0 h1_3 0 4.0",
        "F_h1_3 h1_3 0 V_h1_3_amp 0.25",
        "D_h1_3_high h1_3 h1_high0 diode_h1",
        "D_h1_3_low h1_low0 h1_3 diode_h1",
        "V_h1_low0 h1_low0 0 -0.3",
        ".model diode_h1 d(is=4.352e-09 n=1.906 eg=1.11 xti=3.0)",
    } <= set(lines)


@needs_ngspice
@pytest.mark.parametrize("options", [{}, {"capacitance": 1e-9, "transient": (1e-7, 1e-5)}], ids=["op", "tran"])
def test_the_header_says_how_to_run_the_file(tmp_path, options):
    text = netlist(*TINY, **options)
    (tmp_path / "net.cir").write_text(text)
    command = re.search(r"Run with: (.*)", text)[1].replace("FILE", "net.cir")
    done = subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True)
    if options:
        assert ngspice.read_raw((tmp_path / "net.cir.raw").read_bytes()).keys() >= {"time", "v(h1_0)"}
    else:
        assert re.search(r"^\s*h1_0\s+[-.e0-9]+$", done.stdout, re.MULTILINE)


def test_names_of_nodes_are_safe_and_differ():
    layers = {"h-1": Layer(1), "H 1": Layer(1), "h_1": Layer(2), "h": Layer(2), "β": Layer(1)}
    names = node_names(Circuit({"in.put": 1}, layers, {}))
    flat = [name for layer in names.values() for name in layer]
    assert names["in.put"] == ["in_put_0"] and names["h"] == ["h_0", "h_1"]
    assert len(set(flat)) == 8 and all(re.fullmatch(r"[a-z0-9_]+", name) for name in flat)


def test_options_are_the_users_to_change():
    assert ".options reltol=1e-4 abstol=1e-18" in netlist(*TINY, options={"reltol": "1e-4"})


def test_what_has_no_netlist_is_refused():
    circuit, g, drive = TINY
    with pytest.raises(SpecError, match="netlist: sample is 3; expected 0 to 2, what the drive has"):
        netlist(circuit, g, drive, sample=3)
    with pytest.raises(SpecError, match="netlist: a transient with a capacitance of None; expected farads"):
        netlist(circuit, g, drive, transient=(1e-8, 1e-6))
    with pytest.raises(DataError, match="conductances 'x_h1'"):
        netlist(circuit, {**g, "x_h1": -g["x_h1"]}, drive)
    with pytest.raises(SpecError, match=r"diodes are at 300.15 K and 310 K; a netlist has one temperature"):
        netlist(with_diodes(circuit, ShockleyDiode(1e-9), ShockleyDiode(1e-9, temperature=310.0)), g, drive)

    class Tunnel(ShockleyDiode):
        element, expression = Diode.element, Diode.expression

    with pytest.raises(SpecError, match=r"netlist: there is no SPICE element for .*Tunnel.*; give the diode a method"):
        netlist(with_diodes(circuit, Tunnel(1e-9), Tunnel(1e-9)), g, drive)


def with_diodes(circuit, h1, y):
    layers = {
        name: replace(circuit.layers[name], diode=diode, low=-1.0, high=1.0) for name, diode in (("h1", h1), ("y", y))
    }
    return replace(circuit, layers=layers)


def test_a_missing_ngspice_is_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NeuroeqError, match="ngspice: is not installed; it is the package 'ngspice'"):
        simulate(netlist(*TINY))


@needs_ngspice
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("V_twice x_0 0 7", "singular matrix: check node v_"),
        ("E_short a 0 b", "Error: not enough parameters in line e_short a 0 b"),
        ("D_x x_0 0 unknown", "d_x x_0 0 unknown could not find a valid modelname"),
    ],
)
def test_what_ngspice_complains_of_is_told(line, complaint):
    with pytest.raises(NeuroeqError, match=f"ngspice: .*{complaint}.*; look at the netlist"):
        simulate(netlist(*TINY).replace("\n.op\n", f"\n{line}\n.op\n"))
