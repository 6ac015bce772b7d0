"""CIFAR-10's binary version is read as it is published; the files here are small ones in its format."""

import numpy as np
import pytest

from neuroeq.data import load
from neuroeq.data.cifar import FILES, INNER, TEST, TRAIN
from neuroeq.errors import DataError, UnknownNameError
from tests.data.test_data import keys, net_of, write_folder
from tests.data.test_images import with_shape

N = 20
NAMES = (*TRAIN, TEST)


def write_cifar(folder, seed=0):
    """Write six files of 20 images each, two of every class, and return their images (n, 3, 32, 32) and labels."""
    folder.mkdir(parents=True)
    rng, found = np.random.default_rng(seed), {}
    for name in NAMES:
        labels = rng.permutation(np.arange(N) % 10)
        pixels = rng.integers(0, 256, (N, 3, 32, 32)).astype(np.uint8)
        records = [bytes([label]) + image.tobytes() for label, image in zip(labels, pixels, strict=True)]
        (folder / name).write_bytes(b"".join(records))
        found[name] = pixels, labels
    return found


@pytest.mark.parametrize("inner", [".", INNER])
def test_a_folder_of_published_files_is_a_data_set_by_its_name(tmp_path, inner):
    written = write_cifar(tmp_path / "small" / inner)
    examples = load(with_shape("small", (3, 32, 32), 10), tmp_path)
    assert examples.shape == (3, 32, 32) and (len(examples.train), len(examples.test)) == (5 * N, N)
    assert examples.train.inputs.dtype == examples.test.inputs.dtype == np.uint8, "bytes stay bytes"
    for part, names in ((examples.train, TRAIN), (examples.test, (TEST,))):
        inputs, labels = part.take(slice(None))
        pixels = np.concatenate([written[name][0] for name in names])
        assert (labels == np.concatenate([written[name][1] for name in names])).all()
        np.testing.assert_allclose(inputs.reshape(-1, 3, 32, 32), pixels / 255, rtol=1e-15)


def test_only_its_training_files_are_split(tmp_path):
    write_cifar(tmp_path / "small")
    net = net_of("small", 3072, 10, protocol="holdout", validation=0.2)
    examples = load(net, tmp_path)
    assert [len(part) for part in (examples.train, examples.validation, examples.test)] == [4 * N, N, N]
    assert not set(keys(examples.test)) & set(keys(examples.train) + keys(examples.validation))


def written(folder, change):
    """Write the files, and change the content of one of them."""
    write_cifar(folder)
    path = folder / TRAIN[2]
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda raw: raw[:-2], r"data_batch_3.bin: holds 61458 bytes; expected 3073 for each image; the file is cut"),
        (lambda raw: b"", r"data_batch_3.bin: holds 0 bytes; expected 3073 for each image"),
        (lambda raw: raw[:3073] + b"\x0a" + raw[3074:], r"image 1 has the label 10; expected 0 to 9"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, match):
    written(tmp_path / "small", change)
    with pytest.raises(DataError, match=match):
        load(net_of("small", 3072, 10), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(tmp_path, name):
    write_cifar(tmp_path / "small")
    (tmp_path / "small" / name).unlink()
    with pytest.raises(DataError, match=rf"small: '{name}' is missing; expected the files {FILES}\."):
        load(net_of("small", 3072, 10), tmp_path)


def test_who_has_no_files_is_told_where_they_go(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROEQ_DATA", raising=False)
    net = net_of("cifar10", 3072, 10)
    with pytest.raises(DataError, match=rf"'cifar10' needs files: put {FILES} of CIFAR-10's binary version into a fol"):
        load(net)
    with pytest.raises(
        UnknownNameError, match=rf"or put {FILES} of CIFAR-10's binary version into a folder 'cifar10' there"
    ):
        load(net, tmp_path)
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(DataError, match=r"expected the files train-images.* or those of CIFAR-10's binary version"):
        load(net, tmp_path)


def test_a_folder_of_that_name_may_have_idx_files(tmp_path):
    write_folder(tmp_path / "cifar10")
    assert load(net_of("cifar10", 6, 4), tmp_path).shape == (1, 3, 2)
