"""The command line: what it prints where, and with which status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neuroeq.cli import main
from neuroeq.cli.ending import endings
from neuroeq.describe import catalog


def cli(capsys, *arguments):
    """Run the command line in this process; return status, stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    output = capsys.readouterr()
    return ended.value.code or 0, output.out, output.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "digitz"], "no network 'digitz'; did you mean 'digits'? `neuroeq list networks` shows all."),
        (["run", "broken.toml"], "broken.toml: is not valid TOML; "),
        (["run", "xor", "--set", "phases.bta=1"], "--set phases.bta: no key 'phases.bta'; did you mean 'phases.beta'?"),
        (["run", "xor", "--set", "phases"], "--set phases: expected KEY=VALUE with a dotted key"),
        (["run", "wrong_unit.toml"], "parameters.tau is '10 mV'; expected a time, such as '10 ms'"),
        (["run", "bare_number.toml"], "parameters.tau is 10.0; expected a time, such as '10 ms'"),
        (["run", "no_parse.toml"], "neuron.toml: equations do not parse"),
        (["run", "xor", "--set", "data.name=mnist"], "data set 'mnist' needs files: put train-images-idx3-ubyte"),
        (["run", "xor", "--set", "data.name=nan.npz"], "nan.npz': 4 of 8 examples hold NaN or infinity"),
        (["run", "xor", "--set", "layers.input.size=3"], "layers.input.size is 3; expected 2 for data set 'xor'"),
        (["run", "xor", "--substrate", "spiky"], "no substrate 'spiky'; did you mean 'spiking'?"),
        (["run", "xor", "--target", "fpga"], "target is 'fpga'; expected 'auto', 'cython' or 'numpy'."),
        (
            ["run", "xor", "--engine", "warp"],
            "run.engine is 'warp'; expected 'stepper', 'compiled', 'reference' or 'operating_point'.",
        ),
        (["run", "xor", "--epochs", "0"], "Invalid value for '--epochs'"),
        (["run", "xor", "--resume"], "--resume: no run with a checkpoint in 'runs/xor-rate-seed0'"),
        (["run", "xor", "--bogus"], "No such option"),
        (["run"], "Missing argument"),
        (["plot", "nowhere"], "no run folder 'nowhere'"),
        (["plot", "."], "is not a run folder: run.toml cannot be read"),
        (["plot", ".", "rastr"], "no figure 'rastr'; did you mean 'raster'?"),
        (["list", "neuron"], "no kind 'neuron'; did you mean 'neurons'?"),
        (["show", "lyf"], "no network, model or hardware 'lyf'; did you mean 'lif'?"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_2(capsys, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.delenv("NEUROEQ_DATA", raising=False)
    write_mistakes(tmp_path)
    status, out, err = cli(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("neuroeq: ") and sentence in err
    assert err.count("\n") == 1 and "Traceback" not in err


def write_mistakes(folder):
    import numpy as np

    (folder / "broken.toml").write_text("title = \n")
    for name, change in {
        "wrong_unit": '[parameters]\ntau = "10 mV"',
        "bare_number": "[parameters]\ntau = 10",
        "no_parse": 'equations = "ds/dt = (drive : 1"',
    }.items():
        folder_of = folder / name
        folder_of.mkdir()
        (folder_of / "neuron.toml").write_text(f'extends = "hard_sigmoid"\n{change}\n')
        (folder / f"{name}.toml").write_text(f'extends = "xor"\n[substrate.rate]\nneuron = "{name}/neuron.toml"\n')
    np.savez(folder / "nan.npz", inputs=np.tile([[0.0, np.nan], [1, 1]], (4, 1)), labels=np.arange(8) % 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_diverging_network_is_reported_with_layer_and_step(capsys, tmp_path):
    grows = 'equations = "ds/dt = (1 + s + drive + nudge)/tau : 1"\nactivity = "s"\n'
    (tmp_path / "grows.toml").write_text(f'extends = "sigmoid"\n{grows}')
    status, _, err = cli(
        capsys,
        *["run", "xor", "--set", "substrate.rate.neuron=./grows.toml", "--set", "phases.variant=positive"],
        *["--set", "phases.free.duration=4000 steps", "--quiet"],
    )
    assert status == 2
    assert "grew without bound in phase 'free', seen at step" in err and "try a smaller" in err


def test_the_help_of_ideal_names_every_part():
    from typing import get_args

    from neuroeq.cli.options import Ideal
    from neuroeq.describe.catalog import IDEAL
    from neuroeq.runs.training import train

    for text in (get_args(Ideal)[1].help, train.__doc__):
        assert not [part for part in IDEAL if part not in text]


def test_run_prints_the_result_and_where_it_is(capsys):
    status, out, err = cli(capsys, "run", "xor", "--epochs", "2", "--out", "here")
    assert status == 0
    assert "Exclusive or, 2-16-2, on substrate rate, seed 0" in out
    assert "test accuracy" in out and "run folder           here" in out and "neuroeq plot here all" in out
    assert "epoch 2/2: train error" in err


def test_a_training_that_stays_at_chance_says_so_last_and_keeps_status_0(capsys):
    words = ["run", "iris", "--epochs", "2", "--quiet", "--set", "projections.input_hidden.learning_rate=0"]
    words += ["--set", "projections.hidden_output.learning_rate=0", "--out", "run"]
    words += ["--set", "layers.output.bias=false", "--set", "layers.hidden.bias=false"]
    words += ["--set", "projections.hidden_output.initial={scheme='constant', gain=0.1}"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    assert capsys.readouterr().out.splitlines()[-1].startswith("not learned: over the last half of the epochs")
    assert json.loads(Path("run/result.json").read_text())["learned"] is False


def test_json_is_one_object_and_nothing_else(capsys):
    status, out, err = cli(capsys, "run", "xor", "--epochs", "2", "--out", "here", "--json", "--quiet")
    result = json.loads(out)
    assert status == 0 and result["path"] == "here" and result["epochs"] == 2
    assert "train error" not in err
    _, out, _ = cli(capsys, "plot", "here", "learning", "--json")
    assert json.loads(out)["figures"] == ["here/figures/learning.png", "here/figures/learning.svg"]


@pytest.mark.parametrize("kind", ["networks", "neurons", "synapses", "hardware"])
def test_list_gives_names_and_titles(capsys, kind):
    _, out, _ = cli(capsys, "list", kind, "--json")
    listed = json.loads(out)
    assert all(each["name"] and each["title"] for each in listed)
    key = {folder: each for each, folder in catalog.FOLDERS.items()}[kind]
    assert [each["name"] for each in listed] == catalog.names(key)
    _, text, _ = cli(capsys, "list", kind)
    assert all(each["name"] in text for each in listed)


def test_show_renders_equations_units_and_sources(capsys):
    _, text, _ = cli(capsys, "show", "lif")
    assert "dt" in text and "────" in text and "τ" in text
    assert "-70 mV   = -0.07 V" in text and "v > E_L + V_T" in text and "v ≥ -90 mV" in text
    _, text, _ = cli(capsys, "show", "two_trace")
    assert "Martin et al. 2021" in text and "(spike) × (slope)" in text


def test_show_says_who_trains_a_network_and_why(capsys):
    for settings, line in (
        ([], r"# trainer: compiled \(from [\d,]+ samples\), stepwise below"),
        (
            ["--set", "substrate.rate.neuron=deep"],
            r"# trainer: compiled_phases \(.*; not compiled because: neuron 'deep' of layer 'hidden' reads the sum .*",
        ),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["show", "digits", "--substrate", "rate", *settings])
        assert not ended.value.code and re.fullmatch(line, capsys.readouterr().out.splitlines()[1])


def test_show_prints_a_network_as_a_substrate_plays_it(capsys):
    _, text, _ = cli(capsys, "show", "digits", "--substrate", "spiking")
    shown, plain = (catalog.resolve("digits", on).phases.nudged.duration for on in ("spiking", "rate"))
    assert f'duration = "{shown}"' in text and shown != plain and "ds/dt" in text
    _, out, _ = cli(capsys, "show", "digits", "--json")
    assert json.loads(out)["layers"]["output"]["size"] == 10


@pytest.mark.parametrize("verb", ["run", "compare", "eval", "plot", "list", "show"])
def test_every_verb_has_help_with_an_example(capsys, verb):
    status, out, _ = cli(capsys, verb, "--help")
    assert status == 0 and f"Example: neuroeq {verb} " in " ".join(out.split())


def test_help_does_not_import_what_it_does_not_need():
    heavy = ["brian2", "numpy", "scipy", "matplotlib", "pydantic", "pint", "sklearn", "h5py", "sympy", "joblib"]
    code = (
        "import sys\n"
        "from neuroeq.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_machine_without_a_compiler_still_runs_and_says_so_once(tmp_path):
    """The compiler is hidden by an environment in which nothing can be compiled."""
    code = (
        "from neuroeq.physics.engine import brian\n"
        "from brian2.codegen.runtime.cython_rt import CythonCodeObject\n"
        "CythonCodeObject.is_available = classmethod(lambda cls: False)\n"
        "from neuroeq.cli import main\n"
        "for target in ('auto', 'cython'):\n"
        "    try:\n"
        "        main(['run', 'xor', '--epochs', '2', '--quiet', '--target', target])\n"
        "    except SystemExit as ended:\n"
        "        print(target, 'ends with', ended.code, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "test accuracy" in done.stdout and "auto ends with 0" in done.stdout and "cython ends with 2" in done.stdout
    assert done.stderr.count("no C++ compiler with Python headers found") == 1
    assert "apt install g++ python3-dev" in done.stderr


def test_an_interruption_that_a_library_makes_an_error_of_its_own_is_one(capsys):
    with pytest.raises(SystemExit) as end, endings():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interruption:
            raise ImportError("initialization failed") from interruption
    assert end.value.code == 130
    assert capsys.readouterr().err == "neuroeq: interrupted.\n"
