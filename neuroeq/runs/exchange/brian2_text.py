"""The text of an exported Brian2 script, in which names in braces stand for what `brian2` puts there."""

HEAD = """\
import numpy as np
from brian2 import *

prefs.codegen.target = "numpy"
defaultclock.dt = {dt!r}*second
beta = 0.0  # of the present phase

inputs = {inputs}
targets = {targets}
weights = {weights}
biases = {biases}
start = {start}

layers, states, spikes, found = {{}}, {{}}, {{}}, {{}}
"""
GROUP = '''
layers[{layer!r}] = NeuronGroup({n}, """
{equations}
""", {options})
'''
LOOP = """
for layer, group in layers.items():
    group.bias = biases.get(layer, 0)
    for name, values in start[layer].items():
        setattr(group, name + "_", np.array(values))  # in SI units
    states[layer] = StateMonitor(group, {states!r}[layer], record=True, when="end")


@network_operation(when="start")
def couple():
    sent = {{"{input}": inputs}}
    for layer, group in layers.items():
        sent[layer] = np.array(getattr(group, {sent!r}[layer]))
{drives}
    outputs = np.array(layers["{output}"].{readout})
    layers["{output}"].nudge = {nudge}

"""
SPIKES = """
@network_operation(when="after_thresholds")
def send():
    for layer, group in layers.items():
        spike = np.zeros(len(group))
        spike[group.spikes] = spike_values[layer]
        group.spike = spike


spike_values = {spike_values!r}
spikes = {{layer: SpikeMonitor(group) for layer, group in layers.items()}}
"""
PHASES = """
network = Network(*layers.values(), *states.values(), *spikes.values(), {operations})


def phase(name, steps):
    before = {{layer: monitor.num_spikes for layer, monitor in spikes.items()}}
    network.run(steps*defaultclock.dt)
    outputs = np.array(layers["{output}"].{readout})
    found[name] = {{"outputs": outputs}}
    for layer in layers:
        found[name][layer] = np.array(getattr(states[layer], {states!r}[layer]))[:, -steps:]
        if layer in spikes:
            times, units = np.array(spikes[layer].t/second), np.array(spikes[layer].i)
            found[name][layer + " spikes"] = times[before[layer] :], units[before[layer] :]
    print(name, outputs)
    return outputs


{free}
network.store("free")
"""
