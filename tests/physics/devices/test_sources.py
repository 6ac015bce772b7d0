"""Numbers of shipped hardware files are those of their sources, which are written down here a second time."""

import tomllib
from importlib.resources import files

import pytest

from neuroeq.describe.catalog import names

TOOLKIT = "IBM's analog hardware toolkit"
JOSHI = "Nandakumar et al. 2019, ICECS; Joshi et al. 2020, Nat. Commun. 11:2473"
GONG = f"Gong, Rasch et al. 2022, IEDM, in {TOOLKIT}: ReRamArrayHfO2"
FALCONE = "Falcone et al., arXiv:2502.04524, acceptance range of 2 %"
JERRY = "Jerry et al. 2017, IEDM"
WOO = f"Woo et al. 2016, IEEE EDL 37(8) 994, in {JERRY}"
SONOS = "Agrawal et al. 2022, IEDM, in CrossSim"


class Derived(float):
    """A value that follows from others of the source, which a file gives with fewer digits."""


SOURCES = {
    "oscillators_ideal": {},
    "oscillators_dispersed": {
        "oscillators.coupling_bits": (10, "", "Gower 2025, arXiv:2505.02103"),
        "oscillators.phase_bits": (4, "", "Gower 2025, arXiv:2505.02103"),
    },
    "board": {
        "neuron.nonlinearity.i_s": (4.352, "nA", "model card of the 1N4148"),
        "neuron.nonlinearity.n": (1.906, "", "model card of the 1N4148"),
        "neuron.nonlinearity.v_bias_up": (0.3, "V", "public Equilibrium Propagation circuits"),
        "neuron.nonlinearity.v_bias_down": (-0.3, "V", "public Equilibrium Propagation circuits"),
        "neuron.amplifier.gain": (4, "", "Kendall et al. 2020, arXiv:2006.01981"),
        "neuron.amplifier.back_gain": (1 / 4, "", "Kendall et al. 2020, arXiv:2006.01981"),
        "array.r_wire_row": (0.35, "ohm", f"IOParameters of {TOOLKIT}"),
        "array.r_wire_col": (0.35, "ohm", f"IOParameters of {TOOLKIT}"),
    },
    "1n4148": {
        "neuron.nonlinearity.i_s": (4.352, "nA", "model card of the 1N4148"),
        "neuron.nonlinearity.n": (1.906, "", "model card of the 1N4148"),
    },
    "1n4148_amplified": {
        "neuron.amplifier.gain": (4, "", "Kendall et al. 2020, arXiv:2006.01981"),
        "neuron.amplifier.back_gain": (1 / 4, "", "Kendall et al. 2020, arXiv:2006.01981"),
    },
    "real_diode": {
        "neuron.nonlinearity.i_s": (1, "uA", "nonlinear-drn-paper: Is"),
        "neuron.nonlinearity.n": (
            Derived(0.05 / (1.380649e-23 * 300.15 / 1.602176634e-19)),
            "",
            "nonlinear-drn-paper: Vt .05",
        ),
        "neuron.nonlinearity.v_bias_up": (1, "V", "nonlinear-drn-paper: Voff"),
        "neuron.nonlinearity.v_bias_down": (-1, "V", "nonlinear-drn-paper: Voff, mirrored"),
    },
    "ideal": {
        "synapse.g_min": (1e-7, "S", "EBANA"),
        "synapse.g_max": (1e-5, "S", "EBANA"),
        "neuron.nonlinearity.v_bias_up": (0.3, "V", "public Equilibrium Propagation circuits"),
        "neuron.nonlinearity.v_bias_down": (-0.3, "V", "public Equilibrium Propagation circuits"),
    },
    "hfo2_rram_alox": {
        "synapse.g_max": (Derived(1 / 16.9e3), "S", f"{WOO}: R_on 16.9 kohm"),
        "synapse.g_min": (Derived(1 / 16.9e3 / 4.43), "S", f"{WOO}: on/off 4.43"),
        "synapse.levels": (40, "", WOO),
        "synapse.update.nl_up": (1.94, "", WOO),
        "synapse.update.nl_down": (-0.61, "", WOO),
        "synapse.update.step": (1 / 40, "", f"{WOO}: 40 levels"),
        "synapse.update.range": ([0, 1], "", "the fraction of the window"),
        "synapse.update.sigma_c2c": (0.05 * 40, "", f"{WOO}: 5 % of the range"),
        "periphery.write_time": (100, "us", WOO),
        "periphery.write_energy": (Derived(0.9**2 * 59.17e-6 * 100e-6), "J", f"{WOO}: .9 V through R_on"),
    },
    "hfo2_reram_array": {
        "synapse.g_min": (9, "uS", FALCONE),
        "synapse.g_max": (88.2, "uS", FALCONE),
        "synapse.update.range": ([-1, 1], "", GONG),
        "synapse.update.step": (0.4622, "", GONG),
        "synapse.update.sigma_c2c": (0.2174, "", GONG),
        "synapse.update.write_noise": (0.5841, "", GONG),
        "synapse.update.d2d_step": (0.7125, "", GONG),
        "synapse.update.d2d_max": (0.4295, "", GONG),
        "synapse.update.d2d_min": (0.5990, "", GONG),
        "synapse.update.d2d_up_down": (0.01, "", GONG),
        "synapse.programming_noise.coefficients": ([0.0112185, 0.0112903], "", FALCONE),
        "synapse.drift.mean_slope": (-0.089, "uS", FALCONE),
        "synapse.drift.sd_slope": (0.04201, "uS", FALCONE),
        "synapse.drift.sd_offset": (0.41183, "uS", FALCONE),
    },
    "pcm": {
        "synapse.g_max": (25, "uS", JOSHI),
        "synapse.g_min": (25 / 250, "uS", "on/off 100 to 250"),
        "synapse.update.range": ([0, 2], "", f"{TOOLKIT}: PCM"),
        "synapse.update.step": (0.01, "", f"{TOOLKIT}: PCM"),
        "synapse.update.a": (-1, "", f"{TOOLKIT}: PCM"),
        "synapse.update.b": (0, "", f"{TOOLKIT}: PCM"),
        "synapse.update.a_up": (-27.235, "", f"{TOOLKIT}: PCM"),
        "synapse.update.a_down": (-2.235, "", f"{TOOLKIT}: PCM"),
        "synapse.update.gamma_up": (2.5, "", f"{TOOLKIT}: PCM"),
        "synapse.update.gamma_down": (2.5, "", f"{TOOLKIT}: PCM"),
        "synapse.update.sigma_c2c": (0.6, "", f"{TOOLKIT}: PCM"),
        "synapse.update.noise_add": (0.042, "", f"{TOOLKIT}: PCM"),
        "synapse.update.noise_slope": (0.108, "", f"{TOOLKIT}: PCM"),
        "synapse.update.d2d_step": (0.2, "", f"{TOOLKIT}: PCM"),
        "synapse.update.d2d_max": (0.1, "", f"{TOOLKIT}: PCM"),
        "synapse.update.d2d_up_down": (0.05, "", f"{TOOLKIT}: PCM"),
        "synapse.programming_noise.coefficients": ([0.26348, 1.9650, -1.1731], "", JOSHI),
        "synapse.read_noise.q0": (0.0088, "", JOSHI),
        "synapse.read_noise.exponent": (0.65, "", JOSHI),
        "synapse.read_noise.q_max": (0.2, "", JOSHI),
        "synapse.read_noise.t_read": (250, "ns", JOSHI),
        "synapse.drift.t0": (20, "s", JOSHI),
        "synapse.drift.nu_slope": (-0.0155, "", JOSHI),
        "synapse.drift.nu_offset": (0.0244, "", JOSHI),
        "synapse.drift.nu_low": (0.049, "", JOSHI),
        "synapse.drift.nu_high": (0.1, "", JOSHI),
        "synapse.drift.sd_slope": (-0.0125, "", JOSHI),
        "synapse.drift.sd_offset": (-0.0059, "", JOSHI),
        "synapse.drift.sd_low": (0.008, "", JOSHI),
        "synapse.drift.sd_high": (0.045, "", JOSHI),
    },
    "ecram_mo": {
        "synapse.update.range": ([-0.8286, 1.1714], "", f"Kim et al. 2019, IEDM, in {TOOLKIT}: EcRamMO"),
        "synapse.update.step": (2.8214e-4, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.gamma_up": (0.4152, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.gamma_down": (0.7342, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.sigma_c2c": (2.0, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.d2d_step": (0.1, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.d2d_max": (0.05, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.d2d_min": (0.05, "", f"{TOOLKIT}: EcRamMO"),
        "synapse.update.d2d_up_down": (0.01, "", f"{TOOLKIT}: EcRamMO"),
        "periphery.write_time": (10, "us", "Cui et al. 2023, Nat. Electron., caption"),
        "periphery.write_energy": (4.0**2 * 10e-6 * 10e-6, "J", "4 V and 10 us at 10 uS"),
    },
    "flash_sonos": {
        "synapse.g_max": (1.6e-6 / 0.1, "S", f"{SONOS}: 1.6 uA at .1 V"),
        "synapse.g_min": (Derived(1.6e-6 / 0.1 / 1e7), "S", f"{SONOS}: on/off 1e7"),
        "synapse.read_noise.a": (12.58037, "nA", SONOS),
        "synapse.read_noise.b": (215.36557, "nA", SONOS),
        "synapse.read_noise.v_read": (0.1, "V", SONOS),
    },
    "fefet_hzo": {
        "synapse.g_max": (Derived(1 / 559.28e3), "S", f"{JERRY}: R_on 559.28 kohm"),
        "synapse.g_min": (Derived(1 / 559.28e3 / 45), "S", f"{JERRY}: on/off 45"),
        "synapse.levels": (32, "", JERRY),
        "synapse.update.nl_up": (1.75, "", JERRY),
        "synapse.update.nl_down": (1.46, "", JERRY),
        "synapse.update.step": (1 / 32, "", f"{JERRY}: 32 levels"),
        "synapse.update.range": ([0, 1], "", "the fraction of the window"),
        "synapse.update.sigma_c2c": (0.005 * 32, "", f"{JERRY}: below .5 % of the range"),
        "periphery.write_time": (75, "ns", JERRY),
        "periphery.write_energy": (1, "fJ", "C V^2 of a gate, of the order of femtojoules"),
    },
    "cmos_coupled": {
        "synapse.beta": (225e-6 * 2, "", "model card of the ALD1106: KP W/L"),
        "synapse.v_th": (0.7, "V", "model card of the ALD1106"),
        "synapse.v_th_sd": (10, "mV", "data sheet of the ALD1106, recalled"),
        "synapse.v_gate_max": (8, "V", "public ngspice trainer of coupled learning"),
        "periphery.dac_full_scale": (0.45, "V", "Stern, Dillavou et al."),
    },
    "memcapacitor": {},
    "unbounded": {},
}
"""By file and key: the value, its unit, and where it is from."""
EXACT, ROUNDED = 1e-12, 2e-3
"""Largest relative distances from a value that a source states, and from one that follows from others."""
UNITS = {"": 1.0, "S": 1.0, "A": 1.0, "V": 1.0, "J": 1.0, "s": 1.0, "F": 1.0, "ohm": 1.0}
PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


def table_of(name):
    return tomllib.loads((files("neuroeq") / ".." / "hardware_configs" / f"{name}.toml").read_text())


def numbers(table, prefix=""):
    """Return every number of a hardware file, and every list of numbers, by dotted key."""
    found = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= numbers(value, f"{prefix}{key}.")
        elif isinstance(value, bool) or key in ("schema", "title", "source", "notes", "extends", "evidence"):
            continue
        elif not isinstance(value, str) or value[0] in "-.0123456789":
            found[prefix + key] = value
    return found


def si(value):
    """Return a number, list of numbers, or text such as '25 uS' in SI units, read here and not by the package."""
    if not isinstance(value, str):
        return value
    number, unit = value.split()
    prefix, unit = next((unit[: len(unit) - len(each)], each) for each in UNITS if each and unit.endswith(each))
    return float(number) * PREFIXES[prefix]


def entries(table, key):
    """Return the entries of evidence that name a key or, where none does, the nearest table that it is in."""
    while key:
        found = [each for each in table.get("evidence", ()) for named in each["keys"] if named == key]
        if found:
            return found
        key = key.rpartition(".")[0]
    return []


@pytest.mark.parametrize("name", names("hardware"))
def test_every_number_with_a_source_is_that_of_its_source(name):
    told = {key: si(value) for key, value in numbers(table_of(name)).items()}
    assert SOURCES[name].keys() <= told.keys()
    for key, (value, unit, source) in SOURCES[name].items():
        wanted = si(f"{value} {unit}") if unit else value
        allowed = ROUNDED if isinstance(value, Derived) else EXACT
        assert told[key] == pytest.approx(wanted, rel=allowed, abs=0), f"{key}: {source}"


@pytest.mark.parametrize("name", names("hardware"))
def test_a_number_without_a_source_is_called_assumed(name):
    table = table_of(name)
    inherited = table_of(table["extends"]) if "extends" in table else {}
    for key in numbers(table).keys() - SOURCES[name].keys():
        found = entries(table, key) or entries(inherited, key)
        assert all(
            each["kind"] == "assumed" or f"{key.rpartition('.')[2]} is assumed" in each["cite"] for each in found
        )


@pytest.mark.parametrize("name", names("hardware"))
def test_every_number_is_covered_by_one_entry_of_evidence(name):
    table = table_of(name)
    inherited = table_of(table["extends"]) if "extends" in table else {}
    for key in numbers(table):
        own = len(entries(table, key))
        assert own == 1 or (own == 0 and len(entries(inherited, key)) == 1), key
