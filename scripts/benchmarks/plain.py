"""One update of each kind of network, written by hand in NumPy: what the engines are measured against.

Phases with +beta and -beta start from one free state, and half their difference counts. Products with the clamped input
are done once a batch, and nothing but the update is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import wrightomega

from neuroeq.contract import Params
from neuroeq.describe.spec import Network
from neuroeq.physics.engine import time_step

Array = np.ndarray
THERMAL = 1.380649e-23 * 300.15 / 1.602176634e-19
"""The thermal voltage at 27 degrees Celsius. [V]"""


class Rate:
    """Hard-sigmoid integrators, Euler steps of half a time constant; the contrast of two equilibria."""

    def __init__(self, network: Network, params: Params) -> None:
        self.params, self.beta = params, network.phases.beta
        self.centred = network.phases.variant == "centred"
        self.steps = [phase.n_steps(0.005) for phase in (network.phases.free, network.phases.nudged)]

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        w1, w2 = self.params["input_hidden"], self.params["hidden_output"]
        b2, clamped = self.params["output.bias"], x @ w1 + self.params["hidden.bias"]
        free = [np.zeros((len(x), n), x.dtype) for n in w2.shape]

        def relax(h: Array, o: Array, steps: int, beta: float) -> tuple[Array, Array]:
            for _ in range(steps):
                into_h, into_o = clamped + o @ w2.T, h @ w2 + b2 + beta * (y - o)
                h = np.clip(h + 0.5 * (into_h - h), 0, 1)
                o = np.clip(o + 0.5 * (into_o - o), 0, 1)
            return h, o

        free = relax(*free, self.steps[0], 0.0)
        h1, o1 = relax(*free, self.steps[1], self.beta)
        h2, o2 = relax(*free, self.steps[1], -self.beta) if self.centred else free
        scale = 1 / ((1 + self.centred) * self.beta * len(x))
        return {
            "input_hidden": x.T @ (scale * (h1 - h2)),
            "hidden_output": (scale * h1).T @ o1 - (scale * h2).T @ o2,
            "hidden.bias": scale * (h1 - h2).sum(axis=0),
            "output.bias": scale * (o1 - o2).sum(axis=0),
        }


class Convolutional:
    """Two convolutions to rectified units, the average taken after each, and dense linear outputs; centred."""

    def __init__(self, network: Network, params: Params) -> None:
        self.params, self.beta = params, network.phases.beta
        dt, tau = time_step(network), 0.01
        self.steps, self.step = [each.n_steps(dt) for each in (network.phases.free, network.phases.nudged)], dt / tau

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        w1, w2, w3 = (self.params[name] for name in ("input_hidden1", "hidden1_hidden2", "hidden2_output"))
        b1, b2 = (self.params[f"hidden{i}.bias"][:, None, None] for i in (1, 2))
        m, x = len(x), x.reshape(-1, 1, 28, 28)
        clamped = _convolved(x, w1) + b1
        start = np.zeros_like(clamped), np.zeros((m, 64, 4, 4), x.dtype), np.zeros_like(y)

        def relax(state: tuple[Array, ...], steps: int, beta: float) -> tuple[Array, ...]:
            h1, h2, o = state
            for _ in range(steps):
                into_1 = clamped + _sent_back(h2, w2)
                into_2 = _convolved(h1, w2) + b2 + (o @ w3.T).reshape(h2.shape)
                into_o = h2.reshape(m, -1) @ w3 + self.params["output.bias"] + beta * (y - o)
                h1, h2 = (np.maximum(h + self.step * (into - h), 0) for h, into in ((h1, into_1), (h2, into_2)))
                o = o + self.step * (into_o - o)
            return h1, h2, o

        free = relax(start, self.steps[0], 0.0)
        ends = [(sign, relax(free, self.steps[1], sign * self.beta)) for sign in (1, -1)]
        scale = 1 / (2 * self.beta * m)
        sums = [(sign * scale * h1, h1, h2, sign * scale * o) for sign, (h1, h2, o) in ends]
        (p1, _, h2_plus, _), (m1, _, h2_minus, _) = sums
        return {
            "input_hidden1": _correlated(x, p1 + m1, 5),
            "hidden1_hidden2": _correlated(p1, h2_plus, 5) + _correlated(m1, h2_minus, 5),
            "hidden2_output": sum(h2.reshape(m, -1).T @ o for _, _, h2, o in sums),
            "hidden1.bias": (p1 + m1).sum(axis=(0, 2, 3)),
            "hidden2.bias": scale * (h2_plus - h2_minus).sum(axis=(0, 2, 3)),
            "output.bias": sum(o for *_, o in sums).sum(axis=0),
        }


def _convolved(x: Array, w: Array) -> Array:
    """Return the average over 2 x 2 positions of a convolution: (m, channels, height, width)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    maps = np.tensordot(seen, w, axes=((1, 4, 5), (1, 2, 3)))
    m, height, width, channels = maps.shape
    pooled = maps.reshape(m, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    return pooled.transpose(0, 3, 1, 2)


def _spread(y: Array) -> Array:
    """Return each value at the four positions that it is the average of, over 4."""
    return np.repeat(np.repeat(y / 4, 2, axis=2), 2, axis=3)


def _sent_back(y: Array, w: Array) -> Array:
    """Return the transposed map of `_convolved`."""
    k = w.shape[2]
    padded = np.pad(_spread(y), ((0, 0), (0, 0), (k - 1, k - 1), (k - 1, k - 1)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))
    return np.tensordot(seen, w[:, :, ::-1, ::-1], axes=((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)


def _correlated(x: Array, y: Array, k: int) -> Array:
    """Return the derivative of y . _convolved(x, w) in w: (channels after, channels before, k, k)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
    return np.tensordot(_spread(y), seen, axes=((0, 2, 3), (0, 2, 3)))


class Sigmoid:
    """Integrators with activation 1/(1 + exp(2 - 4s)), Euler steps of a tenth of a time constant; one nudge."""

    def __init__(self, network: Network, params: Params) -> None:
        self.params, self.beta = params, network.phases.beta
        self.steps = [phase.n_steps(0.001) for phase in (network.phases.free, network.phases.nudged)]

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        w1, w2 = self.params["input_hidden"], self.params["hidden_output"]
        b2, clamped = self.params["output.bias"], x @ w1 + self.params["hidden.bias"]

        def rho(s: Array) -> Array:
            return 1 / (1 + np.exp(2 - 4 * s))

        def relax(h: Array, o: Array, steps: int, beta: float) -> tuple[Array, Array]:
            for _ in range(steps):
                a, b = rho(h), rho(o)
                into_h = 4 * a * (1 - a) * (clamped + b @ w2.T) - h
                into_o = 4 * b * (1 - b) * (a @ w2 + b2) - o + beta * (y - o)
                h, o = h + into_h / 10, o + into_o / 10
            return h, o

        free = relax(*(np.zeros((len(x), n), x.dtype) for n in w2.shape), self.steps[0], 0.0)
        (h0, o0), (h1, o1) = ([rho(s) for s in states] for states in (free, relax(*free, self.steps[1], self.beta)))
        scale = 1 / (self.beta * len(x))
        return {
            "input_hidden": x.T @ (scale * (h1 - h0)),
            "hidden_output": (scale * h1).T @ o1 - (scale * h0).T @ o0,
            "hidden.bias": scale * (h1 - h0).sum(axis=0),
            "output.bias": scale * (o1 - o0).sum(axis=0),
        }


class Spiking:
    """Sigma-delta units behind a filter, steps of 1 ms; spikes of one side times the slope of the other's traces."""

    FILTER, FAST, SLOW = 0.3, 0.1, 0.05

    def __init__(self, network: Network, params: Params) -> None:
        self.params, self.beta = params, network.phases.beta
        self.steps = [phase.n_steps(0.001) for phase in (network.phases.free, network.phases.nudged)]

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        w2, m = self.params["hidden_output"], len(x)
        self.clamped, self.y = x @ self.params["input_hidden"], y
        start = [{name: np.zeros((m, n), x.dtype) for name in "sifl"} for n in w2.shape]
        phases = np.random.default_rng(0)
        phases.integers(2**31)  # the engine's draw for Brian2, before its own
        blocks = np.split(phases.uniform(-0.5, 0.5, m * sum(w2.shape)), [m * w2.shape[0]])
        for layer, block, n in zip(start, blocks, w2.shape, strict=True):
            layer["phi"], layer["q"] = block.reshape(m, n).astype(x.dtype), np.zeros((m, n), x.dtype)
        free, _ = self._relax(start, self.steps[0], 0.0, learn=False)
        change: dict[str, Any] = {}
        for beta in (self.beta, -self.beta):
            _, moved = self._relax(free, self.steps[1], beta, learn=True)
            for name, value in moved.items():
                change[name] = change.get(name, 0.0) + value / (2 * beta * m)
        hidden = change.pop("hidden")
        return {"input_hidden": x.T @ hidden, "hidden.bias": hidden.sum(axis=0), **change}

    def _relax(self, layers: list[dict[str, Array]], steps: int, beta: float, learn: bool) -> tuple[list, dict]:
        h, o = ({name: value.copy() for name, value in layer.items()} for layer in layers)
        w2, b1, b2 = (self.params[name] for name in ("hidden_output", "hidden.bias", "output.bias"))
        change = {"hidden": 0.0, "hidden_output": 0.0, "output.bias": 0.0}
        for _ in range(steps):
            drives = self.clamped + o["q"] @ w2.T, h["q"] @ w2
            biases = b1, b2 + beta * (self.y - o["s"])
            for layer, drive, bias in zip((h, o), drives, biases, strict=True):
                layer["s"] = np.clip(layer["s"] + self.FILTER * (layer["i"] + bias - layer["s"]), 0, 1)
                layer["i"] += self.FILTER * (drive - layer["i"])
                for trace, speed in (("f", self.FAST), ("l", self.SLOW)):
                    layer[trace] += speed * (layer["q"] - layer[trace])
                layer["phi"] += layer["s"]
                layer["q"] = (layer["phi"] > 0.5).astype(layer["phi"].dtype)
                layer["phi"] -= layer["q"]
            if learn:
                slopes = [(layer["f"] - layer["l"]) / 10 for layer in (h, o)]
                change["hidden"] += slopes[0]
                change["hidden_output"] += h["q"].T @ slopes[1] + slopes[0].T @ o["q"]
                change["output.bias"] += slopes[1].sum(axis=0)
        return [h, o], change


class Resistive:
    """Resistors and ideal diodes, one hidden layer: sweeps, and half the squared voltages across every resistor."""

    def __init__(self, network: Network, params: Params) -> None:
        self.params, self.beta, self.gain = params, network.phases.beta, network.circuit.input_gain
        self.sweeps = [phase.n_steps(1.0) for phase in (network.phases.free, network.phases.nudged)]
        above = np.arange(params["hidden_output"].shape[0]) < (len(params["hidden_output"]) + 1) // 2
        self.low, self.high = np.where(above, 0, -np.inf), np.where(above, np.inf, 0)

    def limited(self, v: Array, conductance: Array) -> Array:
        """Return what diodes make of the hidden nodes' voltages."""
        return np.clip(v, self.low.astype(v.dtype), self.high.astype(v.dtype))

    def pulled(self, into_o: Array, of_o: Array, free: Array, y: Array, beta: float) -> tuple[Array, Array]:
        """Return currents into the outputs, and their conductances, while they are nudged."""
        return into_o + beta * y, of_o + beta

    def update(self, x: Array, y: Array) -> Params:
        """Return the update of a batch."""
        g1, g2 = self.params["input_hidden"], self.params["hidden_output"]
        sources, m = self.gain * np.concatenate([x, -x], axis=1), len(x)
        into_h, into_o = sources @ g1 + self.params["hidden.bias"], self.params["output.bias"]
        of_h, of_o = g1.sum(axis=0) + g2.sum(axis=1), g2.sum(axis=0)
        h, o = (np.zeros((m, n), x.dtype) for n in g2.shape)
        for _ in range(self.sweeps[0]):
            h = self.limited((into_h + o @ g2.T) / of_h, of_h)
            o = (into_o + h @ g2) / of_o
        ends = []
        for beta in (self.beta, -self.beta):
            into_ob, of_ob = self.pulled(into_o, of_o, o, y, beta)
            hb, ob = h, o
            for _ in range(self.sweeps[1]):
                ob = (into_ob + hb @ g2) / of_ob
                hb = self.limited((into_h + ob @ g2.T) / of_h, of_h)
            ends.append((hb, ob))
        (h1, o1), (h2, o2) = ends
        scale = 1 / (2 * self.beta * m)
        return {
            "input_hidden": scale * (sources.T @ (h1 - h2) - 0.5 * (h1**2 - h2**2).sum(axis=0)),
            "hidden_output": scale
            * (h1.T @ o1 - h2.T @ o2 - 0.5 * ((h1**2 - h2**2).sum(axis=0)[:, None] + (o1**2 - o2**2).sum(axis=0))),
            "hidden.bias": scale * (h1 - h2).sum(axis=0),
            "output.bias": scale * (o1 - o2).sum(axis=0),
        }


class RealDiodes(Resistive):
    """The same with a Shockley diode at each hidden node, outputs in pairs, and a current held in nudged phases."""

    def __init__(self, network: Network, params: Params) -> None:
        super().__init__(network, params)
        diode = network.technology.neuron.nonlinearity
        self.i_s, self.n_vt, self.bias = diode.i_s / network.g_unit, diode.n * THERMAL, diode.v_bias_up
        self.side = np.where(np.isinf(self.low), 1, -1)

    def limited(self, v: Array, conductance: Array) -> Array:
        """Return what diodes make of the hidden nodes' voltages."""
        side, n_vt = self.side.astype(v.dtype), v.dtype.type(self.n_vt)
        shifted = v + side * (self.i_s / conductance)
        over = (side * shifted - self.bias) / n_vt + np.log(self.i_s / (conductance * n_vt))
        return shifted - side * n_vt * wrightomega(over)

    def pulled(self, into_o: Array, of_o: Array, free: Array, y: Array, beta: float) -> tuple[Array, Array]:
        """Return currents into the outputs, and their conductances, while they are nudged."""
        half = free.shape[1] // 2
        pull = beta * (y - (free[:, :half] - free[:, half:]))
        return into_o + np.concatenate([pull, -pull], axis=1), of_o
