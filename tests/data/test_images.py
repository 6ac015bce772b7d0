"""Images keep their shape: channels, height and width, whatever file they are in."""

import os
from pathlib import Path

import numpy as np
import pytest

from neuroeq.data import from_arrays, load, source_bytes
from neuroeq.data.arrays import read_npz
from neuroeq.errors import DataError
from neuroeq.runs.training import train
from tests.data.test_data import net_of, write_folder

HALF = np.arange(20) % 2


def with_shape(name, shape, n_outputs, **data):
    """Return a network whose input layer has a shape."""
    net = net_of(name, int(np.prod(shape)), n_outputs, **data)
    layers = {**net.layers, "input": net.layers["input"].model_copy(update={"shape": tuple(shape)})}
    return net.model_copy(update={"layers": layers})


def images(*shape, n=20, seed=0):
    return np.random.default_rng(seed).random((n, *shape))


@pytest.mark.parametrize(("stored", "shape"), [((4, 5), (1, 4, 5)), ((3, 4, 5), (3, 4, 5)), ((6,), None)])
def test_arrays_of_three_or_four_dimensions_are_images(stored, shape):
    x = images(*stored)
    np.savez("mine.npz", inputs=x, labels=HALF, test_inputs=x[:4], test_labels=HALF[:4])
    d = int(np.prod(stored))
    examples = load(net_of("mine.npz", d, 2))
    assert examples.shape == shape
    assert (examples.train.take(slice(None))[0] == x.reshape(20, d)).all()
    assert (examples.test.take(slice(None))[0] == x[:4].reshape(4, d)).all()


def test_digits_and_idx_images_have_one_channel_and_tables_have_no_shape(tmp_path):
    write_folder(tmp_path / "mine")
    assert load(net_of("mine", 6, 4), tmp_path).shape == (1, 3, 2)
    assert load(with_shape("digits", (1, 8, 8), 10)).shape == (1, 8, 8)
    assert load(net_of("iris", 4, 3)).shape is load(net_of("moons", 2, 2)).shape is None


def test_own_images_are_kept_with_their_shape():
    source = from_arrays((images(3, 4, 5), HALF, images(3, 4, 5, seed=1), HALF))
    Path("kept.npz").write_bytes(source_bytes(source))
    kept = read_npz(Path("kept.npz"))
    assert kept.shape == source.shape == (3, 4, 5)
    assert (kept.inputs == source.inputs).all() and (kept.test_inputs == source.test_inputs).all()


@pytest.mark.parametrize("stored", [(2, 3, 4, 5), ()])
def test_arrays_of_other_dimensions_are_refused(stored):
    with pytest.raises(DataError, match=r"expected real numbers of shape \(n, d\), \(n, height, width\) or \(n, chann"):
        from_arrays((images(*stored), HALF))


def test_test_images_have_the_shape_of_the_training_images():
    with pytest.raises(DataError, match=r"inputs have the shape \(n, 2, 6\) and test_inputs \(n, 3, 4\)"):
        from_arrays((images(2, 6), HALF, images(3, 4), HALF))


def test_an_input_layer_with_a_shape_has_that_of_the_images():
    with pytest.raises(DataError, match=r"layers.input.shape is \[1, 4, 16\]; expected shape = \[1, 8, 8\] for the im"):
        load(with_shape("digits", (1, 4, 16), 10))
    with pytest.raises(DataError, match=r"shape is \[1, 2, 2\]; expected size = 4 and no shape for data set 'iris', a"):
        load(with_shape("iris", (1, 2, 2), 3))
    np.savez("mine.npz", inputs=images(6), labels=HALF)
    with pytest.raises(DataError, match=r"a table of features without places, or inputs \(n, 1, 2, 3\) in the file"):
        load(with_shape("mine.npz", (1, 2, 3), 2))


@pytest.mark.skipif(
    not (Path(os.environ.get("NEUROEQ_DATA", "/nowhere")) / "mnist").is_dir(),
    reason="MNIST is not here: put its four idx files into $NEUROEQ_DATA/mnist",
)
def test_mnist_has_images():
    assert load(with_shape("mnist", (1, 28, 28), 10)).shape == (1, 28, 28)


def test_a_run_on_own_images_predicts_images():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = rng.random((40, 2, 3, 2)) * 0.3 + 0.5 * y[:, None, None, None]
    net = net_of("xor", 12, 2, limit=20)
    run = train(net, data=(x, y), keep=False, epochs=1)
    assert (run.predict(x) == run.predict(x.reshape(40, 12))).all()
