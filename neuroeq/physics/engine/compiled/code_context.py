"""What the C++ writer needs to know: shapes of layers and parameters, and the names of the arrays that Brian2 uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from neuroeq.describe.params import param_shapes
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.convolution import Geometry, geometry_of

from ..assembly import Assembly
from ..plasticity.plan import Key
from ..population import Population
from .updates import FREE, MOVED, ParameterUpdate

C_TYPES = {"float64": "double", "float32": "float", "int64": "int64_t", "int32": "int32_t", "bool": "char"}

MATHS = "using maths::exp, maths::log, maths::tanh, maths::sin, maths::cos;"
"""What makes equations call the functions of ``maths.h``."""


@dataclass(frozen=True)
class CodeContext:
    """Describes a network and its Brian2 objects to the functions that write C++.

    Parameters
    ----------
    network
        The network, resolved for its substrate.
    assembly
        The Brian2 objects that it is simulated with.
    batch
        Largest number of samples in a batch.
    updates
        The parameters that learn, and what each learns from.
    objects
        Brian2 objects in the order in which a step runs them: (whether it serves learning only, names of functions).
    array
        Returns the name of the C++ array of a Brian2 variable.
    sparse
        The projections whose products run over their synapses alone.
    """

    network: Network
    assembly: Assembly
    batch: int
    updates: Sequence[ParameterUpdate]
    objects: Sequence[tuple[bool, Sequence[str]]]
    array: Callable[[Any], str]
    sparse: Sequence[str] = ()

    @property
    def moving(self) -> dict[str, Population]:
        """The population of each layer that is simulated; the input layer is clamped instead."""
        return self.assembly.home

    def size(self, layer: str) -> int:
        """Return the number of units of a layer."""
        return self.network.layers[layer].size

    def at(self, key: Key) -> str:
        """Return the C++ address at which a layer's block of a variable starts."""
        if key[1] in (FREE, MOVED):
            return f"{key[1]}_{key[0]}"
        population = self.moving[key[0]]
        return f"({self.array(population.variable(key[1]))} + {population.start(key[0])})"

    @property
    def dt(self) -> float:
        """The length of a step [s]."""
        return float(self.assembly.clock.dt)

    @property
    def names(self) -> list[str]:
        """Names of the parameters in the order of the C++ arguments: those that learn, then the others."""
        return parameter_names(self.network, self.updates)

    def held(self, name: str) -> str:
        """Return the C++ expression for the array of a parameter."""
        return f"held[{self.names.index(name)}]"

    def block(self, population: Population) -> int:
        """Return the number of units of a population, in all samples."""
        return sum(population.batch * size for size in population.layers.values())

    def number(self, population: Population, name: str) -> int:
        """Return the number of a variable among all whose start values are drawn at random."""
        every = [(each, drawn) for each in self.assembly.populations for drawn in each.drawn]
        return next(i for i, (each, drawn) in enumerate(every) if each is population and drawn == name)

    @property
    def convolutions(self) -> dict[str, Geometry]:
        """How the kernels of convolutional projections move, by name."""
        network = self.network
        return {name: geometry_of(network.projections[name], network.layers) for name in network.convolutions}

    def count(self, name: str) -> int:
        """Return the number of weights or biases of a parameter."""
        return prod(param_shapes(self.network)[name])

    def shape(self, name: str) -> tuple[int, int]:
        """Return the number of units at both ends of a parameter; a bias comes from one unit."""
        if name not in self.network.projections:
            return 1, self.size(name.removesuffix(".bias"))
        ends = self.network.projections[name]
        return self.size(ends.source), self.size(ends.target)


def function(name: str, arguments: str, body: Iterable[str]) -> list[str]:
    """Return the lines of a C++ function."""
    return [f"static void {name}({arguments}) {{", *(f"    {line}" for line in body), "}"]


def shared_variables(assembly: Assembly) -> dict[str, Any]:
    """Return the arrays of a network that compiled phases share with Brian2, by a name that is the same everywhere."""
    owners = {"clock": assembly.clock, **{each.group.name: each.group for each in assembly.populations}}
    return {
        f"{name}.{variable.name}": variable
        for name, owner in owners.items()
        for variable in owner.variables.values()
        if getattr(variable.owner, "name", None) == owner.name and variable.array and not variable.dynamic
    }


def parameter_names(network: Network, updates: Sequence[ParameterUpdate]) -> list[str]:
    """Return the names of the parameters in the order in which a library takes them: those that learn come first."""
    first = [each.name for each in updates]
    biases = [f"{name}.bias" for name, layer in network.layers.items() if layer.role != "input" and layer.bias]
    return first + [name for name in (*network.projections, *biases) if name not in first]


def c_type(variable: Any) -> str:
    """Return the C++ type of a Brian2 variable."""
    return C_TYPES[np.dtype(variable.dtype).name]
