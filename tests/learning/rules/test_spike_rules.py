"""What the ternary two-trace rule, the contrast of traces and stochastic spikes compute."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.physics.engine import Plasticity, Recording
from tests.nets import COST, batch_of, centred, cosine, flat, network, params_of, substrate_of, update_of
from tests.physics.substrates.test_spiking import SIZES, change, gradient, inner_problem

HIDDEN, OUTPUT = SIZES[1:]
SAMPLES = 4


def plastic(synapse, neuron, **constants):
    """A substrate, its inputs, their free equilibrium, and what goes on from one for some nudged steps."""
    physics = {"neuron": neuron, "synapse": synapse, "synapse_parameters": constants}
    net = network("spiking", *SIZES, substrate={"spiking": physics})
    substrate, (inputs, targets) = substrate_of(net), batch_of(net, SAMPLES)

    def go_on(start, steps):
        into = substrate.accumulator()
        learning = {"stop": Stop(steps), "plasticity": Plasticity(into, 1.0)}
        return substrate.relax(inputs, Nudge(0.5, targets, COST), start.resume, **learning), into.take()

    return substrate, inputs, substrate.relax(inputs, stop=Stop(70)), go_on


def kept(eq, name):
    """A variable of the units at the end of a phase: hidden (batch, n) and output (batch, n)."""
    (arrays,) = eq.resume.arrays
    (found,) = [array for key, array in arrays.items() if key == name or key.endswith(f"_0_{name}")]
    hidden, output = np.split(found, [SAMPLES * HIDDEN])
    return hidden.reshape(SAMPLES, HIDDEN), output.reshape(SAMPLES, OUTPUT)


def traces_ahead(eq, dt, tau=10e-3):
    """The traces once the spikes of the last step are in them, which is settled when a phase ends."""
    both = zip(kept(eq, "trace"), kept(eq, "spike"), strict=True)
    return [trace + (spike - trace) * dt / tau for trace, spike in both]


@pytest.mark.parametrize("neuron", ["sigma_delta", "lif", "bernoulli"])
@pytest.mark.parametrize("steps", [1, 200])
def test_trace_contrast_accumulates_the_change_of_the_product_of_traces(neuron, steps):
    """Between free layers, from the clamped input and for biases; rounding grows with the steps, 1e-12 is above it."""
    substrate, inputs, free, go_on = plastic("trace_contrast", neuron)
    end, found = go_on(free, steps)
    dt = substrate.simulation.dt
    (hidden_0, output_0), (hidden_1, output_1) = traces_ahead(free, dt), traces_ahead(end, dt)
    expected = {
        "input_hidden1": inputs.T @ (hidden_1 - hidden_0),
        "hidden1_output": hidden_1.T @ output_1 - hidden_0.T @ output_0,
        "hidden1.bias": (hidden_1 - hidden_0).sum(axis=0),
        "output.bias": (output_1 - output_0).sum(axis=0),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.abs(value).max() > 1e-2
        np.testing.assert_allclose(found[name], value / SAMPLES, rtol=0, atol=1e-12)


def test_the_ternary_rule_moves_weights_by_fixed_steps_along_slopes_above_the_threshold():
    """Step by step, against the spikes and slopes of the units: from clamped inputs, between free layers, of biases."""
    threshold, step = 5.0, 3e-3
    constants = {"threshold": "5 Hz", "step": "3 Hz"}
    _, inputs, eq, go_on = plastic("two_trace_ternary", "sigma_delta", **constants)
    seen = set()
    for _ in range(20):
        eq, found = go_on(eq, 1)
        slopes = [(fast - slow) / 10e-3 for fast, slow in zip(kept(eq, "fast"), kept(eq, "slow"), strict=True)]
        hidden, output = (np.where(np.abs(slope) > threshold, np.sign(slope), 0) for slope in slopes)
        spikes_h, spikes_o = kept(eq, "spike")
        expected = {
            "input_hidden1": inputs.T @ hidden,
            "hidden1_output": spikes_h.T @ output + hidden.T @ spikes_o,
            "hidden1.bias": hidden.sum(axis=0),
            "output.bias": output.sum(axis=0),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], step * value / SAMPLES, rtol=0, atol=1e-15)
        seen |= set(expected["hidden1_output"].ravel())
    assert {-1, 0, 1} <= seen


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("synapse", "constants", "least"),
    [
        ("two_trace_ternary", {"tau_fast": "50 ms", "tau_slow": "200 ms", "threshold": "0.01 Hz"}, 0.95),
        ("trace_contrast", {"tau_trace": "200 ms"}, 0.9),
    ],
)
def test_updates_point_along_the_gradient(seed, synapse, constants, least):
    """Cosines of every projection at 1,000 steps and beta .1; signs and a single filter are noisier than two traces."""
    problem = inner_problem(seed)
    truth, found = gradient(*problem), change(*problem, synapse, **constants)
    for name in ("input_hidden1", "hidden1_output"):
        assert cosine(flat(found, [name]), flat(truth, [name])) > least, name


def counts_of(neuron, biases, steps):
    """Spikes of unconnected units whose states are their biases: (samples, units)."""
    net = network("spiking", 1, len(biases), 1, substrate={"spiking": {"neuron": neuron}})
    params = {name: np.zeros_like(value) for name, value in params_of(net).items()}
    params["hidden1.bias"] = np.asarray(biases)
    substrate, record, inputs = (
        substrate_of(net, params, 20, plastic=False, monitored=20),
        Recording(),
        np.zeros((20, 1)),
    )
    settled = substrate.relax(inputs, stop=Stop(100))
    np.testing.assert_allclose(settled.state["hidden1"][0], biases, atol=1e-12)
    substrate.relax(inputs, start=settled.resume, stop=Stop(steps), record=record)
    _, samples, units = record.phases[0].spikes["hidden1"]
    return np.bincount(samples * len(biases) + units, minlength=20 * len(biases)).reshape(20, -1)


def test_a_bernoulli_unit_spikes_with_its_state_as_probability():
    """Means within 5 standard errors, false once in 150,000 draws of the 11 units; variances, 5 too: +-1.6 of 1."""
    biases, steps = np.linspace(0, 1, 11), 1000
    counts, variance = counts_of("bernoulli", biases, steps), steps * biases * (1 - biases)
    assert (np.abs(counts.mean(axis=0) - steps * biases) <= 5 * np.sqrt(variance / 20)).all()
    spread = counts.var(axis=0, ddof=1)[1:-1] / variance[1:-1]
    assert (np.abs(spread - 1) < 5 * np.sqrt(2 / 19)).all()
    assert abs(spread.mean() - 1) < 5 * np.sqrt(2 / 19 / 9)
    assert counts_of("sigma_delta", biases, steps).var(axis=0).max() < 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bernoulli_updates_point_better_the_longer_the_phases(seed):
    """Mean cosine of 8 draws, with standard errors of .04 and .01; the trace lasts a quarter of the phase."""
    problem = inner_problem(seed)
    truth, means = flat(gradient(*problem)), []
    for steps in (50, 800):
        physics = {"neuron": "bernoulli", "synapse": "trace_contrast"}
        physics["synapse_parameters"] = {"tau_trace": f"{steps / 4:g} ms"}
        substrate = substrate_of(network("spiking", *SIZES, substrate={"spiking": physics}), problem[0])
        draws = [
            update_of(substrate, *problem[1:], centred(0.5), free=Stop(steps), nudged=Stop(steps), seed=draw).change
            for draw in range(8)
        ]
        means.append(np.mean([cosine(flat(draw), truth) for draw in draws]))
    assert means[0] < 0.85 and means[1] > 0.92
