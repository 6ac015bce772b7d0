"""What a run says of its errors and costs: energies, latencies, area, writes, and which parts of them are not given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neuroeq.measures.parts import not_given
from neuroeq.units import short_text

UNITS = {"energy": "J", "latency": "s"}
"""The costs that have totals and parts, and their units."""


def error_text(numbers: Mapping[str, Any], part: str, digits: int = 2, word: str = "error ") -> str:
    """Return how good outputs are on a part of the examples, as text; an empty text if that is not known.

    Parameters
    ----------
    numbers
        A row of metrics, or the content of result.json.
    part
        ``"train"``, ``"validation"`` or ``"test"``.
    digits
        The digits after the point of an error in percent.
    word
        What stands before an error in percent.
    """
    error, rmse = (numbers.get(f"{part}_{measure}") for measure in ("error", "rmse"))
    if rmse is not None:
        return f"RMSE {rmse:.4g}"
    return "" if error is None else f"{word}{100 * error:.{digits}f} %"


def cost_texts(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of each cost of a circuit and what it is, as text; nothing where there is no circuit.

    Parameters
    ----------
    result
        The content of result.json, or the part of it that an evaluation has.
    """
    for what, unit in UNITS.items():
        if result.get(what) is None:
            continue
        totals = {of: result.get(f"{what}_per_{of}_{unit}") for of in ("inference", "update")}
        texts = [f"{short_text(each, unit)} an {of}" for of, each in totals.items() if each is not None]
        yield what, ", ".join(texts) + without(result[what])
    if "area_m2" in result and result["energy"] is not None:
        area = result["area_m2"]
        yield "area of devices", "not given" if area is None else f"{1e12 * area:.3g} µm²"
    took = result.get("programming")
    if took is not None:
        yield (
            "writes a device",
            f"{took['writes_per_device_mean']:.3g} in the mean, {took['writes_per_device_most']:,} at most",
        )


def without(parts: Mapping[str, Mapping[str, float | None]]) -> str:
    """Return a clause that names the parts of a cost that hardware does not give; an empty text if it gives all."""
    missing = missing_parts(parts)
    return f", without {', '.join(missing)} (not given)" if missing else ""


def missing_parts(parts: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """Return the parts of a cost that hardware does not give, of inferences and updates."""
    return list(dict.fromkeys(name for each in parts.values() for name in not_given(each)))
