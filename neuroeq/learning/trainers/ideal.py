"""Settings of hardware with which a circuit computes what its equations say: ideal devices, wires and converters."""

from __future__ import annotations

from .allowed import DESCRIPTION, Allowed, any_of

WINDOW = ("element", "g_min", "g_max", "c_min", "c_max", "beta", "v_th", "v_gate_min", "v_gate_max")
"""Fields of a device that set its conductance window, which weights are clipped to."""
RANGES = ("dac_full_scale", "adc_full_scale", "calibration_samples", "calibration_quantile")
TIMES = ("phase_time", "time_constants", "dac_time", "adc_time", "write_time")
COSTS = (*TIMES, "dac_energy", "adc_energy", "write_energy", *RANGES)
"""Fields of the periphery that change energies, or nothing as long as its converters are ideal."""
HARDWARE: Allowed = {
    **any_of("hardware.", (*DESCRIPTION, "evidence", "temperature")),
    **any_of("hardware.synapse.", (*WINDOW, "cell_area", "pairing", "rounding")),
    "hardware.synapse.update.model": ("direct", "gate_charge"),
    **any_of("hardware.neuron.", ("nonlinearity", "integrator", "c_node")),
    **any_of("hardware.array.", ("max_rows", "max_cols", "convolutions")),
    **any_of("hardware.periphery.", COSTS),
    **any_of("hardware.oscillators.", ("omega_sd", "phase_noise", "injection")),
}
"""Values of hardware that trainers allow."""
