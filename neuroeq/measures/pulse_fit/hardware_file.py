"""A fitted law as the text of a hardware file."""

from __future__ import annotations

import math
from typing import Any

import tomli_w

from .fit import Fit

SHOWN = {"g_min": (1e6, " uS"), "g_max": (1e6, " uS")}


def hardware_toml(fit: Fit, extends: str | None = None) -> str:
    """Return a hardware file whose devices obey a fitted law, with the intervals in its evidence.

    Parameters
    ----------
    fit
        The fitted law, with its intervals.
    extends
        The name or path of a hardware file that gives everything but the devices; nothing does if left out.
    """
    law = fit.law
    update: dict[str, Any] = {"model": fit.model, "range": list(law.range)}
    given = law.model_dump(exclude_defaults=True, exclude={"model", "range"})
    update |= {key: _rounded(value) for key, value in given.items()}
    ends = [f"{end}_{side}" for end in ("g",) for side in ("min", "max")]
    window = {name: f"{1e6 * fit.value(name):.8g} uS" for name in ends}
    table = {
        "schema": 1,
        **({"extends": extends} if extends else {}),
        "title": f"Devices of {fit.source}, as {fit.model} describes them",
        "source": fit.source,
        "synapse": {**window, "update": update},
        "evidence": [
            {"keys": ["synapse.update"], "kind": "fit", "checked": "data", "cite": _law_text(fit)},
            *_window_evidence(fit, ends),
        ],
    }
    return tomli_w.dumps(table)


def interval_text(fit: Fit, name: str) -> str:
    """Return a constant with its interval and unit."""
    constant = next(each for each in fit.constants if each.name == name)
    factor, unit = SHOWN.get(name, (1.0, ""))
    text = f"{name} {factor * constant.value:.4g}"
    if math.isnan(constant.low):
        return text + unit
    return f"{text} ({factor * constant.low:.4g} to {factor * constant.high:.4g}){unit}"


def _rounded(value: Any) -> Any:
    return float(f"{value:.8g}") if isinstance(value, float) else value


def _law_text(fit: Fit) -> str:
    error = "" if fit.held_out is None else f"; held-out error {fit.held_out:.2%} of the span of the data"
    names = [constant.name for constant in fit.constants if not constant.name.startswith("g_")]
    constants = ", ".join(interval_text(fit, name) for name in names)
    return f"{fit.devices} devices, {fit.pulses} pulses; with 95 % intervals: {constants}{error}"


def _window_evidence(fit: Fit, ends: list[str]) -> list[dict[str, Any]]:
    found = [name for name in ends if name not in fit.given]
    given = [name for name in ends if name in fit.given]
    how = "limits of the law" if fit.limits_fitted else "mean over the devices of their lowest and highest conductance"
    rows = []
    if found:
        cite = f"{how}, with 95 % intervals: {', '.join(interval_text(fit, name) for name in found)}"
        rows.append({"keys": [f"synapse.{name}" for name in found], "kind": "fit", "checked": "data", "cite": cite})
    if given:
        keys = [f"synapse.{name}" for name in given]
        rows.append({"keys": keys, "kind": "assumed", "checked": "none", "cite": "given to the fit as an option"})
    return rows
