"""Units that send vectors, or errors back, or have more than one state: the estimate is the gradient of the cost."""

import numpy as np
import pytest

from neuroeq.contract import Stop
from neuroeq.describe.spec import SynapseModel, validate
from neuroeq.describe.spec.transmission import Part, transmitted
from neuroeq.errors import NeuroeqError
from neuroeq.measures.fidelity import finite_differences, implicit_gradient
from tests.nets import batch_of, centred, cosine, flat, network, params_of, substrate_of, update_of

MODELS = {
    "kuramoto": "oscillator",
    "stuart_landau": "oscillator",
    "predictive_coding": "prediction_error",
    "fitzhugh_nagumo": "rate_derivative",
}
SETTLED = Stop(20_000, 1e-13)


def made(neuron, scale=0.8):
    net = network("rate", 3, 4, 2, substrate={"rate": {"neuron": neuron, "synapse": MODELS[neuron]}})
    return substrate_of(net, params_of(net, scale=scale)), *batch_of(net, 3)


@pytest.mark.parametrize("neuron", MODELS)
def test_the_estimate_is_the_gradient_by_finite_differences(neuron):
    """The error of a centred estimate at beta .01 is some 1e-4 of it."""
    substrate, inputs, targets = made(neuron)
    found = update_of(substrate, inputs, targets, centred(0.01), learning="contrastive", free=SETTLED, nudged=SETTLED)
    entries = {name: np.arange(value.size) for name, value in substrate.params.items()}
    differences = finite_differences(substrate, inputs, targets, entries)
    for name, value in differences.items():
        assert np.abs(value).max() > 1e-7, name
    exact = flat(differences)
    np.testing.assert_allclose(flat(found.change), -exact, rtol=0, atol=2e-3 * np.abs(exact).max())


@pytest.mark.parametrize("neuron", MODELS)
def test_plasticity_in_time_is_the_contrast_of_its_ends(neuron):
    substrate, inputs, targets = made(neuron)
    in_situ, contrast = (
        update_of(substrate, inputs, targets, centred(0.1), learning=how) for how in ("in_situ", "contrastive")
    )
    size = np.abs(flat(contrast.change)).max()
    assert size > 1e-4
    np.testing.assert_allclose(flat(in_situ.change), flat(contrast.change), rtol=0, atol=1e-10 * size)


def test_predictions_are_exact_where_nothing_pulls():
    """Without a nudge, errors of units off their bounds are 0, and every state is what the layer before predicts."""
    substrate, inputs, _ = made("predictive_coding", scale=0.2)
    eq, params = substrate.relax(inputs, stop=SETTLED), substrate.params
    hidden = inputs @ params["input_hidden1"] + params["hidden1.bias"]
    assert hidden.min() > 0
    np.testing.assert_allclose(eq.state["hidden1"], hidden, rtol=0, atol=1e-12)
    assert np.abs(eq.activity["hidden1"][1]).max() < 1e-12


def test_the_estimate_by_predictive_coding_is_nearly_that_of_backpropagation():
    """Its nudged states are those of back-propagated errors to first order in beta, for units off their bounds."""
    substrate, inputs, targets = made("predictive_coding", scale=0.2)
    found = update_of(substrate, inputs, targets, centred(0.01), learning="contrastive", free=SETTLED, nudged=SETTLED)
    params, m = substrate.params, len(inputs)
    hidden = inputs @ params["input_hidden1"] + params["hidden1.bias"]
    outputs = hidden @ params["hidden1_output"] + params["output.bias"]
    assert min(hidden.min(), outputs.min()) > 0 and max(hidden.max(), outputs.max()) < 1
    error = outputs - targets
    back = error @ params["hidden1_output"].T
    wanted = {"input_hidden1": inputs.T @ back / -m, "hidden1_output": hidden.T @ error / -m}
    for name, value in wanted.items():
        assert cosine(found.change[name].ravel(), value.ravel()) > 0.999


def test_transmissions_are_sums_of_products_of_both_sides():
    assert transmitted("w*(y_pre*x_post - x_pre*y_post)") == (Part("y", "x", 1.0), Part("x", "y", -1.0))
    assert transmitted("-2*w*x_pre") == (Part("x", None, -2.0),)
    assert transmitted("(activity_pre - activity_post)*w") == transmitted("w*(activity_pre - activity_post)")


@pytest.mark.parametrize(
    "text", ["w", "x_pre", "w*w*x_pre", "w*x_pre*y_pre", "w*x_post", "w*sin(x_pre)", "w*spike_pre*x_post", "w/x_pre"]
)
def test_other_transmissions_are_refused_in_one_sentence(text):
    with pytest.raises(NeuroeqError, match=r"transmission is .*; expected 'w"):
        validate(SynapseModel, {"title": "t", "name": "t", "transmission": text, "equations": "ddw/dt = 0*Hz : 1"}, "t")


@pytest.mark.parametrize("neuron", ["stuart_landau", "predictive_coding", "fitzhugh_nagumo"])
def test_units_that_the_adjoint_does_not_know_are_refused_in_one_sentence(neuron):
    substrate, inputs, targets = made(neuron)
    with pytest.raises(NeuroeqError, match=f"{neuron}.toml: "):
        implicit_gradient(substrate, inputs, targets)


@pytest.mark.compiled
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("learning", ["in_situ", "contrastive"])
@pytest.mark.parametrize("neuron", MODELS)
def test_compiled_training_ends_in_the_weights_of_the_stepper(neuron, learning, tmp_path):
    from neuroeq.runs.training import train

    params = []
    for engine in ("stepper", "compiled"):
        net = network(
            "rate", 2, 5, 2, substrate={"rate": {"neuron": neuron, "synapse": MODELS[neuron]}},
            phases={"beta": 0.1}, training={"learning": learning, "epochs": 3},
        )  # fmt: skip
        params.append(flat(train(net, engine=engine, keep=False).params))
    np.testing.assert_allclose(params[1], params[0], rtol=0, atol=1e-12)
