"""The MNIST networks learn as their files promise: quickly here, from some thousand images."""

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.describe import catalog
from neuroeq.describe.catalog import load_network
from neuroeq.runs.training import train

QUICK = {
    "mnist_conv": (3_000, 2, 0.065),
    "mnist_conv_spiking": (3_000, 2, 0.065),
    "mnist_conv_resistive": (3_000, 4, 0.056),
    "mnist_oscillator": (3_000, 3, 0.1),
    "mnist_pcm": (4_000, 3, 0.092),
    "mnist_predictive": (3_000, 3, 0.09),
    "mnist_rate": (3_000, 3, 0.1),
    "mnist_rate_2017": (3_000, 4, 0.1),
    "mnist_rate_insitu": (3_000, 3, 0.09),
    "mnist_rate_centred": (3_000, 2, 0.105),
    "mnist_spiking": (2_000, 3, 0.13),
    "mnist_spiking_lif": (2_000, 3, 0.13),
    "mnist_spiking_ternary": (2_000, 3, 0.145),
    "mnist_tiki_taka": (6_000, 3, 0.097),
    "mnist_drn_xs": (4_000, 4, 0.1),
    "mnist_drn_1h": (4_000, 3, 0.115, "layers.hidden.size=256"),
    "mnist_real_diode": (4_000, 4, 0.105),
}
"""By network: training images, epochs, a test error a point above the worst of seeds 0 to 2, and changes."""


def test_every_network_has_a_quick_version():
    assert set(QUICK) == {name for name in catalog.names("network") if name.startswith("mnist_")}


LONG = {
    "mnist_conv": "digits_conv",
    "mnist_conv_spiking": "digits_conv",
    "mnist_oscillator": "xor",
    "mnist_pcm": "digits",
    "mnist_tiki_taka": "digits",
    "mnist_spiking_lif": "digits",
    "mnist_spiking_ternary": "mnist_spiking",
    "mnist_predictive": "mnist_rate_insitu",
}
"""Networks that take half a minute or more, and those that stand for them where there is no time for all."""


@pytest.mark.reproduction
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow) if each in LONG else each for each in QUICK]
)
def test_a_few_thousand_images_teach_it(name, mnist):
    images, epochs, error, *smaller = QUICK[name]
    promise = load_network(name).expected[0]
    settings = [f"data.limit={images}", *promise.settings, *smaller]
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
