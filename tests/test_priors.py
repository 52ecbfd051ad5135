"""What pictures are asked for besides their objective: each term against a computation by hand or in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.core import jitter, priors, spectra
from pipeline.core.variation import mean_magnitudes

SIZE = 8


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(3, SIZE, SIZE, 1)).astype(np.float32)


def test_the_gradient_of_the_total_variation_counts_signs():
    image = np.array([[0.0, 2.0], [0.0, 5.0]], np.float32)[None, ..., None]
    # |2 - 0| + |5 - 0| across, |0 - 0| + |5 - 2| down
    gradient = priors.roughness_gradient(image, {"total_variation": tf.constant(0.5)})[0, ..., 0]
    np.testing.assert_allclose(gradient, 0.5 * np.array([[-1, 1 - 1], [-1, 1 + 1]]))


def test_the_gradient_of_the_squared_differences():
    image = np.array([[0.0, 2.0], [0.0, 5.0]], np.float32)[None, ..., None]
    gradient = priors.roughness_gradient(image, {"l2": tf.constant(0.25)})[0, ..., 0]
    np.testing.assert_allclose(gradient, 0.25 * 2 * np.array([[-2, 2 - 3], [-5, 5 + 3]]))


@pytest.mark.parametrize(
    "weights", [{"total_variation": 0.3}, {"l2": 0.3}, {"total_variation": 0.1, "l2": 0.2}], ids=str
)
def test_the_gradient_of_the_roughness_is_that_of_its_sum(images, weights):
    def roughness(image):
        differences = np.concatenate([np.diff(image, axis=0).ravel(), np.diff(image, axis=1).ravel()])
        powers = {"total_variation": np.abs(differences).sum(), "l2": (differences**2).sum()}
        return sum(weight * powers[name] for name, weight in weights.items())

    gradient = priors.roughness_gradient(images, {name: tf.constant(w) for name, w in weights.items()}).numpy()
    for image, own in zip(images[..., 0].astype(np.float64), gradient[..., 0], strict=True):
        for y, x in [(0, 0), (3, 4), (7, 7), (0, 5)]:
            nudge = np.zeros_like(image)
            nudge[y, x] = 1e-6
            slope = (roughness(image + nudge) - roughness(image - nudge)) / 2e-6
            assert own[y, x] == pytest.approx(slope, abs=1e-4)


def test_frequencies_are_periods_per_picture():
    frequencies = spectra.frequencies((SIZE, SIZE))
    assert frequencies.shape == (8, 5)
    assert (frequencies[0, 0], frequencies[0, 3], frequencies[2, 0]) == (1, 3, 2)
    # the second half of the rows are the negative frequencies
    assert frequencies[7, 0] == 1
    assert frequencies[3, 4] == pytest.approx(5)


@pytest.mark.parametrize("size", [8, 9])
def test_a_wave_is_divided_by_its_frequency_to_the_decay(size):
    y, x = np.mgrid[:size, :size] / size
    slow, fast = np.cos(2 * np.pi * x), np.cos(2 * np.pi * 3 * y + 0.5)
    picture = (1.0 + slow + fast)[None, ..., None].astype(np.float32)
    filtered = spectra.filtered(tf.constant(picture), tf.constant(spectra.frequency_filter((size, size), 2.0)))
    np.testing.assert_allclose(filtered[0, ..., 0], 1.0 + slow + fast / 9, atol=1e-5)


def test_a_picture_with_other_magnitudes_keeps_its_phases(images):
    magnitudes = mean_magnitudes(np.random.default_rng(5).normal(size=(40, SIZE, SIZE, 1)))
    changed = spectra.with_magnitudes(tf.constant(images), tf.constant(magnitudes)).numpy()
    before, after = np.fft.rfft2(images[..., 0]), np.fft.rfft2(changed[..., 0])
    np.testing.assert_allclose(np.abs(after), np.broadcast_to(magnitudes, after.shape), atol=1e-3)
    inside = np.s_[:, 1:4, 1:4]  # the border frequencies of a real picture have no free phase
    np.testing.assert_allclose(
        after[inside] / np.abs(after[inside]), before[inside] / np.abs(before[inside]), atol=1e-3
    )
    np.testing.assert_allclose(changed.mean(axis=(1, 2, 3)), 0, atol=1e-6)


def test_mean_magnitudes_are_the_mean_over_all_images():
    pictures = np.random.default_rng(6).normal(2.0, 1.0, size=(2500, 4, 4, 1))
    magnitudes = mean_magnitudes(pictures)
    expected = np.abs(np.fft.rfft2(pictures[..., 0])).mean(axis=0)
    assert magnitudes[0, 0] == 0
    np.testing.assert_allclose(magnitudes.ravel()[1:], expected.ravel()[1:], rtol=1e-5)


def test_likeness_is_the_mean_cosine_of_gram_matrices():
    features = np.random.default_rng(7).normal(size=(6, 3, 3, 4)).astype(np.float32)
    expected = []
    for i in range(6):
        grams = [features[j].reshape(9, 4).T @ features[j].reshape(9, 4) for j in range(6)]
        others = [j for j in range(i // 3 * 3, i // 3 * 3 + 3) if j != i]
        cosines = [(grams[i] * grams[j]).sum() / np.linalg.norm(grams[i]) / np.linalg.norm(grams[j]) for j in others]
        expected.append(np.mean(cosines))
    np.testing.assert_allclose(priors.likeness(tf.constant(features), 3), expected, rtol=1e-4)


def test_a_moved_pattern_is_like_the_pattern_and_one_of_nothing_is_like_nothing():
    features = np.zeros((3, 4, 4, 2), np.float32)
    features[0, 0, 0], features[1, 2, 3] = (1, 2), (1, 2)
    np.testing.assert_allclose(priors.likeness(tf.constant(features[:2]), 2), 1, rtol=1e-5)
    x = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(x)
        alike = priors.likeness(x, 3)
    np.testing.assert_allclose(alike, [0.5, 0.5, 0], atol=1e-6)
    assert np.isfinite(tape.gradient(alike, x)).all()


def test_what_is_switched_off_is_not_there():
    assert priors.NOTHING_ELSE.tensors() == {}
    assert priors.Priors(diversity=1.0, group=1).tensors() == {}
    on = priors.Priors(total_variation=0.1, diversity=1.0, group=2, magnitudes=np.zeros((4, 3))).tensors()
    assert sorted(on) == ["diversity", "magnitudes", "total_variation"]


# jitter --------------------------------------------------------------------------------------------------------------


def moves(**options):
    arguments = {"shift": 2.0, "rotation": 5.0, "scale": 0.05, "seed": 1, "map_index": 3, "start": 0, **options}
    return jitter.random_transforms(400, (28, 28), **arguments)


def test_transforms_stay_within_their_limits_and_are_no_mirror_images():
    a, b, c, d, e, f = moves().T
    factor, angle = np.sqrt(a * e - b * d), np.degrees(np.arctan2(d, a))
    assert (a * e - b * d > 0).all()
    assert 1 / 1.05 <= factor.min() < 0.96
    assert 1.04 < factor.max() <= 1 / 0.95
    assert -5 <= angle.min() < -4.5
    assert 4.5 < angle.max() <= 5
    # the middle of the picture is moved by the shift alone
    middle = 13.5
    for moved in (a * middle + b * middle + c - middle, d * middle + e * middle + f - middle):
        assert -2 <= moved.min() < -1.8
        assert 1.8 < moved.max() <= 2


@pytest.mark.parametrize("other", [{"seed": 2}, {"map_index": 4}, {"map_index": -1}, {"start": 1}], ids=str)
def test_transforms_depend_on_seed_map_and_start(other):
    np.testing.assert_array_equal(moves(), moves())
    assert (moves() != moves(**other)).mean() > 0.99


def test_without_limits_nothing_moves(images):
    still = jitter.random_transforms(3, (SIZE, SIZE), shift=0, rotation=0, scale=0, seed=0, map_index=0, start=0)
    np.testing.assert_allclose(still, np.tile([1, 0, 0, 0, 1, 0], (3, 1)), atol=1e-6)
    np.testing.assert_allclose(jitter.warp(tf.constant(images), tf.constant(still)), images, atol=1e-5)


def test_a_shift_repeats_the_border_and_interpolates(images):
    by_one = np.tile(np.array([1, 0, 1, 0, 1, -2], np.float32), (3, 1))
    warped = jitter.warp(tf.constant(images), tf.constant(by_one)).numpy()
    padded = np.pad(images, [(0, 0), (0, 1), (2, 0), (0, 0)], mode="edge")
    np.testing.assert_allclose(warped, padded[:, 1:, :SIZE], atol=1e-6)
    by_half = np.tile(np.array([1, 0, 0.5, 0, 1, 0], np.float32), (3, 1))
    warped = jitter.warp(tf.constant(images), tf.constant(by_half)).numpy()
    np.testing.assert_allclose(warped[:, :-1], (images[:, :-1] + images[:, 1:]) / 2, atol=1e-6)


def test_the_gradient_of_a_movement_goes_back_to_the_pixels_it_took(images):
    transforms = tf.constant(moves()[:3] * np.array([1, 1, 0.3, 1, 1, 0.3], np.float32))
    weights = np.random.default_rng(8).normal(size=images.shape).astype(np.float32)
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(jitter.warp(x, transforms) * weights)
    # the movement is linear in the pixels
    other = np.random.default_rng(9).normal(size=images.shape).astype(np.float32)
    change = tf.reduce_sum(jitter.warp(x + other, transforms) * weights) - value
    assert float(tf.reduce_sum(tape.gradient(value, x) * other)) == pytest.approx(float(change), rel=1e-3)
