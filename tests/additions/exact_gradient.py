"""A trainer of one linear layer that follows the exact gradient of the squared error: a baseline for the nudge."""

from neuroeq.describe.network import learning_rates
from neuroeq.learning.trainers.contract import Outcome
from neuroeq.learning.trainers.stepwise import Stepwise
from neuroeq.registry import TRAINERS


@TRAINERS.register("exact_gradient")
class ExactGradient(Stepwise):
    name = "exact_gradient"

    @staticmethod
    def reasons(network):
        if network.substrate_name != "linear":
            yield f"substrate is '{network.substrate_name}'"

    @staticmethod
    def title(samples):
        return ExactGradient.name

    def learn(self, batches):
        substrate, rates = self._substrate, learning_rates(self._substrate.network)
        (name,), bias = substrate.network.projections, "output.bias"
        outputs = batches.inputs @ self.params[name] + self.params[bias]
        error = (batches.targets - outputs) / len(outputs)
        change = {name: rates[name] * batches.inputs.T @ error, bias: rates[bias] * error.sum(axis=0)}
        self._store.change({key: self.params[key] + change[key] for key in change}, None)
        substrate.hold(self.params)
        return Outcome(outputs)
