"""Every rule on every substrate that takes it points along the gradient, and the page of rules says how well."""

import re

import pytest

from tests.conformance.rules import MARK, PAGE, RULES, measure

CELLS = [pytest.param(rule, on, id=f"{rule.name}-{on}") for rule in RULES for on in rule.on]
CONTROLS = ("pair STDP",)
EXACT = ("EP, contrast", "EP, in situ", "corrected vector field", "holomorphic, 4 points")
APPROXIMATE = 0.03
"""Difference of a cosine over machines: rounding decides single spikes."""


def shown():
    """Return the cells of the table in the page of rules, row by row, its header first."""
    lines = PAGE.read_text().split(MARK)[1].splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|") and "---" not in line
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("rule", "on"), CELLS)
def test_a_rule_points_along_the_gradient_or_is_refused_and_the_page_says_so(rule, on):
    """One that is exact is the gradient on rates."""
    found = measure(rule.name, on)
    if rule.name in CONTROLS:
        assert found.kind == "blind"
    elif found.kind == "refused":
        assert len(found.reason) > 20 and "\n" not in found.reason
    else:
        assert found.cosine > 0.6
    if rule.name in EXACT and on == "rate":
        assert found.cosine > 1 - 1e-6
    header, *rows = shown()
    cell = rows[RULES.index(rule)][header.index(on)]
    assert cell.startswith(found.kind)
    if found.kind != "refused":
        assert float(re.search(r"-?[\d.]+$", cell)[0]) == pytest.approx(found.cosine, abs=APPROXIMATE)


def test_the_page_has_a_row_a_rule_and_nothing_where_a_rule_does_not_exist():
    header, *rows = shown()
    assert [row[0] for row in rows] == [f"{rule.name} ({rule.paper})" for rule in RULES]
    for rule, row in zip(RULES, rows, strict=True):
        assert {on for on, cell in zip(header[2:], row[2:], strict=True) if not cell} == {*header[2:]} - {*rule.on}
