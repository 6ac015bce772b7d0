"""The answer of a comparison in a few sentences, from its numbers.

A cell learns if it makes at most half the errors of guessing: error <= (1 - 1/classes) / 2, and for values
R^2 >= 3/4, which is half the root mean square error.
"""

from __future__ import annotations

from collections.abc import Sequence

from .columns import with_prefix
from .costs import costs, listed
from .rows import Summary
from .side_by_side import Comparison


def learns(row: Summary, classes: int | None) -> bool:
    """Return whether a cell makes at most half the errors of guessing; `classes` is None for values."""
    if classes is None:
        return (row.mean["r2"] or 0.0) >= 0.75
    return row.accuracy is not None and 1 - row.accuracy <= (1 - 1 / classes) / 2


def answer(comparison: Comparison) -> list[str]:
    """Return the sentences: what the rule and the devices cost, if that can be told, who learns, and who is best."""
    means, paid = comparison.cells, costs(comparison)
    classes = next((row.classes for row in comparison.done if row.classes), None)
    good = [row for row in means if learns(row, classes)]
    failed = [row.cell for row in means if not row.seeds]
    bad = [row.cell for row in means if row.seeds and row not in good]
    first = _first(comparison.network, means, good, bad, failed)
    return [*([paid] if paid else []), first, _second(good or [row for row in means if row.seeds])]


def _first(network: str, means: Sequence[Summary], good: list[Summary], bad: list[str], failed: list[str]) -> str:
    parts = []
    if good:
        right = {row.cell: row.mean["r2"] if row.accuracy is None else row.accuracy for row in good}
        most = max(each for each in right.values() if each is not None)
        best = [cell for cell, each in right.items() if each == most]
        part = "test" if good[0].mean["test_accuracy"] is not None else "training"
        score = (
            f"{100 * most:.1f} % of the {part} examples right" if good[0].accuracy is not None else f"R² = {most:.4f}"
        )
        verb = "learns" if len(good) == 1 else "learn"
        who = "Every cell learns" if len(good) == len(means) > 1 else f"{listed([row.cell for row in good])} {verb}"
        parts.append(f"{who} {network}, best {_shortened(best)} with {score}")
    if bad:
        verb = "does" if len(bad) == 1 else "do"
        parts.append(f"{listed(bad)} {verb} not{'' if good else f' learn {network}'}")
    if failed:
        parts.append(f"{listed(failed)} could not be trained")
    return _sentence("; ".join(parts))


def _second(rows: Sequence[Summary]) -> str:
    parts = []
    for key, text in (
        ("cosine_end", lambda value: f"points best on {{}} (cosine {value:.3f} after training)"),
        (
            "settling_ms",
            lambda value: f"settle first on {{}} ({with_prefix(value, None, 1e-3, 's')} of simulated time)",
        ),
        ("energy_per_inference_J", lambda value: f"costs least on {{}} ({with_prefix(value, None, 1.0, 'J')})"),
    ):
        known = {row.cell: value for row in rows if (value := row.mean[key]) is not None}
        if known:
            value = max(known.values()) if key == "cosine_end" else min(known.values())
            best = [cell for cell, each in known.items() if text(each) == text(value)]
            subject = {"cosine_end": "the update", "settling_ms": "outputs", "energy_per_inference_J": "an inference"}
            parts.append(f"{subject[key]} {text(value).format(_shortened(best))}")
    return _sentence(listed(parts, ", and ")) if parts else "Nothing else could be measured."


def _shortened(names: Sequence[str]) -> str:
    return listed(names) if len(names) < 4 else f"{len(names)} cells alike"


def _sentence(text: str) -> str:
    first = text.split(" ", 1)[0].strip(",")
    named = first in ("rate", "spiking") or ":" in first or first in ("crossbar", "resistive")
    return (text if named else text[:1].upper() + text[1:]) + "."
