"""Images are moved and mirrored by draws that depend on the image and the epoch alone."""

import numpy as np
import pytest

from neuroeq.data import Epoch, examples_of, from_arrays, load
from neuroeq.data.augmentation import Augmentation
from neuroeq.describe.spec.data import Augment
from neuroeq.errors import DataError
from neuroeq.randomness import Streams
from tests.data.test_data import net_of

N, SHAPE, D = 600, (2, 4, 3), 24
RNG = np.random.default_rng(0)
BYTES = RNG.integers(1, 256, (N, *SHAPE)).astype(np.uint8)
LABELS = np.arange(N) % 2


def net(**data):
    return net_of("own", D, 2, **data)


def epoch(number=0, seed=0, **data):
    """Return an epoch of all images, which are stored as bytes."""
    description = net(**data)
    examples = examples_of(description, from_arrays((BYTES, LABELS, BYTES[:5], LABELS[:5])))
    return Epoch(examples, description, Streams(seed), number)


def learned(number=0, seed=0, **data):
    """Return the images of an epoch as bytes, in the order of the training part."""
    one = epoch(number, seed, **data)
    inputs, _, _ = one.batch(0, N)
    images = np.empty((N, *SHAPE))
    images[one.order] = 255 * inputs.reshape(N, *SHAPE)
    return images.round().astype(np.uint8)


def variants(image, crop, flip):
    """Return all that may become of an image, by top, left and whether it is mirrored."""
    _, height, width = SHAPE
    padded = np.pad(image, ((0, 0), (crop, crop), (crop, crop)))
    starts = range(2 * crop + 1)
    cut = {(top, left): padded[:, top : top + height, left : left + width] for top in starts for left in starts}
    found = {(*place, False): each for place, each in cut.items()}
    return found | ({(*place, True): each[:, :, ::-1] for place, each in cut.items()} if flip else {})


@pytest.mark.parametrize(("crop", "flip"), [(1, False), (0, True), (1, True), (2, True)])
def test_images_become_any_of_their_crops_and_mirror_images(crop, flip):
    counts = {}
    for before, after in zip(BYTES, learned(augment={"crop": crop, "flip": flip}), strict=True):
        (place,) = (each for each, image in variants(before, crop, flip).items() if (image == after).all())
        counts[place] = counts.get(place, 0) + 1
    expected = N / ((2 * crop + 1) ** 2 * (1 + flip))
    assert len(counts) == N / expected
    assert np.abs(np.array(list(counts.values())) - expected).max() < 5 * np.sqrt(expected)


def test_the_order_of_examples_is_the_same_with_and_without():
    plain, changed = epoch(3), epoch(3, augment={"crop": 1, "flip": True})
    assert (plain.order == changed.order).all()
    assert (plain.batch(0, N)[1] == changed.batch(0, N)[1]).all()


def test_mirroring_shifts_no_draw_of_crops():
    cropped, both = (learned(augment={"crop": 1, **more}) for more in ({}, {"flip": True}))
    mirrored = (both != cropped).any(axis=(1, 2, 3))
    assert 0.4 * N < mirrored.sum() < 0.6 * N
    assert (both[mirrored] == cropped[mirrored][..., ::-1]).all()


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_image_is_the_same_whatever_is_taken_with_it(size):
    one = epoch(1, augment={"crop": 1, "flip": True})
    parts = [one.batch(start, start + size) for start in range(0, N, size)]
    for index, whole in enumerate(one.batch(0, N)):
        assert (np.concatenate([part[index] for part in parts]) == whole).all()


def test_epochs_and_seeds_differ_and_repeat():
    augment = {"crop": 1, "flip": True}
    first, again = learned(augment=augment), learned(augment=augment)
    assert (first == again).all()
    for other in (learned(1, augment=augment), learned(seed=1, augment=augment)):
        assert (first != other).any(axis=(1, 2, 3)).mean() > 0.8


def test_what_is_padded_is_what_a_stored_0_becomes():
    x = BYTES.copy()
    x[0, :, 0, 0] = 0
    description = net(normalise="channel", offset=0.1, scale=2.0, augment={"crop": 2})
    examples = examples_of(description, from_arrays((x, LABELS, x[:1], LABELS[:1])))
    zero = examples.test.take(slice(0, 1))[0].reshape(SHAPE)[:, 0, 0]
    found, _, _ = Epoch(examples, description, Streams(0), 0).batch(0, N)
    lowest = found.reshape(N, *SHAPE).min(axis=(0, 2, 3))
    assert (lowest == zero).all() and (zero < -1).all()
    assert ((found.reshape(N, *SHAPE) == zero[:, None, None]).mean(axis=(0, 2, 3)) > 0.1).all()


@pytest.mark.parametrize("crop", [0, 1])
def test_what_is_stored_stays(crop):
    stored = BYTES.reshape(N, D).copy()
    moved = Augmentation(Augment(crop=crop, flip=True), SHAPE, N, Streams(0), 0).of(stored, slice(None))
    assert (stored == BYTES.reshape(N, D)).all() and (moved != stored).any()


def test_only_training_images_are_changed():
    description = net(protocol="holdout", augment={"crop": 1, "flip": True})
    plain, changed = (
        examples_of(each, from_arrays((BYTES, LABELS, BYTES[:5], LABELS[:5])))
        for each in (net(protocol="holdout"), description)
    )
    Epoch(changed, description, Streams(0), 0).batch(0, N)
    for part in ("train", "validation", "test"):
        one, two = (getattr(each, part).take(slice(None))[0] for each in (plain, changed))
        assert (one == two).all()


def test_images_that_change_have_no_last_state_to_start_from():
    for augment in ({"flip": True}, {"crop": 1}):
        described = net(augment=augment)
        described = described.model_copy(update={"phases": described.phases.model_copy(update={"persistent": True})})
        with pytest.raises(DataError, match=r"phases.persistent is true with data.augment, .* leave one of them out"):
            examples_of(described, from_arrays((BYTES, LABELS)))


def test_tables_have_nothing_to_move_and_small_images_no_room():
    with pytest.raises(DataError, match=r"data.augment is given, and data set 'iris' is a table without channels"):
        load(net_of("iris", 4, 3, augment={"flip": True}))
    with pytest.raises(DataError, match=r"crop is 3, and images of data set 'own' are 4 x 3; expected at most 2"):
        epoch(augment={"crop": 3})
