"""What circuits cost: energies from what is recorded, latencies, area and writes, and what is not given of them."""

import numpy as np
import pytest

from neuroeq import load_run
from neuroeq.describe.catalog import load_hardware, resolve
from neuroeq.physics.circuits.equations import drive_circuit
from neuroeq.physics.circuits.settling import settle, slowest_mode
from neuroeq.runs.costs import cost_texts
from neuroeq.runs.training import train
from neuroeq.runs.transfer import evaluate_run
from tests.cli.test_cli import cli
from tests.nets import batch_of, network, substrate_of
from tests.runs.recomputed import recomputed

CIRCUITS = {
    "ideal crossbar": ("crossbar", "ideal"),
    "pulsed pairs": ("crossbar", "ecram_mo"),
    "reference column": ("crossbar", "hfo2_reram_array"),
    "ideal resistors": ("resistive", None),
    "real diodes": ("resistive", "1n4148"),
}
TIMES = {"dac_time": "2 ns", "adc_time": "3 ns", "write_time": "5 us", "phase_time": "1 us"}


def close(wanted, rel=1e-9):
    """Without pytest's absolute tolerance of 1e-12, which is a picojoule."""
    return pytest.approx(wanted, rel=rel, abs=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, (on, hardware) in CIRCUITS.items():
        live = ["layers.output.bias_initial={scheme='constant', gain=0.3}"] if on == "crossbar" else []
        train("xor", on, hardware=hardware, settings=live, epochs=3, out=folder / name)
    return folder


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_energy_of_an_inference_is_that_of_the_recorded_voltages(runs, name):
    """Both sums are in double precision and differ in their order."""
    ours, reported = recomputed(runs / name)
    assert ours == close(reported)
    with load_run(runs / name).folder.traces() as file:
        volts = [each[()] for each in file["inference/driving"].values()]
    assert all(np.abs(each).max() > 1e-3 for each in volts), "every part of the sum is there"


@pytest.mark.parametrize("name", CIRCUITS)
def test_totals_are_the_sums_of_the_parts_that_are_given(runs, name):
    result = load_run(runs / name).result
    for what, unit in (("energy", "J"), ("latency", "s")):
        for of in ("inference", "update"):
            given = [part for part in result[what][of].values() if part is not None]
            assert result[f"{what}_per_{of}_{unit}"] == close(sum(given)) and sum(given) > 0


def periphery(**keys):
    return {"hardware": {"periphery": keys}}


def test_an_inference_converts_settles_and_converts_and_an_update_nudges_each_example_and_writes_rows_in_turn():
    latency = train("xor", "resistive", settings=[periphery(**TIMES)], epochs=1, out=None).result["latency"]
    assert latency["inference"] == close({"DAC": 2e-9, "settling": 1e-6, "ADC": 3e-9})
    examples, phases, rows = 4, 2, max(2 * 2 + 1, 16)
    wanted = {"settling": examples * phases * 1e-6, "ADC": examples * (1 + phases) * 3e-9, "writing": rows * 5e-6}
    assert latency["update"] == close(wanted)


def test_an_array_of_its_own_is_written_in_its_own_time_and_the_slowest_one_counts():
    own = {"projections": {"hidden_output": {"hardware": periphery(write_time="2 us")["hardware"]}}}
    ideal = periphery(write_time="1 us")
    latency = train("xor", "crossbar", hardware="ideal", settings=[ideal, own], epochs=1, out=None).result["latency"]
    assert latency["update"]["writing"] == close(16 * 2e-6)


def test_a_row_takes_as_long_as_its_device_with_the_most_pulses(tmp_path):
    """One epoch of xor is one update, so the counts of pulses are those of one update."""
    run = train("xor", "crossbar", hardware="ecram_mo", epochs=1, out=tmp_path / "run")
    devices, took = run.folder.load().devices, run.result["programming"]
    rounds = {}
    for name in run.params:
        pulses = devices[f"{name}/pulses"]
        rows = pulses.max(axis=(0, 2)) if pulses.ndim == 3 else [pulses.max()]
        rounds[name] = sum(rows)
        assert devices[f"{name}/pulse_rounds"] == rounds[name]
    assert took["write_time_per_update"] == close(max(rounds.values()) * 10e-6)
    assert run.result["latency"]["update"]["writing"] == took["write_time_per_update"] > 0


def test_reads_of_a_scheme_take_a_conversion_a_row():
    settings = ["hardware.synapse.programming.scheme=write_verify", periphery(adc_time="1 ns")]
    run = train("xor", "crossbar", hardware="ecram_mo", settings=settings, epochs=1, out=None)
    devices, update = run.folder.load().devices, run.result["latency"]["update"]
    rounds = {}
    for name in run.params:
        reads = devices[f"{name}/reads"]
        rounds[name] = reads.max() * (reads.shape[1] if reads.ndim == 3 else 1)
    assert update["reading devices"] == close(max(rounds.values()) * 1e-9) and max(rounds.values()) > 0


def test_what_is_not_given_is_in_no_total_and_is_named():
    run = train("xor", "resistive", hardware="1n4148_amplified", epochs=1, out=None)
    assert run.result["energy"]["inference"]["amplifiers"] is None
    assert run.result["latency"]["inference"]["DAC"] is None
    texts = dict(cost_texts(run.result))
    assert texts["energy"].endswith(" an update, without amplifiers, writing (not given)")
    assert texts["latency"].endswith(" an update, without DAC, ADC, writing (not given)")
    assert texts["area of devices"] == "not given"
    given = {"hardware": {"neuron": {"amplifier": {"power": "1 mW"}}}}
    powered = train("xor", "resistive", hardware="1n4148_amplified", settings=[given], epochs=1, out=None).result
    parts = powered["energy"]["inference"]
    assert parts["amplifiers"] == close(16e-3 * powered["latency"]["inference"]["settling"])


def test_the_power_of_op_amps_is_not_taken_for_nothing():
    power = {"hardware": {"neuron": {"integrator": {"power": "1 uW"}}}}
    without, with_power = (
        train("xor", "crossbar", hardware="ideal", settings=settings, epochs=1, out=None).result["energy"]["inference"]
        for settings in ([], [power])
    )
    assert without["op-amps"] is None and with_power["op-amps"] > 0


def test_the_area_is_that_of_all_devices():
    size = {"hardware": {"synapse": {"cell_area": "0.04 um**2"}}}
    areas = {
        on: train("xor", on, hardware="ideal", settings=[size], epochs=1, out=None).result["area_m2"]
        for on in ("resistive", "crossbar")
    }
    assert areas["resistive"] == close((5 * 16 + 16 * 4) * 4e-14)
    assert areas["crossbar"] == close(2 * (2 * 16 + 16 * 2 + 16 + 2) * 4e-14)


def test_shipped_files_give_no_size_of_cells_as_their_sources_state_none():
    for name in ("pcm", "ecram_mo", "flash_sonos", "fefet_hzo", "hfo2_rram_alox", "hfo2_reram_array", "cmos_coupled"):
        assert load_hardware(name).synapse.cell_area is None


@pytest.mark.parametrize("outputs", ["single", "paired"])
def test_a_circuit_has_settled_to_half_a_step_of_13_bits_when_its_phase_ends(outputs):
    """After 10 time constants of the slowest mode, exp(-10) is left of it; implicit Euler steps lag behind by 5 %."""
    net = network(
        "resistive",
        3,
        6,
        2,
        substrate={"resistive": {"circuit": {"outputs": outputs, "diodes": "none"}}},
        phases={"nudge": "held_current"},
    )
    substrate = substrate_of(net)
    eq = substrate.relax(batch_of(net, 2)[0])
    farad, settled = net.technology.neuron.c_node / net.g_unit, eq.resume
    tau = farad / slowest_mode(drive_circuit(settled.assembly, settled.drive))
    assert substrate.phase_time(eq) == close(10 * tau)
    options = {"step": tau / 100, "least": 1000, "most": 1000}
    _, path = settle(settled.assembly, settled.drive, None, farad, **options)
    off = {layer: np.abs(v[-1] - settled.voltages[layer]).max() for layer, v in path.items()}
    largest = max(np.abs(v).max() for v in settled.voltages.values())
    assert max(off.values()) < 1.05 * np.exp(-9.5) * largest
    early = {layer: np.abs(v[299] - settled.voltages[layer]).max() for layer, v in path.items()}
    assert max(early.values()) > 1e-3 * largest, "3 time constants are too few"


def test_one_node_settles_with_its_capacitor_and_all_that_is_connected_to_it():
    net = network("resistive", 2, 1, hardware="ideal", made_of={"neuron": {"c_node": "3 pF"}})
    substrate = substrate_of(net)
    siemens = sum(value.sum() for value in substrate.params.values() if value.ndim == 2) * net.g_unit
    eq = substrate.relax(batch_of(net, 1)[0])
    assert substrate.phase_time(eq) == close(10 * 3e-12 / siemens)


def test_a_node_that_floats_does_not_keep_a_circuit_waiting():
    net = network("resistive", 2, 3, 2)
    net = net.model_copy(
        update={"layers": {name: layer.model_copy(update={"bias": False}) for name, layer in net.layers.items()}}
    )
    substrate = substrate_of(net)
    settled = substrate.phase_time(substrate.relax(batch_of(net, 1)[0]))
    params = {name: value.copy() for name, value in substrate.params.items()}
    params["input_hidden1"][:, 0] = params["hidden1_output"][0] = 0
    substrate.hold(params)
    assert substrate.phase_time(substrate.relax(batch_of(net, 1)[0])) < 10 * settled


def test_sources_of_ideal_circuits_stay_within_the_full_scale_and_the_unit_of_voltage_changes_no_weight():
    unit = "substrate.resistive.circuit.v_unit='1 V'"
    usual, volt = (train("xor", "resistive", settings=settings, epochs=3, out=None) for settings in ([], [unit]))
    assert usual.network.v_unit == 2.0**-4 and 4 * usual.network.v_unit <= 0.45 < 8 * usual.network.v_unit
    for name, value in usual.params.items():
        np.testing.assert_array_equal(value, volt.params[name])
    ratio = volt.result["energy_per_inference_J"] / usual.result["energy_per_inference_J"]
    assert ratio == close(16.0**2), "the energy is that of C V^2"
    assert volt.result["latency"] == usual.result["latency"]


@pytest.mark.parametrize(
    ("hardware", "settings", "volts"),
    [
        (None, [], 1 / 16),
        (None, ["hardware.periphery.dac_full_scale='4 V'"], 1.0),
        (None, ["substrate.resistive.circuit.v_unit='0.3 V'"], 0.3),
        (None, ["hardware.periphery.adc_bits=8", "hardware.periphery.dac_bits=8"], 1 / 16),
        (None, ["hardware.periphery.adc_bits=8", "hardware.periphery.adc_full_scale='1 V'"], 1.0),
        (None, ["hardware.periphery.adc_noise_sd='1 mV'"], 1.0),
        (None, ["hardware.neuron.nonlinearity={model='ideal', v_bias_up='0.1 V'}"], 1.0),
        ("1n4148", [], 1.0),
        ("cmos_coupled", [], 1 / 16),
    ],
)
def test_hardware_with_voltages_of_its_own_keeps_the_volt_as_the_unit(hardware, settings, volts):
    assert resolve("xor", "resistive", settings, hardware).v_unit == volts


def test_the_energy_of_ideal_resistors_depends_on_capacitance_and_voltage_and_not_on_their_conductance():
    one, ten = (
        train("xor", "resistive", settings=[f"substrate.resistive.circuit.g_unit='{g} uS'"], epochs=1, out=None).result
        for g in (100, 1000)
    )
    assert one["energy_per_inference_J"] == close(ten["energy_per_inference_J"])
    assert one["latency_per_inference_s"] == close(10 * ten["latency_per_inference_s"])


def test_run_eval_and_show_end_with_what_it_costs(runs, capsys):
    given = ["--epochs", "1", "--quiet", "--out", "spent", "--set", "hardware.periphery.adc_time=50 ns"]
    out = cli(capsys, "run", "xor", "--substrate", "crossbar", "--hardware", "ecram_mo", *given)[1]
    assert " an inference, " in out and "without DAC (not given)" in out and "without op-amps (not given)" in out
    took = load_run("spent").result["programming"]
    assert f"{took['writes_per_device_mean']:.3g} in the mean, {took['writes_per_device_most']:,} at most" in out
    out = cli(capsys, "eval", str(runs / "ideal resistors"), "--quiet")[1]
    assert "latency " in out and "energy " in out and "without DAC, ADC (not given)" in out
    out = cli(capsys, "show", "ecram_mo")[1]
    assert "not given, and in no total: synapse.cell_area, neuron.integrator.power" in out
    assert "write_time" not in out.splitlines()[-1] and 'write_time = "10 us"' in out


def test_an_evaluation_says_what_an_inference_costs_there(runs):
    same = evaluate_run(runs / "ideal resistors")
    assert (
        same.as_dict()["latency_per_inference_s"]
        == load_run(runs / "ideal resistors").result["latency_per_inference_s"]
    )
    assert same.as_dict()["energy_per_inference_J"] > 0
    ideal = train("xor", "rate", epochs=1, out=None)
    assert "energy_per_inference_J" not in evaluate_run(ideal).as_dict()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("hardware.periphery.adc_time=5 V", "hardware.periphery.adc_time is '5 V'; expected a time"),
        ("hardware.periphery.dac_time=-1 ns", "hardware.periphery.dac_time"),
        ("hardware.periphery.time_constants=0", "hardware.periphery.time_constants"),
        ("hardware.synapse.cell_area=5 um", "hardware.synapse.cell_area is '5 um'; expected an area, such as"),
    ],
)
def test_a_cost_in_another_unit_is_one_sentence(capsys, setting, sentence):
    status, out, err = cli(capsys, "run", "xor", "--substrate", "resistive", "--set", setting)
    assert status == 2 and out == "" and sentence in err and err.count("\n") == 1
