"""A comparison is one command: cells side by side, one table, one page; it goes on where it was stopped."""

import csv
import json
import re
import shutil
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import neuroeq as ne
from neuroeq.errors import NeuroeqError, SpecError
from neuroeq.runs.comparison import answer, cells_of, learns
from neuroeq.runs.comparison.columns import with_prefix
from neuroeq.runs.comparison.rows import mean_and_interval
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
            assert {"run.toml", "result.json", "metrics.csv", "traces.h5"} <= {each.name for each in folder.iterdir()}


def test_rows_say_what_the_run_folders_say(compared):
    out, printed = compared
    done = [row for row in printed["cells"] if row["failure"] is None]
    assert [(row["cell"], row["seed"]) for row in done] == [
        (cell, seed) for cell in ("rate", "spiking", "crossbar:ideal", "resistive:small") for seed in (0, 1)
    ]
    for row in done:
        result = json.loads((out / f"{row['cell'].replace(':', '-')}-seed{row['seed']}" / "result.json").read_text())
        assert row["epochs"] == result["epochs"] == 5
        assert row["test_accuracy"] == 1 - result["test_error"]
        for key in ("energy_per_inference_J", "energy_per_update_J", "spikes_per_inference", "cpu_s"):
            assert row[key] == result[key]
        assert (row["energy_per_inference_J"] is None) == (row["substrate"] in ("rate", "spiking"))
        assert (row["spikes_per_inference"] is None) == (row["substrate"] != "spiking")
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


def test_the_page_starts_with_the_answer_and_escapes_what_users_write(compared):
    text = (compared[0] / "report.html").read_text()
    assert text.index('class="answer"') < text.index("<table>") < text.index("<svg")
    assert "<b>small</b>" not in text and "&lt;b&gt;small" in text


def test_the_answer_says_who_learns_and_who_does_not():
    found = ne.compare("xor", ["rate", "resistive"], settings=["data.name=and"], epochs=120, jobs=1, out="learnt")
    untrained = ne.compare("xor", ["rate", "crossbar"], epochs=1, jobs=1, out="untrained")
    assert answer(found)[0].startswith("Every cell learns xor, best ")
    assert "points best on resistive (cosine " in answer(found)[1]
    assert answer(untrained)[0] == "rate and crossbar do not learn xor."
    assert [learns(mean, 2) for mean in untrained.means] == [False, False]
    assert write_report(found).read_text().count("<svg") == page_figures(found)


def page_figures(found):
    return len(list(ne.plots.comparison_figures(found)))


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
