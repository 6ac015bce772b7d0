"""Split a data set into the parts that a run may see under its protocol, and take batches of their examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuroeq.describe.spec import Network
from neuroeq.describe.spec.data import Data
from neuroeq.errors import DataError

from .augmentation import Augmentation
from .checks import check_source, warn_of_reach
from .coding import Coding, coded, coding_of
from .scaling import scaling
from .source import Shape, Source
from .sources import read

Array = np.ndarray


@dataclass(frozen=True)
class Part:
    """One part of a data set, such as its training part.

    Parameters
    ----------
    inputs
        Inputs of the whole data set as they are stored, (N, d). Bytes stay bytes, and files stay on disk, until a
        batch is taken.
    labels
        Classes of the examples of this part, counted from 0, (n,), or their values in the user's units, (n, n_output).
    rows
        Rows of `inputs` that belong to this part: (n,).
    scale, offset
        A batch holds (stored input - offset) scale; each is a number or has one value for each input, (d,).
    """

    inputs: Array
    labels: Array
    rows: Array
    scale: Array | float
    offset: Array | float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    def take(
        self, which: Array | slice, dtype: str = "float64", augmentation: Augmentation | None = None
    ) -> tuple[Array, Array]:
        """Return the inputs (m, d) and the labels of the selected examples, changed as an epoch asks."""
        stored = self.inputs[self.rows[which]]
        inputs = np.asarray(stored if augmentation is None else augmentation.of(stored, which), dtype)
        if np.any(self.offset):
            inputs -= self.offset
        inputs *= self.scale
        return inputs, self.labels[which]

    def batches(self, size: int, dtype: str, order: Array | None = None) -> Iterator[tuple[Array, Array]]:
        """Yield inputs and labels in batches of a size, in the given order or as they are stored."""
        for start in range(0, len(self), size):
            which = slice(start, start + size) if order is None else order[start : start + size]
            yield self.take(which, dtype)


@dataclass(frozen=True)
class Examples:
    """The parts of a data set that a run trains, validates and tests on.

    Parameters
    ----------
    train
        The part that the weights are learned from.
    validation, test
        The parts that errors are measured on; None where the protocol leaves one out.
    coding
        What outputs stand for: the user's classes or values.
    shape
        Channels, height and width of the inputs, where they are images.
    """

    train: Part
    validation: Part | None
    test: Part | None
    coding: Coding
    shape: Shape | None = None

    def batch(
        self, part: Part, which: Array | slice, network: Network, augmentation: Augmentation | None = None
    ) -> tuple[Array, Array, Array]:
        """Return inputs, labels and targets of the selected examples, in the precision of a resolved network."""
        precision = network.physics.precision
        inputs, labels = part.take(which, precision, augmentation)
        return inputs, labels, self.coding.targets(labels).astype(precision)

    def arrays(self) -> tuple[Array, ...]:
        """Return ``(X, y)``, or with a test part ``(X, y, X_test, y_test)``: what training takes as examples of a user.

        Inputs are those of batches, (n, d) or images (n, channels, height, width); those of the validation part follow
        those of the training part. Labels are the user's own, (n,), or values, (n, n_output).
        """
        learned = [part for part in (self.train, self.validation) if part is not None]
        sides = [learned, *([[self.test]] if self.test is not None else [])]
        whole = slice(None)
        joined = [[np.concatenate(each) for each in zip(*(p.take(whole) for p in side), strict=True)] for side in sides]
        return tuple(
            array
            for inputs, labels in joined
            for array in (inputs.reshape(-1, *(self.shape or inputs.shape[1:])), self.coding.named(labels))
        )


def load(network: Network, data_dir: str | Path | None = None) -> Examples:
    """Return the examples of a network's data set, split as its file says.

    Parameters
    ----------
    network
        The network; its ``[data]`` names the data set and describes the split.
    data_dir
        The folder in which a folder of idx files, or a file of examples, is looked for; ``$NEUROEQ_DATA`` if left out.

    Raises
    ------
    DataError
        If the data are missing or not finite, or do not fit the layers of the network.
    UnknownNameError
        If there is no data set of that name.
    """
    return examples_of(network, read(network.data, data_dir, network.path))


def examples_of(network: Network, source: Source) -> Examples:
    """Return examples, split as the file of a network says.

    Raises
    ------
    DataError
        If inputs are not finite, labels are of another kind than the file says, the test part does not fit the training
        part, or sizes do not fit the layers.
    """
    numbered = coded(network, source)
    check_source(network, numbered)
    return _split(network, source, numbered)


def _split(network: Network, given: Source, source: Source) -> Examples:
    spec = network.data
    everything = np.arange(len(source.labels))
    rest, test, validation = everything, None, None
    if spec.protocol == "whole":
        train, test = everything, everything
    else:
        if source.test_inputs is None:
            rest, test = _stratified(source, everything, spec.test, spec, "test")
        share = 0 if spec.protocol == "final" else spec.validation
        if isinstance(share, float):
            share *= len(everything) / len(rest)
        train, validation = _stratified(source, rest, share, spec, "validation")
    if spec.limit is not None:
        train = np.random.default_rng(spec.split_seed).permutation(train)[: spec.limit]
    offset, scale = scaling(spec, source, train)

    def part(which: Array | None) -> Part | None:
        return None if which is None else Part(source.inputs, source.labels[which], which, scale, offset)

    of_tests = part(test)
    if spec.protocol != "whole" and source.test_inputs is not None and source.test_labels is not None:
        everything = np.arange(len(source.test_labels))
        of_tests = Part(source.test_inputs, source.test_labels, everything, scale, offset)
    if spec.protocol == "select":
        of_tests = None
    learned = Part(source.inputs, source.labels[train], train, scale, offset)
    coding, some = coding_of(network, given, train), learned.take(slice(0, 1000))
    warn_of_reach(network, some[0], coding.targets(some[1]))
    return Examples(learned, part(validation), of_tests, coding, source.shape)


def _stratified(source: Source, indices: Array, share: float, spec: Data, name: str) -> tuple[Array, Array | None]:
    if not share:
        return indices, None
    from sklearn.model_selection import train_test_split

    classes = None if spec.targets == "values" else source.labels[indices]
    try:
        rest, selected = train_test_split(indices, test_size=share, stratify=classes, random_state=spec.split_seed)
    except ValueError as error:
        raise DataError(
            f"data.{name} is {share:g} of the {len(indices)} examples of '{spec.name}', which cannot be split so "
            f"({error}); choose another fraction or number, or protocol 'whole'."
        ) from None
    return rest, selected
