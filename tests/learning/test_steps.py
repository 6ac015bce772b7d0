"""Sign and binary steps, and particles that persist: what they do to weights and states, and that runs resume."""

import numpy as np
import pytest

from neuroeq.describe.network import initial_params
from neuroeq.errors import NeuroeqError
from neuroeq.learning.optimiser import Descent
from neuroeq.runs.training import train
from tests.nets import network, params_of

BINARY = {"kind": "binary", "inertia": 0.1, "threshold": 0.05}


def changed(net, params, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=value.shape) for name, value in params.items()}


def test_a_sign_step_is_the_learning_rate_or_nothing():
    net = network("rate", 5, 7, 3, training={"step": {"kind": "sign", "threshold": 0.4}})
    params = params_of(net)
    change = changed(net, params)
    change["input_hidden1"][0] = 0.0
    after = Descent(net).step(params, change, 0)
    for name in net.projections:
        moved, asked = after[name] - params[name], change[name]
        np.testing.assert_allclose(np.abs(moved[np.abs(asked) > 0.4]), 0.1, rtol=1e-12)
        assert (moved[np.abs(asked) <= 0.4] == 0).all() and (moved * asked >= 0).all()
    np.testing.assert_allclose(after["output.bias"] - params["output.bias"], 0.1 * change["output.bias"])


def test_binary_weights_start_and_stay_two_valued():
    net = network("rate", 5, 7, 3, training={"step": BINARY})
    params, descent = initial_params(net, np.random.default_rng(0)), Descent(net)
    sizes = {name: np.abs(params[name]).max() for name in net.projections}
    for turn in range(30):
        params = descent.step(params, changed(net, params, turn), 0)
        for name, size in sizes.items():
            np.testing.assert_array_equal(np.abs(params[name]), np.full_like(params[name], size))


def test_a_binary_weight_flips_once_its_filtered_change_has_asked_for_it_long_enough():
    """m = .1 (1 - .9^n) times rate times change: above .05 after the seventh of changes of -1 at rate 1."""
    net = network("rate", 1, 1, 1, training={"step": BINARY}, projections={"input_hidden1": {"learning_rate": 1.0}})
    params = {**initial_params(net, np.random.default_rng(0)), "input_hidden1": np.array([[0.3]])}
    descent, signs = Descent(net), []
    for _ in range(9):
        params = descent.step(params, {"input_hidden1": np.array([[-0.1]])}, 0)
        signs.append(float(np.sign(params["input_hidden1"][0, 0])))
    filtered = 0.1 * (1 - 0.9 ** np.arange(1, 10))
    assert signs == [1.0 if m <= 0.05 else -1.0 for m in filtered] and set(signs) == {1.0, -1.0}


@pytest.mark.parametrize("step", [BINARY, {"kind": "sign"}])
def test_momentum_has_no_place_in_them(step):
    with pytest.raises(NeuroeqError, match=r"training.momentum is 0.5 with training.step.kind"):
        network("rate", 5, 7, 3, training={"step": step, "momentum": 0.5})


def test_conductances_are_not_binary():
    with pytest.raises(NeuroeqError, match=r"conductances, which have one sign; expected 'gradient' or 'sign'"):
        train("xor", "resistive", settings=["training.step={kind='binary',inertia=0.1,threshold=0.1}"], epochs=1)


def persistent(tmp_path, name, epochs, *more, substrate="rate", **options):
    settings = ["phases.persistent=true", "phases.free.duration='7 steps'", *more]
    return train(
        "xor", substrate, seed=1, epochs=epochs, settings=settings, out=tmp_path / name, target="numpy", **options
    )


@pytest.mark.parametrize("substrate", ["rate", "spiking", "crossbar"])
def test_without_learning_epochs_of_a_persistent_free_phase_are_one_long_phase(tmp_path, substrate):
    still = [f"projections.{name}.learning_rate=0" for name in ("input_hidden", "hidden_output")]
    persistent(tmp_path, "a", 6, *still, substrate=substrate)
    long = persistent(tmp_path, "b", 1, *still, "phases.free.duration='42 steps'", substrate=substrate)
    particles = [persistent_states(tmp_path / name) for name in ("a", "b")]
    assert long.metrics[0]["free_steps"] == 42
    for name, value in particles[0].items():
        if substrate == "spiking":  # which units spike in step was drawn anew, by the place of an example in its epoch
            assert value.shape == particles[1][name].shape
        else:
            np.testing.assert_allclose(value, particles[1][name], rtol=0, atol=1e-12)
    assert particles[0]["seen"].all()


def persistent_states(path):
    with np.load(path / "checkpoint.npz") as file:
        return {n.removeprefix("particles/"): file[n] for n in file.files if n.startswith("particles/")}


def test_a_resumed_run_with_particles_and_filtered_changes_equals_an_uninterrupted_one(tmp_path):
    from neuroeq.runs.interruption import Interrupted

    binary = "training.step={kind='binary',inertia=0.1,threshold=0.001}"
    whole = persistent(tmp_path, "whole", 6, binary)

    def stop_after(step, row):
        if step.epoch == 2 and row is not None:
            raise KeyboardInterrupt

    with pytest.raises((Interrupted, KeyboardInterrupt)):
        persistent(tmp_path, "parts", 6, binary, progress=stop_after)
    parts = persistent(tmp_path, "parts", 6, binary, resume=True)
    for one, two in ((each.folder.load() for each in (whole, parts)),):
        for name, value in one.params.items():
            np.testing.assert_array_equal(value, two.params[name])
        for name, value in one.particles.items():
            np.testing.assert_array_equal(value, two.particles[name])
        assert one.velocity.keys() == two.velocity.keys() and one.velocity


def test_operating_points_have_no_memory():
    with pytest.raises(NeuroeqError, match="an operating point does not depend on where its solver starts"):
        train("xor", "resistive", settings=["phases.persistent=true"], epochs=1)
