"""The tables and notes of a report, and the descriptions of its runs, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from neuroeq.runs.comparison import Column, Comparison, Summary, unlike, used
from neuroeq.runs.costs import UNITS, missing_parts

HIGHEST, LOWEST = (
    ("test_accuracy", "r2", "cosine_end"),
    ("settling_ms", "energy_per_inference_J", "energy_per_update_J", "latency_per_inference_s", "latency_per_update_s"),
)
"""Columns whose best entry, the highest or the lowest, is set in bold."""
COSTS = (*LOWEST, "scheme", "pulses_per_weight", "spikes_per_inference")
"""Columns of the table of costs; all others are in the main table."""
BEST = ' class="best"'
BACKPROP = (
    "Back-propagation trains rate units with the layers, data and number of updates of the first cell, without "
    "feedback; each learning rate is that of the rate network times the power of 2 that suits the training part best."
)
"""The note about the baseline."""


def main_table(comparison: Comparison) -> str:
    """Return the main table, with a row for each cell; the row of a cell that could not be trained says why."""
    columns = [column for column in used(comparison.means) if column.key not in COSTS]
    return _summaries(comparison.means, columns)


def costs_table(comparison: Comparison) -> str:
    """Return the table of what the cells cost in time, energy and pulses, where that is known."""
    columns = [column for column in used(comparison.means) if column.key in COSTS]
    means = [mean for mean in comparison.means if any(column.known(mean) for column in columns)]
    return f"<h2>What it costs</h2>\n{_summaries(means, columns)}" if means else ""


def _summaries(means: Sequence[Summary], columns: Sequence[Column]) -> str:
    best = {column.key: _best(column, means) for column in columns}
    rows = []
    for mean in means:
        if mean.seeds:
            entries = [
                (text := column.text(mean), not mean.baseline and text in best[column.key]) for column in columns
            ]
            cells = "".join(_entry(text, bold) for text, bold in entries)
        else:
            cells = f'<td class="text" colspan="{len(columns)}">{escape(mean.failure or "")}</td>'
        rows.append(f'<tr><th scope="row">{escape(mean.cell)}</th>{cells}</tr>')
    return _table(["cell", *[column.title for column in columns]], rows)


def gradients_table(comparison: Comparison) -> str:
    """Return the table of gradient cosines by parameter, before and after training."""
    means = [mean for mean in comparison.means if mean.cosines_start]
    names = list(dict.fromkeys(name for mean in means for name in mean.cosines_start))
    if not names:
        return ""
    rows = []
    for mean in means:
        cells = "".join(
            f"<td>{_cosine(mean.cosines_start, name)} → {_cosine(mean.cosines_end, name)}</td>"
            if name in mean.cosines_start
            else "<td>–</td>"
            for name in names
        )
        rows.append(f'<tr><th scope="row">{escape(mean.cell)}</th>{cells}</tr>')
    return "<h2>Gradient cosine by parameter, before → after training</h2>\n" + _table(["cell", *names], rows)


def remarks(comparison: Comparison) -> str:
    """Return the notes of the report: what its numbers mean, and the warnings of its cells."""
    seeds = comparison.about["seeds"]
    different = unlike(comparison)
    lines = [f'<p class="note"><strong>{escape(different)}</strong></p>'] if different else []
    lines.append(f'<p class="note">{escape(" ".join(_explanations(comparison)))}</p>')
    trained = {mean.cell for mean in comparison.means if mean.seeds}
    by_sentence: dict[str, list[str]] = {}
    for row in comparison.rows:
        failed = [row.failure] if row.failure and row.cell in trained else []
        refused = [f"no reference for its gradient: {row.refused}"] if row.refused else []
        for sentence in (*failed, *refused, *row.warnings):
            by_sentence.setdefault(sentence, []).append(f"{row.cell} (seed {row.seed})" if seeds > 1 else row.cell)
    for sentence, cells in by_sentence.items():
        lines.append(f'<p class="note">{escape(", ".join(cells))}: {escape(sentence)}</p>')
    return "\n".join(lines)


def _explanations(comparison: Comparison) -> list[str]:
    """Return sentences that say what the numbers of the report mean, and how its runs were made."""
    about, seeds = comparison.about, comparison.about["seeds"]
    sentences = [
        "A cell counts as learning if it makes at most half as many errors as guessing does; outputs that name no "
        "class count as wrong.",
        *([BACKPROP] if any(mean.baseline for mean in comparison.means) else []),
        *([f"There is no row of back-propagation: {about['no_baseline']}"] if about["no_baseline"] else []),
        f"Cosines compare one update of {about['checked_examples']} examples with the gradient at the free "
        "equilibrium; for spiking units, with the gradient of their rate network.",
        "Settling is the simulated time after which the outputs of two examples stay within 1 % of the largest output, "
        "in the free phase after training; on a resistor network, in the transient to its operating point.",
        "Energies and latencies are those of the circuit's elements and converters; an update is that of one batch.",
        *_left_out(comparison),
        f"The table shows means of {seeds} seeds with 95 % intervals (Student's t)."
        if seeds > 1
        else "Each cell was trained with one seed, so small differences between cells may be chance.",
    ]
    if about["quick"]:
        sentences.append(
            f"This is a quick look, with fewer epochs and at most {about['quick_examples']} training examples."
        )
    if about["settings"]:
        sentences.append(f"Settings: {', '.join(about['settings'])}.")
    if about["ideal"]:
        sentences.append(f"Idealised: {', '.join(about['ideal'])}.")
    return sentences


def _left_out(comparison: Comparison) -> list[str]:
    """Return sentences that say which parts of energies and latencies hardware does not give, and in which cells."""
    cells: dict[tuple[str, str], dict[str, None]] = {}
    for row in comparison.done:
        result = comparison.run(row).result
        for what in UNITS:
            missing = missing_parts(result.get(what) or {})
            if missing:
                cells.setdefault((what, ", ".join(missing)), {})[row.cell] = None
    plural = {"energy": "Energies", "latency": "Latencies"}
    return [
        f"{plural[what]} of {', '.join(names)} leave out what their hardware does not give: {missing}."
        for (what, missing), names in cells.items()
    ]


def specifications(comparison: Comparison) -> str:
    """Return the resolved description of every run, each folded under a heading."""
    details = []
    for row in comparison.done:
        text = (comparison.run(row).path / "run.toml").read_text(encoding="utf-8")
        title = f"{row.cell}, seed {row.seed}: {row.epochs} epochs, run.toml"
        details.append(f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>")
    return "\n".join(details)


def versions_table(comparison: Comparison) -> str:
    """Return a note that lists the versions of the software that the results depend on."""
    versions = comparison.run(comparison.done[0]).result["versions"]
    text = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f'<p class="note">{escape(text)}</p>'


def _table(titles: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "\n".join(rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _best(column: Column, means: Sequence[Summary]) -> set[str]:
    """Return the texts of the best entries of a column; none if all are the same. The baseline takes no part."""
    if column.key not in HIGHEST + LOWEST:
        return set()
    rivals = [mean for mean in means if not mean.baseline]
    values = {column.text(mean): value for mean in rivals if (value := mean.mean[column.key]) is not None}
    if len(values) < 2:
        return set()
    best = max(values.values()) if column.key in HIGHEST else min(values.values())
    return {text for text, value in values.items() if value == best}


def _entry(text: str, best: bool) -> str:
    """Return an entry of the table, in which a name with underscores may be broken after them."""
    kind = BEST if best else ' class="name"' if "_" in text else ""
    return f"<td{kind}>{escape(text).replace('_', '_<wbr>')}</td>"


def _cosine(cosines: dict[str, float | None], name: str) -> str:
    value = cosines.get(name)
    return "–" if value is None else f"{value:.3f}"
