"""When a resistor network may learn by the fused kernels: one hidden layer, phases of so many sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bounds, learning_rates, mask
from neuroeq.describe.spec import Network
from neuroeq.physics.circuits import kernels
from neuroeq.physics.circuits.diodes import IdealDiode, NoDiode
from neuroeq.physics.circuits.fused.setting import Rates, Setting
from neuroeq.physics.circuits.fused.training import FusedTraining, compile_kernels
from neuroeq.physics.circuits.layout import lay_out
from neuroeq.physics.circuits.single_diodes import single_diodes

COMPILED_FROM = 200_000
"""Samples of a training from which compiling, some seconds once, pays."""


class Fused:
    """A resistor network that learns many batches at a time.

    Parameters
    ----------
    network
        One that `fusible` says yes to.
    params
        To start from.
    samples
        Of the whole training.
    """

    def __init__(self, network: Network, params: Params, samples: int) -> None:
        self._network = network
        self._first, self._second = _arrays(network)
        self._names = (self._first, self._second, *(f"{layer}.bias" for layer in _ends(network)))
        hidden = lay_out(network).layers[_ends(network)[0]]
        open_ended = (0.0, np.inf)
        phases, layout = network.phases, network.circuit
        setting: dict[str, Any] = {"variant": phases.variant, "nudge": network.nudge}
        self.training = FusedTraining(
            Setting(
                low=hidden.low,
                high=hidden.high,
                diode=hidden.diode,
                paired=layout.outputs == "paired",
                beta=phases.beta,
                gain=layout.input_gain,
                constants=layout.bias_voltages,
                sweeps=(phases.free.n_steps(1.0), phases.nudged.n_steps(1.0)),
                g1_limits=bounds(network, self._first) or open_ended,
                g2_limits=bounds(network, self._second) or open_ended,
                **setting,
            ),
            params[self._first],
            params[self._second],
            *(params.get(name) for name in self._names[2:]),
            compiled=compile_ahead(network, samples),
        )

    @property
    def params(self) -> Params:
        """The parameters as they are now, live."""
        held = (self.training.g1, self.training.g2, self.training.hidden_bias, self.training.output_bias)
        known = {*self._network.projections, *learning_rates(self._network)}
        return {name: value for name, value in zip(self._names, held, strict=True) if name in known}

    def learn(self, inputs: np.ndarray, targets: np.ndarray, factor: float, epoch: int, batch: int) -> np.ndarray:
        """Learn from batches in their order, with learning rates times `factor`; return the free outputs.

        The place, an epoch and its first batch, changes nothing here.
        """
        rates = learning_rates(self._network)
        scaled = Rates(*(factor * rates.get(name, 0.0) for name in self._names))
        size = self._network.training.batch_size
        return self.training.train(inputs, targets, np.arange(len(inputs)), size, scaled)


def compile_ahead(network: Network, samples: int) -> bool:
    """Compile what a fused training of so many samples needs, so that its time holds none of it; return if it pays."""
    pays = samples >= COMPILED_FROM and kernels.available()
    if pays:
        compile_kernels(network.physics.precision)
    return pays


def fusible(network: Network) -> bool:
    """Whether the fused kernels do exactly what the substrate, the contrast and the optimiser would."""
    if not network.resistive or sorted(layer.role for layer in network.layers.values()) != [
        "hidden",
        "input",
        "output",
    ]:
        return False
    phases, training, layout = network.phases, network.training, network.circuit
    ends = {(projection.source, projection.target) for projection in network.projections.values()}
    hidden, output = _ends(network)
    nodes = lay_out(network).layers[hidden]
    plain = (
        ends == {(network.input_layer, hidden), (hidden, output)},
        len(network.projections) == 2,
        all(mask(network, name) is None for name in network.projections),
        isinstance(nodes.diode, IdealDiode | NoDiode) or single_diodes(nodes) is not None,
        network.technology.neuron.amplifier is None,
        layout.double_inputs,
        phases.variant != "random_sign" and network.nudge != "clamp" and phases.cost == "squared_error",
        all(phase.counted and phase.tolerance is None for phase in (phases.free, phases.nudged)),
        training.learning == "contrastive"
        and training.rule == "ep"
        and not training.momentum
        and training.step.kind == "gradient",
        not training.l1 and training.prune is None,
        network.run.engine in (None, "operating_point"),
        not network.technology.array.wired and not network.technology.array.phase_mismatch,
        network.technology.periphery.ideal,
    )
    return all(plain)


def _ends(network: Network) -> tuple[str, str]:
    hidden = next(name for name, layer in network.layers.items() if layer.role == "hidden")
    return hidden, network.output_layer


def _arrays(network: Network) -> tuple[str, str]:
    """Return the names of the resistor arrays from the sources and to the outputs."""
    first = next(name for name, each in network.projections.items() if each.source == network.input_layer)
    return first, next(name for name in network.projections if name != first)
