"""Fit a pulse law to conductance against pulse number."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuroeq.describe.spec.device import Pulsed
from neuroeq.errors import DataError, SpecError, unknown_name

from .curves import Curves, read_pulses
from .estimation import Ends, Estimate, estimate
from .forms import FORMS
from .held_out import followed, held_out_errors, preferred, seen, split
from .population import Constant, Population, population

Array = np.ndarray
AUTO = "auto"


@dataclass(frozen=True)
class Fit:
    """A pulse law that describes measured devices.

    Parameters
    ----------
    model
        The name of the law.
    law
        The law with its constants and spreads, as ``[synapse.update]`` of a hardware file.
    constants
        The window and the constants of the law, with 95 % confidence intervals.
    errors
        By law that was tried, the root mean square of the held-out curves' distance from it, as a fraction of the span
        of the data; empty if there are too few curves to hold any out.
    given
        The ends of the window that were given and not fitted.
    estimate
        The constants of each device, with the curves.
    notes
        What to know about the fit, a sentence each.
    """

    model: str
    law: Pulsed
    constants: tuple[Constant, ...]
    errors: dict[str, float]
    given: tuple[str, ...]
    estimate: Estimate = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def curves(self) -> Curves:
        """The curves that the law was fitted to."""
        return self.estimate.model.curves

    @property
    def source(self) -> str:
        """Where the curves come from."""
        return self.curves.source

    @property
    def devices(self) -> int:
        """The number of devices."""
        return len(self.curves.names)

    @property
    def pulses(self) -> int:
        """The number of pulses."""
        return int(np.isfinite(np.diff(self.curves.g, axis=1)).sum())

    @property
    def held_out(self) -> float | None:
        """The error of the law on held-out curves, as a fraction of the span of the data; None without such curves."""
        return self.errors.get(self.model)

    @property
    def limits_fitted(self) -> bool:
        """Whether the limits are constants of the law, and not the extremes of the data."""
        return len(self.estimate.model.columns) > 2

    def value(self, name: str) -> float:
        """Return the value of a constant, such as ``"step"``, or of ``"g_min"`` [S]."""
        return next(constant.value for constant in self.constants if constant.name == name)

    def followed(self) -> Array:
        """Return the conductances at which the law continues the first reading of each curve [S]."""
        return followed(self.estimate, self.curves)

    def as_dict(self) -> dict[str, Any]:
        """Return the fit as a dictionary of plain values."""
        constants = {
            each.name: {
                "value": each.value,
                "interval": None if np.isnan(each.low) else [each.low, each.high],
            }
            for each in self.constants
        }
        return {
            "source": self.source,
            "model": self.model,
            "devices": self.devices,
            "pulses": self.pulses,
            "noise": self.estimate.noise.kind,
            "constants": constants,
            "held_out_error": self.held_out,
            "errors": self.errors,
            "notes": list(self.notes),
        }


def fit_pulses(
    pulses: Path | str | Curves, model: str = AUTO, *, g_min: float | None = None, g_max: float | None = None
) -> Fit:
    """Fit a pulse law to conductance against pulse number.

    The law predicts each reading from the one before, so that errors are independent of each other; where readings are
    noisy by themselves, the state is tracked by a filter (see `neuroeq.measures.pulse_fit.model`).

    Parameters
    ----------
    pulses
        A CSV file with the columns device, cycle, pulse, direction, and conductance_S or conductance_uS; or curves.
    model
        The name of the law, or ``"auto"`` for the one with the fewest constants that predicts held-out curves as well
        as any, within a standard error.
    g_min, g_max
        The ends of the conductance window; from the data if left out. [S]

    Raises
    ------
    NeuroeqError
        If there is no such law, the file holds no such curves, or the law does not describe them.
    """
    known = [AUTO, *FORMS]
    if model not in known:
        raise unknown_name("pulse law", model, known, f"There are: {', '.join(known)}.")
    curves = pulses if isinstance(pulses, Curves) else read_pulses(Path(pulses))
    ends = (g_min, g_max)
    _check_window(curves, ends)
    held = split(curves)
    if model == AUTO and held is None:
        raise DataError(
            f"{curves.source}: has too few curves to choose a law by held-out ones; expected two cycles of each "
            f"device, or five devices, or --model with one of {', '.join(FORMS)}."
        )
    tried = list(FORMS) if model == AUTO else [model]
    errors = {} if held is None else {name: held_out_errors(FORMS[name], curves, held, ends) for name in tried}
    found, notes = _chosen(model, curves, ends, errors)
    means = {name: float(each.mean()) for name, each in errors.items()}
    given = tuple(name for name, end in zip(("g_min", "g_max"), ends, strict=True) if end is not None)
    group = population(found, ends)
    name = found.model.form.name
    return Fit(name, _law(found, group), group.constants, means, given, found, (*notes, *_notes(found)))


def _check_window(curves: Curves, ends: Ends) -> None:
    low, high = ends
    if not curves.span:
        raise DataError(f"{curves.source}: every reading is the same; expected conductances that pulses change.")
    for name, end in (("g_min", low), ("g_max", high)):
        if end is not None and not 0 <= end < np.inf:
            raise SpecError(f"{name} is {end:g} S; expected at least 0.")
    reach = (np.nanmin(curves.g) if low is None else low, np.nanmax(curves.g) if high is None else high)
    if reach[0] >= reach[1]:
        raise SpecError(f"g_min ({reach[0]:g} S) must be below g_max ({reach[1]:g} S).")


def _chosen(model: str, curves: Curves, ends: Ends, errors: dict[str, Array]) -> tuple[Estimate, tuple[str, ...]]:
    """Return the law that was asked for, or the preferred one; limits that the data do not come near disqualify it."""
    if model != AUTO:
        return estimate(FORMS[model], curves, ends), ()
    left: dict[str, Array] = dict(errors)
    notes: list[str] = []
    while True:
        name = preferred(left)
        found = estimate(FORMS[name], curves, ends)
        if seen(found) or len(left) == 1:
            return found, tuple(notes)
        notes.append(f"{name} was not chosen: its limits lie far outside the data")
        del left[name]


def _law(found: Estimate, group: Population) -> Pulsed:
    """Return the law with the constants of the technology, as it stands in a hardware file."""
    form = found.model.form
    values = {each.name: each.value for each in group.constants if each.name not in ("g_min", "g_max")}
    if not values["step"] > 0:
        raise DataError(
            f"{found.model.curves.source}: {form.name} does not describe these curves (its step is "
            f"{values['step']:.3g}); try another law with --model."
        )
    noise = {"noise": found.noise.kind} if len(form.noises) > 1 and "added" not in form.noises else {}
    lognormal = {"d2d_step_lognormal": True} if group.lognormal else {}
    law = form.law(found.x[: found.model.n_shape])
    return type(law).model_validate({**law.model_dump(), **values, **noise, **lognormal})


def _notes(found: Estimate) -> list[str]:
    notes: list[str] = []
    if not seen(found):
        notes.append("the fitted limits lie far outside the data, which says little of them; give --g-min or --g-max")
    if found.model.n_devices == 1:
        notes.append("one device shows no spread from device to device; d2d_* stay 0")
    return notes
