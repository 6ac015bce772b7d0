"""Networks, runs and comparisons are shown on one screen, and in notebooks with a figure."""

import re
from xml.etree import ElementTree

import pytest

import neuroeq as ne
from neuroeq.errors import SpecError
from neuroeq.runs.comparison import compare
from neuroeq.runs.training import train

GRAPH = {
    "layers": {"input": {"size": 2, "role": "input"}, "output": {"size": 2, "role": "output"}},
    "projections": {"up": {"source": "input", "target": "output", "learning_rate": 0.1}},
    "data": {"name": "xor", "protocol": "whole"},
    "phases": {"beta": 0.2, "free": {"duration": "20 steps"}, "nudged": {"duration": "10 steps"}},
    "training": {"epochs": 2, "batch_size": 4},
    "substrate": {"rate": {"neuron": "hard_sigmoid", "synapse": "rate_derivative"}},
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run = train("iris", "spiking", epochs=2, out=folder / "run")
    both = compare("xor", ["rate", "crossbar:ideal"], epochs=2, out=folder / "both", jobs=1, baseline=False)
    return {"network": ne.load_network("digits"), "resolved": run.network, "run": run, "comparison": both}


@pytest.mark.parametrize("what", ["network", "resolved", "run", "comparison"])
def test_each_is_shown_on_one_screen(shown, what):
    lines = repr(shown[what]).splitlines()
    assert 4 <= len(lines) <= 25 and max(map(len, lines)) <= 160


@pytest.mark.parametrize(("what", "figures"), [("network", 1), ("resolved", 1), ("run", 2), ("comparison", 1)])
def test_a_notebook_shows_the_same_text_and_small_figures(shown, what, figures):
    page = shown[what]._repr_html_()
    tree = ElementTree.fromstring(page.replace("&nbsp;", " "))
    assert "".join(tree.find(".//pre").itertext()) == repr(shown[what])
    assert page.count("<svg ") == figures and len(page) < 400_000


def test_pages_that_stand_below_each_other_share_no_identifiers(shown):
    ids = [re.findall(r'\bid="([^"]+)"', shown["run"]._repr_html_()) for _ in range(2)]
    assert ids[0] and not set(ids[0]) & set(ids[1])


def test_the_screen_of_a_network_names_its_layers_phases_and_models(shown):
    text = repr(shown["network"])
    for words in ("input 64, hidden 256, output 10", "input_hidden →, hidden_output ↔", "beta 0.02", "sigma_delta"):
        assert words in text
    assert str(shown["network"]) == text


def test_the_graph_of_a_network_has_a_box_for_each_layer_and_an_arrow_for_each_projection():
    for name, arrows in (("digits_deep", 4), ("deep_xor", 4)):
        network = ne.load_network(name)
        axes = ne.plots.graph(network)
        boxes = {text.get_text().split("\n")[0] for text in axes.texts if text.get_bbox_patch() is not None}
        assert boxes == set(network.layers)
        drawn = sum(getattr(text, "arrow_patch", None) is not None for text in axes.texts)
        assert drawn == sum(each.source != each.target for each in network.projections.values()) >= arrows


def test_a_network_is_made_in_python_with_the_words_of_a_file():
    network = ne.Network(name="pair", title="Two layers", **GRAPH)
    assert network.model_dump() == ne.network("pair", title="Two layers", **GRAPH).model_dump()
    assert 0 <= ne.train(network, "rate", keep=False).train_error <= 1


def test_a_mistake_in_a_network_that_is_made_in_python_is_one_sentence():
    with pytest.raises(SpecError, match=r"no key 'phases.bta'; did you mean 'phases.beta'"):
        ne.Network(name="pair", title="Two", **{**GRAPH, "phases": {**GRAPH["phases"], "bta": 1}})
    with pytest.raises(SpecError, match=r"^this network: title is missing; it has no default"):
        ne.Network(**GRAPH)
    with pytest.raises(SpecError, match=r"layers.extra has no projection"):
        ne.Network(title="x", **{**GRAPH, "layers": {**GRAPH["layers"], "extra": {"size": 3}}})


def test_a_changed_network_differs_in_that_and_is_checked():
    network = ne.load_network("xor")
    other = network.with_(phases={"beta": 0.3}, training={"epochs": 3, "patience": 2})
    assert (other.phases.beta, other.training.epochs, other.training.patience) == (0.3, 3, 2)
    assert other.phases.free == network.phases.free and other.with_(phases={"beta": network.phases.beta}) != network
    assert network.phases.beta != 0.3 and other.path == network.path
    with pytest.raises(SpecError, match=r"xor.toml: phases.beta is -1; expected greater than 0"):
        network.with_(phases={"beta": -1})
    with pytest.raises(SpecError, match=r"no key 'phase'|phase is"):
        network.with_(phase={"beta": 1})
