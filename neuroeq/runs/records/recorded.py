"""What traces.h5 holds of recorded samples: which they are, their phases on one axis of time, and which units."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import h5py
import numpy as np

from neuroeq.errors import SpecError

Array = np.ndarray


class Records(Protocol):
    """The records of a run, in a folder or in memory."""

    @property
    def path(self) -> Any:
        """The folder, as messages show it."""

    def traces(self) -> Any:
        """Open traces.h5 for reading."""


@dataclass(frozen=True)
class Sample:
    """A recorded sample.

    Parameters
    ----------
    number
        Its number among the recorded samples, from 0, by which figures are asked for.
    part, index
        The part of the data it is from, and its index there; None in runs that do not say.
    label
        Its class, the user's own label, or its values; None where it is not known.
    predictions
        The same, of the recorded free phase ``"before"`` and ``"after"`` training; None if outputs were silent.
    """

    number: int
    part: str | None = None
    index: int | None = None
    label: Any = None
    predictions: Mapping[str, Any] = field(default_factory=dict)

    def caption(self, when: str = "after") -> str:
        """Return what titles of figures say about it."""
        return self.captions(when)[0]

    def captions(self, when: str = "after") -> tuple[str, ...]:
        """Return the same, and after it what says less in fewer words."""
        if self.index is None:
            return (f"sample {self.number}",)
        where, label = f"{self.part} example {self.index}", _label_text(self.label)
        said = ""
        if when in self.predictions:
            predicted = self.predictions[when]
            said = ", outputs silent" if predicted is None else f", predicted {_label_text(predicted, '')}"
        return f"sample {self.number}: {where}, {label}{said}", f"{where}, {label}{said}", f"{label}{said}", label


@dataclass(frozen=True)
class Segment:
    """A recorded phase on the axis of simulated time.

    Parameters
    ----------
    name
        The name of the phase: ``"free"``, or ``"nudged"`` with its beta.
    start, end
        The times at which the phase starts and ends, on an axis where recorded phases follow each other [s].
    t
        The times of the recorded states, on that axis: (n_steps,) [s].
    states
        The recorded states, by layer and variable: (n_steps, samples, n).
    units
        The unit of each recorded variable, by its name.
    spikes
        The times on that axis [s], samples and units of all spikes, by layer.
    change
        The accumulated change of some synapses, by projection: (n_steps, n_chosen).
    recorded
        The numbers of the recorded units, by layer: (n,); states have a column for each.
    """

    name: str
    start: float
    end: float
    t: Array
    states: dict[str, dict[str, Array]]
    units: dict[str, str]
    spikes: dict[str, tuple[Array, Array, Array]]
    change: dict[str, Array]
    recorded: dict[str, Array] = field(default_factory=dict)

    @property
    def nudged(self) -> bool:
        """Whether the phase is a nudged one."""
        return self.name != "free"


def recorded_times(records: Records) -> list[str]:
    """Return at which times samples were recorded: ``"before"`` and ``"after"`` training, or one of them."""
    with records.traces() as file:
        return [when for when in ("before", "after") if f"probe/{when}" in file]


def read_segments(records: Records, when: str) -> list[Segment]:
    """Return the recorded phases of a few samples, one after the other; `when` is ``"before"`` or ``"after"`` training.

    Raises
    ------
    SpecError
        If nothing was recorded at that time.
    """
    with records.traces() as file:
        if f"probe/{when}" not in file:
            raise SpecError(
                f"{records.path}: nothing is recorded '{when}' training; expected {' or '.join(file['probe'])}."
            )
        recorded = {layer: units[:] for layer, units in file.get("units", {}).items()}
        phases: list[Segment] = []
        for index in sorted(file[f"probe/{when}"], key=int):
            at = phases[-1].end if phases else 0.0
            phases.append(_segment(file[f"probe/{when}/{index}"], at, recorded))
    return phases


def _segment(group: h5py.Group, at: float, recorded: Mapping[str, Array]) -> Segment:
    """Return a phase that starts at a time."""
    t = group["t"][:]
    step = t[1] - t[0] if len(t) > 1 else t[0]
    shift = at - (t[0] - step)
    spikes = {
        layer: (each["t"][:] + step + shift, each["sample"][:], each["unit"][:])
        for layer, each in group.get("spikes", {}).items()
    }
    of_layers = group.get("states", {})
    states = {layer: {name: values[:] for name, values in variables.items()} for layer, variables in of_layers.items()}
    units = {name: values.attrs["unit"] for variables in of_layers.values() for name, values in variables.items()}
    change = {name: values[:] for name, values in group.get("change", {}).items()}
    columns = {layer: np.arange(next(iter(of.values())).shape[2]) for layer, of in states.items()} | dict(recorded)
    return Segment(group.attrs["name"], at, at + len(t) * step, t + shift, states, units, spikes, change, columns)


def read_samples(records: Records) -> list[Sample]:
    """Return the samples that are recorded; of those of older runs, only their number is known."""
    with records.traces() as file:
        if "samples" not in file:
            states = [
                values
                for when in file["probe"].values()
                for phase in when.values()
                for layer in phase.get("states", {}).values()
                for values in layer.values()
            ]
            return [Sample(number) for number in range(states[0].shape[1] if states else 0)]
        group = file["samples"]
        names = json.loads(group.attrs.get("classes", "null"))
        labels = _labels(group["label"][:], names)
        predictions = {when: _labels(values[:], names) for when, values in group.get("prediction", {}).items()}
        return [
            Sample(
                number, group.attrs["part"], int(index), labels[number], {w: p[number] for w, p in predictions.items()}
            )
            for number, index in enumerate(group["index"][:])
        ]


def _labels(stored: Array, names: Sequence[Any] | None) -> list[Any]:
    """Return classes by the user's own labels, None where outputs were silent; or the values of each sample."""
    if stored.ndim > 1:
        return [tuple(values) for values in stored.tolist()]
    return [None if number < 0 else number if names is None else names[number] for number in stored.tolist()]


def _label_text(label: Any, what: str = "class ") -> str:
    """Return a class, or values, as text."""
    if not isinstance(label, tuple):
        return f"{what}{label}"
    return f"{'target ' if what else ''}{', '.join(f'{value:.3g}' for value in label)}"


def recorded_sample(records: Records, number: int) -> Sample:
    """Return one of the recorded samples.

    Raises
    ------
    SpecError
        If it is not recorded.
    """
    known = read_samples(records)
    if not 0 <= number < len(known):
        those = "sample 0" if len(known) == 1 else f"samples 0 to {len(known) - 1}"
        which = [each.caption().partition(": ")[2] for each in known[:3] if each.index is not None]
        more = [f"and {len(known) - 3} more"] if which and len(known) > 3 else []
        raise SpecError(
            f"{records.path}: sample {number} is not recorded; recorded are {those}"
            f"{' (' + '; '.join([*which, *more]) + ')' if which else ''}; train with --record "
            f"samples={max(number, 0) + 1} to record more."
        )
    return known[number]


def check_recorded(records: Records, phases: Sequence[Segment], layer: str, sample: int = 0) -> Sample:
    """Return a recorded sample whose states are recorded for a layer.

    Raises
    ------
    SpecError
        If the sample, or the layer, is not recorded.
    """
    if layer not in phases[0].states:
        raise SpecError(f"no layer '{layer}' in {records.path}; recorded are {', '.join(phases[0].states)}.")
    return recorded_sample(records, sample)


def columns_of(phase: Segment, layer: str, units: Array) -> Array:
    """Return the columns of states that belong to recorded units of a layer."""
    return np.searchsorted(phase.recorded[layer], units)
