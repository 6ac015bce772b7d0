"""What the README and the documentation pages show is what happens."""

import importlib.util
import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from neuroeq.describe.catalog import load_network, names, resolve
from neuroeq.describe.kinds import kind_of
from neuroeq.describe.spec import Network, overlay, validate
from tests.conftest import DATA
from tests.nets import table
from tests.pages import blocks, type_in

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
DIGITS = (ROOT / "docs" / "results" / "digits.md").read_text()
MNIST = (ROOT / "docs" / "results" / "mnist.md").read_text()
MODELS = (ROOT / "docs" / "models.md").read_text()
HARDWARE = (ROOT / "docs" / "hardware.md").read_text()
RULES = (ROOT / "docs" / "rules.md").read_text()
SWEEPS = (ROOT / "docs" / "sweeps.md").read_text()


def commands():
    """Every line of the shell blocks of the README and the page of commands, without its remark."""
    return [
        words
        for block in [*blocks(README, "sh"), *blocks(COMMANDS, "sh")]
        for words in (shlex.split(line, comments=True) for line in block.splitlines())
        if words
    ]


@pytest.mark.reproduction
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("page", [README, RULES], ids=["README", "rules"])
def test_the_python_example_prints_what_the_page_says(page, capsys):
    (code,), (printed,) = blocks(page, "python"), blocks(page, "text")
    exec(compile(code, "page.md", "exec"), {})
    assert capsys.readouterr().out == printed
    if page is README:
        assert Path("raster.png").stat().st_size > 10_000


@pytest.mark.reproduction
def test_the_python_example_of_sweeps_runs():
    pytest.importorskip("xarray")
    (code,) = blocks(SWEEPS, "python")
    exec(compile(code, "page.md", "exec"), {})
    assert Path("swept/sweep.csv").exists() and Path("swept/sweep.nc").exists()


def test_every_sweep_of_the_page_can_be_planned(capsys):
    lines = [line for block in blocks(SWEEPS, "sh") for line in block.replace("\\\n", "").splitlines()]
    sweeps = [shlex.split(line, comments=True) for line in lines if line.startswith("neuroeq sweep")]
    for words in sweeps:
        type_in([*words, "--plan"])
    assert len(sweeps) >= 6


@pytest.mark.reproduction
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_command_lines_work_in_their_order(capsys):
    shutil.copy(DATA / "pulses.csv", "pulses.csv")
    lines = [words for words in commands() if words[0] == "neuroeq"]
    assert [words[1] for words in lines] == [
        *["run", "run", "plot", "run", "run", "check", "sweep", "plot", "export", "fit", "list", "show"],
        *["compare", "eval"],
    ]
    for words in lines:
        type_in(words)
        assert capsys.readouterr().out
    assert Path("runs/xor-lif/figures/raster.png").exists()


def test_the_readme_is_short():
    assert README.count("\n") <= 120


def test_the_scripts_and_pictures_that_it_names_are_there():
    scripts = {words[0] for words in commands() if words[0] != "neuroeq"}
    assert scripts == {"scripts/demo", "scripts/test"}
    named = [*scripts, *re.findall(r"\]\(([^)#:]+)[)#]", README)]
    assert len(named) > 4
    for path in named:
        assert (ROOT / path).is_file(), path


def test_the_models_that_the_page_shows_are_allowed():
    for number, content in enumerate(blocks(MODELS, "toml")):
        if "[layers]" in content:
            shown = overlay(table(64, 256, 10, data={"name": "digits"}), tomllib.loads(content))
            resolve(validate(Network, shown, "shown"), "rate")
            continue
        path = Path(f"shown{number}.toml")
        path.write_text(content)
        kind = "synapse" if "transmission" in content else "neuron"
        substrate = "spiking" if "extends" in content else "rate"
        physics = resolve("xor", substrate, [f"substrate.{substrate}.{kind}={path}"]).physics
        assert getattr(physics, kind).title in content


def test_the_errors_it_shows_are_those_of_the_files():
    rows = re.findall(r"^\| (digits\w*) .*\| ([\d.]+) %(?: \(([\d.]+ to [\d.]+)\))? \|", DIGITS, flags=re.MULTILINE)
    for name in {name for name in names("network") if name.startswith("digits")}:
        shown = [(float(median), spread) for named, median, spread in rows if named == name]
        promises = load_network(name).expected
        assert [median for median, _ in shown] == pytest.approx([100 * promise.test_error for promise in promises])
        for (_, spread), promise in zip(shown, promises, strict=True):
            seeds = f"seeds {promise.seeds[0]} to {promise.seeds[-1]}"
            assert promise.source == f"measured, median of {seeds}" + (f"; {spread} %" if spread else "")


def test_the_mnist_table_is_what_the_kept_results_say():
    spec = importlib.util.spec_from_file_location("reproductions", ROOT / "scripts" / "reproductions.py")
    reproductions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reproductions)
    assert reproductions.table() in MNIST


@pytest.mark.parametrize("name", [name for name in names("network") if name.startswith("mnist_")])
def test_the_kept_results_are_those_of_the_files_and_keep_their_promise(name):
    network = load_network(name)
    promise = network.expected[0]
    for seed in promise.seeds:
        folder = ROOT / "docs" / "results" / f"{name}-seed{seed}"
        result = json.loads((folder / "result.json").read_text())
        assert (result["network"], result["seed"]) == (name, seed)
        kind = kind_of(promise.substrate)
        hardware = promise.hardware or (kind.ideal if kind.hardware else None)
        assert (result["substrate"], result["hardware"]) == (promise.substrate, hardware)
        assert result["epochs"] == network.training.epochs == len((folder / "metrics.csv").read_text().splitlines()) - 1
        assert abs(result["test_error"] - promise.test_error) <= promise.tolerance


def test_the_layout_and_the_hardware_that_the_page_shows_are_allowed():
    changes, arrays, layout, _, _, hardware = blocks(HARDWARE, "toml")  # two are of diodes by layer and of netlists
    Path("changed.toml").write_text('extends = "xor"\ntitle = "changed"\n' + changes)
    assert resolve("changed.toml", "crossbar").technology.synapse.rest == 0.1
    Path("own.toml").write_text('extends = "xor"\ntitle = "own"\n' + arrays)
    assert resolve("own.toml", "crossbar", hardware="ideal").made_of == "ideal+pcm+unbounded"
    Path("mine.toml").write_text('extends = "xor"\ntitle = "mine"\n' + layout)
    Path("hardware.toml").write_text(hardware)
    resolved = resolve("mine.toml", "resistive", hardware="hardware.toml", ideal=["wires"])
    assert resolved.circuit.bias_voltages == (4.0,)
    assert resolved.technology.neuron.amplifier.gain == 4
