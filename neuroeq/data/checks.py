"""What is checked about the examples of a data set before anything is trained on them."""

from __future__ import annotations

import warnings

import numpy as np

from neuroeq.describe.spec import Layer, Network
from neuroeq.errors import DataError, NeuroeqWarning

from .source import Source

Array = np.ndarray
LARGEST = 20.0
"""Inputs that are larger than this are most likely not scaled: networks are made for inputs of about 0 to 1."""


def check_source(network: Network, source: Source) -> None:
    """Refuse examples that the network cannot be trained and tested on, and warn of those that are unlikely.

    Parameters
    ----------
    network
        The network; its ``[data]`` names the data set, and its layers have a size.
    source
        The examples, with classes that are numbered from 0 or with values.

    Raises
    ------
    DataError
        If inputs are not finite, the test part does not fit the training part, or sizes or shapes do not fit the
        layers.
    """
    name, parts = network.data.name, {"": source.inputs, "test ": source.test_inputs}
    for part, inputs in parts.items():
        if inputs is not None:
            _check_inputs(name, part, inputs)
    if source.test_inputs is not None and source.test_labels is not None:
        _check_test(name, source, source.test_inputs, source.test_labels)
    _check_shape(network, network.layers[network.input_layer], source)
    _check_images(network, source)
    _check_sizes(network, source)
    _check_scale(network, source)


def warn_of_reach(network: Network, inputs: Array, targets: Array) -> None:
    """Warn of values that no output of a resistor network reaches, since nothing there goes beyond its sources.

    Parameters
    ----------
    network
        The network, resolved for a substrate.
    inputs, targets
        Inputs of some training examples and their targets: (m, n_input) and (m, n_output).
    """
    if network.data.targets != "values" or not network.kind.conductances:
        return
    layout = network.circuit
    sources = max(layout.input_gain * float(np.abs(inputs).max()), *map(abs, layout.bias_voltages), 0.0)
    reach, largest = sources * (2 if layout.outputs == "paired" else 1), float(np.abs(targets).max())
    if largest > reach:
        warnings.warn(
            f"data set '{network.data.name}': values reach {largest:.3g}, and outputs of this resistor network at "
            f"most {reach:.3g}, as its sources do; set data.output_range to map values into a range within that.",
            NeuroeqWarning,
            stacklevel=4,
        )


def _check_inputs(name: str, part: str, inputs: Array) -> None:
    if not inputs.size:
        raise DataError(f"data set '{name}': its {part or 'training '}part holds no examples; expected at least one.")
    finite = np.isfinite(inputs).all(axis=1) if inputs.dtype.kind == "f" else np.ones(len(inputs), bool)
    if not finite.all():
        bad = int((~finite).sum())
        raise DataError(f"data set '{name}': {bad} of {len(inputs)} {part}examples hold NaN or infinity; mend them.")


def _check_test(name: str, source: Source, inputs: Array, labels: Array) -> None:
    """Refuse a test part with other inputs than those of the training part, or with other numbers of values."""
    if inputs.shape[1] != source.inputs.shape[1]:
        raise DataError(
            f"data set '{name}': examples of the training part have {source.inputs.shape[1]} inputs and those of the "
            f"test part {inputs.shape[1]}; expected as many."
        )
    if labels.shape[1:] != source.labels.shape[1:]:
        raise DataError(
            f"data set '{name}': examples of the training part have {source.labels.shape[1]} values and those of the "
            f"test part {labels.shape[1]}; expected as many."
        )


def _check_shape(network: Network, layer: Layer, source: Source) -> None:
    """Refuse an input layer with another shape than that of the images."""
    if layer.shape is None or layer.shape == source.shape:
        return
    name, wide = network.data.name, source.inputs.shape[1]
    if source.shape is None:
        expected = f"size = {wide} and no shape for data set '{name}', a table of features without places"
        if layer.size == wide and name.endswith(".npz"):
            expected += f", or inputs (n, {', '.join(map(str, layer.shape))}) in the file"
    else:
        expected = f"shape = {list(source.shape)} for the images of data set '{name}'"
    raise DataError(f"{network.where}: layers.{network.input_layer}.shape is {list(layer.shape)}; expected {expected}.")


def _check_images(network: Network, source: Source) -> None:
    """Refuse what is done to images where inputs are none, or where nothing of an image might be left."""
    data = network.data
    asked = {"normalise is 'channel'": data.normalise == "channel", "augment is given": data.augment is not None}
    for what, given in asked.items():
        if given and source.shape is None:
            raise DataError(
                f"{network.where}: data.{what}, and data set '{data.name}' is a table without channels; leave it out, "
                "or use images: digits, a folder of idx files or of CIFAR-10, or inputs (n, channels, height, width) "
                "in an npz file."
            )
    if source.shape is None or data.augment is None:
        return
    if network.phases.persistent:
        raise DataError(
            f"{network.where}: phases.persistent is true with data.augment, and an image would start from where it "
            "settled as another image, which was moved or mirrored in another way; leave one of them out."
        )
    height, width = source.shape[1:]
    if data.augment.crop >= min(height, width):
        raise DataError(
            f"{network.where}: data.augment.crop is {data.augment.crop}, and images of data set '{data.name}' are "
            f"{height} x {width}; expected at most {min(height, width) - 1}."
        )


def _check_sizes(network: Network, source: Source) -> None:
    coding, name = network.data.targets, network.data.name
    n_outputs = source.labels.shape[1] if coding == "values" else int(source.labels.max()) + 1
    if coding == "scalar":
        if n_outputs > 2:
            raise DataError(
                f"{network.where}: data.targets is 'scalar', but '{name}' has {n_outputs} classes; use 'one_hot'."
            )
        n_outputs = 1
    for layer, size in {network.input_layer: source.inputs.shape[1], network.output_layer: n_outputs}.items():
        if network.layers[layer].size != size:
            raise DataError(
                f"{network.where}: layers.{layer}.size is {network.layers[layer].size}; expected {size} "
                f"for data set '{name}' with {coding} targets."
            )


def _check_scale(network: Network, source: Source) -> None:
    """Refuse pixels, and warn of other inputs, that look as if they had not been scaled."""
    normalised = network.data.normalise != "none"
    if source.rescale or normalised or source.inputs.dtype == np.uint8:  # which are brought to 0 to 1, or about so
        return
    largest = float(max(abs(source.inputs.min()), abs(source.inputs.max()))) * source.scale * network.data.scale
    whole = source.inputs.dtype.kind in "iu" and source.inputs.min() >= 0 and source.inputs.max() <= 255
    if largest > LARGEST and whole:
        raise DataError(
            f"data set '{network.data.name}': inputs are {source.inputs.dtype} up to {source.inputs.max()}, and "
            "networks are made for inputs of about 0 to 1; store pixels as unsigned bytes (uint8), which are divided "
            f"by 255 as those of idx files are, or set data.scale to {network.data.scale / largest:.3g}."
        )
    if largest > LARGEST:
        warnings.warn(
            f"data set '{network.data.name}': inputs reach {largest:g}, and networks are made for inputs of about 0 to "
            f"1; set data.scale to {network.data.scale / largest:.3g}, or scale the data.",
            NeuroeqWarning,
            stacklevel=4,
        )
