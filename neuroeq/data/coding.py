"""What outputs stand for: classes, to which a user's labels are mapped, or real values in the user's units.

    one_hot    target = 1 at the output of the class, 0 at the others    class = that of the largest output
    scalar     target = number of the class, 0 or 1                      class = whether the output is above 1/2
    values     target = (value - offset)/scale                           value = offset + scale output

Offset and scale of each output bring the values of the training part into `output_range`, and values within are linear
in the output; where outputs have no range, as nodes of resistors and linear units, values are outputs as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.errors import DataError
from neuroeq.units import physical

from .source import Source

Array = np.ndarray
SILENT = -1
"""What stands for the class of outputs that name none."""
MARGIN = 0.1
"""The part of the range of bounded outputs that is left free on either side, where units are not stuck at a bound."""


class Coding(Protocol):
    """What outputs stand for.

    Attributes
    ----------
    measure
        What tells how good outputs are, lower being better: ``"error"`` or ``"rmse"``.
    """

    measure: str

    @property
    def names(self) -> tuple[Any, ...]:
        """The user's label of each class, in the order of the outputs; nothing if they stand for values."""
        ...

    def targets(self, labels: Array) -> Array:
        """Return the targets of outputs: (m, n_output)."""
        ...

    def labels(self, outputs: Array) -> Array:
        """Return numbers of classes, -1 where outputs are silent, (m,); or values in the user's units (m, n_output)."""
        ...

    def read(self, outputs: Array) -> Array:
        """Return what outputs (m, n_output) stand for, in the user's own labels (m,) or units (m, n_output)."""
        ...

    def named(self, labels: Array) -> Array:
        """Return the user's own labels of classes (m,), or values as they are (m, n_output)."""
        ...

    def misses(self, outputs: Array, labels: Array) -> Array:
        """Return sums over examples that `figures` are made of: wrong classes (1,), or squared errors (n_output,)."""
        ...

    def figures(self, misses: Array, labels: Array) -> dict[str, float]:
        """Return how good outputs are, from the misses of the examples with these labels; the first is `measure`."""
        ...

    def record(self) -> dict[str, Any]:
        """Return what a run keeps of it in result.json."""
        ...


@dataclass(frozen=True)
class Classes:
    """Outputs that stand for classes.

    Parameters
    ----------
    names
        The user's label of each class, in the order of the outputs.
    scalar
        Whether there is a single output for two classes.
    """

    names: tuple[Any, ...]
    scalar: bool = False
    measure = "error"

    def targets(self, labels: Array) -> Array:
        """Return the targets of classes (m,): (m, n_output)."""
        return targets(labels, len(self.names), self._coding)

    def labels(self, outputs: Array) -> Array:
        """Return the number of the class that each output names, -1 if it is silent: (m,)."""
        return predictions(outputs, self._coding)

    def read(self, outputs: Array) -> Array:
        """Return the user's label that each output names: (m,).

        Silent outputs, which name none, are -1, or one below the lowest label if that is negative, or an empty text.
        """
        known = np.asarray(self.names)
        silent = "" if known.dtype.kind == "U" else min(known.min(), 0) + SILENT
        return np.append(known, silent)[self.labels(outputs)]

    def named(self, labels: Array) -> Array:
        """Return the user's own labels of classes (m,)."""
        return np.asarray(self.names)[labels]

    def misses(self, outputs: Array, labels: Array) -> Array:
        """Return how many outputs name another class than that of the labels: (1,)."""
        return np.array([np.count_nonzero(self.labels(outputs) != labels)])

    def figures(self, misses: Array, labels: Array) -> dict[str, float]:
        """Return the fraction of examples in the wrong class, as ``error``."""
        return {"error": float(misses[0]) / len(labels)}

    def record(self) -> dict[str, Any]:
        """Return the user's labels, as ``classes``."""
        return {"classes": list(self.names)}

    @property
    def _coding(self) -> str:
        return "scalar" if self.scalar else "one_hot"


@dataclass(frozen=True)
class Values:
    """Outputs that stand for real values.

    Parameters
    ----------
    offset, scale
        A value is offset + scale output; both have a number for each output.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]
    measure = "rmse"
    names = ()

    def targets(self, labels: Array) -> Array:
        """Return the targets of values in the user's units: (m, n_output)."""
        return (labels - np.array(self.offset)) / np.array(self.scale)

    def read(self, outputs: Array) -> Array:
        """Return the values that outputs stand for, in the user's units: (m, n_output)."""
        return np.array(self.offset) + np.array(self.scale) * outputs

    labels = read

    def named(self, labels: Array) -> Array:
        """Return values as they are: (m, n_output)."""
        return labels

    def misses(self, outputs: Array, labels: Array) -> Array:
        """Return the sum of squared errors of each output, in the user's units squared: (n_output,)."""
        return np.square(self.read(outputs) - labels).sum(axis=0)

    def figures(self, misses: Array, labels: Array) -> dict[str, float]:
        """Return the root mean square error in the user's units, and R^2, the mean over outputs that vary.

        R^2 of an output is 1 - (sum of squared errors)/(sum of squared deviations from the mean of the labels).
        """
        spread = np.square(labels - labels.mean(axis=0)).sum(axis=0)
        explained = 1 - misses[spread > 0] / spread[spread > 0]
        return {
            "rmse": float(np.sqrt(misses.mean() / len(labels))),
            "r2": float(explained.mean()) if len(explained) else 0.0,
        }

    def record(self) -> dict[str, Any]:
        """Return the map from outputs to values, as ``target_map``."""
        return {"target_map": {"offset": list(self.offset), "scale": list(self.scale)}}


def coded(network: Network, source: Source) -> Source:
    """Return examples whose labels are numbers of classes from 0, (n,), or values, (n, n_output), as the network says.

    Raises
    ------
    DataError
        If labels are not of that kind, or a label of the test part is no class of the training part.
    """
    for part, labels in (("", source.labels), ("test ", source.test_labels)):
        if labels is not None:
            _check(network, part, labels)
    if network.data.targets == "values":
        tested = None if source.test_labels is None else _columns(source.test_labels)
        return source.labelled(_columns(source.labels), tested)
    names, labels = np.unique(source.labels, return_inverse=True)
    if source.test_labels is None:
        return source.labelled(labels, None)
    unknown = np.setdiff1d(source.test_labels, names)
    if len(unknown):
        at = int(np.flatnonzero(source.test_labels == unknown[0])[0])
        raise DataError(
            f"data set '{network.data.name}': label {unknown[0]} of example {at} of the test part is no class of the "
            f"training part, which has {', '.join(map(str, names))}; mend it, or add training examples of that class."
        )
    return source.labelled(labels, np.searchsorted(names, source.test_labels))


def coding_of(network: Network, source: Source, train: Array) -> Coding:
    """Return what outputs of a resolved network stand for.

    Parameters
    ----------
    network
        The network, whose ``[data]`` says whether labels are classes or values.
    source
        The examples, with the user's labels.
    train
        The rows of the training part, whose values are mapped into the range of outputs: (n,).
    """
    if network.data.targets != "values":
        return Classes(tuple(np.unique(source.labels).tolist()), network.data.targets == "scalar")
    values = _columns(source.labels)[train]
    interval = _range(network)
    if interval is None:
        return Values((0.0,) * values.shape[1], (1.0,) * values.shape[1])
    low, high = values.min(axis=0), values.max(axis=0)
    scale = np.where(high > low, high - low, 1.0) / (interval[1] - interval[0])
    offset = (low + high) / 2 - scale * sum(interval) / 2
    return Values(tuple(offset.tolist()), tuple(scale.tolist()))


def recorded(network: Network, result: Mapping[str, Any]) -> Coding:
    """Return what outputs stand for from the result of a run, as `Coding.record` keeps it there."""
    if network.data.targets == "values":
        return Values(tuple(result["target_map"]["offset"]), tuple(result["target_map"]["scale"]))
    scalar = network.data.targets == "scalar"
    names = result.get("classes") or range(2 if scalar else network.layers[network.output_layer].size)
    return Classes(tuple(names), scalar)


def targets(labels: Array, n_classes: int, coding: str) -> Array:
    """Return the targets of the outputs: (m, n_classes), or (m, 1) in scalar coding."""
    if coding == "scalar":
        return labels[:, None].astype(float)
    return np.eye(n_classes)[labels]


def predictions(outputs: Array, coding: str) -> Array:
    """Return the classes that the outputs stand for: (m,).

    In one-hot coding, `SILENT` stands where none of several outputs is above another, as when no output unit is active:
    such outputs name no class, and count as wrong for every one. In scalar coding an output of 0 means class 0.
    """
    if coding == "scalar":
        return (outputs[:, 0] > 0.5).astype(int)
    silent = (outputs == outputs[:, :1]).all(axis=1) & (outputs.shape[1] > 1)
    return np.where(silent, SILENT, outputs.argmax(axis=1))


def _range(network: Network) -> tuple[float, float] | None:
    """Return the range that targets are mapped into; None if they stay as they are."""
    if network.data.output_range is not None:
        return network.data.output_range
    model = network.neuron(network.output_layer)
    if model is None or not model.bounded:
        return None
    bounds, low, high = model.bounds.get(model.observed), 0.0, 1.0
    if bounds is not None and bounds.min is not None and bounds.max is not None:
        low, high = (physical(str(each)).value for each in (bounds.min, bounds.max))
    return low + MARGIN * (high - low), high - MARGIN * (high - low)


def _columns(labels: Array) -> Array:
    """Return values as columns: (n, n_output)."""
    return np.asarray(labels, float).reshape(len(labels), -1)


def _check(network: Network, part: str, labels: Array) -> None:
    """Refuse labels that are not of the kind that the network asks for."""
    what = f"data set '{network.data.name}': {part}labels are {labels.dtype} of shape {labels.shape}"
    if network.data.targets != "values":
        if labels.ndim != 1 or labels.dtype.kind not in "iubU":
            raise DataError(
                f"{what}; expected integers or texts of shape (n,), one class for each example, or with real values "
                "data.targets = 'values'."
            )
        return
    if labels.ndim > 2 or labels.dtype.kind not in "fiub":
        raise DataError(f"{what}; expected real values of shape (n,) or (n, n_output) for data.targets 'values'.")
    if not np.isfinite(labels).all():
        raise DataError(f"data set '{network.data.name}': {part}labels hold NaN or infinity; mend them.")
