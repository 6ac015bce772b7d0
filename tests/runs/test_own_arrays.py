"""Arrays with hardware of their own: every array acts by its own devices and wires, in one circuit."""

import json

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.describe.catalog import resolve
from neuroeq.describe.network import bounds
from neuroeq.errors import NeuroeqError
from neuroeq.learning.training import initial_state
from neuroeq.learning.training import train as training
from neuroeq.learning.weight_store import WeightStore
from neuroeq.physics.substrates import build
from neuroeq.physics.substrates.wiring import arrays_of
from neuroeq.randomness import Streams
from neuroeq.runs.analysis import conductances
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from neuroeq.runs.transfer import evaluate_run
from tests.cli.test_cli import cli
from tests.nets import batch_of, network

FIRST, LAST = "input_hidden", "hidden_output"
SMALL = ["data.limit=200", "layers.hidden.size=16", "training.epochs=1"]


def of(projection, hardware):
    return f"projections.{projection}.hardware={hardware}"


def resolved(*settings, on="crossbar", **options):
    return resolve("digits", on, [*SMALL, *settings], **options)


def trained(network):
    """Return the weights after training, and what devices hold."""
    streams = Streams(network.run.seed)
    state = initial_state(network, streams)
    substrate = build(network, state.params, target="numpy")
    for _ in training(substrate, load(network), state, streams, trainer="stepwise"):
        pass
    return state.params, state.devices


def assert_same(one, other):
    for mine, others in zip(one, other, strict=True):
        assert mine.keys() == others.keys()
        for name, value in mine.items():
            np.testing.assert_array_equal(value, others[name], name)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed") / "run"
    return train("digits", "crossbar", settings=[*SMALL, of(LAST, "flash_sonos")], hardware="pcm", out=folder)


@pytest.mark.parametrize("where", ["crossbar pcm", "crossbar memcapacitor", "resistive ecram_mo"])
def test_arrays_that_all_name_some_hardware_train_to_the_bits_of_that_hardware(where):
    on, hardware = where.split()
    whole = resolved(on=on, hardware=hardware)
    own = {name: each.model_copy(update={"hardware": whole.technology}) for name, each in whole.projections.items()}
    assert_same(trained(whole), trained(whole.model_copy(update={"projections": own})))


def test_naming_the_same_hardware_everywhere_names_that_of_the_run():
    everywhere = [of(FIRST, "pcm"), of(LAST, "pcm")]
    assert resolved(*everywhere) == resolved(hardware="pcm") == resolved(*everywhere, hardware="pcm")


def test_an_array_has_its_own_devices_and_scale_and_the_circuits_converters():
    own, alone = resolved(of(LAST, "flash_sonos"), hardware="pcm"), resolved(hardware="flash_sonos")
    last, first = own.array(LAST), own.array(FIRST)
    assert (first.name, last.name, own.made_of) == ("pcm", "flash_sonos", "pcm+flash_sonos")
    assert last.synapse == alone.technology.synapse and own.array("output.bias") == last
    assert last.periphery == own.technology.periphery and last.neuron.c_node == own.technology.neuron.c_node
    weights = initial_state(own, Streams(0)).params
    for hardware, name, headroom in ((first, FIRST, 1.8), (last, LAST, 3.0)):
        np.testing.assert_allclose(hardware.w_max, headroom * np.abs(weights[name]).max(), rtol=1e-12)


def test_a_single_key_of_an_array_can_be_set_and_undone():
    tuned = resolved(of(LAST, "flash_sonos"), f"projections.{LAST}.hardware.synapse.levels=16", hardware="pcm")
    assert (tuned.array(LAST).name, tuned.array(LAST).synapse.levels) == ("flash_sonos", 16)
    assert tuned.array(FIRST).synapse.levels == 0
    finer = resolve(tuned, None, [f"projections.{LAST}.hardware.synapse.levels=64"])
    assert finer.array(LAST).synapse.levels == 64 and finer.array(LAST).w_max == tuned.array(LAST).w_max
    assert resolve(finer, None, [of(LAST, "none")]).own_arrays == {}


def test_arrays_of_the_same_devices_share_one_scale():
    own = resolved(f"projections.{LAST}.hardware.array.r_wire_row='1 ohm'", hardware="pcm")
    assert own.array(LAST).array.r_wire_row == 1 and own.array(FIRST).array.r_wire_row == 0.35
    assert own.array(LAST).w_max == own.array(FIRST).w_max == resolved(hardware="pcm").technology.w_max


def test_each_array_is_programmed_by_its_own_scheme():
    scheme = f"projections.{LAST}.hardware.synapse.programming.scheme=pulses"
    run = train("digits", "crossbar", settings=[*SMALL, scheme], hardware="pcm", keep=False)
    assert run.result["programming"]["scheme"] == "mixed_precision, pulses"
    kept = {name.partition("/")[0] for name in run.folder.load().devices if name.endswith("/accumulator")}
    assert kept == {FIRST, "hidden.bias"}


def test_conductances_of_exact_devices_are_those_of_each_array():
    window = f"projections.{LAST}.hardware.synapse.g_max='1 uS'"
    run = train("digits", "crossbar", settings=[*SMALL, window], hardware="ideal", keep=False)
    assert {name: float(g.max()) > 1e-6 for name, g in conductances(run).items()} == {FIRST: True, LAST: False}
    spread = np.ptp(conductances(run)[LAST])
    np.testing.assert_allclose(spread, np.abs(run.params[LAST]).max() / run.network.array(LAST).r_f, rtol=1e-9)


def test_each_array_has_its_own_wires():
    arrays = arrays_of(resolved(of(LAST, "ideal"), hardware="pcm"))
    g = np.full((16, 10), 2e-5)
    assert np.abs(arrays.effective(FIRST, g)[0] - g).max() > 1e-9
    np.testing.assert_array_equal(arrays.effective(LAST, g)[0], g)


def test_ideal_parts_are_ideal_in_every_array():
    bare = resolved(of(LAST, "flash_sonos"), hardware="pcm", ideal=["devices", "wires"])
    assert bare.array(LAST).synapse.read_noise is None and bare.array(LAST).g_max == 16e-6
    assert not any(bare.array(name).array.wired for name in (FIRST, LAST))


def test_an_ideal_last_layer_holds_exactly_what_is_asked_of_it():
    own = resolved(of(LAST, "unbounded"), hardware="pcm")
    (weights, held), start = trained(own), initial_state(own, Streams(0)).params
    error = {name: np.abs(weights[name] - start[name] - held[f"{name}/asked"]).max() for name in (FIRST, LAST)}
    assert error[LAST] < 1e-12 and error[FIRST] > 1e-4


def test_power_energy_and_conductances_are_those_of_each_arrays_devices(mixed):
    own, state = mixed.network, mixed.folder.load()
    store = WeightStore(own, state.params, state.devices, Streams(0))
    crossbar = build(own, state.params, 4, target="numpy").as_circuit()
    crossbar.hold(store.held)
    inputs, _ = batch_of(own, 4)
    free = crossbar.relax(inputs)
    watts, held = crossbar.dissipation(free), state.devices
    volts = crossbar.driving(free)  # the voltages that are there, not as converters read them
    hidden, output = (np.square(volts[layer]).mean(axis=0) for layer in ("hidden", "output"))
    by_hand = hidden @ held[LAST].sum(axis=(0, 2)) + output @ held[LAST].sum(axis=(0, 1))
    np.testing.assert_allclose(watts[LAST], by_hand, rtol=1e-9)
    np.testing.assert_allclose(conductances(mixed)[LAST], held[LAST])
    assert held[FIRST].max() > 16e-6 >= held[LAST].max()
    for name in (FIRST, LAST):
        plus, minus = crossbar.pair(name)
        np.testing.assert_allclose(own.array(name).r_f * (plus - minus), store.params[name], atol=1e-12)
        np.testing.assert_allclose(crossbar.mirror(name), own.array(name).r_f / own.technology.r_f)


def test_results_say_what_each_array_is_made_of_and_what_programming_it_took(mixed):
    result, counts = mixed.result, mixed.folder.load().devices
    assert (result["hardware"], result["arrays"]) == ("pcm", {LAST: "flash_sonos"})
    assert result["mapping"]["arrays"][LAST]["w_max"] == mixed.network.array(LAST).w_max
    took = result["programming"]
    for array, bias in ((FIRST, "hidden.bias"), (LAST, "output.bias")):
        pulses = sum(float(counts[f"{name}/pulses"].sum()) for name in (array, bias))
        np.testing.assert_allclose(took["arrays"][array]["pulses_per_update"] * 10, pulses)
    np.testing.assert_allclose(took["pulses_per_update"], sum(a["pulses_per_update"] for a in took["arrays"].values()))
    np.testing.assert_allclose(result["energy"]["update"]["writing"], took["pulses_per_update"] * 10e-12)


def test_pulses_cost_what_they_cost_in_their_array():
    costs = [f"projections.{LAST}.hardware.periphery.write_energy='1 nJ'", of(FIRST, "pcm")]
    took = train("digits", "crossbar", settings=[*SMALL, *costs], hardware="pcm", keep=False).result["programming"]
    pulses = [took["arrays"][name]["pulses_per_update"] for name in (FIRST, LAST)]
    np.testing.assert_allclose(took["write_energy_per_update"], pulses[0] * 10e-12 + pulses[1] * 1e-9)


def test_other_hardware_of_an_evaluation_replaces_that_of_every_array(mixed):
    assert evaluate_run(mixed).hardware == "pcm+flash_sonos"
    assert evaluate_run(mixed, hardware="ideal").hardware == "ideal"
    assert evaluate_run(mixed, settings=[of(LAST, "ideal")]).hardware == "pcm+ideal"
    assert load_run(mixed.path).network.own_arrays == {LAST: "flash_sonos"}


def test_a_resumed_run_of_mixed_arrays_is_the_same_run(mixed, tmp_path):
    assert train(mixed.path / "run.toml", out=tmp_path / "again").result["loss"] == mixed.result["loss"]


def test_a_resistor_network_keeps_each_array_in_its_own_window():
    own = resolved(of(LAST, "cmos_coupled"), on="resistive", hardware="ecram_mo")
    for name, hardware in ((FIRST, "ecram_mo"), (LAST, "cmos_coupled")):
        alone, unit = resolved(on="resistive", hardware=hardware).technology, own.g_unit
        np.testing.assert_allclose(np.array(bounds(own, name)) * unit, [alone.g_min, alone.g_max])


@pytest.mark.parametrize(
    ("substrate", "settings", "said"),
    [
        ("crossbar", of(LAST, "memcapacitor"), "projections.hidden_output has capacitors .* hardware of one kind"),
        ("crossbar", of(LAST, "pmc"), "no hardware 'pmc'; did you mean 'pcm'"),
        ("crossbar", f"projections.{LAST}.hardware.synapse.g_min='2 S'", "g_max .* must be above g_min"),
        ("rate", of(LAST, "pcm"), "substrate 'rate' has no hardware"),
    ],
)
def test_what_cannot_be_is_one_sentence(substrate, settings, said):
    with pytest.raises(NeuroeqError, match=said) as told:
        resolve("digits", substrate, [settings], "pcm" if substrate == "crossbar" else None)
    assert str(told.value).count("\n") == 0


def test_a_file_can_name_the_hardware_of_an_array_and_other_substrates_ignore_it():
    tables = {"projections": {"input_output": {"hardware": "pcm"}}}
    assert network("crossbar", 3, 2, **tables).technology.name == "pcm"
    assert network("crossbar", 3, 2, hardware="ideal", **tables).own_arrays == {"input_output": "pcm"}
    assert network("rate", 3, 2, **tables).hardware is None


def test_the_command_line_takes_it(capsys):
    line = ["run", "xor", "--substrate", "crossbar", "--hardware", "ideal", "--epochs", "1", "--out", "r", "--json"]
    code, out, _ = cli(capsys, *line, "--set", of("input_hidden", "pcm"))
    assert code == 0 and json.loads(out)["arrays"] == {"input_hidden": "pcm"}
