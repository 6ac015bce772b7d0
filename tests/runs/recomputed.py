"""The energy of an inference, computed anew from the files of a run: `python -m tests.runs.recomputed RUN`.

This is NumPy alone, and nothing of neuroeq. Voltages are those in traces.h5, conductances come from the checkpoint,
and constants from run.toml. The time t of a phase is that in result.json on a crossbar, and computed here on resistors.

crossbar    E = t (sum (G+ + G-) V^2 + sum v^2 / R_f) + conversions,    arrays between layers are read both ways
resistive   E = t (sum g (u - v)^2 + sum I_diode v_diode) + conversions,    t = n C / smallest eigenvalue of G
"""

import json
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np

BOLTZMANN, CHARGE = 1.380649e-23, 1.602176634e-19
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}


def recomputed(folder):
    """Return the energy of an inference and what result.json says of it [J]."""
    table = tomllib.loads((folder / "run.toml").read_text())
    result = json.loads((folder / "result.json").read_text())
    saved = np.load(folder / "checkpoint.npz")
    with h5py.File(folder / "traces.h5") as file:
        v, driving = ({name: each[()] for name, each in file["inference"][kind].items()} for kind in ("v", "driving"))
    heat = on_crossbar if result["substrate"] == "crossbar" else on_resistors
    time, watts = heat(table, saved, v, driving)
    conversions = {"dac": len(driving["input"].T), "adc": len(driving["output"].T)}
    costs = table["hardware"].get("periphery", {})
    converters = sum(number * value(costs.get(f"{kind}_energy", 0.0)) for kind, number in conversions.items())
    return (time or result["latency"]["inference"]["settling"]) * watts + converters, result["energy_per_inference_J"]


def on_crossbar(table, saved, v, driving):
    """Return no time, and the mean power of the devices and of the feedback resistors [W]."""
    synapse, integrator = table["hardware"]["synapse"], table["hardware"].get("neuron", {}).get("integrator", {})
    low, high = value(synapse["g_min"]), value(synapse["g_max"])
    single = synapse.get("pairing") == "reference_column"
    r_f = integrator.get("w_max", 2.0) / ((high - low) / 2 if single else (high - low) * (1 - synapse.get("rest", 0.0)))
    volt, gain = value(integrator.get("v_scale", 1.0)), integrator.get("bias_gain", 1.0)
    watts = sum(np.square(each).sum(axis=1).mean() for each in v.values()) / r_f
    for name in names(saved):
        weight = saved[f"params/{name}"]
        if f"devices/{name}" in saved:
            held = saved[f"devices/{name}"]
            pair = held[0] + (low + high) / 2 if single else held.sum(axis=0)
        else:
            pair = 2 * low + np.abs(weight) / r_f
        if name not in table["projections"]:
            watts += pair.sum() * (gain * volt) ** 2
            continue
        ends = table["projections"][name]
        watts += (np.square(driving[ends["source"]]) @ pair).sum(axis=1).mean()
        if ends["source"] != "input":
            watts += (np.square(driving[ends["target"]]) @ pair.T).sum(axis=1).mean()
    return None, watts


def on_resistors(table, saved, v, driving):
    """Return the time of a phase [s], and the mean power of resistors and diodes [W]."""
    hardware, circuit = table["hardware"], table["substrate"]["resistive"]["circuit"]
    unit = value(circuit.get("g_unit", "1 mS"))
    g = {name: saved[f"params/{name}"] * unit for name in names(saved)}
    g_in, g_out = g["input_hidden"], g["hidden_output"]
    drops = ((driving["input"], v["hidden"], g_in), (v["hidden"], v["output"], g_out))
    watts = sum((each * (before[:, :, None] - after[:, None, :]) ** 2).sum() for before, after, each in drops)
    diode = hardware.get("neuron", {}).get("nonlinearity", {})
    if diode.get("model") == "shockley":
        rising = np.where(np.arange(len(g_out)) < (len(g_out) + 1) // 2, -1, 1)  # the first half has diodes from ground
        drop = rising * v["hidden"]
        watts += (value(diode["i_s"]) * np.expm1(drop / (diode["n"] * BOLTZMANN * 300.15 / CHARGE)) * drop).sum()
    n_hidden = len(g_out)
    matrix = np.zeros((n_hidden + g_out.shape[1],) * 2)
    matrix[:n_hidden, n_hidden:] = -g_out
    matrix += matrix.T
    matrix += np.diag(np.concatenate([g_in.sum(axis=0) + g_out.sum(axis=1), g_out.sum(axis=0)]))
    farad = value(hardware.get("neuron", {}).get("c_node", "1 pF"))
    return 10 * farad / np.linalg.eigvalsh(matrix)[0], watts / len(v["output"])


def names(saved):
    """Return the names of all parameters."""
    return [key.removeprefix("params/") for key in saved if key.startswith("params/")]


def value(text):
    """Return a number in SI units, from text such as "25 uS"."""
    if not isinstance(text, str):
        return text
    number, unit = text.split()
    return float(number) * (PREFIXES.get(unit[0], 1.0) if len(unit) > 1 and unit != "ohm" else 1.0)


if __name__ == "__main__":
    ours, reported = recomputed(Path(sys.argv[1]))
    print(f"{ours:.9g} J recomputed, {reported:.9g} J reported, apart by {abs(ours / reported - 1):.2g}")
