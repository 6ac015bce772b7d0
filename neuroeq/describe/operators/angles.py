"""The angles between feedback weights and the transpose of the forward weights."""

from __future__ import annotations

from neuroeq.contract import Params

from ..network import angle_between
from ..spec import Network
from .choice import operators


def feedback_angles(network: Network, params: Params) -> dict[str, float]:
    """Return, by projection, the angle of feedback weights to the transpose of the forward weights. [degrees]."""
    angles: dict[str, float] = {}
    earlier: dict[tuple[str, str], str] = {}
    directed = {name: each for name, each in network.projections.items() if each.directed}
    maps = operators(network) if directed else {}
    for name, projection in directed.items():
        source, target = projection.source, projection.target
        if source != target and (target, source) in earlier:
            forward = earlier[target, source]
            own, other = (maps[each].matrix(params[each]) for each in (name, forward))
            angles[name] = angle_between(own, other.T)
        earlier[source, target] = name
    return angles
