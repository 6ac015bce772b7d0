"""Every shipped network stays within what `neuroeq check` asks for, at its start weights and at its trained ones.

No warning is given, beta is within the stability margin, an update points along the gradient as its file promises, and
the test error is the one that it promises.
"""

import warnings

import pytest

from neuroeq.describe import catalog
from neuroeq.describe.catalog import load_network
from neuroeq.errors import NeuroeqWarning
from neuroeq.runs.checking import check_network
from neuroeq.runs.training import train

SAMPLES = 64
"""The number of examples with a gradient in an update; all examples of a truth table."""
QUICK = ("and-rate", "xor-resistive")
"""The promises that are held in every run of the tests."""
LONG = ("mnist_", "digits_", "moons", "and", "or", "nand", "nor", "xnor", "not", "id")
"""How the names of networks begin that take long, and of gates whose settings are those of xor: `-m slow`."""


def promises():
    for name in catalog.names("network"):
        for promise in load_network(name).expected:
            if promise.cosine is None:
                continue
            label = "-".join([name, promise.substrate, *filter(None, [promise.hardware]), *promise.settings])
            long = name.startswith(LONG) or promise.settings or promise.hardware not in (None, "ideal")
            mark = pytest.mark.slow if long else pytest.mark.reproduction
            yield pytest.param(name, promise, id=label, marks=[] if label in QUICK else [mark])


@pytest.mark.parametrize(("name", "promise"), promises())
def test_no_warning_a_stable_beta_and_the_promised_cosine(name, promise, tmp_path, request):
    if name.startswith("mnist_"):
        request.getfixturevalue("mnist")
    target = "auto" if name.startswith(("digits", "mnist", "moons")) else "numpy"
    options = {"hardware": promise.hardware, "settings": promise.settings, "target": target}
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroeqWarning)
        run = train(name, promise.substrate, seed=0, out=tmp_path / "run", **options)
    start = check_network(name, promise.substrate, seed=0, samples=SAMPLES, **options)
    end = check_network(run.path, samples=SAMPLES, target=target)
    for report in (start, end):
        assert report.variant == "positive" or report.beta < report.margin
        assert report.cosine >= promise.cosine
    assert run.result["learned"]
    assert run.test_error <= promise.test_error + promise.tolerance
