"""A simulator of NIR graphs, written from the specification of its primitives (docs of neuromorphs/NIR, primitives).

A step is forward Euler. Nodes are computed one after the other along the edges, and an edge that closes a cycle carries
the value of the step before, as in the simulators that read NIR; or a set of such edges is given.
"""

from __future__ import annotations

from collections import deque
from graphlib import TopologicalSorter

import nir
import numpy as np


def closing(graph):
    """Return the edges that close a cycle, on walks from the inputs."""
    following = {}
    for source, target in sorted(graph.edges):
        following.setdefault(source, []).append(target)
    found, done, path = set(), set(), []

    def walk(name):
        path.append(name)
        for target in following.get(name, []):
            if target in path:
                found.add((name, target))
            elif target not in done:
                walk(target)
        done.add(path.pop())

    for name in graph.inputs:
        walk(name)
    return found


class Reader:
    def __init__(self, graph, dt, delayed=None):
        self.nodes, self.edges, self.dt = graph.nodes, [tuple(edge) for edge in graph.edges], dt
        self.delayed = closing(graph) if delayed is None else delayed
        assert self.delayed <= set(self.edges)
        before = {name: [a for a, b in self.edges if b == name and (a, b) not in self.delayed] for name in self.nodes}
        self.order = list(TopologicalSorter(before).static_order())

    def run(self, inputs, steps, start):
        """Return what every node sends: (steps, samples, n), for constant inputs and start values by node and field."""
        shapes = {name: (len(inputs), *node.output_type["output"]) for name, node in self.nodes.items()}
        self.state = {(name, field): np.full(shapes[name], value) for (name, field), value in start.items()}
        self.queues = {}
        old = {name: self.state.get((name, "v"), np.zeros(shapes[name])) for name in self.nodes}
        old = {n: x if isinstance(self.nodes[n], nir.LI | nir.I) else np.zeros_like(x) for n, x in old.items()}
        sent = {name: np.empty((steps, *shape)) for name, shape in shapes.items()}
        for step in range(steps):
            now = {}
            for name in self.order:
                arriving = [old[a] if (a, b) in self.delayed else now[a] for a, b in self.edges if b == name]
                x = inputs if isinstance(self.nodes[name], nir.Input) else sum(arriving)
                now[name] = sent[name][step] = self.sends(name, self.nodes[name], x)
            old = now
        return sent

    def sends(self, name, node, x):
        match node:
            case nir.Input() | nir.Output():
                return x
            case nir.Linear():
                return x @ node.weight.T
            case nir.Affine():
                return x @ node.weight.T + node.bias
            case nir.Scale():
                return x * node.scale
            case nir.Threshold():
                return (x > node.threshold).astype(float)
            case nir.Delay():
                steps = round(float(node.delay[0]) / self.dt)
                queue = self.queues.setdefault(name, deque([np.zeros_like(x)] * steps))
                queue.append(x)
                return queue.popleft()
        v = self.state.get((name, "v"), np.zeros_like(x))
        self.state[name, "v"] = v = v + self.dt * self.rate(name, node, v, x)
        if isinstance(node, nir.LI | nir.I):
            return v
        spikes = v > node.v_threshold
        self.state[name, "v"] = np.where(spikes, node.v_reset, v)
        return spikes.astype(float)

    def rate(self, name, node, v, x):
        match node:
            case nir.LI() | nir.LIF():
                return (node.v_leak - v + node.r * x) / node.tau
            case nir.I() | nir.IF():
                return node.r * x
            case nir.CubaLIF():
                current = self.state.get((name, "current"), np.zeros_like(x))
                self.state[name, "current"] = current + self.dt * (node.w_in * x - current) / node.tau_syn
                return (node.v_leak - v + node.r * current) / node.tau_mem
        raise TypeError(type(node))
