"""The diodes of each layer of a resistor network: those of its hardware, with the keys that a layer gives itself."""

from __future__ import annotations

from typing import Any

from neuroeq.errors import SpecError

from .spec import Network, validate
from .spec.base import Spec
from .spec.node import Clamp, NoClamp, Nonlinearity


class _Diodes(Spec):
    """The place of diodes in a file, for messages that name it."""

    nonlinearity: Nonlinearity


def diodes_of(network: Network, layer: str) -> Clamp | NoClamp:
    """Return the diodes at the nodes of a layer of a network that is resolved for a resistor network.

    Raises
    ------
    SpecError
        If the layer gives keys that its diodes do not have, or values that are not allowed.
    """
    own, shared = network.layers[layer].nonlinearity, network.technology.neuron.nonlinearity
    if not own:
        return shared
    table: dict[str, Any] = shared.model_dump(exclude_unset=True) | {"model": shared.model}
    if own.get("model", shared.model) != shared.model:
        table = {} if own["model"] == "none" else {key: table[key] for key in table if key.startswith("v_bias")}
    return validate(_Diodes, {"nonlinearity": table | own}, f"{network.where}: layers.{layer}").nonlinearity


def check_diodes(network: Network) -> None:
    """Refuse diodes of layers that have none, and those that are not valid.

    Raises
    ------
    SpecError
        If the substrate, or the layer, has no diodes, or their table is not valid.
    """
    for name, layer in network.layers.items():
        if not layer.nonlinearity:
            continue
        what = f"{network.where}: layers.{name}.nonlinearity is given, and"
        if not network.kind.conductances:
            raise SpecError(
                f"{what} substrate '{network.substrate_name}' has no diodes; move it to "
                f"[substrate.resistive.layers.{name}], or run on resistive."
            )
        if layer.role != "hidden":
            raise SpecError(f"{what} {layer.role} nodes have no diodes; leave it out, or give it to a hidden layer.")
        if network.circuit.diodes == "none":
            raise SpecError(f"{what} substrate.resistive.circuit.diodes is 'none'; leave one of them out.")
        diodes_of(network, name)
