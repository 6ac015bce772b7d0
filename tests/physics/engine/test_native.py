"""Matrix products over the batch are the synapses: as native Brian2 Synapses, the same equations give the same."""

import numpy as np
import pytest

from neuroeq.errors import SpecError
from tests.conftest import DATA
from tests.nets import batch_of, centred, network, params_of, substrate_of, update_of

pytestmark = pytest.mark.smoke


def native(name):
    return {"projections": {"hidden1_output": {"synapse": str(DATA / f"native_{name}.toml")}}}


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("neuron", ["hard_sigmoid", "sigmoid"])
def test_dense_rates_equal_native_synapses(neuron, batch):
    over = {"substrate": {"rate": {"neuron": neuron}}}
    _compare("rate", native("rate"), over, batch)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("neuron", ["sigma_delta", "lif", "lif_hard"])
def test_dense_spikes_equal_native_synapses(neuron, batch):
    over = {"substrate": {"spiking": {"neuron": neuron}}}
    _compare("spiking", native("two_trace"), over, batch)


def _compare(on, synapse, over, batch):
    dense, other = network(on, 5, 7, 3, **over), network(on, 5, 7, 3, **over, **synapse)
    assert other.synapse("hidden1_output").native
    params, (inputs, targets) = params_of(dense), batch_of(dense, batch)
    one, two = (update_of(substrate_of(net, params, batch), inputs, targets, centred(0.5)) for net in (dense, other))
    assert np.abs(one.change["hidden1_output"]).max() > 1e-3
    for layer in one.free.state:
        for a, b in zip((one.free, *one.nudged), (two.free, *two.nudged), strict=True):
            np.testing.assert_allclose(a.state[layer], b.state[layer], rtol=0, atol=1e-12)
            assert a.spikes == b.spikes
    for name in one.change:
        np.testing.assert_allclose(one.change[name], two.change[name], rtol=0, atol=1e-12)


def test_masked_native_synapses_equal_dense_ones():
    some = {"projections": {"hidden1_output": {"connect": {"probability": 0.5}}}}
    dense = network("rate", 5, 7, 3, **some)
    other = network(
        "rate",
        5,
        7,
        3,
        projections={
            "hidden1_output": {
                **some["projections"]["hidden1_output"],
                **native("rate")["projections"]["hidden1_output"],
            }
        },
    )
    params, (inputs, targets) = params_of(dense), batch_of(dense, 3)
    one, two = (update_of(substrate_of(net, params), inputs, targets, centred(0.5)) for net in (dense, other))
    assert (one.change["hidden1_output"] == 0).any()
    np.testing.assert_allclose(one.change["hidden1_output"], two.change["hidden1_output"], rtol=0, atol=1e-12)


def test_a_delay_moves_what_arrives_by_its_length():
    """With a delay of k steps a layer sees what its source sent k steps earlier."""
    plain = network("spiking", 4, 6, 2)
    late = network("spiking", 4, 6, 2, projections={"hidden1_output": {"delay": "3 ms"}})
    params, (inputs, _) = params_of(plain), batch_of(plain, 2)
    params["hidden1_output"] = np.abs(params["hidden1_output"])
    params["output.bias"][:] = 0
    first = [_first_output_current(substrate_of(net, params), inputs) for net in (plain, late)]
    assert first[1] == first[0] + 3


def _first_output_current(substrate, inputs):
    from neuroeq.contract import Stop

    equilibrium = substrate.relax(inputs, stop=Stop(1))
    for step in range(1, 40):
        if equilibrium.state["output"].any():
            return step
        equilibrium = substrate.relax(inputs, start=equilibrium.resume, stop=Stop(1))
    raise AssertionError("nothing arrived")


def test_native_synapses_on_an_analog_input_are_refused():
    net = network("spiking", 4, 6, 2, projections={"input_hidden1": {"delay": "1 ms"}})
    with pytest.raises(SpecError, match=r"analog input layer 'input'.*choose an encoder"):
        substrate_of(net)


def test_spiking_input_through_native_synapses_equals_dense_synapses():
    over = {"substrate": {"spiking": {"input": "encoder_sigma_delta"}}}
    everywhere = {
        name: {"synapse": str(DATA / "native_two_trace.toml")} for name in ("input_hidden1", "hidden1_output")
    }
    dense, other = network("spiking", 5, 7, 3, **over), network("spiking", 5, 7, 3, projections=everywhere, **over)
    params, (inputs, targets) = params_of(dense), batch_of(dense, 3)
    one, two = (update_of(substrate_of(net, params), inputs, targets, centred(0.5)) for net in (dense, other))
    for name in one.change:
        np.testing.assert_allclose(one.change[name], two.change[name], rtol=0, atol=1e-12)
