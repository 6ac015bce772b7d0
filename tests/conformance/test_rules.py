"""Every rule on every substrate that takes it points along the gradient, and the page of rules says how well."""

import re

import pytest

from tests.conformance.rules import MARK, PAGE, RULES, measure

CELLS = [pytest.param(rule, on, id=f"{rule.name}-{on}") for rule in RULES for on in rule.on]
CONTROLS = ("pair STDP",)
APPROXIMATE = 0.03
"""Difference of a cosine over machines: rounding decides single spikes."""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("rule", "on"), CELLS)
def test_a_rule_points_along_the_gradient_or_is_refused(rule, on):
    found = measure(rule.name, on)
    if rule.name in CONTROLS:
        assert found.kind == "blind"
    elif found.kind == "refused":
        assert len(found.reason) > 20 and "\n" not in found.reason
    else:
        assert found.cosine > 0.6


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["EP, contrast", "EP, in situ", "corrected vector field", "holomorphic, 4 points"])
def test_rules_that_are_exact_are_the_gradient_on_rates(name):
    assert measure(name, "rate").cosine > 1 - 1e-6


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_page_shows_what_is_measured():
    shown = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().split(MARK)[1].splitlines()
        if line.startswith("|") and "---" not in line
    ]
    header, rows = shown[0], shown[1:]
    assert [row[0] for row in rows] == [f"{rule.name} ({rule.paper})" for rule in RULES]
    for rule, row in zip(RULES, rows, strict=True):
        for on, cell in zip(header[2:], row[2:], strict=True):
            if on not in rule.on:
                assert cell == ""
                continue
            found = measure(rule.name, on)
            assert cell.startswith(found.kind), (rule.name, on)
            if found.kind != "refused":
                assert float(re.search(r"-?[\d.]+$", cell)[0]) == pytest.approx(found.cosine, abs=APPROXIMATE)
