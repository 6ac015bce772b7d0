"""Parts of a data set are what the protocol says, whole and apart; files that are wrong say so."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.data.coding import predictions, targets
from neuroeq.data.sources import GATES
from neuroeq.errors import DataError, UnknownNameError
from tests.nets import network


def net_of(name, n_inputs, n_outputs, **data):
    return network("rate", n_inputs, 4, n_outputs, data={"name": name, "protocol": "final", **data})


def keys(part):
    return [] if part is None else [row.tobytes() for row in np.asarray(part.take(slice(None))[0]).round(9)]


@pytest.mark.parametrize("gate", GATES)
def test_truth_tables_are_learned_and_tested_whole(gate):
    table, labels = GATES[gate]
    examples = load(net_of(gate, table.shape[1], 2, protocol="whole"))
    assert len(examples.train) == len(examples.test) == len(labels)
    assert examples.validation is None
    assert tuple(examples.train.labels) == labels


def test_gates_are_what_their_names_say():
    for name, function in {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "xor": lambda a, b: a ^ b,
        "nand": lambda a, b: 1 - (a & b),
        "nor": lambda a, b: 1 - (a | b),
        "xnor": lambda a, b: 1 - (a ^ b),
    }.items():
        table, labels = GATES[name]
        assert [function(*row) for row in table.astype(int)] == list(labels)


@pytest.mark.parametrize(
    ("name", "n", "shape"), [("digits", 1797, (64, 10)), ("iris", 150, (4, 3)), ("moons", 400, (2, 2))]
)
def test_parts_are_disjoint_stratified_and_complete(name, n, shape):
    examples = load(net_of(name, *shape, protocol="holdout"))
    parts = [examples.train, examples.validation, examples.test]
    assert sum(map(len, parts)) == n
    assert abs(len(examples.test) - 0.2 * n) <= 1 and abs(len(examples.validation) - 0.15 * n) <= 1
    if name != "iris":  # which holds an example twice
        assert len({key for part in parts for key in keys(part)}) == n
    shares = [np.bincount(part.labels, minlength=shape[1]) / len(part) for part in parts]
    assert np.abs(np.diff(shares, axis=0)).max() < 0.04
    inputs, _ = examples.train.take(slice(None))
    assert inputs.min() == 0 and inputs.max() == 1


def test_what_a_final_run_trains_on_has_no_part_for_validation():
    few = load(net_of("digits", 64, 10, validation=10_000))
    assert len(few.train) == 1437 and few.validation is None


def test_protocols_differ_in_what_they_let_a_run_see():
    select, final, holdout = (load(net_of("digits", 64, 10, protocol=p)) for p in ("select", "final", "holdout"))
    assert select.test is None and final.validation is None
    assert keys(final.test) == keys(holdout.test)
    assert set(keys(final.train)) == set(keys(holdout.train)) | set(keys(holdout.validation))
    assert keys(select.train) == keys(holdout.train) and keys(select.validation) == keys(holdout.validation)


def test_the_split_belongs_to_its_seed():
    one, same, other = (load(net_of("digits", 64, 10, split_seed=seed)) for seed in (0, 0, 1))
    assert keys(one.test) == keys(same.test) != keys(other.test)


def test_scaling_comes_from_the_training_part_only():
    inputs, _ = load(net_of("iris", 4, 3, protocol="holdout", split_seed=3)).test.take(slice(None))
    ranges = inputs.max(axis=0) - inputs.min(axis=0)
    assert not np.allclose(ranges, 1)


def test_a_share_may_be_a_number_of_examples():
    examples = load(net_of("digits", 64, 10, protocol="holdout", test=300, validation=100))
    assert (len(examples.train), len(examples.validation), len(examples.test)) == (1397, 100, 300)


@pytest.mark.parametrize(("name", "shape"), [("digits", (64, 10)), ("iris", (4, 3))])
def test_inputs_may_be_shifted_and_scaled(name, shape):
    plain, changed = (load(net_of(name, *shape, **more)) for more in ({}, {"offset": 0.2, "scale": 3.0}))
    for part in ("train", "test"):
        before, after = (getattr(examples, part).take(slice(None))[0] for examples in (plain, changed))
        np.testing.assert_allclose(after, 3 * (before - 0.2), rtol=0, atol=1e-12)


def test_a_limit_takes_some_training_examples():
    assert len(load(net_of("digits", 64, 10, limit=100)).train) == 100


def test_targets_and_predictions_are_inverse():
    labels = np.array([2, 0, 1])
    assert (predictions(targets(labels, 3, "one_hot"), "one_hot") == labels).all()
    assert (predictions(targets(labels[1:], 2, "scalar"), "scalar") == labels[1:]).all()


def write_idx(path, array, compress=False):
    raw = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if compress else raw)


def write_folder(folder, compress=False, n=(40, 20)):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    end = ".gz" if compress else ""
    for part, size in zip(("train", "t10k"), n, strict=True):
        write_idx(folder / f"{part}-images-idx3-ubyte{end}", rng.integers(0, 256, (size, 3, 2)), compress)
        write_idx(folder / f"{part}-labels-idx1-ubyte{end}", np.arange(size) % 4, compress)


@pytest.mark.parametrize("compress", [False, True])
def test_a_folder_of_idx_files_is_a_data_set_by_its_name(tmp_path, monkeypatch, compress):
    write_folder(tmp_path / "data" / "mine", compress)
    net = net_of("mine", 6, 4, protocol="final")
    examples = load(net, tmp_path / "data")
    assert (len(examples.train), len(examples.test)) == (40, 20)
    inputs, labels = examples.test.take(slice(0, 5))
    assert inputs.shape == (5, 6) and 0.5 < inputs.max() <= 1 and list(labels) == [0, 1, 2, 3, 0]
    assert examples.train.inputs.dtype == np.uint8, "bytes stay bytes"
    on_disk = isinstance(examples.train.inputs, np.memmap)
    assert on_disk is not compress, "and, where they are not compressed, on disk"
    monkeypatch.setenv("NEUROEQ_DATA", str(tmp_path / "data"))
    assert keys(load(net).test) == keys(examples.test)


def test_a_missing_data_set_says_which_files_go_where(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROEQ_DATA", raising=False)
    with pytest.raises(
        DataError, match=r"data set 'mnist' needs files: put train-images-idx3-ubyte.*--data-dir or NEUROEQ_DATA"
    ):
        load(net_of("mnist", 784, 10))
    with pytest.raises(UnknownNameError, match=r"no data set 'digitz'; did you mean 'digits'\?"):
        load(net_of("digitz", 64, 10))
    (tmp_path / "mnist").mkdir()
    with pytest.raises(DataError, match=r"'train-images-idx3-ubyte' is missing; expected the files"):
        load(net_of("mnist", 784, 10), tmp_path)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda raw: raw[:-7], r"holds \d+ bytes for the shape \(40, 3, 2\); the file is cut short"),
        (lambda raw: b"PNG" + raw, r"starts with .*; expected an idx file of unsigned bytes"),
        (lambda raw: b"", r"cannot be read|expected an idx file"),
        (lambda raw: raw[:8], r"ends after 8 bytes, within its header; the file is cut short"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, match):
    write_folder(tmp_path / "mine")
    path = tmp_path / "mine" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=match):
        load(net_of("mine", 6, 4), tmp_path)


@pytest.mark.parametrize("at", [10, 20, -4])
def test_a_damaged_gzip_file_is_refused(tmp_path, at):
    write_folder(tmp_path / "mine", compress=True)
    path = tmp_path / "mine" / "train-images-idx3-ubyte.gz"
    raw = bytearray(path.read_bytes())
    raw[at] ^= 255
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"cannot be read|cut short|expected an idx file"):
        load(net_of("mine", 6, 4), tmp_path)


def test_images_without_labels_are_refused(tmp_path):
    write_folder(tmp_path / "mine")
    write_idx(tmp_path / "mine" / "train-labels-idx1-ubyte", np.zeros(39))
    with pytest.raises(DataError, match=r"train has 40 images and 39 labels"):
        load(net_of("mine", 6, 4), tmp_path)


def test_a_users_arrays_are_a_data_set(tmp_path):
    rng = np.random.default_rng(0)
    np.savez("mine.npz", inputs=rng.random((60, 3)), labels=np.arange(60) % 2)
    examples = load(net_of("mine.npz", 3, 2))
    assert (len(examples.train), len(examples.test)) == (48, 12)


HALF = np.arange(20) % 2
GOOD = {"inputs": np.ones((20, 3)), "labels": HALF}


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"inputs": np.full((20, 3), np.nan), "labels": np.arange(20) % 2}, r"20 of 20 examples hold NaN or infinity"),
        ({"inputs": np.ones((20, 3))}, r"holds the arrays inputs; expected inputs and labels"),
        (
            {"inputs": np.ones((20, 3)), "labels": np.zeros(19, int)},
            r"labels int64 of shape \(19,\)",
        ),
        (
            {"inputs": np.ones((20, 3)), "labels": np.full(20, 0.5)},
            r"labels are float64 of shape \(20,\); expected integers or texts",
        ),
        ({"inputs": np.ones((20, 3)), "labels": np.arange(20)}, r"cannot be split|output.size is 2; expected 20"),
        ({"inputs": np.ones((0, 3)), "labels": np.zeros(0, int)}, r"inputs are float64 of shape \(0, 3\)"),
        ({"inputs": np.ones((20, 3)) * 1j, "labels": HALF}, r"inputs are complex128 .* expected real numbers"),
        ({"inputs": np.full((20, 3), "a"), "labels": HALF}, r"inputs are <U1 .* expected real numbers"),
        (
            {**GOOD, "test_inputs": np.ones((4, 3)), "test_labels": np.array([0, 1, 3, 0])},
            r"label 3 of example 2 of the test part is no class of the training part, which has 0, 1",
        ),
        ({**GOOD, "test_inputs": np.ones((4, 5)), "test_labels": HALF[:4]}, r"shape \(n, 3\) and test_inputs \(n, 5\)"),
        ({**GOOD, "test_inputs": np.full((4, 3), np.inf), "test_labels": HALF[:4]}, r"4 of 4 test examples hold NaN"),
        (
            {**GOOD, "test_inputs": np.ones((0, 3)), "test_labels": HALF[:0]},
            r"test_inputs are float64 of shape \(0, 3\)",
        ),
        ({**GOOD, "test_inputs": np.ones((4, 3))}, r"and test_inputs and test_labels or neither"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(arrays, match):
    np.savez("mine.npz", **arrays)
    with pytest.raises(DataError, match=match):
        load(net_of("mine.npz", 3, 2))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + bytes(30)])
def test_a_file_that_is_no_archive_says_what_is(tmp_path, content):
    Path("mine.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"mine.npz: cannot be read \(it is .*np.savez\('mine.npz', inputs=X"):
        load(net_of("mine.npz", 3, 2))


@pytest.mark.parametrize("name", ["mine.npy", "mine.txt"])
def test_a_file_of_another_format_is_told_where_own_examples_go(tmp_path, name):
    Path(name).write_text("0,1,0\n")
    with pytest.raises(
        DataError, match=rf"'{name}' is a file, but no npz or csv file; own examples go into an npz file"
    ):
        load(net_of(name, 3, 2))


def test_a_missing_npz_file_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"'mine.npz' is not there \(looked in '.', '.*data'\); name its folder"):
        load(net_of("mine.npz", 3, 2), tmp_path / "data")


def test_bytes_in_an_npz_file_are_scaled_as_those_of_idx_files_are():
    raw = np.random.default_rng(0).integers(0, 256, (20, 3)).astype(np.uint8)
    for inputs, factor in ((raw, 1 / 255), (raw / 255, 1.0), ((raw > 99).astype(np.uint8), 1.0)):
        np.savez("mine.npz", inputs=inputs, labels=HALF, test_inputs=inputs, test_labels=HALF)
        examples = load(net_of("mine.npz", 3, 2))
        for part in (examples.train, examples.test):
            np.testing.assert_allclose(part.take(slice(None))[0], inputs * factor, rtol=1e-12)


@pytest.mark.parametrize(("factor", "scale", "warned"), [(255, 1.0, True), (255, 1 / 255, False), (1, 1.0, False)])
def test_other_numbers_that_are_not_scaled_are_warned_of(factor, scale, warned, recwarn):
    """With a value of data.scale that mends it."""
    np.savez("mine.npz", inputs=np.full((20, 3), float(factor)), labels=HALF)
    load(net_of("mine.npz", 3, 2, scale=scale))
    said = [str(each.message) for each in recwarn if "inputs reach" in str(each.message)]
    assert len(said) == warned
    assert (
        not warned
        or "inputs reach 255, and networks are made for inputs of about 0 to 1; set data.scale to 0.00392" in said[0]
    )


def test_integers_that_look_like_pixels_are_refused_until_they_are_scaled():
    np.savez("mine.npz", inputs=np.full((20, 3), 255), labels=HALF)
    with pytest.raises(DataError, match=r"inputs are int64 up to 255, .* unsigned bytes .* set data.scale to 0.00392"):
        load(net_of("mine.npz", 3, 2))
    load(net_of("mine.npz", 3, 2, scale=1 / 255))


def test_layers_must_have_the_size_of_the_data():
    with pytest.raises(DataError, match=r"layers.input.size is 63; expected 64 for data set 'digits'"):
        load(net_of("digits", 63, 10))
    with pytest.raises(DataError, match=r"layers.output.size is 9; expected 10 .*one_hot targets"):
        load(net_of("digits", 64, 9))
    with pytest.raises(DataError, match=r"data.targets is 'scalar', but 'digits' has 10 classes"):
        load(net_of("digits", 64, 1, targets="scalar"))
    assert load(net_of("xor", 2, 1, targets="scalar", protocol="whole")).coding.names == (0, 1)


@pytest.mark.skipif(
    not (Path(os.environ.get("NEUROEQ_DATA", "/nowhere")) / "mnist").is_dir(),
    reason="MNIST is not here: put its four idx files into $NEUROEQ_DATA/mnist",
)
def test_mnist_is_mnist():
    examples = load(net_of("mnist", 784, 10, protocol="holdout", validation=1 / 6))
    assert (len(examples.train), len(examples.validation), len(examples.test)) == (50000, 10000, 10000)
    inputs, _ = examples.train.take(slice(0, 5000))
    assert inputs.mean() == pytest.approx(0.1307, abs=2e-3) and inputs.std() == pytest.approx(0.3081, abs=2e-3)
