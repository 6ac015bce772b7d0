"""The stepwise trainer on phases that run as compiled C++: for rules, devices and roundings that stay in Python."""

from __future__ import annotations

from collections.abc import Iterator

from neuroeq.describe.spec import Network
from neuroeq.physics.engine.compiled import unsupported_phases
from neuroeq.physics.substrates import NeuronSubstrate

from .compiled import SUBSTRATES
from .contract import Setup
from .saving import compile_network, drawbacks
from .stepwise import Stepwise

COSTS = ("squared_error", "cross_entropy")
"""Costs whose pull is written as C++."""


class CompiledPhases(Stepwise):
    """The trainer of networks of neurons with fixed weights in each phase.

    Parameters
    ----------
    setup
        The substrate and the state of its training.

    Raises
    ------
    SpecError
        If there is no compiler, or it fails; or if edges are pruned on a circuit whose devices would bring them back.
    """

    name = "compiled_phases"
    drawbacks, prepare = staticmethod(drawbacks), staticmethod(compile_network)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        assert isinstance(setup.substrate, NeuronSubstrate)
        setup.substrate.simulation.compile()

    @staticmethod
    def reasons(network: Network) -> Iterator[str]:
        """Yield a sentence for each setting whose phases do not run as compiled code."""
        if network.substrate_name not in SUBSTRATES:
            yield f"substrate is '{network.substrate_name}'"
            return
        if network.run.engine not in (None, "compiled"):
            yield f"run.engine is '{network.run.engine}'"
        if network.phases.cost not in COSTS:
            yield f"phases.cost is '{network.phases.cost}'"
        if network.nudge == "corrected":
            yield "the nudge is 'corrected'"
        if network.training.rule == "holomorphic":
            yield "training.rule is 'holomorphic'"
        if network.training.update == "every_step":
            yield "training.update is 'every_step'"
        yield from unsupported_phases(network)

    @staticmethod
    def title(samples: int) -> str:
        """Return its name."""
        return CompiledPhases.name
