"""A network laid out as a circuit: units only rescale it, and amplifiers differ by as much as their hardware says."""

import numpy as np
import pytest

from neuroeq.physics.circuits.circuit import Drive
from neuroeq.physics.circuits.layout import in_siemens, lay_out, source_voltages
from neuroeq.physics.circuits.solve import operating_point
from tests.nets import batch_of, network, params_of

UNITS = {"resistive": {"circuit": {"v_unit": "0.5 V", "g_unit": "0.2 mS"}}}
AMPLIFIER = {"gain": 4.0, "back_gain": 0.25, "gain_sd": 0.1, "back_gain_sd": 0.1, "offset_sd": "10 mV"}


def test_in_volts_and_siemens_a_circuit_has_the_voltages_that_it_has_in_the_networks_units():
    """Shockley diodes see the size of every voltage and conductance."""
    net = network("resistive", 4, 6, 3, hardware="1n4148", substrate=UNITS)
    params = params_of(net)
    sources = source_voltages(net, batch_of(net, 5)[0])
    in_units = operating_point(
        lay_out(net), {name: params[name] for name in net.projections}, Drive({"input": sources})
    )
    in_volts = operating_point(lay_out(net, in_volts=True), in_siemens(net, params), Drive({"input": 0.5 * sources}))
    for name, v in in_volts.voltages.items():
        np.testing.assert_allclose(v, 0.5 * in_units.voltages[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("of", "mean", "sd"), [("gain", 4.0, 0.4), ("back_gain", 0.25, 0.025), ("offset", 0.0, 0.01)])
def test_amplifiers_spread_as_their_hardware_says(of, mean, sd):
    """Of 800 amplifiers: mean and standard deviation within 4 standard errors."""
    net = network("resistive", 4, 800, 3, made_of={"neuron": {"amplifier": AMPLIFIER}})
    values = getattr(lay_out(net, in_volts=True).layers["hidden1"].amplifier, of)
    assert values.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(800))
    assert values.std() == pytest.approx(sd, rel=4 / np.sqrt(1600))
