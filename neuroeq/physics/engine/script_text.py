"""The parts of a script of Brian2 that are the same for all networks, with places for what is not."""

GRADIENTS = {
    "squared_error": "return outputs - TARGET",
    "cross_entropy": "weight = np.exp(outputs/{temperature} - outputs.max()/{temperature})\n"
    "    return weight/weight.sum()*TARGET.sum() - TARGET",
}
"""The gradients of the costs that scripts hold, as code."""
HEAD = '''"""A trained network with one sample: its free phase, and the nudged phases that start where it ends.

It needs Brian2 and NumPy alone. It prints the outputs at the end of each phase; with the name of a file, as in
`python network.py phases.npz`, it also writes states and spikes there.
"""
{about}
import sys

import brian2 as b2
import numpy as np

b2.prefs.codegen.target = "numpy"  # "cython" is faster for large networks, and needs a C++ compiler
b2.defaultclock.dt = {dt!r}*b2.second
DTYPE = np.{dtype}
layers, weights = {{}}, {{}}


def connected(source, target, sent, into, w):
    """Return synapses that sum w*sent over the units of a layer; weights are 0 where units are not connected."""
    equations = f"w : 1\\n{{into}}_post = w*{{sent}}_pre : 1 (summed)"
    synapses = b2.Synapses(layers[source], layers[target], equations, dtype=DTYPE)
    synapses.connect()
    synapses.w = np.ravel(w)
    return synapses


# Units, with their states at the start of the free phase, in SI units.
'''
PULL = '''
# The nudge pulls the outputs towards lower cost.
TARGET = np.array([{target}])
HELD = {held}  # whether the pull stays as it was at the end of the free phase
beta, reference = 0.0, None


def gradient(outputs):
    """Return the gradient of the cost in the outputs."""
    {gradient}


@b2.network_operation(when="start")
def pull():
    outputs = reference if HELD and reference is not None else layers[{output!r}].{readout}_[:]
    layers[{output!r}].nudge_ = -beta*gradient(outputs)

'''
END = """
# Phases: name, steps, beta.
STATES = {states}
PHASES = [
    {phases},
]
states = {{layer: b2.StateMonitor(layers[layer], name, record=True, when="end") for layer, name in STATES.items()}}
spikes = {{layer: b2.SpikeMonitor(group) for layer, group in layers.items() if "spike" in group.events}}
network = b2.Network(*layers.values(), *synapses, pull, *states.values(), *spikes.values())
found = {{}}
for number, (phase, steps, beta) in enumerate(PHASES):
    if number > 0:
        network.restore()
    begun = network.t_ if number > 0 else 0.0
    network.run(steps*b2.defaultclock.dt)
    for layer, monitor in states.items():
        found[f"{{phase}}/{{layer}}/{{STATES[layer]}}"] = getattr(monitor, f"{{STATES[layer]}}_")[:, -steps:].T.copy()
    for layer, monitor in spikes.items():
        since = monitor.t_ > begun - 0.5*float(b2.defaultclock.dt)
        found[f"{{phase}}/{{layer}}/t"] = monitor.t_[since] + float(b2.defaultclock.dt)  # a spike ends its step
        found[f"{{phase}}/{{layer}}/unit"] = np.array(monitor.i)[since]
    outputs = np.array(layers[{output!r}].{readout}_[:])
    print(phase, outputs)
    if number == 0:
        reference = outputs
        network.store()
if len(sys.argv) > 1:
    np.savez(sys.argv[1], **found)
"""
