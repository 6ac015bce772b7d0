"""The data set of a network, and how its examples are split."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import MANY, Count, Fraction, Positive, Spec

WholeNumber = Annotated[int, Field(strict=True, ge=1)]


class Augment(Spec):
    """How images of the training part are changed, anew in every epoch; those that are tested stay as they are.

    Parameters
    ----------
    crop
        Number of rows and columns of zeros, as they are stored, around an image, from which as large an image is cut
        out at random: He et al. 2016 take 4 for CIFAR-10.
    flip
        Whether half of the images, drawn at random, are mirrored left to right.
    """

    crop: Annotated[int, Field(ge=0)] = 0
    flip: bool = False


class Data(Spec):
    """The data set, and which part of it trains, validates and tests.

    Parameters
    ----------
    name
        A built-in data set, a folder with the four idx files or with those of CIFAR-10's binary version, or a file
        ``<name>.npz`` or ``<name>.csv``, whose inputs are divided by 255 if they are unsigned bytes, as those of idx
        files are. It is looked for beside the network's file, in the current folder, and in the folder of data sets.
    label
        The column of a csv file that holds the label, or a list of several with values; the last column if left out.
    protocol
        ``select``, for choosing settings: train on the training part, report the validation error after every epoch,
        and leave the test part alone. ``final``: train on the training and the validation part together, and test once.
        ``holdout``: train on the training part, validate after every epoch, and test once. ``whole``, for truth tables:
        train and test on all examples.
    test, validation
        Size of the test part and of the validation part: a fraction of all examples, or a number of them. A data set
        that comes with a test part keeps it, and ``test`` is not used.
    split_seed
        Seed of the stratified split; it belongs to the file and not to the run.
    samples, noise
        Number of examples and standard deviation of the noise of a generated data set.
    limit
        Largest number of training examples to use; all of them if left out.
    normalise
        ``channel``: the mean of each channel of images over the training part is subtracted, and the rest divided by
        the channel's standard deviation there; ``none``: inputs stay as they are.
    offset, scale
        Inputs, which range from 0 to 1 or are normalised, become (input - offset) scale.
    augment
        How training images are moved and mirrored; they stay as they are if left out.
    targets
        ``one_hot``: one output for each class; ``scalar``: a single output whose target is 0 or 1; ``values``: real
        numbers, one or more for each example, for regression.
    output_range
        With ``values``, the lowest and the highest target that the values of the training part are mapped to. If left
        out, the inner 80 % of the range of outputs that have one, such as 0.1 to 0.9 for rates between 0 and 1; values
        are targets as they are where outputs have no range, as nodes of resistor networks and linear units.
    """

    name: str
    label: str | tuple[str, ...] = ()
    protocol: Literal["select", "final", "holdout", "whole"] = "final"
    test: Fraction | WholeNumber = 0.2
    validation: Fraction | WholeNumber = 0.15
    split_seed: int = Field(default=0, ge=0, lt=2**32)
    samples: Annotated[Count, Field(le=MANY)] = 400
    noise: float = Field(default=0.1, ge=0)
    limit: Count | None = None
    normalise: Literal["none", "channel"] = "none"
    offset: float = 0.0
    scale: Positive = 1.0
    augment: Augment | None = None
    targets: Literal["one_hot", "scalar", "values"] = "one_hot"
    output_range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.output_range is not None and (self.targets != "values" or self.output_range[0] >= self.output_range[1]):
            low, high = self.output_range
            raise ValueError(
                f"output_range is [{low:g}, {high:g}] with targets '{self.targets}'; expected a lower and a higher "
                "number, with targets 'values'"
            )
        return self

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns of a csv file that hold labels; none for the last one."""
        return (self.label,) if isinstance(self.label, str) else self.label
