"""Checks whether a learning rule can work on the neurons, the circuit and the graph of a network."""

from __future__ import annotations

from neuroeq.contract import as_rule
from neuroeq.describe.network import directed
from neuroeq.describe.spec import Network, SynapseModel
from neuroeq.describe.spec.rules import rule_of
from neuroeq.errors import SpecError
from neuroeq.registry import RULES

from ..engine import Field

PAIRED = (
    "{}: phases.nudge is 'state', a conductance to each output's target, and outputs are paired; use phases.nudge "
    "'held_current' or substrate.resistive.circuit.outputs 'single'."
)


def check_rule(network: Network, plastic: bool) -> None:
    """Refuse a rule that cannot work on a network of neurons.

    Parameters
    ----------
    network
        The resolved network, with the models of its file.
    plastic
        Whether the network learns.

    Raises
    ------
    SpecError
        If the rule needs an energy, a clamp, a vector field or a complex state that the network does not have.
    """
    if network.nudge == "clamp":
        _check_clamp(network)
    if network.nudge == "corrected" and not network.kind.equations:
        raise SpecError(
            f"{network.where}: phases.nudge is 'corrected' on substrate '{network.substrate_name}'; the correction "
            "needs every weight reversed, which no local circuit or spike transmits, so use substrate 'rate'."
        )
    if not plastic:
        return
    rule = rule_of(network.training)
    if rule is None:
        _check_synapses(network)
        return
    if "energy" in rule.needs:
        check_energy(network)
    if "analytic" in rule.needs:
        _check_analytic(network)


def check_energy(network: Network) -> None:
    """Refuse directed weights between free layers, since these have no energy."""
    for name in directed(network):
        raise SpecError(
            f"{network.where}: projections.{name} is directed, so there is no energy to contrast; use training.rule "
            "'vector_field', or symmetric weights."
        )


def _check_synapses(network: Network) -> None:
    for name in directed(network):
        synapse = network.synapse(name)
        if network.projections[name].learning_rate and _symmetric(synapse):
            raise SpecError(
                f"{network.where}: projections.{name} is directed, and the rule of synapse '{synapse.name}' is "
                "symmetric, for a network with an energy; use a directed rule such as 'vector_field', or "
                "symmetric weights."
            )


def _symmetric(synapse: SynapseModel) -> bool:
    """Return whether the terms of a synapse stay the same if its two sides are exchanged."""
    terms = {term.factors for term in synapse.plasticity}
    return bool(terms) and terms == {(post, pre) for pre, post in terms}


def _check_clamp(network: Network) -> None:
    model = network.neuron(network.output_layer)
    assert model is not None
    if model.observed != model.state:
        raise SpecError(
            f"{model.where}: its readout '{model.observed}' is not its state '{model.state}', so it "
            "cannot be clamped; use phases.nudge 'state', or a neuron that is read by its state."
        )


def _check_analytic(network: Network) -> None:
    rule = network.training.rule
    if not network.kind.equations:
        raise SpecError(
            f"{network.where}: training.rule is '{rule}' on substrate '{network.substrate_name}'; complex nudges "
            "exist in equations only, so use substrate 'rate'."
        )
    for layer in network.layers:
        model = network.neuron(layer)
        if model is not None and layer != network.input_layer and not Field(model).analytic:
            raise SpecError(
                f"{network.where}: training.rule is '{rule}', and neuron '{model.name}' of layer '{layer}' is "
                "clipped or has a kink, so it has no complex continuation; use a smooth neuron such as 'sigmoid'."
            )


def check_resistors(network: Network) -> None:
    """Refuse a rule that cannot work on operating points of a resistor network.

    Raises
    ------
    SpecError
        If the rule takes place in time, or needs neurons, or a pull that no element of a circuit exerts.
    """
    rule = rule_of(network.training)
    if rule is None:
        raise SpecError(
            f"{network.where}: training.learning is 'in_situ', which takes place in time; use 'contrastive' with "
            "operating points, or run it with --engine stepper."
        )
    if rule.needs - {"energy"}:
        suited = [name for name in RULES.names() if not as_rule(RULES.get(name)).needs - {"energy"}]
        raise SpecError(
            f"{network.where}: training.rule is '{network.training.rule}', which is for neurons; a resistor network "
            f"learns by {', '.join(map(repr, suited))}."
        )
    if network.nudge == "corrected":
        raise SpecError(
            f"{network.where}: phases.nudge is 'corrected'; a resistor network is reciprocal, so there is nothing to "
            "correct: leave it out."
        )
    if network.nudge == "state" and network.circuit.outputs == "paired":
        raise SpecError(PAIRED.format(network.where))
    if network.nudge == "state" and network.phases.cost != "squared_error":
        raise SpecError(
            f"{network.where}: phases.cost is '{network.phases.cost}' with phases.nudge 'state', a conductance to each "
            "target, which lowers squared errors only; use phases.nudge 'held_current'."
        )
    if network.training.step.kind == "binary":
        raise SpecError(
            f"{network.where}: training.step.kind is 'binary' for conductances, which have one sign; expected "
            "'gradient' or 'sign'."
        )
    if network.phases.persistent:
        raise SpecError(
            f"{network.where}: phases.persistent is true; an operating point does not depend on where its "
            "solver starts, so leave it out."
        )
