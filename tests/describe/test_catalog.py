"""Files are found by name or path, checked whole, and refused in one sentence."""

import tomllib
from pathlib import Path

import pytest

from neuroeq.describe import catalog
from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.catalog.changes import TABLES
from neuroeq.describe.spec import Hardware, Network, NeuronModel, SynapseModel, overlay, setting, validate
from neuroeq.errors import NeuroeqError, SpecError, UnknownNameError
from neuroeq.runs.records import to_toml
from tests.nets import table

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("name", catalog.names("network"))
def test_every_shipped_network_resolves_on_every_substrate_and_reads_back(name):
    network = load_network(name)
    assert network.title and network.source
    for substrate in network.substrate:
        resolved = resolve(network, substrate)
        assert isinstance(resolved.physics.neuron, NeuronModel) or substrate == "resistive"
        again = resolve(validate(Network, tomllib.loads(to_toml(resolved)), "again"))
        assert again.model_dump() == resolved.model_dump()


@pytest.mark.parametrize("kind", ["neuron", "synapse"])
def test_every_shipped_model_names_its_source(kind):
    for name in catalog.names(kind):
        model = catalog.load_any(name)
        assert isinstance(model, NeuronModel if kind == "neuron" else SynapseModel)
        assert model.title and model.source and model.notes, name


def test_a_substrates_table_is_laid_over_the_network_and_settings_over_both():
    base = table(2, 3, 2, substrate={"spiking": {"phases": {"beta": 0.25}, "training": {"epochs": 7}}})
    network = validate(Network, base, "test")
    assert resolve(network, "rate").phases.beta == 0.5
    spiking = resolve(network, "spiking")
    assert (spiking.phases.beta, spiking.training.epochs) == (0.25, 7)
    assert resolve(network, "spiking", ["phases.beta=0.75"]).phases.beta == 0.75
    assert resolve(network, "spiking", ["substrate.spiking.phases.beta=0.8"]).phases.beta == 0.8
    assert set(spiking.substrate) == {"spiking"}


def test_a_file_may_say_what_its_circuit_is_made_of():
    assert resolve("mnist_real_diode").technology.name == "real_diode"
    assert resolve("mnist_real_diode", hardware="ideal").technology.name == "ideal"
    assert resolve(resolve("mnist_real_diode", hardware="ideal")).technology.name == "ideal"
    assert resolve("mnist_drn_xs").technology.name == "unbounded"
    base = table(2, 3, 2, substrate={"rate": {"hardware": "ideal"}})
    with pytest.raises(SpecError, match=r"substrate.rate has hardware; only oscillator, crossbar, resistive are"):
        validate(Network, base, "test")


def test_a_file_may_change_keys_of_the_hardware_that_it_names():
    """The user's own changes count more, other hardware is left as it is, and what is idealised is gone."""
    changes = {"synapse": {"rest": 0.2}, "synapse_noise": {}}
    physics = {"neuron": "hard_sigmoid", "synapse": "rate_derivative", "hardware": "pcm"}

    def network_with(**more):
        return validate(Network, table(2, 3, 2, substrate={"crossbar": {**physics, **more}}), "mine.toml")

    network = network_with(hardware_changes={"synapse": changes["synapse"]})

    def rest(**how):
        return resolve(network, "crossbar", **how).technology.synapse.rest

    assert rest() == rest(hardware="pcm") == 0.2
    assert rest(settings=["hardware.synapse.rest=0.3"]) == 0.3
    assert rest(hardware="ecram_mo") == rest(ideal=["devices"]) == 0
    assert resolve(resolve(network, "crossbar")).technology.synapse.rest == 0.2
    with pytest.raises(SpecError, match="crossbar has hardware_changes and no hardware; name the hardware they change"):
        network_with(hardware=None, hardware_changes=changes)
    with pytest.raises(SpecError, match=r"no key 'hardware\.synapse_noise'; did you mean"):
        resolve(network_with(hardware_changes=changes), "crossbar")


def test_extends_lays_a_file_over_another(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "xor"\ntitle = "mine"\n[layers.hidden]\nsize = 5\n')
    network = load_network(path)
    assert (network.title, network.layers["hidden"].size, network.name) == ("mine", 5, "mine")
    assert network.projections == load_network("xor").projections


def test_own_notes_explain_no_warning_that_the_notes_below_explained(tmp_path):
    assert resolve("xor").explained
    (tmp_path / "mine.toml").write_text('extends = "xor"\nnotes = "Mine."\n')
    assert resolve(str(tmp_path / "mine.toml")).explained == ()
    (tmp_path / "same.toml").write_text('extends = "xor"\ntitle = "Mine"\n')
    assert resolve(str(tmp_path / "same.toml")).explained


def test_extends_in_a_circle_is_refused(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.toml").write_text(f'extends = "{other}.toml"\n')
    with pytest.raises(SpecError, match=r"a.toml: extends itself, by way of"):
        load_network(tmp_path / "a.toml")


def test_a_model_path_starts_at_the_file_that_names_it(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "n.toml").write_text('extends = "hard_sigmoid"\ntitle = "mine"\n')
    (tmp_path / "net.toml").write_text('extends = "xor"\n[substrate.rate]\nneuron = "models/n.toml"\n')
    assert resolve(tmp_path / "net.toml", "rate").physics.neuron.title == "mine"


def test_settings_are_toml_or_plain_words():
    assert setting("phases.beta=0.5") == {"phases": {"beta": 0.5}}
    assert setting("substrate.spiking.neuron=lif") == {"substrate": {"spiking": {"neuron": "lif"}}}
    assert setting('phases.free.duration="5 ms"') == {"phases": {"free": {"duration": "5 ms"}}}
    assert setting("phases.free.duration=5 ms") == {"phases": {"free": {"duration": "5 ms"}}}
    assert setting("a={b = [1, 2]}") == {"a": {"b": [1, 2]}}
    assert overlay({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}) == {"a": {"b": 1, "c": 3}}
    with pytest.raises(SpecError, match=r"expected KEY=VALUE with a dotted key"):
        setting("phases.beta")


@pytest.mark.parametrize(
    "changes",
    [
        ["training.schedule={kind='steps', epochs=[2], factor=0.5}"],
        ["training.schedule.factor=0.5", "training.schedule.kind=steps", "training.schedule.epochs=[2]"],
    ],
)
def test_a_schedule_of_another_kind_keeps_no_key_of_the_former_in_any_order_of_changes(changes):
    assert resolve("iris", "rate").training.schedule.kind == "cosine"
    base = resolve("iris", "rate", ["training.schedule.final=0.1"])
    assert (base.training.schedule.kind, base.training.schedule.final) == ("cosine", 0.1)
    schedule = resolve(base, None, changes).training.schedule
    assert (schedule.kind, schedule.epochs, schedule.factor) == ("steps", (2,), 0.5)


def test_noise_of_another_model_keeps_no_number_of_the_former():
    noise = ["hardware.synapse.read_noise={model='relative', sigma=0.01}"]
    pcm = resolve("xor", "crossbar", noise, "pcm").technology
    assert (pcm.synapse.read_noise.model, pcm.synapse.read_noise.sigma) == ("relative", 0.01)
    assert pcm.synapse.drift == resolve("xor", "crossbar", hardware="pcm").technology.synapse.drift
    more = resolve("xor", "crossbar", ["hardware.synapse.read_noise.q0=0.01"], "pcm").technology.synapse.read_noise
    assert (more.model, more.q0, more.exponent) == ("one_over_f", 0.01, 0.65)


def test_unknown_names_come_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no network 'mnits'|no network 'digitz'; did you mean 'digits'\?"):
        load_network("digitz")
    with pytest.raises(UnknownNameError, match=r"no neuron 'liff'; did you mean 'lif'\? `neuroeq list neurons`"):
        resolve("xor", "spiking", ["substrate.spiking.neuron=liff"])
    with pytest.raises(UnknownNameError, match=r"no substrate 'spikng'; did you mean 'spiking'\?"):
        resolve("xor", "spikng")
    with pytest.raises(SpecError, match=r"no parameter 'tua'; did you mean 'tau'\? hard_sigmoid has: tau"):
        resolve("xor", "rate", ['substrate.rate.neuron_parameters.tua="5 ms"'])


BAD = [
    (
        "training.schedule={kind='constant', factor=0.5}",
        r"no key 'training.schedule.factor'\. Allowed here: kind, warmup\.$",
    ),
    ("phases.bta=1", r"--set phases.bta: no key 'phases.bta'; did you mean 'phases.beta'\? Allowed here: beta, cost"),
    (
        "phases.variant=symetric",
        r"phases.variant is 'symetric'; expected 'positive', 'negative', 'random_sign' or 'centred'",
    ),
    ("phases.beta=-1", r"phases.beta is -1; expected greater than 0"),
    ("phases.beta=big", r"phases.beta is 'big'; expected number"),
    ("phases.free.duration=50", r"phases.free.duration is 50; expected string"),
    (
        "phases.free.duration=5 mV",
        r"phases.free.duration is '5 mV'; expected a time, such as '50 ms', or a number of steps",
    ),
    ("phases.free.duration=0 steps", r"phases.free.duration is '0 steps'; expected a time"),
    ("layers.hidden.size=0", r"layers.hidden.size is 0; expected greater than 0"),
    ("layers.hidden.sise=3", r"no key 'layers.hidden.sise'; did you mean 'layers.hidden.size'\?"),
    ("layers.extra.size=3", r"layers.extra has no projection; connect it or leave it out"),
    ("layers.hidden.role=output", r"layers have 2 of role 'output'; expected one"),
    (
        "projections.hidden_output.source=hiden",
        r"projections.hidden_output.source is 'hiden'; expected one of the layers",
    ),
    ("projections.hidden_output.target=input", r"target is the input layer 'input', which is clamped"),
    ("projections.hidden_output.bounds=[1, 0]", r"bounds are \[1.0, 0.0\]; expected \[low, high\]"),
    (
        "projections.hidden_output.connect={edges = [[0, 9]]}",
        r"connect.edges has \[0, 9\]; expected units from 0 to 15",
    ),
    ("projections.hidden_output.connect={}", r"has both or neither of probability and edges"),
    ("training.update=every_step", r"training.update is 'every_step'; expected phases.variant 'positive'"),
    ("training.schedule={kind = 'linear'}", r"training.schedule.kind is 'linear'; expected 'constant', 'exponential'"),
    ("substrate.rate.dt=0.1", r"substrate.rate.dt is 0.1; expected a time"),
    ("substrate.rate.neurn=lif", r"no key 'substrate.rate.neurn'; did you mean 'substrate.rate.neuron'\?"),
    ("data.test=1.5", r"data.test is 1.5; expected less than 1"),
    ("run.seed=-1", r"run.seed is -1"),
]


@pytest.mark.parametrize(("change", "match"), BAD)
def test_a_setting_that_is_not_allowed_is_one_sentence(change, match):
    with pytest.raises(SpecError, match=match) as caught:
        resolve("xor", "rate", [change])
    assert str(caught.value).startswith("--set ") and "\n" not in str(caught.value)


def test_a_malformed_file_names_the_line(tmp_path):
    path = Path("broken.toml")
    path.write_text("title = 'x'\nlayers = [\n")
    with pytest.raises(SpecError, match=r"^broken.toml: is not valid TOML; .*(line 3|end of document)"):
        load_network(path)
    with pytest.raises(NeuroeqError, match=r"no network file 'nowhere.toml'"):
        load_network("nowhere.toml")


def test_a_file_that_is_wrong_on_another_substrate_is_refused_at_once(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text('extends = "xor"\n[substrate.spiking.phases]\nbeta = "x"\n')
    with pytest.raises(SpecError, match=r"net.toml: substrate.spiking: phases.beta is 'x'"):
        load_network(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ('emits = "spikes"', r"a neuron that emits spikes needs a threshold\."),
        ('threshold = "s > 1"', r"a neuron that emits its rate has no threshold"),
        ('time_constant = "tua"', r"time_constant is 'tua'; expected dt or one of the parameters: tau"),
        ('emits = "rates"', r"emits is 'rates'; expected 'rate' or 'spikes'"),
        ("dt = 1", r"dt is 1; expected a time, such as '10 ms'"),
    ],
)
def test_a_neuron_file_is_checked(tmp_path, change, match):
    path = tmp_path / "n.toml"
    path.write_text(f'extends = "hard_sigmoid"\n{change}\n')
    with pytest.raises(SpecError, match=match):
        catalog.load_model(NeuronModel, str(path))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ('on_pre = "drive_post += w"', r"has both a transmission and raw Brian2 statements"),
        (
            'transmission = "w*w*spike_pre"',
            r"expected 'w\*activity_pre', .*, or raw Brian2 statements",
        ),
        ('plasticity = [{on = "pre_spike", pre = "slope"}]', r"acts on 'pre_spike' and has pre; expected post"),
        ('plasticity = [{pre = "slope"}]', r"acts on 'step' and has pre; expected pre and post"),
    ],
)
def test_a_synapse_file_is_checked(tmp_path, change, match):
    path = tmp_path / "s.toml"
    path.write_text(f'extends = "two_trace"\n{change}\n')
    with pytest.raises(SpecError, match=match):
        catalog.load_model(SynapseModel, str(path))


@pytest.mark.parametrize("name", catalog.names("hardware"))
def test_every_shipped_hardware_reads_back_as_it_was_written(name):
    hardware = catalog.load_hardware(name)
    assert hardware.title
    again = validate(Hardware, tomllib.loads(to_toml(hardware)), "again")
    assert again.model_dump() == hardware.model_dump()


def test_any_network_on_rate_runs_on_a_crossbar_and_hardware_goes_under_circuits_only():
    crossbar = resolve("moons", "crossbar", ["hardware.neuron.integrator.c_f='2 pF'"], hardware="ideal")
    assert crossbar.training.learning == "contrastive"
    assert crossbar.technology.neuron.integrator.c_f == pytest.approx(2e-12)
    assert crossbar.technology.synapse.g_max == pytest.approx(1e-5)
    assert resolve("moons", "crossbar").technology.name == "unbounded"
    with pytest.raises(SpecError, match="substrate 'rate' has no hardware; expected one of oscillator, crossbar"):
        resolve("moons", "rate", hardware="ideal")
    with pytest.raises(UnknownNameError, match="no hardware 'idal'; did you mean 'ideal'"):
        resolve("moons", "crossbar", hardware="idal")


def test_parts_of_the_hardware_become_ideal_one_by_one():
    plain = resolve("xor", "resistive", hardware="1n4148_amplified").technology
    assert plain.neuron.amplifier.gain == 4 and plain.neuron.nonlinearity.model == "shockley"
    one = resolve("xor", "resistive", hardware="1n4148_amplified", ideal=["amplifiers"]).technology
    assert one.neuron.amplifier is None and one.neuron.nonlinearity == plain.neuron.nonlinearity
    two = resolve("xor", "resistive", hardware="1n4148_amplified", ideal=["amplifiers", "diodes"]).technology
    assert two.neuron.nonlinearity.model == "ideal"
    assert resolve("xor", "crossbar", hardware="ideal", ideal=["window"]).technology.synapse.g_max is None
    with pytest.raises(UnknownNameError, match="no part of the hardware 'diode'; did you mean 'diodes'"):
        resolve("xor", "resistive", ideal=["diode"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[synapse]\ng_min = "5 uS"\ng_max = "2 uS"', r"synapse g_max \(2e-06 S\) must be above g_min \(5e-06 S\)"),
        ("[synapse]\ng_min = 5", "synapse.g_min is 5; expected a conductance, such as '10 nS'"),
        ('[synapse]\ng_min = "-1 uS"', "synapse.g_min"),
        ('[neuron]\nc_node = "1 mV"', "neuron.c_node is '1 mV'; expected a capacitance"),
        ('[array]\nr_wire_row = "-1 ohm"', "array.r_wire_row"),
        ('[neuron.nonlinearity]\nmodel = "shokley"', "neuron.nonlinearity.model is 'shokley'; expected"),
        (
            '[neuron.nonlinearity]\nmodel = "ideal"\nv_bias_up = "-1 V"',
            r"v_bias_up \(-1 V\) is below v_bias_down \(0 V\), which shorts the bias sources",
        ),
        (
            '[neuron.nonlinearity]\nmodel = "piecewise"\nthreshold = "0.3 V"\nr_on = "0 ohm"\nr_off = "1 Mohm"',
            "neuron.nonlinearity.r_on",
        ),
        ('[neurn]\nc_node = "1 pF"', "no key 'neurn'; did you mean 'neuron'"),
        ('[[evidence]]\nkeys = ["synapse.gmax"]\nkind = "fit"\ncite = "x"', "evidence.keys names 'synapse.gmax'"),
    ],
)
def test_a_hardware_file_is_checked_whole(tmp_path, text, match):
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "mine"\n{text}\n')
    with pytest.raises(SpecError, match=match) as refused:
        resolve("xor", "resistive", hardware=str(path))
    assert "mine.toml" in str(refused.value)


@pytest.mark.parametrize("value", ["rate", "1", "[1]"])
@pytest.mark.parametrize(
    "place", [path.replace("*", "crossbar") for path in TABLES] + ["substrate", "hardware", "hardware.synapse"]
)
def test_a_value_in_the_place_of_a_table_is_refused_in_one_sentence(place, value):
    for substrate in ("rate", "crossbar"):
        with pytest.raises(SpecError, match=rf"^--set {place}: is '?\[?{value.strip('[]')}.*, but {place} is a table"):
            resolve("xor", substrate, [f"{place}={value}"])
    with pytest.raises(SpecError, match="a change is a int; expected 'KEY=VALUE' or a table"):
        resolve("xor", settings=[1])
