"""Labels of any kind become classes, and are given back; tables of text become examples."""

from pathlib import Path

import numpy as np
import pytest

import neuroeq as ne
from neuroeq.data import examples_of, from_arrays, load
from neuroeq.data.coding import Classes
from neuroeq.errors import DataError, NeuroeqError
from neuroeq.runs.run import load_run
from neuroeq.runs.training import train
from tests.nets import network

HALF = np.arange(20) % 2
X = np.clip(0.25 + 0.5 * HALF[:, None] + 0.1 * np.random.default_rng(0).normal(size=(20, 3)), 0, 1)
NAMES = {
    "from 1": np.array([1, 2]),
    "signed": np.array([-1, 1]),
    "far apart": np.array([7, 1000]),
    "texts": np.array(["iris", "rose"]),
    "truth values": np.array([False, True]),
}


def net_of(name="mine", n_inputs=3, n_outputs=2, **data):
    return network("rate", n_inputs, n_outputs, data={"name": name, "protocol": "final", **data})


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_labels_of_any_kind_train_the_network_that_classes_from_0_do(names):
    plain, named = (examples_of(net_of(), from_arrays((X, labels))) for labels in (HALF, names[HALF]))
    np.testing.assert_array_equal(named.train.labels, plain.train.labels)
    np.testing.assert_array_equal(named.test.take(slice(None))[0], plain.test.take(slice(None))[0])
    assert plain.coding == Classes((0, 1)) and named.coding == Classes(tuple(names.tolist()))


def test_a_run_keeps_the_users_labels_and_predicts_in_them(tmp_path):
    labels = NAMES["texts"][HALF]
    train(net_of(), "rate", data=(X, labels), epochs=30, target="numpy", out=tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert run.classes == run.result["classes"] == ["iris", "rose"] and run.test_error == 0
    np.testing.assert_array_equal(run.predict(X), labels)


def test_a_text_of_pandas_is_a_text():
    source = from_arrays((X, NAMES["texts"][HALF].astype(object)))
    assert source.labels.dtype.kind == "U"


@pytest.mark.parametrize(("names", "silent"), [("from 1", -1), ("signed", -2), ("texts", "")])
def test_outputs_that_name_no_class_are_told_from_every_label(names, silent):
    names = NAMES[names]
    read = Classes(tuple(names.tolist())).read(np.array([[0.2, 0.1], [0.5, 0.5], [0.1, 0.2]]))
    assert read.tolist() == [names[0], silent, names[1]]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("0.5,0.25,1\n0.5,0.75,2\n", {}),
        ("v1,v2,kind\n0.5,0.25,1\n0.5,0.75,2\n", {}),
        ("kind;v1;v2\n1;0.5;0.25\n2;0.5;0.75\n", {"label": "kind"}),
        ("# by hand\n\n5e-1\t0.25\t1.000e+00\n0.5\t0.75\t2.000e+00\n", {}),
        ('"v1", "v2", "kind"\n0.5, 0.25, "1"\n0.5, 0.75, "2"\n', {}),
    ],
    ids=["plain", "header", "named column", "tabs and remarks", "quotes"],
)
def test_the_same_table_in_any_dress_is_the_same_data_set(text, data):
    Path("mine.csv").write_text(text)
    examples = load(net_of("mine.csv", 2, 2, protocol="whole", **data))
    inputs, labels = examples.train.take(slice(None))
    assert inputs.tolist() == [[0.5, 0.25], [0.5, 0.75]]
    assert labels.tolist() == [0, 1] and examples.coding == Classes((1, 2))


def test_a_table_of_words_has_words_as_classes_with_and_without_a_header():
    rows = "0.5,setosa\n0.7,virginica\n"
    for text in (rows, f"width,species\n{rows}"):
        Path("mine.csv").write_text(text)
        assert load(net_of("mine.csv", 1, 2, protocol="whole")).coding == Classes(("setosa", "virginica"))


def test_several_columns_may_hold_values():
    Path("mine.csv").write_text("y1,v,y2\n-1.5,0,3\n2.5,1,5\n")
    examples = load(net_of("mine.csv", 1, 2, protocol="whole", label=["y1", "y2"], targets="values"))
    assert examples.train.labels.tolist() == [[-1.5, 3], [2.5, 5]]


@pytest.mark.parametrize(
    ("text", "data", "match"),
    [
        ("", {}, "has no rows with examples"),
        ("a,b,c\n", {}, "has no rows with examples"),
        ("1\n2\n", {}, "has no column of inputs beside the label"),
        ("1,2,0\n1,0\n", {}, "line 2 has 2 columns; expected 3"),
        ("1,2,0\n# x\n1,two,0\n", {}, "line 3, column 2: 'two' is no number"),
        ("1,2,0\n", {"label": "kind"}, "has no row with names of columns, so there is none named 'kind'"),
        ("v1,v2,kind\n1,2,0\n", {"label": "kid"}, "no column 'kid'; did you mean 'kind'"),
        ("1,2,0.5\n3,4,1.5\n", {}, "labels are float64 .* data.targets = 'values'"),
        ("1,2,x\n", {"targets": "values"}, r"labels are <U1 .* expected real values"),
        ("1,inf,0\n", {}, "1 of 1 examples hold NaN or infinity"),
        ("1,2,nan\n", {"targets": "values"}, "labels hold NaN or infinity"),
        ('1,2,"a\nb"\n', {}, "quoted text of several lines"),
    ],
)
def test_a_table_that_is_no_data_set_is_refused_in_a_sentence(text, data, match):
    Path("mine.csv").write_text(text)
    with pytest.raises(NeuroeqError, match=match) as told:
        load(net_of("mine.csv", 2, 2, protocol="whole", **data))
    assert str(told.value).count("\n") == 0


def test_a_table_in_another_encoding_is_refused():
    Path("mine.csv").write_bytes("1,2,é\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"mine.csv: cannot be read .*; expected a table in UTF-8"):
        load(net_of("mine.csv", 2, 2))


@pytest.mark.parametrize("settings", [["data.scale=0.5", "data.offset=0.1"], ["data.noise=0.3"]])
def test_examples_of_a_network_are_data_of_another_scaled_once(settings, tmp_path):
    net = network("rate", 2, 4, 2, data={"name": "moons"})
    examples = load(ne.changed(net, *settings))
    run = train(ne.changed(net, *settings), data=examples, epochs=1, out=tmp_path / "run", target="numpy")
    again = load(run.network)
    parts = [part for part in (examples.train, examples.validation) if part is not None]
    sorted_rows = [
        np.sort(np.concatenate([p.take(slice(None))[0] for p in each]), axis=0)
        for each in (parts, [p for p in (again.train, again.validation) if p is not None])
    ]
    np.testing.assert_array_equal(*sorted_rows)
    if examples.test is not None:
        np.testing.assert_array_equal(again.test.take(slice(None))[0], examples.test.take(slice(None))[0])


@pytest.mark.parametrize("names", [("ham", "spam"), (-1, 1)])
def test_arrays_of_examples_have_the_users_labels_and_the_shape_of_images(names):
    images, labels = np.random.default_rng(0).random((20, 3, 4)), np.array(names)[np.arange(20) % 2]
    examples = examples_of(network("rate", 12, 4, 2, data={"protocol": "final"}), from_arrays((images, labels)))
    inputs, own, tests, of_tests = examples.arrays()
    assert inputs.shape[1:] == tests.shape[1:] == (1, 3, 4) and len(inputs) + len(tests) == 20
    for image, label in zip([*inputs, *tests], [*own, *of_tests], strict=True):
        (row,) = np.flatnonzero((images == image[0]).all(axis=(1, 2)))
        assert labels[row] == label
