"""Laws of coupled oscillators: energy, locking, symmetry under rotation, and their gradient."""

import numpy as np
import pytest

from neuroeq.contract import Nudge, Stop
from neuroeq.errors import NeuroeqError
from neuroeq.learning.rules import Trial, estimate
from neuroeq.measures.fidelity import check, finite_differences, implicit_gradient
from neuroeq.measures.fidelity.bptt import backpropagate
from neuroeq.randomness import Streams
from tests.nets import COST, batch_of, centred, flat, network, params_of, substrate_of, update_of

SETTLED = Stop(20_000, 1e-13)
LONG = {phase: {"duration": "3000 steps", "tolerance": 1e-12} for phase in ("free", "nudged")}
OSCILLATORS = {"neuron": "kuramoto", "synapse": "oscillator"}


def oscillators(*sizes, on="oscillator", psi=0.0, phi="uniform(0.3, 2.8)", dt="3 ms", disorder=None, **over):
    """Return a layered network of oscillators, with random start phases unless `phi` is one."""
    own = {**OSCILLATORS, "neuron_parameters": {"psi": psi}, "dt": dt}
    net = network(on, *sizes, substrate={on: own}, made_of=disorder, **over)
    model = net.physics.neuron.model_copy(update={"initial": {"phi": phi}})
    return net.model_copy(update={"substrate": {on: net.physics.model_copy(update={"neuron": model})}})


def strong(net, seed=0):
    """Return parameters whose fields hold every phase."""
    return params_of(net, seed, scale=1.5)


@pytest.fixture
def settled():
    net = oscillators(3, 5, 4, 2, phases=LONG)
    return substrate_of(net, strong(net)), *batch_of(net, 3)


def test_energy_falls_along_a_free_trajectory_until_nothing_moves(settled):
    substrate, inputs, _ = settled
    eq, energies = substrate.relax(inputs, stop=Stop(1)), []
    for _ in range(400):
        energies.append(substrate.energy(eq))
        eq = substrate.relax(inputs, start=eq.resume, stop=Stop(1))
    falls = -np.diff(energies, axis=0)
    assert falls.min() > -1e-12 and (falls[0] > 1e-3).all() and falls[-1].max() < 1e-3


def test_energy_is_that_of_the_cosines_of_all_pairs(settled):
    substrate, inputs, _ = settled
    eq, params = substrate.relax(inputs, stop=Stop(7)), substrate.params
    layers = ["hidden1", "hidden2", "output"]
    for sample in range(len(inputs)):
        phases = {layer: eq.state[layer][sample] for layer in layers}
        energy = -sum(params[f"{layer}.bias"] @ np.cos(phases[layer]) for layer in layers)
        energy -= (inputs[sample] @ params["input_hidden1"]) @ np.cos(phases["hidden1"])
        for one, other in (("hidden1", "hidden2"), ("hidden2", "output")):
            energy -= (params[f"{one}_{other}"] * np.cos(phases[one][:, None] - phases[other])).sum()
        assert substrate.energy(eq)[sample] == pytest.approx(energy, abs=1e-12)


def test_a_step_is_that_of_the_equation_of_phases(settled):
    """phi_i moves by dt/tau times the sum of J_ij sin(phi_j - phi_i) and of fields -h_i sin phi_i."""
    substrate, inputs, _ = settled
    before, params = substrate.relax(inputs, stop=Stop(5)), substrate.params
    after = substrate.relax(inputs, start=before.resume, stop=Stop(1))
    one, two = before.state["hidden1"], before.state["hidden2"]
    field = inputs @ params["input_hidden1"] + params["hidden1.bias"]
    pairs = params["hidden1_hidden2"] * np.sin(two[:, None, :] - one[:, :, None])
    wanted = one + 0.3 * (pairs.sum(axis=2) - field * np.sin(one))
    np.testing.assert_allclose(after.state["hidden1"], wanted, rtol=0, atol=1e-13)


def test_turning_all_phases_start_phases_and_psi_changes_no_difference_of_phases():
    turn, found = 0.7, []
    for by in (0.0, turn):
        net = oscillators(3, 5, 2, psi=by, phi=f"uniform({0.3 + by}, {2.8 + by})")
        found.append(substrate_of(net, strong(net)).relax(batch_of(net, 3)[0], stop=Stop(60)))
    for layer, phase in found[0].state.items():
        np.testing.assert_allclose(found[1].state[layer] - turn, phase, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[1].outputs, found[0].outputs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("detuning", [0.3, 1.9, 2.1, 5.0])
def test_two_oscillators_lock_where_their_frequencies_differ_by_less_than_twice_their_coupling(detuning):
    """sin(phi_1 - phi_2) = (omega_1 - omega_2)/(2 J), with J = 1."""
    net = oscillators(1, 1, 1, disorder={"oscillators": {"omega_sd": 1.0}}, layers={"output": {"bias": False}})
    params = params_of(net)
    params["input_hidden1"][:] = params["hidden1.bias"][:] = 0
    params["hidden1_output"][:] = 1
    substrate = substrate_of(net, params, batch=1)
    for population in substrate.simulation._assembly.populations:
        for layer in population.layers:
            population.rows(population.constants["omega"], layer)[:] = detuning / 2 * (1 if layer == "output" else -1)
    eq = substrate.relax(np.ones((1, 1)), stop=Stop(20_000))
    differences = []
    for _ in range(60):
        differences.append(float(eq.state["output"][0, 0] - eq.state["hidden1"][0, 0]))
        eq = substrate.relax(np.ones((1, 1)), start=eq.resume, stop=Stop(5))
    if detuning < 2:
        np.testing.assert_allclose(np.sin(differences), detuning / 2, rtol=0, atol=1e-9)
    else:
        assert np.ptp(differences) > 2 * np.pi


def test_a_strong_injection_binarises_phases():
    net = oscillators(3, 6, 2, dt="0.3 ms", disorder={"oscillators": {"injection": 10.0}})
    weak = oscillators(3, 6, 2)
    phases = substrate_of(net, strong(net)).relax(batch_of(net, 3)[0], stop=Stop(5000)).state["hidden1"]
    others = substrate_of(weak, strong(net)).relax(batch_of(net, 3)[0], stop=Stop(5000)).state["hidden1"]
    assert np.abs(np.sin(phases)).max() < 0.12 < np.abs(np.sin(others)).max()


def test_the_adjoint_is_the_gradient_of_every_weight_and_bias(settled):
    substrate, inputs, targets = settled
    adjoint = implicit_gradient(substrate, inputs, targets)
    entries = {name: np.arange(value.size) for name, value in adjoint.items()}
    differences = finite_differences(substrate, inputs, targets, entries)
    for name, value in adjoint.items():
        assert np.abs(value).max() > 1e-6, name
        np.testing.assert_allclose(value.ravel(), differences[name], rtol=0, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize(("variant", "slope"), [("positive", 1), ("centred", 2)])
def test_the_bias_of_a_settled_estimate_has_the_slope_of_its_variant(variant, slope):
    net = oscillators(3, 5, 4, 2, phases={**LONG, "beta": 0.02, "variant": variant})
    report = check(substrate_of(net, strong(net)), *batch_of(net, 3), Streams(0))
    assert report.bias_slope == pytest.approx(slope, abs=0.1)
    assert report.cosine > 0.9999
    assert all(each.finite_difference_error < 1e-5 for each in report.projections.values())


def test_fixed_frequencies_have_an_energy_and_a_gradient_too():
    net = oscillators(3, 5, 2, phi=1.2, phases=LONG, disorder={"oscillators": {"omega_sd": 0.1}})
    substrate, (inputs, targets) = substrate_of(net, strong(net)), batch_of(net, 3)
    adjoint = implicit_gradient(substrate, inputs, targets)
    found = update_of(substrate, inputs, targets, centred(0.01), learning="contrastive", free=SETTLED, nudged=SETTLED)
    np.testing.assert_allclose(flat(found.change), -flat(adjoint), rtol=0, atol=1e-4 * np.abs(flat(adjoint)).max())
    eq, energies = substrate.relax(inputs, stop=Stop(1)), []
    for _ in range(50):
        energies.append(substrate.energy(eq))
        eq = substrate.relax(inputs, start=eq.resume, stop=Stop(1))
    assert np.diff(energies, axis=0).max() < 1e-12


def test_backpropagation_through_the_last_steps_is_the_gradient(settled):
    substrate, inputs, targets = settled
    exact = flat(implicit_gradient(substrate, inputs, targets))
    unrolled = backpropagate(substrate, substrate.relax(inputs, stop=SETTLED), inputs, targets, 1200).total
    np.testing.assert_allclose(flat(unrolled), exact, rtol=0, atol=1e-6 * np.abs(exact).max())


def test_holomorphic_nudges_find_the_gradient():
    learning = {"learning": "contrastive", "rule": "holomorphic"}
    phases = {**LONG, "beta": 0.1, "points": 6, "variant": "centred"}
    net = oscillators(3, 5, 4, 2, on="rate", phases=phases, training=learning)
    substrate, (inputs, targets) = substrate_of(net, strong(net)), batch_of(net, 3)
    trial = Trial(inputs, targets, centred(0.1), COST, SETTLED, Stop(3000), None)
    exact = flat(implicit_gradient(substrate, inputs, targets))
    found = flat(estimate(substrate, trial).change)
    np.testing.assert_allclose(found, -exact, rtol=0, atol=1e-6 * np.abs(exact).max())


def test_plasticity_in_time_is_the_contrast_of_its_ends(settled):
    substrate, inputs, targets = settled
    in_situ, contrast = (
        update_of(substrate, inputs, targets, centred(0.1), learning=learning)
        for learning in ("in_situ", "contrastive")
    )
    np.testing.assert_allclose(flat(in_situ.change), flat(contrast.change), rtol=0, atol=1e-12)


def test_zero_nudge_changes_nothing(settled):
    substrate, inputs, targets = settled
    free = substrate.relax(inputs, stop=Stop(9))
    further = substrate.relax(inputs, start=free.resume, stop=Stop(9))
    nudged = substrate.relax(inputs, Nudge(0.0, targets, COST), free.resume, stop=Stop(9))
    for layer, phase in further.state.items():
        np.testing.assert_array_equal(nudged.state[layer], phase)


@pytest.mark.parametrize("bits", [2, 4, 10])
def test_couplings_have_as_many_levels_as_their_bits_allow(bits):
    net = oscillators(3, 40, 2, disorder={"oscillators": {"coupling_bits": bits}})
    substrate = substrate_of(net)
    exact, held = substrate.params["input_hidden1"], substrate.weights["input_hidden1"]
    step = np.abs(exact).max() / (2 ** (bits - 1) - 1)
    assert len(np.unique(np.round(held / step))) <= 2**bits - 1
    assert np.abs(held - exact).max() <= step / 2 * (1 + 1e-9) and (held != exact).any()
    fine = substrate_of(oscillators(3, 40, 2, disorder={"oscillators": {"coupling_bits": 24}})).weights["input_hidden1"]
    np.testing.assert_allclose(fine, exact, rtol=0, atol=1e-6)


def test_couplings_beyond_the_largest_are_cut():
    net = oscillators(3, 40, 2, disorder={"oscillators": {"coupling_bits": 4, "coupling_max": 0.1}})
    substrate = substrate_of(net)
    exact, held = substrate.params["input_hidden1"], substrate.weights["input_hidden1"]
    assert np.abs(exact).max() > 0.11 and np.abs(held).max() == pytest.approx(0.1)
    inside = np.abs(exact) < 0.1
    assert np.abs(held - exact)[inside].max() <= 0.1 / 7 / 2 * (1 + 1e-9)


def test_phases_are_read_out_in_steps_of_a_turn():
    net = oscillators(3, 5, 2, disorder={"oscillators": {"phase_bits": 4}})
    exact = oscillators(3, 5, 2)
    inputs, _ = batch_of(net, 3)
    read = substrate_of(net).relax(inputs)
    settled = substrate_of(exact).relax(inputs)
    for layer, phase in read.state.items():
        turns = phase * 16 / (2 * np.pi)
        np.testing.assert_allclose(turns, np.round(turns), rtol=0, atol=1e-9)
        assert np.abs(phase - settled.state[layer]).max() <= np.pi / 16 + 1e-9
        np.testing.assert_allclose(read.activity[layer], [np.cos(phase), np.sin(phase)], rtol=0, atol=1e-12)
    np.testing.assert_allclose(read.outputs, (1 + np.cos(read.state["output"])) / 2, rtol=0, atol=1e-12)


def test_noise_spreads_a_free_phase_as_diffusion_does():
    """The variance of the phase of an oscillator alone is 2 D t/tau."""
    net = oscillators(1, 500, 1, phi="1.0", disorder={"oscillators": {"phase_noise": 0.05}})
    params = {name: np.zeros_like(value) for name, value in params_of(net).items()}
    eq = substrate_of(net, params, batch=4).relax(np.zeros((4, 1)), stop=Stop(20))
    assert eq.state["hidden1"].var() == pytest.approx(2 * 0.05 * 20 * 0.3, rel=0.1)


def test_units_keep_their_frequencies_in_all_batches_and_other_seeds_have_others():
    def frequencies(seed):
        net = oscillators(3, 50, 2, disorder={"oscillators": {"omega_sd": 0.2}}, run={"seed": seed})
        return substrate_of(net).simulation.population("hidden1").constants_of("hidden1")["omega"]

    np.testing.assert_array_equal(frequencies(3), frequencies(3))
    assert np.abs(frequencies(3) - frequencies(4)).max() > 0.1
    assert frequencies(3).std() == pytest.approx(0.2, rel=0.35)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"neuron": "hard_sigmoid", "synapse": "rate_derivative"}, "expected oscillators"),
        ({"neuron": "kuramoto", "synapse": "rate_derivative"}, "sends x, y"),
        ({"neuron": "hard_sigmoid", "synapse": "oscillator"}, "expected oscillators"),
    ],
)
def test_models_that_do_not_go_together_are_refused_in_one_sentence(own, words):
    net = network("oscillator", 2, 3, 2, substrate={"oscillator": own})
    with pytest.raises(NeuroeqError, match=words):
        substrate_of(net)


@pytest.mark.parametrize("key", ["omega_sd", "phase_noise"])
def test_what_turns_phases_is_refused_for_units_whose_state_is_no_phase(key):
    own = {"neuron": "stuart_landau", "synapse": "oscillator"}
    net = network("oscillator", 3, 4, 2, substrate={"oscillator": own}, made_of={"oscillators": {key: 0.1}})
    with pytest.raises(NeuroeqError, match=r"stuart_landau.* which is no phase"):
        substrate_of(net, params_of(net))
