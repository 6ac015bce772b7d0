"""A trained circuit that is written as a netlist settles, in ngspice, to the voltages that we found."""

import json
from pathlib import Path

import numpy as np
import pytest

from neuroeq.cli import main
from neuroeq.errors import SpecError
from neuroeq.physics.circuits.spice import ngspice
from neuroeq.physics.circuits.spice.elements import stems
from neuroeq.runs.exchange.spice import spice
from neuroeq.runs.training import train

needs_ngspice = pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed: apt install ngspice")
PULLED = ["substrate.resistive.circuit.outputs=single", "phases.nudge=conductance"]
OWN = {"projections": {"hidden_output": {"hardware": {"synapse": {"g_max": "1 uS"}}}}}
ACROSS = {
    "resistive": ("resistive", "1n4148", 5e-7, []),
    "amplified": ("resistive", "1n4148_amplified", 5e-7, []),
    "ideal diodes": ("resistive", None, 1e-6, []),
    "pulled": ("resistive", "1n4148", 5e-7, PULLED),
    "other units": ("resistive", "1n4148", 5e-7, ["substrate.resistive.circuit.v_unit='0.5 V'"]),
    "crossbar": ("crossbar", "ideal", 1e-5, []),
    "crossbar, read by converters": ("crossbar", "ideal", 1e-5, ["hardware.periphery.adc_bits=8"]),
    "crossbar, two technologies": ("crossbar", "ideal", 1e-5, [OWN]),
    "crossbar, current": ("crossbar", "ideal", 1e-5, ["phases.nudge=held_current"]),
}
"""Substrate, hardware, tolerance [V] and settings: k/q of another year; near-ideal diodes; integration over time."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: train("xor", on, hardware=hardware, settings=settings, epochs=20, out=folder / name)
        for name, (on, hardware, _, settings) in ACROSS.items()
    }


def stated(netlist, title="voltages found here"):
    """Read the voltages that the header says, by node."""
    line = next(line for line in netlist.splitlines() if title in line)
    parts = [part.split() for part in line.split(": ", 1)[1].split("; ")]
    names = stems([layer for layer, *_ in parts])
    return {f"v({names[layer]}_{i})": float(v) for layer, *values in parts for i, v in enumerate(values)}


@needs_ngspice
@pytest.mark.parametrize("beta", [0.0, 0.1])
@pytest.mark.parametrize("name", ACROSS)
def test_ngspice_finds_the_voltages_that_the_netlist_states(runs, name, beta):
    netlist = spice(runs[name], sample=2, beta=beta)
    found, ours = ngspice.simulate(netlist), stated(netlist)
    assert len(ours) == (18 if name == "pulled" or name.startswith("crossbar") else 20)
    for node, voltage in ours.items():
        assert abs(found[node][-1] - voltage) < ACROSS[name][2], node
    assert max(abs(voltage) for voltage in ours.values()) > 0.1


@pytest.mark.parametrize("name", ["crossbar", "crossbar, read by converters"])
def test_what_converters_read_is_stated_apart_from_the_voltages(runs, name):
    netlist = spice(runs[name], sample=2)
    assert ("* as the converters read them [V]: hidden" in netlist) == (name != "crossbar")
    if name != "crossbar":
        steps = np.array([v for _, v in sorted(stated(netlist, "as the converters read them").items())]) * 2**7
        np.testing.assert_allclose(steps, steps.round(), atol=1e-6)


def test_a_nudge_changes_the_stated_voltages_and_a_sample_too(runs):
    netlists = [stated(spice(runs["resistive"], *which)) for which in ((0, 0.0), (0, 0.1), (3, 0.0))]
    values = [np.array(list(each.values())) for each in netlists]
    assert np.abs(values[0] - values[1]).max() > 1e-5 and np.abs(values[0] - values[2]).max() > 1e-2


def test_the_command_line_writes_it_and_says_how_to_run_it(runs, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["export", str(runs["resistive"].path), "xor.cir", "--to", "spice", "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)
    text = Path(said["file"]).read_text()
    assert text.count("\n") == said["lines"] > 100
    assert "* Run with: ngspice -b FILE" in text


@pytest.mark.parametrize(
    ("arguments", "match"),
    [((4, 0.0), "sample is 4; expected 0 to 3"), ((-1, 0.0), "sample is -1; expected 0 to 3")],
)
def test_a_sample_that_is_not_there_is_refused(runs, arguments, match):
    with pytest.raises(SpecError, match=match):
        spice(runs["resistive"], *arguments)


def test_what_is_no_circuit_is_refused(tmp_path):
    run = train("xor", "rate", epochs=1, out=tmp_path / "run")
    with pytest.raises(SpecError, match="substrate 'rate' is no circuit; run it on crossbar or resistive"):
        spice(run)
