"""Every shipped network reaches what its file promises."""

import statistics

import pytest

from neuroeq.describe import catalog
from neuroeq.describe.catalog import load_network
from neuroeq.runs.training import train
from tests.reproductions.test_within_check import promises

PROMISES = [
    pytest.param(
        name, promise, id="-".join([name, promise.substrate, *filter(None, [promise.hardware]), *promise.settings])
    )
    for name in catalog.names("network")
    for promise in load_network(name).expected
]


CHECKED = {each.id for each in promises() if pytest.mark.slow not in each.marks}
"""Promises that `test_within_check` holds."""
GATES = ("and", "xnor", "or", "nor", "nand", "not", "id", "deep_and", "deep_or", "deep_not", "deep_id")
"""Truth tables for which `xor` and `deep_xor` stand."""
LONG = (
    "mnist_",
    "digits_deep",
    "digits_conv-spiking",
    "digits_corrected",
    "digits-spiking-substrate.spiking.neuron=lif_hard",
    "digits-crossbar-",
    "digits-resistive-1n4148",
    "digits-resistive-ecram_mo",
    "digits-oscillator",
)
"""How the names of promises begin that take long.

One technology stands for all crossbars, one for circuits of resistors, `xor` for oscillators, and the script of its
paper for the corrected nudge.
"""
QUICK = [
    each
    for each in PROMISES
    if each.id not in CHECKED
    and each.values[0] not in GATES
    and (each.id == "digits-crossbar-pcm" or not each.id.startswith(LONG))
]


@pytest.mark.reproduction
@pytest.mark.parametrize(("name", "promise"), QUICK)
def test_seed_0_reaches_what_the_file_promises(name, promise):
    target = "auto" if name.startswith(("digits", "moons")) else "numpy"
    run = train(name, promise.substrate, seed=0, hardware=promise.hardware, settings=promise.settings, target=target)
    assert run.test_error <= promise.test_error + promise.tolerance


@pytest.mark.slow
@pytest.mark.parametrize(("name", "promise"), PROMISES)
def test_median_over_seeds_is_what_the_file_promises(name, promise, request):
    if name.startswith("mnist_"):
        request.getfixturevalue("mnist")
    errors = [
        train(
            name, promise.substrate, seed=seed, hardware=promise.hardware, settings=promise.settings, target="auto"
        ).test_error
        for seed in promise.seeds
    ]
    assert abs(statistics.median(errors) - promise.test_error) <= promise.tolerance, errors


def test_every_network_promises_something_on_every_substrate():
    """But that of CIFAR-10, which nobody has trained to its end, and those of values, which have no error rates."""
    for name in set(catalog.names("network")) - {"cifar10_conv"}:
        network = load_network(name)
        if network.data.targets == "values":
            continue
        assert {promise.substrate for promise in network.expected} >= set(network.substrate), name
