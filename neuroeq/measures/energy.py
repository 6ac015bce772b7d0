"""The energy of inference and learning on a circuit, from the solved voltages and the constants of the hardware.

inference   the free phase: power of every element x duration, one DAC conversion a source, one ADC an output node
update      the nudged phases of a batch, one ADC conversion a node and phase, the pulses that program devices, and one
            ADC conversion for each of their reads; ideal devices are written once an update
"""

from __future__ import annotations

from neuroeq.contract import Circuit, Equilibrium, Nudge
from neuroeq.describe.network import nodes

from .parts import Cost, Parts, added, times
from .programming import Programming, writing_energy
from .settled_phases import SettledPhases


def energies(circuit: Circuit, phases: SettledPhases, took: Programming | None) -> Parts:
    """Return the energies of an inference and of an update, averaged over examples [J].

    Parameters
    ----------
    circuit
        The circuit, with its parameters.
    phases
        The phases of a batch on it.
    took
        What programming took in the training; None for devices that are written once an update.
    """
    network, periphery = circuit.network, circuit.hardware.periphery
    n_nodes = sum(nodes(network, layer) for layer in network.layers if layer != network.input_layer)
    held = [_held(circuit, end, pull) for pull, end in phases.nudged]
    kinds = dict.fromkeys(kind for each in held for kind in each)
    update = {kind: added(times(phases.batch, each.get(kind, 0.0)) for each in held) for kind in kinds}
    update["ADC"] = times(phases.batch * (1 + len(phases.nudged)) * n_nodes, periphery.adc_energy)
    update["writing"] = _written_once(circuit) if took is None else took.write_energy_per_update
    if took is not None and took.reads_per_update:
        update["reading devices"] = times(took.reads_per_update, periphery.adc_energy)
    return Parts(energy_of_inference(circuit, phases.free), update)


def energy_of_inference(circuit: Circuit, free: Equilibrium) -> Cost:
    """Return the energy of an inference by its parts, averaged over the examples of a free equilibrium [J]."""
    network, periphery = circuit.network, circuit.hardware.periphery
    return {
        **_held(circuit, free),
        "DAC": times(nodes(network, network.input_layer), periphery.dac_energy),
        "ADC": times(nodes(network, network.output_layer), periphery.adc_energy),
    }


def _written_once(circuit: Circuit) -> float | None:
    """Return the energy of programming every device once [J]."""
    counts = circuit.devices()
    return writing_energy({name: circuit.network.array(name) for name in counts}, counts)


def _held(circuit: Circuit, eq: Equilibrium, nudge: Nudge | None = None) -> Cost:
    time = circuit.phase_time(eq)
    return {kind: times(time, power) for kind, power in circuit.dissipation(eq, nudge).items()}
