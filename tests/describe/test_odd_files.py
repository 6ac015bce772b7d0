"""Odd files end in a result or in one sentence, and values that nobody means are refused before anything is built."""

import pytest

from neuroeq.cli import main
from neuroeq.describe.catalog import load_any, load_network, resolve
from neuroeq.describe.spec import setting
from neuroeq.errors import NeuroeqError
from scripts import fuzzing

SEED, CASES, TOGETHER = 7, 200, 20
TRAINED = 8
"""One case of so many is trained too; `scripts/fuzz` trains all."""
BAD = {case.history[0]: (substrate, case) for substrate, case in fuzzing.bad_cases()}


@pytest.mark.parametrize("name", BAD)
def test_what_nobody_means_is_refused_in_a_sentence(name, tmp_path):
    verdict = fuzzing.examine_bad(*BAD[name], tmp_path)
    assert verdict.what == "sentence", f"{verdict.what} {verdict.text} {verdict.place}"
    assert "\n" not in verdict.text and len(verdict.text) < 500


@pytest.mark.parametrize("first", range(0, CASES, TOGETHER))
def test_an_odd_file_ends_in_a_result_or_a_sentence(first, tmp_path):
    for number in range(first, first + TOGETHER):
        case = fuzzing.case_of(SEED, number)
        verdict = fuzzing.examine(case, tmp_path, trains=number % TRAINED == 0)
        assert verdict.what in ("sentence", "accepted"), f"{number}, {case.history}: {verdict}"


def test_a_case_is_made_from_its_seed_and_number_alone():
    assert fuzzing.case_of(3, 117) == fuzzing.case_of(3, 117)
    assert fuzzing.case_of(3, 117).files != fuzzing.case_of(4, 117).files


def test_a_traceback_and_a_hang_are_told_from_a_sentence(monkeypatch):
    def fails():
        raise NeuroeqError("where: what; do.")

    def hangs():
        while True:
            pass

    monkeypatch.setattr(fuzzing, "PATIENCE", 0.05)
    uses = {"sentence": fails, "traceback": lambda: {}["x"], "hang": hangs, "accepted": lambda: None}
    assert {what: fuzzing.judged(use).what for what, use in uses.items()} == {what: what for what in uses}


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        ("xor", "Network"),
        ("lif", "NeuronModel"),
        ("two_trace", "SynapseModel"),
        ("board", "Hardware"),
        ("pcm", "Hardware"),
    ],
)
def test_a_file_is_of_the_kind_of_what_it_extends(base, kind, tmp_path):
    (tmp_path / "mine.toml").write_text(f'extends = "{base}"\ntitle = "mine"\n')
    (tmp_path / "further.toml").write_text('extends = "mine.toml"\n')
    assert [type(load_any(f"{name}.toml")).__name__ for name in ("mine", "further")] == [kind, kind]


def test_a_name_of_two_kinds_is_told_by_the_keys(tmp_path):
    synapses = tmp_path / "home" / "synapses"
    synapses.mkdir(parents=True)
    (synapses / "lif.toml").write_text(
        'title = "t"\ntransmission = "w*activity_pre"\nequations = "ddw/dt = gain*hebb : 1"\n'
    )
    (tmp_path / "a.toml").write_text('extends = "lif"\ntraces = ""\n')
    (tmp_path / "b.toml").write_text('extends = "lif"\nthreshold = "v > 2*V_T"\n')
    assert [type(load_any(f"{name}.toml")).__name__ for name in "ab"] == ["SynapseModel", "NeuronModel"]


def test_a_file_of_another_kind_is_named_as_what_it_is(tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "lif"\n')
    with pytest.raises(NeuroeqError, match=r"mine.toml: describes a neuron; expected a network"):
        load_network("./mine.toml")
    with pytest.raises(NeuroeqError, match=r"mine.toml: describes a neuron; expected a synapse"):
        resolve("xor", "spiking", ["substrate.spiking.synapse=./mine.toml"])
    (tmp_path / "bare.toml").write_text('title = "what"\n')
    with pytest.raises(NeuroeqError, match=r"bare.toml: has no key that tells what it describes"):
        load_any("bare.toml")


def test_a_circle_is_told_by_where_its_paths_lead(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.toml").write_text('extends = "../c/mine.toml"\n')
    for load in (load_any, load_network):
        with pytest.raises(NeuroeqError, match=r"c/mine.toml: extends itself, by way of"):
            load("c/mine.toml")


def test_tables_may_be_nested_some_levels_deep():
    assert setting(".".join(19 * "a") + "=1")
    with pytest.raises(NeuroeqError, match="is nested too deep; expected 20 levels at most"):
        setting(".".join(30 * "a") + "=1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "lif"\nparameters.tau = "10 mV"', "parameters.tau is '10 mV'; expected a time"),
        (
            'extends = "xor"\nsubstrate.rate.neuron_parameters.tau = "10 mV"',
            "parameters.tau is '10 mV'; expected a time",
        ),
        ('extends = "xor"\nsubstrate.rate.neuron = "hard_sigmod"', "did you mean 'hard_sigmoid'"),
    ],
)
def test_show_refuses_what_run_refuses(text, said, tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["show", "./mine.toml"])
    assert said in capsys.readouterr().err


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b'\xef\xbb\xbfextends = "xor"\r\ntitle = """two\r\nlines"""\r\n')
    assert load_network("mine.toml").title == "two\nlines"


def test_a_large_file_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b'title = "' + 10_000_000 * b"x" + b'"')
    with pytest.raises(NeuroeqError, match="is larger than 10 MB"):
        load_network("mine.toml")


def test_bounds_of_a_file_that_is_extended_can_be_removed(tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "hard_sigmoid"\nbounds = "none"\n')
    assert load_any("mine.toml").bounds == {}
    (tmp_path / "net.toml").write_text('extends = "xor"\nprojections.input_hidden.bounds = [-1, 1]\n')
    assert resolve("net.toml", "rate").projections["input_hidden"].bounds == (-1, 1)
    assert (
        resolve("net.toml", "rate", ["projections.input_hidden.bounds=none"]).projections["input_hidden"].bounds is None
    )


@pytest.mark.parametrize(
    ("setting", "setting_to_lower"),
    [
        ("layers.hidden.size=300000", "layers.hidden.size"),
        ("training.batch_size=90000", "training.batch_size"),
        ("data.samples=9000000", "data.samples"),
    ],
)
def test_the_estimate_of_memory_names_the_setting_to_lower(setting, setting_to_lower, monkeypatch):
    monkeypatch.setattr("neuroeq.describe.reach.memory_of_machine", lambda: 20e6)
    resolve("xor", "rate")
    with pytest.raises(NeuroeqError, match=rf"needs at least .* GB of memory, .*lower {setting_to_lower} \("):
        resolve("xor", "rate", [setting])


def test_synapses_with_delays_are_counted_once_for_each_sample(monkeypatch):
    late = ["projections.hidden_output.delay=1 ms", "layers.hidden.size=2000", "training.batch_size=1000"]
    monkeypatch.setattr("neuroeq.describe.reach.memory_of_machine", lambda: 1e9)
    assert resolve("xor", "spiking", late[:2])
    resolve("xor", "spiking", late[1:])
    monkeypatch.setattr("neuroeq.describe.reach.memory_of_machine", lambda: 200e6)
    resolve("xor", "spiking", late[1:])
    with pytest.raises(NeuroeqError, match=r"lower layers\.hidden\.size"):
        resolve("xor", "spiking", late)


def test_steps_of_two_time_constants_are_the_longest():
    assert resolve("xor", "rate", ["substrate.rate.dt=20 ms", "phases.nudged.duration=40 ms"])
    with pytest.raises(NeuroeqError, match=r"'10 ms', and dt is 21 ms; Euler .* at most 20 ms"):
        resolve(
            "xor", "rate", ["substrate.rate.dt=21 ms", "phases.free.duration=63 ms", "phases.nudged.duration=42 ms"]
        )
