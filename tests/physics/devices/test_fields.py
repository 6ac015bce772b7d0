"""Every field of a hardware file that is accepted has an effect: changing it changes what a circuit does."""

import json
from functools import cache
from typing import get_args

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.describe.spec import Hardware, Spec, overlay
from neuroeq.describe.spec.device import UpdateLaw
from neuroeq.describe.spec.node import Clamp, NoClamp
from neuroeq.describe.spec.programming import Programming
from neuroeq.learning.phases import nudges
from neuroeq.learning.rules import Trial, estimate
from neuroeq.learning.training import initial_state, train
from neuroeq.learning.weight_store import WeightStore
from neuroeq.measures.account import account
from neuroeq.randomness import Streams
from neuroeq.registry import DIODES, PROGRAMMING, UPDATE_LAWS
from tests.nets import network, substrate_of

WINDOW = {"g_min": "10 uS", "g_max": "1 mS"}
PAIR = {**WINDOW, "g_min": "1 uS"}
STEPS = {"range": [-1, 1], "step": 0.01}
SOFT = {"update": {"model": "soft_bounds", **STEPS, "sigma_c2c": 0.5}}
LINEAR = {"update": {"model": "linear_step", **STEPS, "gamma_up": 0.3, "gamma_down": 0.4, "sigma_c2c": 0.5}}
EXP = {
    "update": {
        "model": "exp_step", **STEPS, "a": -0.5, "b": -0.5, "a_up": -1.2, "a_down": -0.1, "gamma_up": 5,
        "gamma_down": 5, "noise_add": 0.01, "noise_slope": 0.1, "sigma_c2c": 0.5,
    }
}  # fmt: skip
CURVED = {"update": {"model": "neurosim_nl", **STEPS, "nl_up": 1.5, "nl_down": 0.5}}
VERIFY = {"update": {"model": "write_verify", "tolerance": 0.02}}
POLYNOMIAL = {"model": "polynomial", "coefficients": [5.0, 0.1], "of": "g_uS"}
SATURATING = {"model": "saturating_exp_current", "a": "1 uA", "b": "50 uA", "v_read": "0.1 V"}
PINK = {"model": "one_over_f", "q0": 0.05, "exponent": 0.5, "q_max": 0.2, "t_read": "1 us"}
POWER = {
    "model": "power_law", "t0": "20 s", "nu_slope": -0.02, "nu_offset": 0.05, "nu_low": 0.01, "nu_high": 0.5,
    "sd_slope": -0.01, "sd_offset": 0.01, "sd_low": 0.001, "sd_high": 0.1,
}  # fmt: skip
LOG = {"model": "log_relaxation", "mean_slope": "-1 uS", "sd_slope": "1 uS", "sd_offset": "1 uS"}
TRANSISTOR = {
    "element": "mosfet", "beta": 450e-6, "v_th": "0.7 V", "v_gate_min": "0.8 V", "v_gate_max": "3 V", "v_th_sd": "5 mV"
}  # fmt: skip
CAPACITOR = {"element": "capacitor", "c_min": "10 pF", "c_max": "1 nF"}
SHOCKLEY = {"model": "shockley", "i_s": "4 nA", "n": 1.9, "v_bias_up": "0.3 V", "v_bias_down": "-0.3 V"}
PIECEWISE = {"model": "piecewise", "threshold": "0.1 V", "r_on": "100 ohm", "r_off": "100 kohm"}
AMPLIFIER = {"gain": 4, "back_gain": 0.25, "gain_sd": 0.01, "back_gain_sd": 0.01, "offset_sd": "1 mV", "power": "1 uW"}
ONE_FACTOR = {"array": {"drift_compensation": "global"}}
CONVERTERS = {
    "dac_bits": 8,
    "dac_full_scale": "5 V",
    "adc_bits": 12,
    "adc_noise_sd": "0.1 mV",
    "adc_offset_sd": "0.1 mV",
}


def of_scheme(**programming):
    return {"synapse": {**WINDOW, **SOFT, "pairing": "reference_column", "programming": programming}}


def of_synapse(extra, *fields, on="resistive", **values):
    base = {"synapse": {**WINDOW, **extra}}
    return [(f"synapse.{field}", on, base, values[field.replace(".", "__")]) for field in fields]


CASES = [
    ("temperature", "resistive", {"neuron": {"nonlinearity": SHOCKLEY}}, "400 K"),
    *of_synapse({}, "g_min", "g_max", g_min="20 uS", g_max="2 mS"),
    *of_synapse({}, "pairing", on="crossbar", pairing="reference_column"),
    *of_synapse(SOFT, "unidirectional", on="crossbar", unidirectional=True),
    *of_synapse({"levels": 16}, "levels", "rounding", levels=8, rounding="stochastic"),
    *of_synapse({}, "leak_tau", leak_tau="50 us"),
    ("synapse.element", "resistive", {"synapse": {}}, None),
    *[
        (f"synapse.{field}", "resistive", {"synapse": TRANSISTOR}, value)
        for field, value in (
            ("beta", 600e-6), ("v_th", "0.6 V"), ("v_th_sd", "20 mV"), ("v_gate_min", "0.9 V"), ("v_gate_max", "2 V")
        )
    ],
    *[
        (f"synapse.{field}", "resistive", {"synapse": CAPACITOR}, value)
        for field, value in (("c_min", "20 pF"), ("c_max", "2 nF"))
    ],
    *of_synapse({}, "update.model", update__model="constant_step"),
    *of_synapse(
        SOFT, "update.range", "update.step", "update.up_down", "update.sigma_c2c", "update.write_noise",
        "update.d2d_step", "update.d2d_min", "update.d2d_max", "update.d2d_up_down", "update.bias_sd",
        "update.max_pulses", "update.noise",
        update__range=[-2, 1], update__step=0.02, update__up_down=0.3, update__sigma_c2c=1.0, update__write_noise=0.5,
        update__d2d_step=0.3, update__d2d_min=0.3, update__d2d_max=0.3, update__d2d_up_down=0.3, update__bias_sd=0.01,
        update__max_pulses=1, update__noise="multiplicative",
    ),
    ("synapse.update.d2d_step_lognormal", "resistive",
     {"synapse": {**WINDOW, "update": {**SOFT["update"], "d2d_step": 0.3}}}, True),
    *of_synapse(LINEAR, "update.gamma_up", "update.gamma_down", update__gamma_up=0.6, update__gamma_down=0.1),
    *of_synapse(
        EXP, "update.a", "update.b", "update.a_up", "update.a_down", "update.noise_add", "update.noise_slope",
        update__a=-0.3, update__b=0.2, update__a_up=-0.5, update__a_down=-0.5, update__noise_add=0.1,
        update__noise_slope=0.5,
    ),
    *of_synapse(CURVED, "update.nl_up", "update.nl_down", update__nl_up=3.0, update__nl_down=-1.0),
    *of_synapse(VERIFY, "update.tolerance", update__tolerance=0.05),
    *[
        (f"synapse.programming.{field}", "crossbar", of_scheme(**base), value)
        for field, base, value in (
            ("scheme", {"scheme": "mixed_precision"}, "sign"),
            ("granules", {"scheme": "mixed_precision"}, 3.0),
            ("tolerance", {"scheme": "write_verify"}, 0.1),
            ("tries", {"scheme": "write_verify"}, 1),
            ("threshold", {"scheme": "sign"}, 5.0),
            ("gain", {"scheme": "tiki_taka"}, 4.0),
            ("rate", {"scheme": "tiki_taka"}, 1.0),
            ("columns", {"scheme": "tiki_taka", "rate": 1.0}, 2),
            ("symmetric", {"scheme": "tiki_taka", "rate": 1.0}, "given"),
            ("shifts", {"scheme": "tiki_taka", "rate": 1.0}, 3),
            ("period", {"scheme": "tiki_taka_agad", "rate": 1.0}, 1),
            ("halving", {"scheme": "tiki_taka_agad", "rate": 1.0}, 1.0),
        )
    ],
    ("synapse.rest", "crossbar", {"synapse": {**WINDOW, **SOFT, "unidirectional": True}}, 0.3),
    *of_synapse({"programming_noise": POLYNOMIAL}, "programming_noise.coefficients", "programming_noise.of",
                programming_noise__coefficients=[10.0], programming_noise__of="g_over_gmax"),
    *of_synapse({"programming_noise": {"model": "relative", "sigma": 0.02}}, "programming_noise.sigma",
                programming_noise__sigma=0.05),
    *of_synapse({"read_noise": {"model": "relative", "sigma": 0.02}}, "read_noise.sigma", "read_noise.model",
                read_noise__sigma=0.05, read_noise__model=None),
    *of_synapse({"programming_noise": SATURATING}, "programming_noise.a", "programming_noise.b",
                "programming_noise.v_read", "programming_noise.model", programming_noise__a="2 uA",
                programming_noise__b="20 uA", programming_noise__v_read="0.2 V", programming_noise__model=None),
    *of_synapse({"read_noise": SATURATING}, "read_noise.a", "read_noise.b", "read_noise.v_read",
                read_noise__a="2 uA", read_noise__b="20 uA", read_noise__v_read="0.2 V"),
    *of_synapse({"read_noise": POLYNOMIAL}, "read_noise.coefficients", "read_noise.of",
                read_noise__coefficients=[10.0], read_noise__of="g_over_gmax"),
    *of_synapse({"read_noise": PINK}, "read_noise.q0", "read_noise.exponent", "read_noise.q_max", "read_noise.t_read",
                read_noise__q0=0.1, read_noise__exponent=0.1, read_noise__q_max=0.06, read_noise__t_read="1 ns"),
    *of_synapse({"drift": POWER}, *(f"drift.{field}" for field in POWER if field != "model"),
                drift__t0="1 s", drift__nu_slope=-0.05, drift__nu_offset=0.1, drift__nu_low=0.09, drift__nu_high=0.06,
                drift__sd_slope=-0.05, drift__sd_offset=0.05, drift__sd_low=0.05, drift__sd_high=0.015),
    *of_synapse({"drift": LOG}, "drift.mean_slope", "drift.sd_slope", "drift.sd_offset", "drift.model",
                drift__mean_slope="-3 uS", drift__sd_slope="2 uS", drift__sd_offset="3 uS", drift__model=None),
    *of_synapse({}, "faults.stuck_at_min", "faults.stuck_at_max", "faults.stuck_random",
                faults__stuck_at_min=0.2, faults__stuck_at_max=0.2, faults__stuck_random=0.2),
    *[
        (f"neuron.nonlinearity.{field}", "resistive", {"neuron": {"nonlinearity": base}}, value)
        for base, field, value in (
            (SHOCKLEY, "i_s", "1 uA"), (SHOCKLEY, "n", 1.0), (SHOCKLEY, "spice", True),
            (SHOCKLEY, "v_bias_up", "0.1 V"), (SHOCKLEY, "v_bias_down", "-0.1 V"), (SHOCKLEY, "model", None),
            (PIECEWISE, "threshold", "0.3 V"), (PIECEWISE, "r_on", "1 kohm"), (PIECEWISE, "r_off", "10 kohm"),
        )
    ],
    *[
        (f"neuron.nonlinearity.{field}", "resistive", {"temperature": "350 K", **base}, value)
        for base in ({"neuron": {"nonlinearity": SHOCKLEY}},)
        for field, value in (("e_g", "0.67 V"), ("xti", 2.0))
    ],
    *[
        (f"neuron.amplifier.{field}", "resistive", {"neuron": {"amplifier": AMPLIFIER}}, value)
        for field, value in (
            ("gain", 3), ("back_gain", 0.5), ("gain_sd", 0.1), ("back_gain_sd", 0.1), ("offset_sd", "20 mV"),
            ("power", "2 uW"),
        )
    ],
    *[
        (f"neuron.integrator.{field}", "crossbar", {"synapse": PAIR}, value)
        for field, value in (
            ("gain", 50.0), ("r_f", "3 kohm"), ("w_max", 3.0), ("c_f", "2 pF"), ("v_scale", "0.5 V"), ("power", "1 uW"),
            ("headroom", 1.5), ("bias_gain", 2.0),
        )
    ],
    ("neuron.c_node", "settling", {}, "2 pF"),
    *[
        (f"array.{field}", "crossbar", {"array": {"r_wire_row": "50 ohm", "r_wire_col": "50 ohm"}}, value)
        for field, value in (
            ("r_wire_row", "80 ohm"), ("r_wire_col", "80 ohm"), ("max_rows", 2), ("max_cols", 2), ("solver", "exact")
        )
    ],
    ("array.r_source", "resistive", {"array": {"r_source": "1 ohm", "r_sense": "1 ohm"}}, None),
    ("array.r_sense", "resistive", {"array": {"r_source": "1 ohm", "r_sense": "1 ohm"}}, None),
    ("array.phase_mismatch", "resistive", {}, 0.01),
    ("array.phase_mismatch", "crossbar", {}, 0.01),
    *[
        (f"periphery.{field}", on, {"periphery": CONVERTERS}, value)
        for on in ("resistive", "crossbar")
        for field, value in (
            ("dac_bits", 3), ("adc_bits", 6), ("dac_full_scale", "0.9 V"), ("adc_full_scale", "0.3 V"),
            ("adc_noise_sd", "5 mV"), ("adc_offset_sd", "5 mV"), ("phase_time", "2 us"), ("dac_energy", "1 pJ"),
            ("adc_energy", "1 pJ"), ("write_energy", "1 pJ"), ("dac_time", "10 ns"), ("adc_time", "10 ns"),
            ("write_time", "1 us"), ("time_constants", 5.0),
        )
        if not (on == "crossbar" and field in ("phase_time", "time_constants"))
    ],
    ("synapse.cell_area", "resistive", {}, "0.04 um**2"),
    ("synapse.cell_area", "crossbar", {}, "0.04 um**2"),
    ("array.drift_compensation", "crossbar", {"synapse": {**PAIR, "drift": POWER}}, "global"),
    ("array.drift_compensation", "crossbar", {"synapse": {**PAIR, "drift": POWER}, **ONE_FACTOR}, "column"),
    *[
        (f"periphery.{field}", on, {"periphery": {"adc_bits": 6, "adc_full_scale": "calibrated"}}, value)
        for on in ("resistive", "crossbar")
        for field, value in (("calibration_samples", 1), ("calibration_quantile", 0.5))
    ],
    ("periphery.nudge.beta", "crossbar", {}, 0.2),
    ("periphery.nudge.conductance", "resistive", {}, "0.2 mS"),
    *[
        (f"periphery.nudge.{field}", "held", {"periphery": {"nudge": {"bits": 6, "i_max": "1 mA"}}}, value)
        for field, value in (("bits", 3), ("i_max", "10 uA"), ("offset_sd", "50 uA"))
    ],
]  # fmt: skip
OTHER_MODELS = {
    "synapse.read_noise": {"model": "polynomial", "coefficients": [20.0]},
    "synapse.programming_noise": {"model": "relative", "sigma": 0.1},
    "synapse.drift": {"model": "power_law", "t0": "20 s", "nu_offset": 0.2},
    "neuron.nonlinearity": {"model": "none"},
}


def nested(path, value):
    *above, last = path.split(".")
    table = {last: value}
    for key in reversed(above):
        table = {key: table}
    return table


def changed(path, base, value):
    """Return a hardware table with one field changed; of a model, the whole of it."""
    if path == "synapse.element":
        return {"synapse": CAPACITOR}
    if path.endswith(".update.model"):
        return overlay(base, nested(path.removesuffix(".model"), {"model": value, **STEPS}))
    if path in ("array.r_source", "array.r_sense"):
        return {"array": {"r_source": "80 ohm", "r_sense": "80 ohm"}}
    if value is None:
        part = path.removesuffix(".model")
        *above, last = part.split(".")
        inner = base
        for key in above:
            inner = inner[key]
        kept = {key: each for key, each in inner.items() if key != last}
        whole = nested(".".join(above), {**kept, last: OTHER_MODELS[part]}) if above else {}
        return whole
    return overlay(base, nested(path, value))


@cache
def behaviour(on, written):
    """Return numbers that all of a circuit's physics goes into: weights after training, energies, readings, acting."""
    made_of = json.loads(written)
    held = {"phases": {"nudge": "held_current"}} if on == "held" else {}
    physics = {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}
    sub = "crossbar" if on == "crossbar" else "resistive"
    over = {"substrate": {"crossbar": physics}} if sub == "crossbar" else {"phases": {"nudge": "held_current"}}
    over = overlay(over, held)
    net = network(sub, 2, 4, 2, made_of=made_of, training={"learning": "contrastive", "epochs": 3}, **over)
    net = net.model_copy(update={"data": net.data.model_copy(update={"name": "xor"})})
    streams = Streams(0)
    state, examples = initial_state(net, streams), load(net, None)
    substrate = substrate_of(net, state.params)
    for _ in train(substrate, examples, state, streams):
        pass
    store = WeightStore(net, state.params, state.devices, streams)
    acting = store.effective(np.random.default_rng(0), 1e5)
    inputs, _, wanted = examples.batch(examples.train, np.arange(4), net)
    substrate.params = state.params
    spent = account(substrate, inputs, wanted, streams)
    trial = Trial.of(substrate, inputs, wanted, nudges(net.phases, np.random.default_rng(0)), np.random.default_rng(1))
    update = estimate(substrate, trial)
    parts = [*state.params.values(), *acting.values(), *update.change.values(), update.free.outputs]
    if on == "settling":
        parts.append(substrate.settle(update.free, None, "free").t)
    costs = [each for cost in (spent.energy, spent.latency) for each in (cost.inference, cost.update)]
    parts += [np.array([value or 0.0 for value in each.values()]) for each in costs]
    parts.append(spent.area or 0.0)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("path", "on", "base", "value"), CASES, ids=[f"{case[0]}-{case[1]}-{index}" for index, case in enumerate(CASES)]
)
def test_changing_a_field_changes_what_the_circuit_does(path, on, base, value):
    before, after = behaviour(on, json.dumps(base)), behaviour(on, json.dumps(changed(path, base, value)))
    assert before.shape != after.shape or np.abs(before - after).max() > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("on", "base"), sorted({(on, json.dumps(base)) for _, on, base, _ in CASES}))
def test_the_same_hardware_does_the_same_twice(on, base):
    np.testing.assert_array_equal(behaviour(on, base), behaviour.__wrapped__(on, base))


def leaves(spec, prefix=""):
    """Yield the dotted path of every field of a description."""
    for name, field in spec.model_fields.items():
        inner = [each for each in specs(field.annotation) if each.__name__ != "Evidence"]
        for each in inner:
            yield from leaves(each, f"{prefix}{name}.")
        if not inner:
            yield f"{prefix}{name}"


def specs(annotation):
    """Return the descriptions that an annotation allows; of tables that a `model` chooses, ours."""
    if annotation == Clamp | NoClamp:
        return [DIODES.get(name).fields for name in DIODES.names()]
    if annotation is Programming:
        return [PROGRAMMING.get(name) for name in PROGRAMMING.names()]
    if annotation is UpdateLaw:
        return [UPDATE_LAWS.get(name) for name in UPDATE_LAWS.names()]
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [annotation]
    return [spec for argument in get_args(annotation) for spec in specs(argument)]


def test_no_field_of_the_schema_is_left_out():
    words = {"schema_version", "name", "title", "source", "notes", "evidence"}
    known = {case[0] for case in CASES} | {"array.convolutions"}  # tests/physics/engine/test_convolution.py
    circuits = {path for path in leaves(Hardware) if not path.startswith("oscillators.")}  # test_oscillator.py
    assert {path for path in circuits if path not in words} - known == set()
