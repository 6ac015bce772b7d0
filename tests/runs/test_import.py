"""A netlist that is read becomes a run whose circuit has the conductances and the voltages of the netlist."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from neuroeq.cli import main
from neuroeq.errors import SpecError
from neuroeq.physics.circuits.spice import ngspice
from neuroeq.runs.exchange.importing import import_netlist
from neuroeq.runs.exchange.netlist import read_netlist
from neuroeq.runs.exchange.spice import spice
from neuroeq.runs.exchange.structure import structure_of
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train

needs_ngspice = pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed: apt install ngspice")
EXACT = "hardware.neuron.nonlinearity.spice=true"
SINGLE = ["substrate.resistive.circuit.outputs=single", "phases.nudge=conductance"]
BIASED = {"substrate": {"resistive": {"layers": {"hidden": {"bias": True}}}}}
DIVIDER = "a divider\nV1 top 0 dc 1.5\nR1 top mid 1k\nR2 mid out 2kohm\nR3 out 0 1Meg\n+ \n.op\n.end\n"
LINES = {
    "Q1 a b c": "line 3: 'q1' is no element that is represented; expected R, V, I, D, B, C, E or F",
    "B1 a b i=uramp(v(a,c))/1e-5": "line 3: 'b1' is no current of a diode between its nodes",
    "B1 a b i=system(v(a,b))": "line 3: 'b1' is no current of a diode between its nodes",
    "E1 a 0 b": "line 3: 'e1 a 0 b' is not represented",
    "R1 a b one": "line 3: 'one' is no number; expected one such as 4.7k, 10meg or 1e-3",
    "V1 a 0 1e9999": "line 3: '1e9999' is no size that exists",
    "()\nR1 a b five": "line 4: 'five' is no number",
    "R1 a b 0": "line 3: the resistance of r1 is 0; expected another",
    "R1 a b 5 tc1=1": "line 3: 'r1 a b 5 tc1=1' is not represented",
    "D1 a b big": "line 3: model 'big' is not there; add .model big d",
    ".model d1 d(is=1n rs=2)": "line 3: rs of model 'd1' is not represented",
    ".model n1 npn(bf=100)": "line 3: '.model n1 npn bf=100' is no model of a diode",
    ".include /etc/passwd": "line 3: '.include' is not represented, and nothing of a file is run",
    ".control": "line 3: '.control' is not represented",
    ".options gmin=1e-9": "line 3: gmin is 1e-9; expected 1E-12",
    "+ x": "line 3: '+' continues no line",
    "R1 a b 5\nR1 a b 6": "line 4: 'r1' is there twice",
}


def run_of(folder, text, nodes=None):
    (folder / "net.cir").write_text(text)
    return import_netlist(folder / "net.cir", folder / "run", nodes)


def without_comments(netlist):
    return [line for line in netlist.splitlines() if not line.startswith("*")]


def voltages_of(run):
    """Return the voltages of the free nodes of a run at its sample, by layer."""
    with run.folder.traces() as file:
        return {layer: values[0] for layer, values in file["inference/v"].items()}


AMPLIFIED = ["hardware.neuron.amplifier={gain = 4, back_gain = 0.25}"]


@pytest.mark.parametrize("settings", [[], SINGLE, [BIASED], ["substrate.resistive.circuit.diodes=both"], AMPLIFIED])
def test_a_netlist_of_ours_comes_back_to_the_last_bit(tmp_path, settings):
    run = train("xor", "resistive", hardware="1n4148", settings=[EXACT, *settings], epochs=3, keep=False)
    text = spice(run, sample=2)
    back = run_of(tmp_path, text)
    for name, values in run.params.items():
        ampere = run.network.v_unit if name.endswith(".bias") else 1.0
        ours, theirs = values * (run.network.g_unit * ampere), back.params[name] * back.network.g_unit
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    assert without_comments(spice(back)) == without_comments(text)


@pytest.mark.parametrize("beta", [0.3, -0.1])
@pytest.mark.parametrize("settings", [SINGLE, []])
def test_a_nudge_comes_back_with_its_targets(tmp_path, settings, beta):
    """A conductance as what it was, and a held current as a part of the biases of outputs."""
    run = train("xor", "resistive", settings=settings, epochs=1, keep=False)
    text = spice(run, sample=1, beta=beta)
    back = run_of(tmp_path, text)
    again = beta * run.network.g_unit / back.network.g_unit if settings else 0.0
    assert without_comments(spice(back, beta=again)) == without_comments(text)
    if settings:
        assert back.network.phases.beta == pytest.approx(abs(again), rel=1e-12)


STRAIGHT = {"model": "piecewise", "threshold": "0.3 V", "r_on": "10 ohm", "r_off": "1e7 ohm"}


@pytest.mark.parametrize("diode", [{"model": "ideal"}, STRAIGHT])
def test_diodes_that_are_sources_of_current_come_back(tmp_path, diode):
    hardware = {"hardware": {"neuron": {"nonlinearity": diode | {"v_bias_up": "0.1 V", "v_bias_down": "-0.1 V"}}}}
    run = train("xor", "resistive", settings=[hardware], epochs=3, keep=False)
    text = spice(run, sample=1)
    back = run_of(tmp_path, text)
    read = back.network.technology.neuron.nonlinearity
    assert read.model == diode["model"] and (read.v_bias_up, read.v_bias_down) == (0.1, -0.1)
    for ours, theirs in zip(without_comments(spice(back)), without_comments(text), strict=True):
        assert ours == theirs or (ours[0] == theirs[0] == "B" and diode is STRAIGHT)  # 1/r twice is another last bit
    if diode is STRAIGHT:
        assert (read.threshold, read.r_on, read.r_off) == pytest.approx((0.3, 10, 1e7), rel=1e-12)


def foreign(sizes, seed=0):
    """Return a netlist in another style than ours, and the names of its nodes by layer."""
    rng = np.random.default_rng(seed)
    nodes = [[f"{'ABCD'[level]}node{i:x}q" for i in range(size)] for level, size in enumerate(sizes)]
    rows = [f"Rw{i}_{j}_{k} {after[j]} {before[i]} {rng.uniform(2, 200):.6f}K"
            for k, (before, after) in enumerate(pairwise(nodes))
            for i in range(len(before)) for j in range(len(after))]  # fmt: skip
    rows += [f"Vdrive{i} 0 {node}\n+ DC {rng.uniform(-900, 900):.5f}m ; driven" for i, node in enumerate(nodes[0])]
    for level, (volt, model) in enumerate((("200mV", "DFAST"), ("50m", "DSLOW")), start=1):
        rows += [f"Vp{level} p{level} 0 {volt}", f"Vn{level} GND n{level} {volt}"]
        for i, node in enumerate(nodes[level]):
            rows += [f"Dhi{level}x{i} {node} p{level} {model}", f"Dlo{level}x{i} n{level} {node} {model}"]
    order = rng.permutation(len(rows))
    models = [".MODEL DFAST D (IS = 2.52nA N=1.752 CJO=4p)", ".model DSLOW D IS=1e-14"]
    options = ".OPTIONS reltol=1e-9 abstol=1e-18 vntol=1e-12"
    return "\n".join(["Some other tool", *models, *(rows[i] for i in order), options, ".op", ".END", ""]), nodes


@needs_ngspice
@pytest.mark.parametrize("sizes", [(40, 12, 8, 5), pytest.param((784, 50, 30, 20), marks=pytest.mark.reproduction)])
def test_a_netlist_of_others_settles_as_in_ngspice_to_a_nanovolt(tmp_path, sizes):
    text, nodes = foreign(sizes)
    run = run_of(tmp_path, text)
    assert [layer.size for layer in run.network.layers.values()] == list(sizes)
    resistors = sum(before * after for before, after in pairwise(sizes))
    assert sum((run.params[name] > 0).sum() for name in run.network.projections) == resistors
    found, ours = ngspice.simulate(text), voltages_of(run)
    places = structure_of(read_netlist(text, "net.cir")).layers
    for (name, there), written in zip(list(places.items())[1:], nodes[1:], strict=True):
        assert set(there) == {node.lower() for node in written}
        reference = np.array([found[f"v({node})"][0] for node in there])
        assert np.abs(ours[name] - reference).max() < 1e-9 < 1e-3 < np.abs(reference).max()


def test_a_divider_settles_by_ohms_law_and_its_run_is_one_that_verbs_take(tmp_path, capsys):
    run = run_of(tmp_path, DIVIDER)
    assert list(run.network.layers) == ["input", "layer1", "output"]
    current = 1.5 / (1e3 + 2e3 + 1e6)
    assert voltages_of(run)["output"][0] == pytest.approx(current * 1e6, rel=1e-12)
    assert voltages_of(run)["layer1"][0] == pytest.approx(current * 1.002e6, rel=1e-12)
    for words in (["eval", "--json"], ["check", "--json"], ["plot", "weights"], ["plot", "settling"]):
        with pytest.raises(SystemExit) as ended:
            main([words[0], str(run.path), *words[1:]])
        assert not ended.value.code, capsys.readouterr().err
    assert load_run(run.path).result["updates"] == 0


def test_nodes_that_a_file_names_are_the_layers(tmp_path):
    (tmp_path / "nodes.toml").write_text('input = ["top"]\nfirst = ["OUT"]\noutputs = ["mid"]\n')
    run = run_of(tmp_path, DIVIDER, tmp_path / "nodes.toml")
    assert list(run.network.layers) == ["input", "first", "outputs"]
    assert sorted(run.network.projections) == ["first_outputs", "input_first", "input_outputs"]
    assert voltages_of(run)["outputs"][0] == pytest.approx(1.5 * 1.002 / 1.003, rel=1e-12)


@pytest.mark.parametrize(("line", "message"), list(LINES.items()))
def test_what_is_not_represented_is_refused_with_the_number_of_its_line(line, message):
    with pytest.raises(SpecError) as error:
        read_netlist(f"title\n* comment\n{line}\n.end\n", "net.cir")
    assert str(error.value).startswith(f"net.cir: {message}")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ("R9 mid top -5", "line 6: r9 is -5 ohm; expected more than 0, as outside a nudge"),
        ("V9 mid_pull 0 1\nR9 mid mid_pull 5", "nudges 1 nodes, which are not the 1 outputs"),
        ("R9 mid other 1k\nR8 top other 1k", "r9 joins two nodes of layer 'layer1'; put them in two layers"),
        ("R9 lone island 1k", "line 6: r9 is joined to no voltage source by resistors"),
        ("V9 mid out 1", "v9 joins two nodes"),
        ("D9 out 0 m\n.model m d", "d9 is at 'out', and only nodes of hidden layers have diodes"),
        ("E9 mid_amp 0 mid 0 4", "e9 is no part of a bidirectional amplifier"),
        ("F9 mid 0 v1 4", "f9 is no part of a bidirectional amplifier"),
        ("E9 a 0 out 0 4\nV9 a b 0\nF9 out 0 v9 1\nR9 b mid 5", "has 1 amplifiers of 1 kinds; expected one at each"),
        ("I9 mid out 1u", "i9 is not from ground into the node of a layer"),
    ],
)
def test_what_has_no_place_in_layers_is_refused(tmp_path, more, match):
    with pytest.raises(SpecError, match=match):
        run_of(tmp_path, DIVIDER.replace("+ \n", f"{more}\n"))


def test_suffixes_and_units_of_numbers_are_those_of_spice():
    values = {"1MEG": 1e6, "2.5k": 2500, "3mOhm": 3e-3, "4u": 4e-6, "1e3": 1e3, "5n": 5e-9, "7G": 7e9, ".5": 0.5}
    text = "\n".join(["t", *(f"R{i} a b {value}" for i, value in enumerate(values))])
    assert [float(each.value) for each in read_netlist(text, "x").elements] == list(values.values())


def test_nothing_in_a_netlist_is_run(tmp_path):
    canary = tmp_path / "canary"
    for line in (f".control\nshell touch {canary}\n.endc", f"R1 a b {{system('touch {canary}')}}", f".lib {canary}"):
        with pytest.raises(SpecError):
            read_netlist(f"t\n{line}\n", "x")
    assert not canary.exists()


def test_the_command_line_makes_the_run(tmp_path, capsys):
    (tmp_path / "net.cir").write_text(DIVIDER)
    with pytest.raises(SystemExit) as ended:
        main(["import", str(tmp_path / "net.cir"), "--out", str(tmp_path / "run"), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert not ended.value.code
    assert said == {"run": said["run"], "layers": {"input": 2, "layer1": 1, "output": 1}, "resistors": 3}
    assert (Path(said["run"]) / "checkpoint.npz").exists()
