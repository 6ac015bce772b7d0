"""The kinds of substrate: what a description must know about how each simulates a network and what it is made of.

Code asks a kind for the property that it needs, and never compares names. A substrate that users register has its kind
as the attribute ``kind`` of its class or function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuroeq.errors import SpecError
from neuroeq.registry import SUBSTRATES


@dataclass(frozen=True)
class Kind:
    """What descriptions must know about a substrate.

    Parameters
    ----------
    sends
        What its units send to each other, which has to match its neuron and synapse models.
    models
        Whether the network on it is simulated with neuron and synapse models.
    hardware
        Whether a hardware file says what it is made of.
    devices
        Whether the weights on hardware are held by programmable devices; the default of ``training.learning`` is then
        contrastive.
    conductances
        Whether the weights are positive conductances between nodes, which ``substrate.NAME.circuit`` lays out.
    like
        The substrate whose table in a network's file is used where the file has none for this one.
    engine
        The engine that runs it unless the file or the command line names another one.
    ideal
        The hardware that it is made of unless the file or the command line names another one.
    """

    sends: Literal["rate", "spikes", "voltages"] = "rate"
    models: bool = True
    hardware: bool = False
    devices: bool = True
    conductances: bool = False
    like: str | None = None
    engine: Literal["stepper", "operating_point"] = "stepper"
    ideal: str = "unbounded"

    @property
    def spikes(self) -> bool:
        """Whether its units send spikes."""
        return self.sends == "spikes"

    @property
    def equations(self) -> bool:
        """Whether it is nothing but rate equations, in which any quantity can be computed, local or not."""
        return self.sends == "rate" and not self.hardware

    @property
    def pairs(self) -> bool:
        """Whether each signed weight and bias is the difference of two devices."""
        return self.on_devices and not self.conductances

    @property
    def on_devices(self) -> bool:
        """Whether the weights are held by programmable devices."""
        return self.hardware and self.devices


OWN = {
    "rate": Kind(),
    "spiking": Kind(sends="spikes"),
    "oscillator": Kind(hardware=True, devices=False, ideal="oscillators_ideal"),
    "crossbar": Kind(hardware=True, like="rate"),
    "resistive": Kind(sends="voltages", models=False, hardware=True, conductances=True, engine="operating_point"),
}
"""The kinds of our own substrates, by name."""


def kind_of(name: str) -> Kind:
    """Return the kind of a substrate.

    Parameters
    ----------
    name
        The name of a substrate in the registry `SUBSTRATES`.

    Raises
    ------
    NeuroeqError
        If there is no such substrate, or a registered one does not say what kind it is.
    """
    if name in OWN:
        return OWN[name]
    kind = getattr(SUBSTRATES.get(name), "kind", None)
    if not isinstance(kind, Kind):
        raise SpecError(
            f"substrate '{name}' has no kind; give its class or function the attribute `kind`, a "
            "neuroeq.describe.kinds.Kind."
        )
    return kind


def kinds() -> dict[str, Kind]:
    """Return all kinds by the name of their substrate, ours first."""
    return {name: kind_of(name) for name in SUBSTRATES.names()}


def made_of_hardware() -> list[str]:
    """Return the names of the substrates that hardware can be laid under."""
    return [name for name, kind in kinds().items() if kind.hardware]
