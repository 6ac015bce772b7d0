"""A substrate of one layer: outputs that settle at once where 1/2 |s|^2 - x W s - b s + beta C(s) is least."""

from neuroeq.contract import Equilibrium, Stop
from neuroeq.describe.kinds import Kind
from neuroeq.physics.substrates import PlainSubstrate
from neuroeq.registry import SUBSTRATES


@SUBSTRATES.register("linear")
class Linear(PlainSubstrate):
    kind = Kind(models=False, like="rate")

    def stop(self, relaxation):
        return Stop(1)

    def relax(self, inputs, nudge=None, start=None, *, stop, plasticity=None, record=None, rng=None):
        (weights,) = (self.params[name] for name in self.network.projections)
        s = inputs @ weights + self.params["output.bias"]
        if nudge is not None:  # of squared errors
            s = (s + nudge.beta * nudge.targets) / (1 + nudge.beta)
        return Equilibrium({"output": s}, s, 0.0, True, 1, None, {"input": inputs, "output": s})

    def energy_gradient(self, eq):
        (name,) = self.network.projections
        s, x = eq.state["output"], eq.activity["input"]
        return {name: -x.T @ s / len(s), "output.bias": -s.mean(axis=0)}
