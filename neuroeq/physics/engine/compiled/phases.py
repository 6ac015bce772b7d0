"""Compiled phases: the steps of a simulation's phase run in C++, on the arrays of its Brian2 objects.

Everything else stays in Python, where all rules, devices and converters are at home.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from neuroeq.contract import Nudge, Params, Stop
from neuroeq.describe.spec import Network

from ..assembly import Assembly
from ..plasticity.accumulator import Plasticity
from .calls import Library, addresses, one_at_a_time
from .code_context import parameter_names, shared_variables
from .support import layouts
from .updates import parameter_updates

Array = np.ndarray


class _Phase(ctypes.Structure):
    """What a phase is given and what it returns, as in phases.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("samples", "steps", "every")),
        *((name, ctypes.c_double) for name in ("tolerance", "beta")),
        *((name, ctypes.c_void_p) for name in ("inputs", "wanted", "params", "edges", "slopes")),
        ("key", ctypes.c_uint64),
        ("changes", ctypes.c_void_p),
        ("residual", ctypes.c_double),
        ("spikes", ctypes.c_int64),
    )


class CompiledPhases:
    """Runs the phases of one simulation.

    Parameters
    ----------
    library
        The library of the network.
    network
        The network as it is simulated.
    assembly
        The Brian2 objects of the simulation, whose arrays are used.
    """

    def __init__(self, library: Library, network: Network, assembly: Assembly) -> None:
        self._library, self._network, self._dt = library, network, float(assembly.clock.dt)
        self._arrays = {name: each.get_value() for name, each in shared_variables(assembly).items()}
        self._bound = library.bound(self._arrays)
        self._updates = parameter_updates(network, self._dt)
        self._order = parameter_names(network, self._updates)
        self._edges = layouts(network)
        self._dtype = np.dtype(network.physics.precision)

    def runs(self, nudge: Nudge | None, plasticity: Plasticity | None) -> bool:
        """Whether it can run a phase: weights stay as they are, and the nudge is that of the network."""
        return (nudge is None or nudge.mode == self._network.nudge) and (
            plasticity is None or plasticity.on_step is None
        )

    def run(
        self,
        inputs: Array,
        params: Params,
        held: object,
        nudge: Nudge | None,
        stop: Stop,
        plasticity: Plasticity | None,
        key: int,
    ) -> tuple[int, float, int]:
        """Run a phase whose start is in the arrays of the simulation.

        Parameters
        ----------
        inputs, params
            What the input layer is clamped to, (m, n_input), and the weights.
        held
            An object that is another one whenever inputs or weights are.
        nudge, stop, plasticity, key
            As `Simulation.relax` is given them, and the key of the noise.

        Returns
        -------
        steps, residual, spikes
            The steps that it took, the residual after the last, and the number of spikes.
        """
        tolerance = -1.0 if stop.tolerance is None else stop.tolerance
        phase = _Phase(len(inputs), stop.steps, stop.every, tolerance, key=key)
        arrays: list[Any] = []  # kept until the call is over

        def given(values: Any, dtype: Any = None) -> int:
            arrays.append(np.ascontiguousarray(values, dtype or self._dtype))
            return arrays[-1].ctypes.data

        def listed(values: Sequence[Array]) -> int:
            arrays.append(addresses(values))
            return ctypes.addressof(arrays[-1])

        if nudge is not None:
            phase.beta, phase.wanted = nudge.beta, given(nudge.targets)
        changes: dict[str, Array] = {}
        if plasticity is not None:
            slopes = [each.slope(plasticity.gain, self._dt) for each in self._updates]
            changes = {each.name: np.zeros_like(params[each.name], self._dtype) for each in self._updates}
            phase.slopes, phase.changes = given(slopes, float), listed(list(changes.values()))
        with one_at_a_time:  # the library's states are global
            if self._library.held is not held:
                weights = [np.ascontiguousarray(params[name], self._dtype) for name in self._order]
                self._weights = weights  # where the library finds them in later phases
                phase.inputs, phase.params, phase.edges = given(inputs), listed(weights), listed(self._edges)
            self._library.held = None  # until it is done
            steps = self._library.relax(self._bound, phase)
            self._library.held = held
        for name, change in changes.items():
            assert plasticity is not None
            plasticity.into.add(name, change)
        return steps, phase.residual, phase.spikes
