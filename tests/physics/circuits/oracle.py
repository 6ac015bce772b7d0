"""Circuits once more, resistor by resistor: currents, Jacobian, and the gradient of the cost by the adjoint."""

import numpy as np

from neuroeq.physics.circuits.diodes import IdealDiode


def solve_adjoint(circuit, g, drive, point, targets):
    """Return d<1/2 |v_y - target|^2>/dg by resistor array: J^T lam = dC/dv, dC/dg = lam . df/dg."""
    gradient = {name: np.zeros_like(values) for name, values in g.items()}
    batch = len(targets)
    for sample in range(batch):
        v, held = _sample(circuit, drive, point, sample)
        jacobian, at = _jacobian(circuit, g, v, held)
        cost = np.zeros(len(jacobian))
        cost[[at["y", node] for node in range(targets.shape[1])]] = v["y"] - targets[sample]
        lam = np.linalg.solve(jacobian.T, cost)
        for name, (source, target) in circuit.resistors.items():
            forward, back = _gains(circuit, source)
            for i, j in np.ndindex(*g[name].shape):
                drop = forward[i] * v[source][i] - v[target][j]
                into = lam[at[target, j]] if (target, j) in at else 0.0
                out = lam[at[source, i]] * back[i] if (source, i) in at else 0.0
                gradient[name][i, j] += (into - out) * drop / batch
    return gradient


def net_currents(circuit, g, drive, point, sample):
    """Return the net current into each node of a layer, without ideal diodes, summed over single resistors."""
    v, _ = _sample(circuit, drive, point, sample)
    f = {name: np.zeros(layer.size) for name, layer in circuit.layers.items()}
    for name, (source, target) in circuit.resistors.items():
        forward, back = _gains(circuit, source)
        amplifier = circuit.layers[source].amplifier if source in circuit.layers else None
        shown = forward * (v[source] + (amplifier.offset if amplifier else 0))
        for i, j in np.ndindex(*g[name].shape):
            current = g[name][i, j] * (shown[i] - v[target][j])
            f[target][j] += current
            if source in f:
                f[source][i] -= back[i] * current
    for name, layer in circuit.layers.items():
        if np.isfinite(layer.high).any() or np.isfinite(layer.low).any():
            high, low = np.isfinite(layer.high), np.isfinite(layer.low)
            f[name][high] -= layer.diode.current(v[name][high] - layer.high[high])
            f[name][low] += layer.diode.current(layer.low[low] - v[name][low])
        if name in drive.currents:
            f[name] += drive.currents[name][sample]
        if name in drive.pulls:
            f[name] += drive.pulls[name][0] * (drive.pulls[name][1][sample] - v[name])
    return f


def _sample(circuit, drive, point, sample):
    sources = {name: np.atleast_2d(values) for name, values in drive.sources.items()}
    fixed = {name: values[sample if len(values) > 1 else 0] for name, values in sources.items()}
    return fixed | {name: point.voltages[name][sample] for name in circuit.layers}, drive.held


def _gains(circuit, source):
    amplifier = circuit.layers[source].amplifier if source in circuit.layers else None
    size = circuit.layers[source].size if source in circuit.layers else circuit.sources[source]
    forward, back = (1.0, 1.0) if amplifier is None else (amplifier.gain, amplifier.back_gain)
    return np.broadcast_to(forward, size), np.broadcast_to(back, size)


def _jacobian(circuit, g, v, held):
    """Return -df/dv over the free nodes that no ideal diode clamps, and their places."""
    nodes = [
        (name, node)
        for name, layer in circuit.layers.items()
        for node in range(layer.size)
        if name not in held and not _clamped(layer, v[name][node], node)
    ]
    at = {node: place for place, node in enumerate(nodes)}
    jacobian = np.zeros((len(nodes), len(nodes)))
    for name, (source, target) in circuit.resistors.items():
        forward, back = _gains(circuit, source)
        for i, j in np.ndindex(*g[name].shape):
            start, end = at.get((source, i)), at.get((target, j))
            if end is not None:
                jacobian[end, end] += g[name][i, j]
            if start is not None:
                jacobian[start, start] += back[i] * forward[i] * g[name][i, j]
            if start is not None and end is not None:
                jacobian[end, start] -= forward[i] * g[name][i, j]
                jacobian[start, end] -= back[i] * g[name][i, j]
    for (name, node), place in at.items():
        layer = circuit.layers[name]
        for drop in (
            v[name][node] - np.broadcast_to(layer.high, layer.size)[node],
            np.broadcast_to(layer.low, layer.size)[node] - v[name][node],
        ):
            jacobian[place, place] += layer.diode.slope(np.array(drop)) if np.isfinite(drop) else 0
    return jacobian, at


def _clamped(layer, v, node):
    low, high = (np.broadcast_to(bias, layer.size)[node] for bias in (layer.low, layer.high))
    return isinstance(layer.diode, IdealDiode) and not low < v < high
