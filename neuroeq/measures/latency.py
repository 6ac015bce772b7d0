"""How long inference and learning take on a circuit: the sum of what happens one after the other.

inference   DAC conversion, free phase, ADC conversion
update      for each example its nudged phases, and ADC conversions after the free phase and after each nudged one;
            then the pulses that program devices, and an ADC conversion for each row that is read

Sources and nodes have a converter each, and all convert at the same time. The examples of a batch go through the same
circuit one after the other. Arrays are programmed and read at the same time, and each of them row by row: devices of a
row get their pulses at once, so a row takes as long as its device with the most pulses.
"""

from __future__ import annotations

from neuroeq.contract import Circuit, Equilibrium
from neuroeq.describe.operators import operators

from .parts import Cost, Parts, times
from .programming import Programming, writing_time
from .settled_phases import SettledPhases


def latencies(circuit: Circuit, phases: SettledPhases, took: Programming | None) -> Parts:
    """Return the times that an inference and an update take [s].

    Parameters
    ----------
    circuit
        The circuit, with its parameters.
    phases
        The phases of a batch on it.
    took
        What programming took in the training; None for devices that are written once an update.
    """
    periphery, batch = circuit.hardware.periphery, phases.batch
    update = {
        "settling": batch * sum(circuit.phase_time(end) for _, end in phases.nudged),
        "ADC": times(batch * (1 + len(phases.nudged)), periphery.adc_time),
        "writing": _written_once(circuit) if took is None else took.write_time_per_update,
    }
    if took is not None and took.read_rounds_per_update:
        update["reading devices"] = times(took.read_rounds_per_update, periphery.adc_time)
    return Parts(latency_of_inference(circuit, phases.free), update)


def latency_of_inference(circuit: Circuit, free: Equilibrium) -> Cost:
    """Return how long an inference takes by its parts, of which none overlap [s]."""
    periphery = circuit.hardware.periphery
    return {"DAC": periphery.dac_time, "settling": circuit.phase_time(free), "ADC": periphery.adc_time}


def _written_once(circuit: Circuit) -> float | None:
    """Return how long it takes to program every device once [s]."""
    arrays = {name: each.laid_out(circuit.params[name]) for name, each in operators(circuit.network).items()}
    rows = {name: len(array) if array.ndim > 1 else 1 for name, array in arrays.items()}
    written = circuit.devices()
    return writing_time({name: circuit.network.array(name) for name in written}, {name: rows[name] for name in written})
