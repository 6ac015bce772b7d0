"""`report.html`: the answer, the table, the figures and the settings of a comparison, in a self-contained file."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from neuroeq.runs.comparison import Comparison, answer
from neuroeq.runs.records.files import atomic

from ..plots import comparison_figures, embedded
from .tables import costs_table, gradients_table, main_table, remarks, specifications, versions_table

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1c2227; font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
.answer { font-size: 1.15rem; max-width: 60em; margin: 0 0 1.25rem; overflow-wrap: anywhere; }
.note, figcaption, summary { color: #4b5560; font-size: .875rem; }
.note { max-width: 72em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid #d8dde2; border-radius: 6px; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .4rem .45rem; text-align: right; border-bottom: 1px solid #e7eaed; white-space: nowrap; }
thead th { white-space: normal; vertical-align: bottom; background: #f4f6f8; font-weight: 600; min-width: 4em; }
th:first-child, td.text { text-align: left; }
td.name { white-space: normal; }
td.text { white-space: normal; min-width: 16em; }
tbody tr:last-child > * { border-bottom: 0; }
.best { font-weight: 700; color: #00548a; }
.figures { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; color: #1c2227; margin-bottom: .25rem; overflow-wrap: anywhere; }
figure svg { display: block; width: 100%; max-width: 580px; height: auto; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
pre { overflow-x: auto; background: #f4f6f8; padding: .75rem; border-radius: 6px; font-size: .8rem; line-height: 1.4; }
"""
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="answer">$answer</p>
$table
$costs
$notes
$gradients
<h2>Figures</h2>
<div class="figures">
$figures
</div>
<h2>What was run</h2>
$specifications
$versions
</main>
</body>
</html>
""")


def write_report(comparison: Comparison) -> Path:
    """Write `report.html` into the folder of a comparison.

    Parameters
    ----------
    comparison
        The finished comparison to report on.

    Returns
    -------
    Path
        The path of the page.
    """
    path = comparison.path / "report.html"
    atomic(path, page(comparison))
    return path


def page(comparison: Comparison) -> str:
    """Return the HTML page of a comparison."""
    return PAGE.substitute(
        style=STYLE,
        title=escape(f"{comparison.title}: {len(comparison.cells)} substrates compared"),
        answer=escape(" ".join(answer(comparison))),
        table=main_table(comparison),
        costs=costs_table(comparison),
        notes=remarks(comparison),
        gradients=gradients_table(comparison),
        figures="\n".join(_figures(comparison)),
        specifications=specifications(comparison),
        versions=versions_table(comparison),
    )


def _figures(comparison: Comparison) -> list[str]:
    elements = []
    for index, figure in enumerate(comparison_figures(comparison)):
        title = escape(figure.title)
        svg = embedded(figure.svg, f"figure{index}", title)
        elements.append(f"<figure><figcaption>{title}</figcaption>{svg}</figure>")
    return elements
