"""A convolution that does not fit its layers is refused in one sentence; a summary counts what does."""

import numpy as np
import pytest

from neuroeq.describe.catalog import load_network, resolve
from neuroeq.describe.network import initial_params
from neuroeq.errors import SpecError
from neuroeq.show.summary import summary

BAD = [
    (
        "projections.hidden1_hidden2.kernel=11",
        r"kernel is 11, wider than layer 'hidden1', which has 10 .*expected 10",
    ),
    ("projections.hidden1_hidden2.kernel=4", r"of 7 positions, which do not divide; expected an even number"),
    ("layers.hidden1.shape=[16, 5, 5]", r"leads from \[1, 8, 8\] to \[16, 8, 8\].*expected shape = \[16, 8, 8\]"),
    ("layers.hidden1={size = 16, shape = [16, 4, 4]}", r"size is 16, and shape \[16, 4, 4\] has 256 units; leave size"),
    (
        "projections.hidden2_output={kind = 'conv', kernel = 2}",
        r"layers.output has a size and no shape; expected",
    ),
    ("projections.input_hidden1.pool=max", r"pool is 'max', which switches .*expected 'average' or 'none'"),
    ("projections.hidden2_output.kernel=3", r"kernel is of a convolution, and kind is 'dense'; add kind = 'conv'"),
    ("projections.hidden2_output.kind=conv", r"kind is 'conv' without a kernel; give the width"),
    (
        "projections.hidden1_hidden2.delay=5 ms",
        r"delay is given for a convolution; leave it out, or use",
    ),
    ("projections.hidden1_hidden2.connect={probability = 0.5}", r"connect is given for a convolution"),
    (
        "training.prune={below = 0.01, temperature = 0.1}",
        r"prune removes edges, and projections.input_hidden1 is",
    ),
    (
        "projections.hidden1_hidden2.synapse=tests/files/native_rate.toml",
        r"hidden1_hidden2 is a convolution, and synapse 'native_rate' runs as Brian2 Synapses, .*expected a model with",
    ),
]


@pytest.mark.parametrize(("change", "match"), BAD)
def test_what_does_not_fit_is_one_sentence_that_says_what_does(change, match, request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    with pytest.raises(SpecError, match=match) as caught:
        resolve("digits_conv", "rate", [change])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "on"), [("digits_conv", "rate"), ("mnist_conv", "rate"), ("digits_directed", "rate"), ("xor", "resistive")]
)
def test_a_summary_counts_the_parameters_that_a_run_has(name, on):
    network = resolve(name, on)
    sizes = {key: value.size for key, value in initial_params(network, np.random.default_rng(0)).items()}
    weights = sum(size for key, size in sizes.items() if key in network.projections)
    total = summary(network)[-1].split("  ")
    assert f"{sum(sizes.values()):,} parameters" in summary(network)[-1]
    assert f"{weights:,}" in [each.strip() for each in total]


def test_a_summary_says_what_kernels_do_and_leaves_lateral_pairs_and_missing_edges_uncounted():
    lines = summary(load_network("digits_conv"))
    assert any("32 × 4 × 4" in line and "conv 3 × 3, padding 1, average of 2 × 2" in line for line in lines)
    lateral = ["projections.lateral={source = 'hidden', target = 'hidden', learning_rate = 0.1}"]
    lines = summary(resolve("xor", "rate", [*lateral, "layers.hidden.size=5"]))
    assert any(line.split()[:3] == ["hidden", "dense", "10"] for line in lines), "5 units have 10 pairs"
