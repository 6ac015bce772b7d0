"""A comparison is one command: cells side by side, one table, one page; it goes on where it was stopped."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import neuroeq as ne
from neuroeq.data import load
from neuroeq.describe.catalog import load_network
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.measures.backprop import train
from neuroeq.randomness import Streams
from neuroeq.runs.comparison import Cell, Comparison, Row, answer, cells_of, costs, learns, unlike, used
from neuroeq.runs.comparison.columns import with_prefix
from neuroeq.runs.comparison.rows import mean_and_interval
from neuroeq.runs.comparison.running import Plan, obstacle
from neuroeq.show.report import write_report
from tests.cli.test_cli import cli
from tests.nets import PATIENCE

ON = "rate,spiking,crossbar:ideal,resistive:small.toml"
SMALL = """
extends = "ideal"
title = "A <b>small</b> window"
"""


NARROW = """
extends = "ideal"
title = "Too narrow for any weight"
[neuron.integrator]
r_f = "1 kohm"
[[evidence]]
keys = ["neuron.integrator.r_f"]
kind = "assumed"
cite = "a test"
"""


COMMAND = ["compare", "xor", "--on", f"{ON},crossbar:narrow.toml", "--seeds", "2", "--epochs", "5"]
COMMAND += ["--set", "hardware.synapse.g_max='20 uS'", "--out", "out", "--json"]


@pytest.fixture(scope="module")
def compared(once):
    """Four cells of two seeds, in two processes, and one that its substrate refuses."""

    def compare(folder):
        (folder / "small.toml").write_text(SMALL)
        (folder / "narrow.toml").write_text(NARROW)
        command = [sys.executable, "-m", "neuroeq", *COMMAND, "--jobs", "2"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        (folder / "printed.json").write_text(done.stdout)

    folder = once("compared", compare)
    return folder / "out", json.loads((folder / "printed.json").read_text())


def test_it_leaves_a_page_two_tables_and_a_run_folder_a_cell(compared):
    out, printed = compared
    assert {path.name for path in out.iterdir() if path.is_file()} == {"report.html", "table.csv", "table.json"}
    kept = json.loads((out / "table.json").read_text())
    assert kept == printed
    for row in kept["cells"]:
        if row["failure"] is None:
            folder = out / f"{row['cell'].replace(':', '-')}-seed{row['seed']}"
            left = {"run.toml", "result.json", "metrics.csv", "checkpoint.npz"}
            left |= set() if row["cell"] == "backprop" else {"traces.h5"}
            assert left <= {each.name for each in folder.iterdir()}


def test_rows_say_what_the_run_folders_say(compared):
    out, printed = compared
    done = [row for row in printed["cells"] if row["failure"] is None]
    trained = ("rate", "spiking", "crossbar:ideal", "resistive:small", "backprop")
    assert [(row["cell"], row["seed"]) for row in done] == [(cell, seed) for cell in trained for seed in (0, 1)]
    for row in done:
        result = json.loads((out / f"{row['cell'].replace(':', '-')}-seed{row['seed']}" / "result.json").read_text())
        assert row["epochs"] == result["epochs"] == row["updates"] == result["updates"] == 5
        assert row["layers"] == [2, 16, 2]
        assert row["test_accuracy"] == 1 - result["test_error"]
        for key in ("energy_per_inference_J", "energy_per_update_J", "spikes_per_inference", "cpu_s"):
            assert row[key] == result[key]
        assert (row["energy_per_inference_J"] is None) == (row["substrate"] in ("rate", "spiking", "backprop"))
        assert (row["spikes_per_inference"] is None) == (row["substrate"] != "spiking")
        if row["substrate"] == "backprop":
            assert row["cosine_end"] is None and row["refused"] is None
            continue
        assert set(row["cosines_start"]) == set(row["cosines_end"]) >= {"input_hidden", "hidden_output"}
        assert abs(row["cosine_end"]) <= 1 + 1e-12
    assert all(row["cosine_start"] > 0.999 for row in done if row["substrate"] == "resistive")


def test_the_gradient_at_the_end_is_that_of_the_trained_weights(compared):
    out, printed = compared
    row = next(row for row in printed["cells"] if row["cell"] == "rate")
    from neuroeq.runs.checking import check_network

    assert row["cosine_end"] == pytest.approx(check_network(out / "rate-seed0").cosine, abs=1e-9)
    assert row["cosine_start"] == pytest.approx(check_network("xor", "rate").cosine, abs=1e-9)


def test_means_over_seeds_have_students_interval(compared):
    out, printed = compared
    mean = next(row for row in printed["rows"] if row["cell"] == "rate")
    values = [row["cosine_end"] for row in printed["cells"] if row["cell"] == "rate"]
    half = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))[1] - np.mean(values)
    assert mean["mean"]["cosine_end"] == pytest.approx(np.mean(values))
    assert mean["interval"]["cosine_end"] == pytest.approx(half)
    with (out / "table.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["cell"] == "rate")
    assert (row["seeds"], float(row["cosine_end_ci95"])) == ("2", pytest.approx(half))
    assert mean_and_interval([0.5]) == (0.5, None) and mean_and_interval([0.5, None]) == (None, None)


def test_a_cell_that_is_refused_is_a_row_with_its_sentence(compared):
    out, printed = compared
    failed = [row["failure"] for row in printed["cells"] if row["cell"] == "crossbar:narrow"]
    assert len(failed) == 2 and all("holds 0.0199 at most" in failure for failure in failed)
    assert escape(failed[0]) in (out / "report.html").read_text()


def test_the_same_command_trains_nothing_again(compared, tmp_path, capsys):
    """Here in this process, side by side or not."""
    shutil.copytree(compared[0].parent, tmp_path, dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("*-seed*/*") if path.name != "cell.json"}
    assert len(before) >= 32
    status, again, _ = cli(capsys, *COMMAND, "--jobs", "1")
    assert status == 0 and json.loads(again) == compared[1]
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_folder_with_other_settings_is_refused(compared):
    out, _ = compared
    with pytest.raises(SpecError, match=r"has other settings in 'training'; choose another folder"):
        ne.compare("xor", ["rate"], epochs=6, out=out)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.targets = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        for key in ("href", "clip-path", "style"):
            self.targets += re.findall(r"(?:url\()?#([\w-]+)", values.get(key) or "") if key != "style" else []
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_but_itself(compared):
    text = (compared[0] / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    without_specifications = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert not re.search(r"https?://|@import|src=", without_specifications)
    assert page.tags.count("svg") == page.tags.count("figure") >= 8
    assert len(page.ids) == len(set(page.ids)) and set(page.targets) <= set(page.ids)


def test_the_page_says_what_energies_and_latencies_leave_out(compared):
    text = (compared[0] / "report.html").read_text()
    missing = {"Energies": ("op-amps, DAC, ADC, writing", "DAC, ADC, writing")}
    missing["Latencies"] = ("DAC, ADC, writing",)
    for what, lists in missing.items():
        for parts in lists:
            assert re.search(rf"{what} of [^.]* leave out what their hardware does not give: {parts}\.", text)
    learned, costs = text.split("<h2>What it costs</h2>")
    for title in ("latency of an inference", "latency of an update", "energy per update"):
        assert f">{title}</th>" in costs and f">{title}</th>" not in learned
    assert ">test accuracy [%]</th>" in learned and ">test accuracy [%]</th>" not in costs


def test_the_page_starts_with_the_answer_and_escapes_what_users_write(compared):
    text = (compared[0] / "report.html").read_text()
    assert text.index('class="answer"') < text.index("<table>") < text.index("<svg")
    assert "<b>small</b>" not in text and "&lt;b&gt;small" in text


def test_the_answer_says_who_learns_and_who_does_not():
    options = {"jobs": 1, "baseline": False}
    found = ne.compare("xor", ["rate", "resistive"], settings=["data.name=and"], epochs=120, out="learnt", **options)
    untrained = ne.compare("xor", ["rate", "crossbar"], epochs=1, out="untrained", **options)
    assert answer(found)[0].startswith("Every cell learns xor, best ")
    assert "points best on resistive (cosine " in answer(found)[1]
    assert answer(untrained)[0] == "rate and crossbar do not learn xor."
    assert [learns(mean, 2) for mean in untrained.cells] == [False, False]
    assert write_report(found).read_text().count("<svg") == page_figures(found)


def page_figures(found):
    return len(list(ne.plots.comparison_figures(found)))


def test_back_propagation_is_a_row_of_its_own_that_is_no_rival(compared):
    """It has the recipe of the first cell, and the same weights and order of the examples with a seed."""
    out, _ = compared
    first, baseline = (ne.load_run(out / f"{name}-seed1") for name in ("rate", "backprop"))
    for setting in ("layers", "projections", "data", "run", "training"):
        assert getattr(first.network, setting) == getattr(baseline.network, setting)
    assert baseline.result["substrate"] == "backprop" and len(baseline.metrics) == 5
    assert set(baseline.result["rate_factors"]) == {"input_hidden", "hidden_output"}
    report = (out / "report.html").read_text()
    row = re.search(r'<th scope="row">backprop</th>(.*?)</tr>', report)[1]
    assert "2-16-2" in row and "best" not in row and "not settled" not in row and "no reference" not in row
    assert ": 5 substrates compared" in report


def test_the_baseline_is_left_out_when_asked_and_where_there_is_none(capsys):
    command = ["--epochs", "1", "--jobs", "1"]
    status, printed, _ = cli(capsys, "compare", "xor", "--on", "rate", *command, "--no-baseline", "--out", "without")
    assert status == 0 and "backprop" not in printed and not Path("without/backprop-seed0").exists()
    status, printed, _ = cli(capsys, "compare", "deep_not", "--on", "rate", *command, "--out", "deep")
    assert (
        status == 0
        and "deep_not.toml: projections.hidden_hidden connects 'hidden' with 'hidden'" in printed
        and not Path("deep/backprop-seed0").exists()
    )
    assert "There is no row of back-propagation: " in Path("deep/report.html").read_text()


def test_a_network_of_resistors_alone_has_a_baseline_of_rate_units_with_its_recipe():
    whole = load_network("xor")
    alone = whole.model_copy(update={"substrate": {"resistive": whole.substrate["resistive"]}})
    plan = Plan(alone, Path("out"), epochs=60, first=Cell("resistive", None, 0))
    assert obstacle(plan) is None
    net = plan.described(Cell("backprop", None, 0))
    assert [layer.size for layer in net.layers.values()] == [2, 16, 2] and net.training.epochs == 60
    assert train(net, load(net), Streams(0)).rows[-1]["train_error"] == 0


def test_the_same_recipe_is_an_option_away_and_else_the_difference_is_said(capsys):
    command = ["compare", "iris", "--on", "rate,crossbar", "--epochs", "1", "--jobs", "1", "--json"]
    changed = ["--set", "substrate.crossbar={layers={hidden={size=4}}, training={batch_size=30}}"]
    changed += [
        "--set",
        "substrate.crossbar.neuron=hard_sigmoid",
        "--set",
        "substrate.crossbar.synapse=rate_derivative",
    ]
    for option, sizes, updates in (([], [4, 32], [4, 12]), (["--same-recipe"], [32, 32], [12, 12])):
        out = ["--out", "like" if option else "unlike"]
        status, printed, err = cli(capsys, *command, *changed, *option, *out)
        assert status == 0, err
        rows = {row["cell"]: row for row in json.loads(printed)["rows"]}
        assert [rows[name]["layers"][1] for name in ("crossbar", "rate")] == sizes
        assert [rows[name]["updates"] for name in ("crossbar", "rate")] == updates
        said = (
            "Cells are not like with like: rate and backprop with 4-32-3 units and 12 updates, crossbar with 4-4-3 "
            "units and 4 updates; --same-recipe gives all of them the recipe of the first."
        )
        assert (said in Path(out[1], "report.html").read_text()) == (not option)


def rows(*given, **other):
    """A comparison of rows (substrate, hardware, accuracies of the seeds), all of one recipe."""
    common = {"classes": 10, "layers": (64, 256, 10), "updates": 900, "learned": True, "path": "", **other}
    return Comparison(
        Path(),
        "digits",
        "Digits",
        {},
        tuple(
            Row(
                cell=f"{substrate}:{hardware}" if hardware else substrate,
                substrate=substrate,
                hardware=hardware,
                seed=seed,
                test_accuracy=accuracy,
                **common,
            )
            for substrate, hardware, accuracies in given
            for seed, accuracy in enumerate(accuracies)
        ),
    )


def test_the_answer_begins_with_what_the_rule_spikes_and_devices_cost():
    found = rows(
        ("rate", None, [0.97]),
        ("spiking", None, [0.965]),
        ("crossbar", "ideal", [0.968]),
        ("crossbar", "pcm", [0.95]),
        ("crossbar", "ecram_mo", [0.968]),
        ("resistive", "ecram_mo", [0.9]),
        ("backprop", None, [0.976]),
    )
    sentence = (
        "Equilibrium Propagation costs 0.6 points in accuracy, with 97.0 % right on rate and 97.6 % by "
        "back-propagation; spikes cost 0.5 points on spiking against rate; "
        "devices cost 1.8 points on crossbar:pcm and nothing on crossbar:ecram_mo against crossbar:ideal."
    )
    assert answer(found)[0] == costs(found) == sentence
    assert answer(found)[1].startswith("Every cell learns digits, best rate")


def test_costs_over_seeds_are_those_of_pairs_with_their_interval():
    found = rows(("rate", None, [0.95, 0.97]), ("crossbar", "pcm", [0.94, 0.954]), ("backprop", None, [0.96, 0.965]))
    half = stats.t.ppf(0.975, 1) * np.std([1.0, 1.6], ddof=1) / np.sqrt(2)
    assert f"devices cost nothing that is certain (1.3 ± {half:.1f} points) on crossbar:pcm" in costs(found)
    surer = rows(("rate", None, [0.95, 0.97]), ("crossbar", "pcm", [0.90, 0.92]))
    assert costs(surer) == "devices cost 5.0 ± 0.0 points on crossbar:pcm against rate."


def test_cells_with_other_sizes_or_updates_are_no_measure_of_a_cost():
    one, other = rows(("rate", None, [0.97])), rows(("backprop", None, [0.98]), updates=1800)
    both = Comparison(Path(), "digits", "Digits", {}, (*one.rows, *other.rows))
    assert costs(both) is None and "1,800 updates" in unlike(both) and unlike(one) is None
    small = rows(("resistive", "ideal", [0.97]), layers=(64, 64, 10))
    device = rows(("resistive", "ecram_mo", [0.9]))
    assert costs(Comparison(Path(), "digits", "Digits", {}, (*small.rows, *device.rows))) is None


def test_a_cell_that_has_not_learned_is_named_so_in_the_table_and_its_files(tmp_path):
    """All units are stuck at their lower bound, so no output names a class."""
    low = {"initial": {"scheme": "constant", "gain": -9}}
    stuck = [{"projections": {"input_hidden": low, "hidden_output": low}, "layers": {"output": {"bias": False}}}]
    found = ne.compare("iris", ["rate"], epochs=2, settings=stuck, jobs=1, out=tmp_path / "stuck", baseline=False)
    (column,) = [each for each in used(found.means) if each.key == "learned"]
    assert column.title == "learned [% of seeds]" and column.text(found.means[0]) == "not learned"
    write_report(found)
    assert "<td>not learned</td>" in (found.path / "report.html").read_text()
    assert json.loads((found.path / "table.json").read_text())["rows"][0]["mean"]["learned"] == 0
    with (found.path / "table.csv").open(newline="") as file:
        assert float(next(csv.DictReader(file))["learned"]) == 0
    half = rows(("rate", None, [0.97, 0.97]))
    mixed = Comparison(Path(), "digits", "Digits", {}, (half.rows[0], replace(half.rows[1], learned=False)))
    assert used(mixed.means)[0].text(mixed.means[0]).startswith("50 ±")
    assert "learned" not in [each.key for each in used(half.means)]


def test_schemes_pulses_and_latencies_are_columns_where_there_are_such():
    devices = rows(("crossbar", "pcm", [0.9]), scheme="mixed_precision", pulses_per_weight=0.26)
    both = Comparison(Path(), "digits", "Digits", {}, (*rows(("rate", None, [0.9])).rows, *devices.rows))
    shown = {column.key: [column.text(mean) for mean in both.means] for column in used(both.means)}
    assert shown["scheme"] == ["–", "mixed_precision"] and shown["pulses_per_weight"] == ["–", "0.26"]
    assert shown["layers"] == ["64-256-10"] * 2 and shown["updates"] == ["900"] * 2
    assert "latency_per_inference_s" not in shown
    slow = rows(("crossbar", "pcm", [0.9]), latency_per_inference_s=2.5e-6)
    assert [c.text(slow.means[0]) for c in used(slow.means) if c.key == "latency_per_inference_s"] == ["2.5 µs"]


def test_quick_is_half_the_epochs_and_few_examples(tmp_path):
    run = ne.compare("iris", ["rate"], quick=True, settings=["training.epochs=5"], jobs=1, out=tmp_path / "q").done[0]
    assert run.epochs == 2
    assert ne.load_run(run.path).network.data.limit == 500


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        ("rate,spiky", "no substrate 'spiky'; did you mean 'spiking'?"),
        ("crossbar:idael", "no hardware 'idael'; did you mean 'ideal'?"),
        ("rate:ideal", "--on rate:ideal: substrate 'rate' has no hardware; write 'rate'."),
        ("rate,rate", "--on: 'rate' is asked for twice"),
        ("crossbar:narrow.toml", "no cell could be trained; the first one, crossbar:narrow, because: "),
    ],
)
def test_a_mistake_in_the_cells_is_one_sentence(capsys, on, sentence):
    Path("narrow.toml").write_text(NARROW)
    status, out, err = cli(capsys, "compare", "xor", "--on", on, "--epochs", "1", "--jobs", "1")
    assert (status, out) == (2, "") and err.startswith("neuroeq: ") and sentence in err and err.count("\n") == 1


def test_cells_go_substrate_by_substrate():
    names = [(cell.name, cell.folder) for cell in cells_of(["rate", "crossbar:ideal"], 2)]
    assert names[1:3] == [("rate", "rate-seed1"), ("crossbar:ideal", "crossbar-ideal-seed0")]
    with pytest.raises(NeuroeqError, match=r"--on is empty"):
        cells_of([])


def test_numbers_have_the_prefix_that_they_read_best_with():
    assert with_prefix(2.5e-9, 1e-10, 1.0, "J") == "2.5 ± 0.1 nJ"
    assert with_prefix(12.0, None, 1e-3, "s") == "12 ms"
