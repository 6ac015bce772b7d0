"""The optimiser: learning rates by projection, a schedule, momentum, weight decay, and bounds.

    gradient     v <- momentum v + change - decay theta
                 theta <- clip(theta + rate factor(epoch) v - l1 sign(theta), bounds)
    sign         w <- w + rate factor(epoch) sign(change)           where |change| > threshold
    binary       m <- (1 - inertia) m + inertia rate factor(epoch) change,     w <- -w where -sign(w) m > threshold

Biases always follow the gradient, and neither decay nor shrink by l1. Binary weights: Laydevant, Ernoult, Querlioz &
Grollier 2021, Training dynamical binary neural networks with equilibrium propagation, CVPR Workshops.
"""

from __future__ import annotations

import math

import numpy as np

from neuroeq.contract import Params
from neuroeq.describe.network import bias_bounds, bounds, learning_rates, mask
from neuroeq.describe.spec import Network
from neuroeq.describe.spec.recipe import Binary, Constant, Cosine, Exponential, Schedule, Sign, Steps

Array = np.ndarray


class Descent:
    """The optimiser of a network.

    Parameters
    ----------
    network
        The resolved network, which has the learning rates, momentum, schedule and bounds.

    Attributes
    ----------
    velocity
        The velocity of momentum, or the filtered change of binary weights, by parameter; part of a checkpoint.
    """

    def __init__(self, network: Network) -> None:
        self._rates = learning_rates(network)
        self._momentum, self._step = network.training.momentum, network.training.step
        self._projections, self._decay = set(network.projections), network.training.weight_decay
        self._schedule = network.training.schedule
        self._l1 = {name: network.training.l1 for name in network.projections if self._rates[name]}
        self._epochs = network.training.epochs
        intervals = {name: bounds(network, name) for name in network.projections}
        intervals |= {name: bias_bounds(network, name) for name in self._rates if name not in network.projections}
        self._bounds = {name: interval for name, interval in intervals.items() if interval is not None}
        self._masks = {name: mask(network, name) for name in self._bounds if name in network.projections}
        self.velocity: Params = {}

    def factor(self, epoch: int) -> float:
        """Return the factor by which the schedule multiplies all learning rates in an epoch, counted from 0."""
        return schedule_factor(self._schedule, epoch, self._epochs)

    def step(self, params: Params, change: Params, epoch: int) -> Params:
        """Return the parameters after one step, as new arrays.

        Parameters
        ----------
        params
            The parameters before it, by name.
        change
            The change that the rule asks for, by name; parameters without a change stay as they are.
        epoch
            Number of the epoch, from 0.
        """
        factor = self.factor(epoch)
        moved = dict(params)
        for name, amount in change.items():
            moved[name] = self._moved(name, params[name], amount, self._rates[name] * factor)
            if self._l1.get(name):
                moved[name] = moved[name] - self._l1[name] * np.sign(params[name])
            if name in self._bounds:
                np.clip(moved[name], *self._bounds[name], out=moved[name])
                if self._masks.get(name) is not None:
                    moved[name] *= self._masks[name]
        return moved

    def _moved(self, name: str, value: Array, change: Array, rate: float) -> Array:
        if name not in self._projections or self._step.kind == "gradient":
            if self._decay and name in self._projections:
                change = change - self._decay * value
            if self._momentum:
                change = self.velocity[name] = change + self._momentum * self.velocity.get(name, 0.0)
            return value + rate * change
        if isinstance(self._step, Sign):
            return value + rate * np.sign(change) * (np.abs(change) > self._step.threshold)
        assert isinstance(self._step, Binary)
        inertia = self._step.inertia
        filtered = self.velocity[name] = (1 - inertia) * self.velocity.get(name, 0.0) + inertia * rate * change
        return np.where(-np.sign(value) * filtered > self._step.threshold, -value, value)


def velocities(network: Network) -> set[str]:
    """Return the parameters for which `Descent` keeps a velocity."""
    training = network.training
    kept = {"gradient": bool(training.momentum), "sign": False, "binary": True}
    weights, biases = kept[training.step.kind], kept["gradient"]
    rates = learning_rates(network)
    return {name for name, rate in rates.items() if rate and (weights if name in network.projections else biases)}


def schedule_factor(schedule: Schedule, epoch: int, epochs: int) -> float:
    """Return the factor of all learning rates in an epoch, counted from 0, of a training of `epochs` epochs."""
    warming = schedule.warmup[epoch] if epoch < len(schedule.warmup) else 1.0
    return warming * _decay(schedule, epoch, epochs)


def _decay(schedule: Schedule, epoch: int, epochs: int) -> float:
    match schedule:
        case Constant():
            return 1.0
        case Exponential(factor=factor):
            return factor**epoch
        case Steps(epochs=ends, factor=factor):
            return factor ** sum(epoch >= end for end in ends)
        case Cosine(final=final):
            return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
