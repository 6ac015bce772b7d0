"""Outputs that name no class are wrong on every substrate, in training and in evaluation."""

import numpy as np
import pytest

from neuroeq.data import Examples
from neuroeq.data.coding import SILENT, Classes, predictions
from neuroeq.data.examples import Part
from neuroeq.learning.state import State
from neuroeq.learning.training import train
from neuroeq.measures.evaluation import evaluate
from neuroeq.randomness import Streams
from tests.conformance.test_substrates import MODELS
from tests.nets import network, params_of, substrate_of

AT_REST = [(on, physics) for on, physics in MODELS if physics["neuron"] != "sigmoid"]
"""The models whose outputs are 0 without any input."""
CASES = [*((on, {"substrate": {on: physics}}) for on, physics in AT_REST), ("resistive", {})]
NOTHING = Part(np.zeros((6, 5)), np.array([0, 0, 0, 1, 1, 2]), np.arange(6), 1.0)


def at_rest(on, outputs=3, **over):
    """A substrate whose outputs stay at 0 where inputs are 0."""
    no_bias = {"resistive": {"circuit": {"bias_voltages": []}}}
    net = network(on, 5, 7, outputs, training={"epochs": 1}, substrate={**no_bias, **over.pop("substrate", {})}, **over)
    params = {name: 0 * value if "bias" in name else value for name, value in params_of(net).items()}
    return substrate_of(net, params)


def names(cases):
    return ["-".join([on, *over.get("substrate", {}).get(on, {}).values()]) for on, over in cases]


@pytest.mark.parametrize(("on", "over"), CASES, ids=names(CASES))
def test_silent_outputs_are_wrong_for_every_class(on, over):
    substrate = at_rest(on, **over)
    score = evaluate(
        substrate, NOTHING, Classes((0, 1, 2)), substrate.stop(substrate.network.phases.free), Streams(0), "test", 0
    )
    assert score.error == 1
    state, examples = State(dict(substrate.params)), Examples(NOTHING, None, None, Classes((0, 1, 2)))
    first = next(train(substrate, examples, state, Streams(0), trainer="stepwise"))
    assert first.error == 1


@pytest.mark.parametrize("on", ["rate", "spiking", "crossbar"])
def test_an_output_of_zero_is_class_zero_in_scalar_coding(on):
    substrate = at_rest(on, outputs=1, data={"targets": "scalar"})
    two = Part(NOTHING.inputs, np.array([0, 0, 0, 0, 1, 1]), NOTHING.rows, 1.0)
    score = evaluate(
        substrate,
        two,
        Classes((0, 1), scalar=True),
        substrate.stop(substrate.network.phases.free),
        Streams(0),
        "test",
        0,
    )
    assert score.error == pytest.approx(1 / 3)


def test_only_outputs_that_are_all_alike_name_no_class():
    outputs = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.1, 0.0, 0.0]])
    assert predictions(outputs, "one_hot").tolist() == [SILENT, SILENT, 1, 0]
    assert predictions(np.array([[0.0], [1.0]]), "one_hot").tolist() == [0, 0]
