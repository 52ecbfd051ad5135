"""The distortions that bend and cut images out; those that move them are in test_training.py."""

import itertools

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from pipeline.core.augmentation import Augmentation, affine, cut_out, distorted, elastic, random_transforms
from pipeline.core.training import learning_rate_schedule, make_loss, make_optimizer, targets, training_batches
from pipeline.stages.train.averaging import AverageWeights, growing_window

SEED = (5, 17)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """(4, 12, 10, 2): random numbers."""
    return np.random.default_rng(3).normal(0, 1, (4, 12, 10, 2)).astype(np.float32)


def way(count: int, height: int, width: int, amount: float, smoothness: float) -> np.ndarray:
    """Where each pixel comes from, minus where it is, (count, 2, height, width): the same numbers, blurred here."""
    reach = int(np.ceil(3 * smoothness))
    shape = (count, 2, height + 2 * reach, width + 2 * reach)
    noise = tf.random.stateless_normal(shape, SEED).numpy().astype(np.float64)
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / smoothness) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    for axis in (2, 3):
        noise = np.apply_along_axis(np.convolve, axis, noise, kernel, "valid")
    return amount * noise


def bilinear(image: np.ndarray, y: float, x: float) -> float:
    """The value between the pixels of (height, width), 0 outside of it."""
    top, left = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            total += (1 - abs(y - row)) * (1 - abs(x - column)) * image[row, column]
    return total


# bending -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_moved", [False, True])
@pytest.mark.parametrize(("amount", "smoothness"), [(0.4, 2.0), (3.0, 1.0), (30.0, 1.5)])
def test_bent_images_are_those_of_an_independent_computation(images, amount, smoothness, is_moved):
    transforms = np.tile(np.float32([1, 0, 0, 0, 1, 0]), (4, 1))
    if is_moved:
        transforms = np.random.default_rng(8).normal(transforms, 0.1).astype(np.float32)
    given = tf.constant(transforms) if is_moved else None
    seed = tf.constant(SEED)
    bent = elastic(tf.constant(images), amount, smoothness=smoothness, transforms=given, seed=seed).numpy()
    ways = way(*images.shape[:3], amount, smoothness)
    for image, field, transform, got in zip(images, ways, transforms.astype(np.float64), bent, strict=True):
        a, b, dx, c, d, dy = transform
        expected = np.zeros_like(image, np.float64)
        for channel in range(2):
            background = image[0, 0, channel]
            for row, column in np.ndindex(12, 10):
                y, x = row + field[0, row, column], column + field[1, row, column]
                place = c * x + d * y + dy, a * x + b * y + dx
                expected[row, column, channel] = bilinear(image[..., channel] - background, *place)
        np.testing.assert_allclose(got, reference.standardize(expected), atol=2e-3)


def test_every_pixel_is_moved_by_the_amount_the_edges_included():
    ramp_y, ramp_x = np.meshgrid(np.arange(40.0), np.arange(40.0), indexing="ij")
    ramps = np.stack([ramp_y, ramp_x], axis=-1)[None].astype(np.float32)
    moved = way(2000, 6, 6, 1.5, 2.0)
    np.testing.assert_allclose(moved.std(axis=0), 1.5, rtol=0.06)
    # what is looked at is where the pixels come from: of two ramps, standardized, up to one scale and one offset
    bent = elastic(tf.constant(ramps), 0.5, smoothness=3.0, transforms=None, seed=tf.constant(SEED)).numpy()[0]
    field = way(1, 40, 40, 0.5, 3.0)[0]
    inside = slice(4, -4)
    for channel in range(2):
        wanted = (ramps[0, ..., channel] + field[channel])[inside, inside].ravel()
        slope, offset = np.polyfit(wanted, bent[inside, inside, channel].ravel(), 1)
        np.testing.assert_allclose(bent[inside, inside, channel].ravel(), slope * wanted + offset, atol=1e-4)


def test_with_a_smoothness_far_beyond_the_image_all_of_it_moves_alike():
    spot = np.zeros((1, 21, 21, 1), np.float32)
    spot[0, 10, 10] = 1
    field = way(1, 21, 21, 2.0, 60.0)[0]
    assert np.ptp(field, axis=(1, 2)).max() < 1
    bent = elastic(tf.constant(spot), 2.0, smoothness=60.0, transforms=None, seed=tf.constant(SEED)).numpy()[0, ..., 0]
    bent = bent - bent.min()
    centre = [(bent.sum(axis=axis) * np.arange(21)).sum() / bent.sum() for axis in (1, 0)]
    np.testing.assert_allclose(centre, [10 - field[0, 10, 10], 10 - field[1, 10, 10]], atol=0.3)


# a square cut out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, 4, 5])
def test_a_square_by_hand_and_nothing_beside_it(images, side):
    cut = cut_out(tf.constant(images), side, seed=tf.constant(SEED)).numpy()
    draws = tf.random.stateless_uniform((2, 4, 1), SEED).numpy()[..., 0]
    for image, got, y, x in zip(images, cut, *draws, strict=True):
        expected = image.copy()
        top, left = int(y * 12) - side // 2, int(x * 10) - side // 2
        expected[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = image[0, 0]
        np.testing.assert_array_equal(got, expected)


def test_every_pixel_is_cut_about_as_often_as_its_place_allows():
    ones = np.ones((4000, 9, 9, 1), np.float32)
    ones[:, 0, 0] = 0
    cut = 1 - cut_out(tf.constant(ones), 3, seed=tf.constant(SEED)).numpy().mean(axis=0)[..., 0]
    # a pixel is cut if the centre is one of the nine around it, of 81; of six at an edge, of four in a corner
    assert cut[4, 4] == pytest.approx(9 / 81, abs=0.02)
    assert cut[0, 4] == pytest.approx(6 / 81, abs=0.02)
    assert cut[8, 8] == pytest.approx(4 / 81, abs=0.02)


# together ----------------------------------------------------------------------------------------------------------


def test_without_amounts_an_image_stays_as_it_is(images):
    np.testing.assert_array_equal(distorted(tf.constant(images), Augmentation(), seed=tf.constant(SEED)), images)


def test_each_kind_is_drawn_from_numbers_of_its_own(images):
    """What one does to an image does not depend on whether the others are wanted."""
    seed, given = tf.constant(SEED), tf.constant(images)

    def of(kind: int) -> tf.Tensor:
        return tf.random.experimental.stateless_fold_in(seed, kind)

    moves = {"rotation": 20.0, "shift": 1.0, "zoom": 0.0, "shear": 0.0}
    transforms = random_transforms(tf.shape(given), **moves, seed=seed)
    bends = {"smoothness": 2.0, "seed": of(1)}
    np.testing.assert_array_equal(distorted(given, Augmentation(**moves), seed=seed), affine(given, transforms))
    bent = elastic(given, 1.0, transforms=None, **bends)
    amounts = {"elastic": 1.0, "smoothness": 2.0}
    np.testing.assert_array_equal(distorted(given, Augmentation(**amounts), seed=seed), bent)
    both = elastic(given, 1.0, transforms=transforms, **bends)
    all_three = distorted(given, Augmentation(**amounts, **moves, cut_out=3), seed=seed)
    np.testing.assert_array_equal(all_three, cut_out(both, 3, seed=of(2)))


def test_moved_and_bent_by_next_to_nothing_is_moved(images):
    """The two ways to interpolate agree."""
    given, seed = tf.constant(images), tf.constant(SEED)
    transforms = random_transforms(tf.shape(given), rotation=30.0, shift=2.0, zoom=0.2, shear=10.0, seed=seed)
    bent = elastic(given, 1e-6, smoothness=2.0, transforms=transforms, seed=seed)
    np.testing.assert_allclose(bent, affine(given, transforms), atol=1e-4)


KINDS: dict[str, dict[str, float]] = {
    "moved": {"rotation": 5.0, "shift": 1.0},
    "bent": {"elastic": 1.0},
    "cut": {"cut_out": 3},
}


@pytest.mark.parametrize("wanted", [wanted for count in range(4) for wanted in itertools.combinations(KINDS, count)])
def test_batches_have_every_combination_of_distortions(images, wanted):
    """As a training gets them, by a program that does not know how many images a batch has."""
    augmentation = Augmentation(**{name: value for kind in wanted for name, value in KINDS[kind].items()})  # type: ignore[arg-type]
    labels = np.zeros(len(images), np.int64)
    made = training_batches(images, labels, batch_size=len(images), augmentation=augmentation, seed=3)
    batch, _ = next(iter(made))
    order = tf.random.experimental.stateless_shuffle(tf.range(len(images)), np.array([3, -1], np.int64))
    expected = distorted(tf.gather(images, order), augmentation, seed=tf.constant([3, 0], tf.int64))
    np.testing.assert_allclose(batch, expected, atol=1e-5)
    assert made.element_spec[0].shape[1:] == images.shape[1:]


# warm-up, smoothing, averages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.0), (5, 0.01), (10, 0.02), (20, 0.01), (15, 0.01 * (1 + np.sqrt(0.5))), (30, 0.0)]
)
def test_the_learning_rate_grows_and_falls_by_hand(step, expected):
    schedule = learning_rate_schedule("cosine", initial=0.02, rate=0.0, decay_steps=1, total_steps=30, warm_up_steps=10)
    assert float(schedule(step)) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_the_loss_by_hand(smoothing):
    likely = np.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]], np.float32)
    labels = np.array([0, 1])
    wanted = np.full((2, 3), smoothing / 3)
    wanted[[0, 1], labels] += 1 - smoothing
    expected = -(wanted * np.log(likely)).sum(axis=1).mean()
    given = targets(labels, 3, label_smoothing=smoothing)
    loss = keras.losses.get(make_loss(smoothing))
    assert float(np.mean(loss(given, tf.constant(likely)))) == pytest.approx(expected, rel=1e-5)


def test_averages_by_hand_and_in_the_cnn_while_it_is_tested():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[2.0]])
    optimizer = make_optimizer("adamw", 0.1, momentum=0.0, weight_decay=0.0, averaging=0.22)
    model.compile(optimizer=optimizer, loss="mse")
    x, y = np.array([[1.0]], np.float32), np.array([[0.0]], np.float32)
    seen: dict[str, list[float]] = {"train": [], "test": []}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen["train"].append(float(self.model.layers[0].kernel.numpy()[0, 0]))

        def on_test_batch_end(self, batch, logs=None):
            seen["test"].append(float(self.model.layers[0].kernel.numpy()[0, 0]))

    with growing_window(optimizer):
        model.fit(x, y, epochs=4, validation_data=(x, y), callbacks=[Watch(), AverageWeights()], verbose=0)
    average, averages = seen["train"][0], []
    # (1 + t) / (10 + t) until that is more than what was asked for
    for m, weight in zip((0, 2 / 11, 0.22, 0.22), seen["train"], strict=True):
        average = m * average + (1 - m) * weight
        averages.append(average)
    np.testing.assert_allclose(seen["test"], averages, rtol=1e-6)
    # the averages are what is left
    assert float(model.layers[0].kernel.numpy()[0, 0]) == seen["test"][-1]
    assert seen["train"][1] < seen["train"][0] < 2.0
