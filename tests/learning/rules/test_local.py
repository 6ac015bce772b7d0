"""What a synapse may know: its own two sides. And a symmetric rule on directed weights is refused."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import SpecError
from neuroeq.physics.engine import Plasticity
from tests.nets import COST, batch_of, centred, network, params_of, substrate_of, update_of

SYNAPSES = [
    ("rate", "rate_derivative"),
    ("rate", "vector_field"),
    ("spiking", "two_trace"),
    ("spiking", "two_trace_ternary"),
    ("spiking", "trace_contrast"),
    ("spiking", "pair_stdp"),
]


@pytest.mark.parametrize(("on", "synapse"), SYNAPSES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_synapse_does_not_see_a_third_unit(on, synapse, seed):
    """Shift everything that one hidden unit keeps, but tell no other unit, and take one step."""
    net = network(on, 4, 6, 3, substrate={on: {"synapse": synapse}})
    params, third = params_of(net, seed), 2
    params["hidden1_output"][third] = 0
    substrate, (inputs, targets) = substrate_of(net, params), batch_of(net, 4, seed)
    start = substrate.relax(inputs, stop=Stop(37)).resume
    other = type(start)(start.timestep, [dict(arrays) for arrays in start.arrays], start.natives, inputs, start.values)
    for arrays in other.arrays:
        for name, array in arrays.items():
            if name not in ("lastspike", "not_refractory"):
                moved = array.copy()
                rows = moved[: 4 * 6].reshape(4, 6)
                rows[:, third] = rows[:, third] + 0.25
                arrays[name] = moved
    changes = [one_step(substrate, inputs, targets, begin) for begin in (start, other)]
    differs = {name: np.abs(changes[0][name] - changes[1][name]) > 1e-15 for name in net.projections}
    for name, where in differs.items():
        own = np.zeros_like(where)
        if name == "input_hidden1":
            own[:, third] = True
        else:
            own[third, :] = True
        assert not (where & ~own).any()
    assert any(where.any() for where in differs.values())


def one_step(substrate, inputs, targets, start):
    into = substrate.accumulator()
    nudge = Nudge(0.5, targets, COST)
    substrate.relax(inputs, nudge, start, stop=Stop(1), plasticity=Plasticity(into, 2.0))
    return substrate.shaped(into.take())


def test_a_symmetric_rule_on_directed_weights_is_refused():
    feedback = {"source": "output", "target": "hidden1", "directed": True, "learning_rate": 0.1}
    over = {"projections": {"hidden1_output": {"directed": True}, "output_hidden1": feedback}}
    for on, synapse in (("rate", "rate_derivative"), ("spiking", "two_trace")):
        with pytest.raises(SpecError, match=f"the rule of synapse '{synapse}' is symmetric"):
            substrate_of(network(on, 4, 6, 3, **over, substrate={on: {"synapse": synapse}}))
    fitting = network("spiking", 4, 6, 3, **over, substrate={"spiking": {"synapse": "two_trace_directed"}})
    substrate, (inputs, targets) = substrate_of(fitting), batch_of(fitting, 4)
    change = update_of(substrate, inputs, targets, centred(0.5)).change
    assert np.abs(change["output_hidden1"]).max() > 0
