"""The diodes of a layer are those of the hardware, with the keys that the layer gives itself."""

import numpy as np
import pytest

from neuroeq.describe.catalog import resolve
from neuroeq.errors import SpecError
from neuroeq.physics.circuits.layout import lay_out
from neuroeq.physics.circuits.spice import ngspice
from neuroeq.runs.exchange.spice import spice
from neuroeq.runs.training import train
from tests.physics.circuits.test_export import stated

OWN = {"v_bias_up": "0.2 V", "v_bias_down": "-50 mV", "i_s": "1 pA"}
EXACT = "hardware.neuron.nonlinearity.spice=true"
DEEP = {
    "layers": {"second": {"size": 6, "bias": False, "nonlinearity": {"v_bias_up": "50 mV", "n": 1.2}}},
    "projections": {
        "hidden_second": {"source": "hidden", "target": "second", "learning_rate": 0.05},
        "hidden_output": {"source": "second", "target": "output", "learning_rate": 0.05},
    },
}
POSITIVE = {"scheme": "rectified_uniform", "gain": 1.0}
DEEP["projections"]["hidden_second"]["initial"] = POSITIVE


def own(**keys):
    return {"layers": {"hidden": {"nonlinearity": OWN | keys}}}


def resolved(*changes, **how):
    return resolve("xor", "resistive", changes, **({"hardware": "1n4148"} | how))


def test_a_layer_changes_what_it_names_of_the_diodes_of_the_hardware():
    layer = lay_out(resolved(own()), in_volts=True).layers["hidden"]
    assert (layer.diode.i_s, layer.diode.n) == (1e-12, 1.906)
    assert (layer.high.max(), layer.low[0]) == (np.inf, -0.05) and layer.high.min() == 0.2


def test_another_model_keeps_the_biases_and_ideal_diodes_too():
    piecewise = own(model="piecewise", threshold="0.3 V", r_on="10 ohm", r_off="1 Gohm")
    del piecewise["layers"]["hidden"]["nonlinearity"]["i_s"]
    assert lay_out(resolved(piecewise), in_volts=True).layers["hidden"].diode.threshold == 0.3
    ideal = lay_out(resolved(own(), ideal=["diodes"]), in_volts=True).layers["hidden"]
    assert type(ideal.diode).__name__ == "IdealDiode" and ideal.low[0] == -0.05


@pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed: apt install ngspice")
def test_ngspice_finds_the_voltages_of_layers_with_diodes_of_their_own():
    run = train("xor", "resistive", hardware="1n4148", settings=[DEEP, own(), EXACT], epochs=2, keep=False)
    netlist = spice(run, sample=2)
    for card in (".model diode_hidden d(is=1e-12 n=1.906", ".model diode_second d(is=4.352"):
        assert card in netlist
    found = ngspice.simulate(netlist)
    for node, voltage in stated(netlist).items():
        assert found[node][0] == pytest.approx(voltage, rel=5e-9, abs=1e-9), node  # nine digits are stated


@pytest.mark.parametrize(
    ("substrate", "change", "match"),
    [
        ("rate", own(), "nonlinearity is given, and substrate 'rate' has no diodes; move it to"),
        ("resistive", {"layers": {"output": {"nonlinearity": OWN}}}, "output nodes have no diodes; leave it out"),
        ("resistive", own(i_s="1 V"), r"layers.hidden: nonlinearity.i_s is '1 V'; expected a current"),
        ("resistive", own(r_on="1 ohm"), "layers.hidden: nonlinearity has no key 'r_on'"),
        ("resistive", own(v_bias_up="-1 V"), r"v_bias_up \(-1 V\) is below v_bias_down"),
    ],
)
def test_diodes_that_are_not_there_or_not_valid_are_refused(substrate, change, match):
    with pytest.raises(SpecError, match=match):
        resolve("xor", substrate, [change], hardware="1n4148" if substrate == "resistive" else None)
