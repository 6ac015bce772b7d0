"""The MNIST networks learn as their files promise: quickly here, from some thousand images."""

import numpy as np
import pytest

from neuroeq import catalog
from neuroeq.catalog import load_network
from neuroeq.data import load
from neuroeq.runs import train

QUICK: dict[str, tuple[int, int, float]] = {}
"""By network: training images, epochs, and a test error that the worst of seeds 0 to 2 stayed below."""


def test_every_network_has_a_quick_version():
    assert set(QUICK) == {name for name in catalog.names("network") if name.startswith("mnist_")}


@pytest.mark.parametrize("name", QUICK)
def test_a_few_thousand_images_teach_it(name, mnist):
    images, epochs, error = QUICK[name]
    promise = load_network(name).expected[0]
    settings = [f"data.limit={images}", *promise.settings]
    run = train(name, seed=0, epochs=epochs, settings=settings, hardware=promise.hardware, target="auto")
    assert run.test_error <= error


def test_images_stay_bytes(mnist):
    examples = load(load_network("mnist_rate_2017"))
    assert (len(examples.train), len(examples.validation), len(examples.test)) == (50_000, 10_000, 10_000)
    assert examples.train.inputs is examples.validation.inputs
    for part in (examples.train, examples.validation, examples.test):
        assert part.inputs.dtype == np.uint8
    inputs, _ = examples.train.take(np.arange(20), "float32")
    assert inputs.dtype == np.float32 and inputs.shape == (20, 784) and 0 <= inputs.min() < inputs.max() <= 1
