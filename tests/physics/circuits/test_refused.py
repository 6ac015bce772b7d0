"""What is no circuit, or has no operating point, is refused in one sentence."""

import numpy as np
import pytest

from neuroeq.errors import DataError, DivergenceError, SpecError
from neuroeq.physics.circuits.assembly import assemble
from neuroeq.physics.circuits.circuit import Circuit, Drive, Layer
from neuroeq.physics.circuits.diodes import NoDiode
from neuroeq.physics.circuits.layout import _sides
from neuroeq.physics.circuits.solve import operating_point
from tests.physics.circuits.circuits import random_case


def one_node():
    circuit = Circuit({"x": 1}, {"y": Layer(1, NoDiode())}, {"x_y": ("x", "y")})
    return circuit, {"x_y": np.array([[1e-3]])}, Drive({"x": np.array([[1.0]])})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"g": {"x_y": np.array([[-1.0]])}}, r"conductances 'x_y' reach from -1 to -1 S; expected finite .* clip"),
        ({"g": {"x_y": np.array([[np.nan]])}}, "conductances 'x_y' reach from nan"),
        ({"g": {"x_y": np.zeros((1, 0))}}, r"'x_y' have shape \(1, 0\); expected \(1, 1\)"),
        ({"g": {}}, "resistor array 'x_y' of the circuit is not given"),
        (
            {"g": {"x_y": np.array([[0.0]])}, "drive": Drive({"x": np.ones(1)}, currents={"y": np.ones(1)})},
            "current flows into node 0 of layer 'y', and no conductance lets it out; give one of its resistors",
        ),
        ({"drive": Drive({"x": np.array([[np.inf]])})}, "sources of layer 'y' hold a voltage that is not finite"),
        ({"drive": Drive({"x": np.ones((1, 2))})}, r"source 'x' has shape \(1, 2\); expected \(1,\)"),
        ({"drive": Drive({})}, "source 'x' of the circuit is not given"),
        ({"drive": Drive({"x": np.ones(1)}, currents={"z": np.ones(1)})}, "current at 'z'; expected one of .*'y'"),
        ({"drive": Drive({"x": np.ones(1)}, currents={"y": np.ones(2)})}, "current at 'y' has shape"),
        ({"drive": Drive({"x": np.ones(1)}, held={"y": np.array([[np.nan]])})}, "held at 'y' is not finite"),
        ({"drive": Drive({"x": np.ones(1)}, pulls={"y": (-2e-3, np.ones((1, 1)))})}, "would run away.*smaller beta"),
        ({"start": {"y": np.array([[np.nan]])}}, "voltages of layer 'y' to start from are not finite"),
    ],
)
def test_what_makes_no_circuit_is_refused(change, sentence):
    circuit, g, drive = one_node()
    with pytest.raises(DataError, match=sentence):
        operating_point(circuit, change.get("g", g), change.get("drive", drive), change.get("start"))


def test_methods_that_do_not_fit_are_refused(rng):
    circuit, g, drive = random_case(rng)
    with pytest.raises(SpecError, match=r"method is 'descent', but diodes .* use 'newton' or 'auto'"):
        operating_point(circuit, g, drive, method="descent")
    with pytest.raises(SpecError, match="method is 'guess'; expected 'auto'"):
        operating_point(circuit, g, drive, method="guess")


@pytest.mark.parametrize("method", ["descent", "newton"])
def test_a_pull_beyond_the_limit_is_told(rng, method):
    circuit, g, drive = random_case(rng, diode=NoDiode(), sizes=(6, 5, 1))
    sums = assemble(circuit, g, drive.sources).sums["y"][0]
    with pytest.raises(DivergenceError, match="smaller beta"):
        operating_point(
            circuit,
            g,
            Drive(drive.sources, pulls={"y": (-0.97 * sums, np.ones((7, 1)))}),
            method=method,
            iterations=None if method == "newton" else 10**6,
        )


def test_an_unknown_arrangement_of_diodes_is_named():
    with pytest.raises(
        SpecError, match=r"circuit\.diodes is 'left'; expected 'none' or one of 'split', 'both', 'lower'"
    ):
        _sides("left", 4)
