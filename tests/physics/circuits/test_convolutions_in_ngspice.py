"""The netlist of a convolution has its elements written out, and ngspice finds the voltages that we find."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.physics.circuits.spice import ngspice
from tests.nets import COST, batch_of, network, substrate_of
from tests.physics.circuits.test_convolutions import params_of as conductances_of
from tests.physics.engine.test_convolution import params_of

pytestmark = pytest.mark.skipif(not ngspice.available(), reason="ngspice is not installed: apt install ngspice")
SHAPES = {"input": {"shape": [1, 4, 4]}, "hidden1": {"shape": [2, 2, 2]}}
KERNEL = {"kind": "conv", "kernel": 3, "padding": 1, "pool": "average"}
CIRCUITS = {
    "crossbar": ("crossbar", "ideal", 1e-5),  # integrated over time
    "resistive": ("resistive", "1n4148", 5e-7),  # k/q of another year
}


@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize(("on", "hardware", "within"), list(CIRCUITS.values()), ids=list(CIRCUITS))
def test_ngspice_finds_the_voltages_of_a_padded_convolution_with_an_average(on, hardware, within, beta):
    net = network(on, 16, 8, 2, hardware=hardware, layers=SHAPES, projections={"input_hidden1": KERNEL})
    circuit = substrate_of(net, params_of(net) if on == "crossbar" else conductances_of(net), batch=1)
    (inputs, targets), stop = batch_of(net, 1), Stop(20_000, 1e-12)
    eq, nudge = circuit.relax(inputs, stop=stop), None
    if beta:
        nudge = Nudge(beta, targets, COST, reference=eq)
        eq = circuit.relax(inputs, nudge, eq.resume, stop=stop)
    found, ours = ngspice.simulate(circuit.netlist(inputs, eq, nudge, title="convolution")), circuit.voltages(eq)
    assert {layer: v.shape for layer, v in ours.items()} == {"hidden1": (1, 8), "output": (1, 2)}
    for layer, voltages in ours.items():
        assert np.ptp(voltages) > 0.01
        simulated = [found[f"v({layer}_{node})"][-1] for node in range(voltages.size)]
        np.testing.assert_allclose(simulated, voltages[0], rtol=0, atol=within)
