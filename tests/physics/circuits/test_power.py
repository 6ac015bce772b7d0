"""Tellegen: what sources deliver is what elements dissipate."""

import numpy as np
import pytest

from neuroeq.physics.circuits.assembly import assemble
from neuroeq.physics.circuits.circuit import Amplifier, Circuit, Drive, Layer
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.power import Power, power
from neuroeq.physics.circuits.solve import operating_point
from tests.physics.circuits.circuits import DIODES, random_case

PHASES = {
    "free": {},
    "current": {"currents": {"y": np.full((7, 3), 2e-5)}},
    "pull": {"pulls": {"y": (3e-5, np.full((7, 3), 0.4))}},
    "held": {"held": {"y": np.full((7, 3), -0.2)}},
}


def power_of(circuit, g, drive):
    point = operating_point(circuit, g, drive, tolerance=1e-14)
    return power(drive_circuit(assemble(circuit, g, drive.sources), drive), point.voltages)


@pytest.mark.parametrize("amplifier", [None, Amplifier(4.0, 0.25)], ids=["plain", "amplified"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("diode", DIODES)
def test_sources_deliver_what_elements_dissipate(rng, diode, phase, amplifier):
    circuit, g, drive = random_case(
        rng, diode=DIODES[diode], amplifier=amplifier, extra=[] if amplifier else [("y", "y")]
    )
    found = power_of(circuit, g, Drive(drive.sources, **PHASES[phase]))
    assert found.imbalance < 1e-12
    assert all((values >= 0).all() for values in found.dissipated.values())
    assert {values.shape for values in [*found.dissipated.values(), *found.delivered.values()]} == {(7,)}


def test_one_sample_out_of_balance_is_seen():
    assert Power({"r": np.array([1.0, 3.0])}, {"x": np.array([1.0, 1.0])}).imbalance == 0.5


def test_ideal_diodes_dissipate_nothing_but_their_biases_take_power(rng):
    circuit, g, drive = random_case(rng, diode=DIODES["ideal"], bias=0.1)
    found = power_of(circuit, g, drive)
    assert "h1.diodes" not in found.dissipated
    assert (found.delivered["h1.bias"] < -1e-7).all()


def test_voltage_divider_dissipates_in_proportion_to_its_resistances():
    """1 V across 1 kohm and 3 kohm: .25 mA, 62.5 and 187.5 uW."""
    circuit = Circuit({"x": 1, "ground": 1}, {"y": Layer(1)}, {"top": ("x", "y"), "bottom": ("ground", "y")})
    drive = Drive({"x": np.ones((1, 1)), "ground": np.zeros(1)})
    found = power_of(circuit, {"top": np.array([[1e-3]]), "bottom": np.array([[1 / 3e3]])}, drive)
    assert found.dissipated["top"] == pytest.approx(62.5e-6)
    assert found.dissipated["bottom"] == pytest.approx(187.5e-6)
    assert found.delivered["x"] == pytest.approx(250e-6)
    assert found.delivered["ground"] == pytest.approx(0, abs=1e-18)
