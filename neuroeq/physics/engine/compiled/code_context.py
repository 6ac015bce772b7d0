"""What there is to conduct: a network's layers and parameters, by the names of the arrays that Brian2 keeps them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroeq.describe.spec import Network

from ..assembly import Assembly
from ..plasticity.plan import Key
from ..population import Population
from .learned import Learned

C_TYPES = {"float64": "double", "float32": "float", "int64": "int64_t", "int32": "int32_t", "bool": "char"}


@dataclass(frozen=True)
class Score:
    """What there is to conduct.

    Parameters
    ----------
    network, assembly
        As they are simulated.
    batch
        Samples at most.
    learned
        What learns.
    objects
        Brian2 objects in the order of a step: (when, learns, names of its functions).
    array
        Names a Brian2 variable's array.
    """

    network: Network
    assembly: Assembly
    batch: int
    learned: Sequence[Learned]
    objects: Sequence[tuple[str, bool, Sequence[str]]]
    array: Callable[[Any], str]

    @property
    def moving(self) -> dict[str, Population]:
        """The population of every layer that moves."""
        return self.assembly.home

    def size(self, layer: str) -> int:
        """Return the number of units of a layer."""
        return self.network.layers[layer].size

    def at(self, key: Key) -> str:
        """Return where a layer's block of a variable starts."""
        population = self.moving[key[0]]
        return f"({self.array(population.variable(key[1]))} + {population.start(key[0])})"

    @property
    def names(self) -> list[str]:
        """The parameters, in the order in which they are handed over: those that learn, then the others."""
        return parameter_names(self.network, self.learned)

    def held(self, name: str) -> str:
        """Return where a parameter stands."""
        return f"held[{self.names.index(name)}]"

    @property
    def emitted(self) -> str:
        """The variable that units send."""
        return "spike" if self.network.substrate_name == "spiking" else "activity"

    def block(self, population: Population) -> int:
        """Return the number of units of a population, in all samples."""
        return sum(population.batch * size for size in population.layers.values())

    def number(self, population: Population, name: str) -> int:
        """Return which of the variables whose start values are drawn one is."""
        every = [(each, drawn) for each in self.assembly.populations for drawn in each.drawn]
        return next(i for i, (each, drawn) in enumerate(every) if each is population and drawn == name)

    def events(self, population: Population) -> str:
        """Return the list of a population's spikes, which ends with their number."""
        return self.array(population.group.variables["_spikespace"])

    def shape(self, name: str) -> tuple[int, int]:
        """Return the shape of a parameter; a bias comes from one unit."""
        if name not in self.network.projections:
            return 1, self.size(name.removesuffix(".bias"))
        ends = self.network.projections[name]
        return self.size(ends.source), self.size(ends.target)


def parameter_names(network: Network, learned: Sequence[Learned]) -> list[str]:
    """Return the parameters in the order in which a library takes them: those that learn, then the others."""
    first = [each.name for each in learned]
    biases = [f"{name}.bias" for name, layer in network.layers.items() if layer.role != "input" and layer.bias]
    return first + [name for name in (*network.projections, *biases) if name not in first]


def c_type(variable: Any) -> str:
    """Return the C++ type of a Brian2 variable."""
    return C_TYPES[np.dtype(variable.dtype).name]
