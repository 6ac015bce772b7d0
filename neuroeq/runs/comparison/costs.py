"""What the learning rule, spikes and devices cost, in points of accuracy, between cells that are like with like.

rule       back-propagation - the first ideal cell             device, spikes    its ideal cell - the cell

Cells are like with like if they have the same layers and number of updates. A cell is ideal if it has neither spikes
nor devices. Differences are taken seed by seed; over several seeds their mean has a 95 % interval.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuroeq.describe.kinds import kind_of

from ..sweeps.summary import mean_and_interval
from .columns import layers_text
from .rows import Summary
from .side_by_side import Comparison

IDEAL = (None, "unbounded", "ideal")
"""The hardware whose elements hold exactly what is written."""


def costs(comparison: Comparison) -> str | None:
    """Return the sentence that says what the rule and the devices cost; None if nothing can be compared."""
    trained = [cell for cell in comparison.cells if cell.seeds and cell.accuracy is not None]
    parts = [*_of_rule(comparison, trained), *_of_cells(comparison, trained)]
    return f"{'; '.join(parts)}." if parts else None


def unlike(comparison: Comparison) -> str | None:
    """Return the sentence that says which cells differ in sizes or updates; None if none do."""
    groups: dict[tuple[tuple[int, ...], int | None], list[str]] = {}
    for mean in comparison.means:
        if mean.seeds:
            groups.setdefault(mean.recipe, []).append(mean.cell)
    if len(groups) < 2:
        return None
    recipes = [
        f"{listed(cells)} with {layers_text(layers)} units and {updates or 0:,} updates"
        for (layers, updates), cells in groups.items()
    ]
    return (
        f"Cells are not like with like: {', '.join(recipes)}; --same-recipe gives all of them the recipe of the first."
    )


def listed(names: Sequence[str], last: str = " and ") -> str:
    """Return names as a list in a sentence."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + last + names[-1]


def _of_rule(comparison: Comparison, trained: list[Summary]) -> list[str]:
    baseline = next((mean for mean in comparison.means if mean.baseline and mean.seeds), None)
    alike = [cell for cell in trained if _ideal(cell) and baseline is not None and cell.recipe == baseline.recipe]
    if baseline is None or not alike:
        return []
    own, other = (100 * (mean.accuracy or 0.0) for mean in (alike[0], baseline))
    return [
        f"Equilibrium Propagation costs {_cost(comparison, alike[0], baseline)} in accuracy, with {own:.1f} % right on "
        f"{alike[0].cell} and {other:.1f} % by back-propagation"
    ]


def _of_cells(comparison: Comparison, trained: list[Summary]) -> list[str]:
    paid: dict[tuple[str, str], list[str]] = {}
    for cell in trained:
        reference = None if _ideal(cell) else _reference(cell, trained)
        if reference is not None:
            kind = kind_of(cell.substrate)
            what = "devices cost" if kind.on_devices else "spikes cost" if kind.spikes else "disorder costs"
            paid.setdefault((what, reference.cell), []).append(f"{_cost(comparison, cell, reference)} on {cell.cell}")
    return [f"{what} {listed(each)} against {reference}" for (what, reference), each in paid.items()]


def _ideal(cell: Summary) -> bool:
    kind = kind_of(cell.substrate)
    return not kind.spikes and cell.hardware in (*IDEAL, kind.ideal)


def _reference(cell: Summary, trained: list[Summary]) -> Summary | None:
    """Return the ideal cell that a cell is like: on its own substrate, or else of the rate units that it stands for."""
    alike = [each for each in trained if _ideal(each) and each.recipe == cell.recipe]
    own = [each for each in alike if each.substrate == cell.substrate]
    kind = kind_of(cell.substrate)
    rate = [each for each in alike if each.substrate == "rate" and (kind.like == "rate" or kind.spikes)]
    return next(iter(own + rate), None)


def _cost(comparison: Comparison, cell: Summary, reference: Summary) -> str:
    """Return how many points of accuracy a cell loses, as text."""
    right = {(row.cell, row.seed): row.accuracy for row in comparison.done}
    pairs = [(right.get((reference.cell, seed)), right[cell.cell, seed]) for seed in cell.seeds]
    lost = [100 * (better - own) for better, own in pairs if better is not None and own is not None]
    mean, half = mean_and_interval(lost)
    if mean is None:
        return "what no seed of both can tell"
    if half is None:
        return f"{mean:.1f} points" if round(mean, 1) > 0 else "nothing"
    return (
        f"{mean:.1f} ± {half:.1f} points"
        if mean > half
        else f"nothing that is certain ({mean:.1f} ± {half:.1f} points)"
    )
