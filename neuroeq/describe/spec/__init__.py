"""What files may contain: frozen descriptions of networks, models and hardware."""

from .base import Spec, validate
from .circuit import Resistive
from .expected import Expected
from .files import overlay, read, setting
from .graph import Layer, Projection
from .hardware import Hardware
from .model import Bounds, NeuronModel, SynapseModel, Term
from .network import SUBSTRATES, Network
from .recipe import Phases, Training
from .record import Record, recording
from .substrate import Substrate

__all__ = [
    "SUBSTRATES",
    "Bounds",
    "Expected",
    "Hardware",
    "Layer",
    "Network",
    "NeuronModel",
    "Phases",
    "Projection",
    "Record",
    "Resistive",
    "Spec",
    "Substrate",
    "SynapseModel",
    "Term",
    "Training",
    "overlay",
    "read",
    "recording",
    "setting",
    "validate",
]
