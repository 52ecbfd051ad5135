"""OIPs of pictures of any shape and range: every step of an ascent against eager Keras and NumPy."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf
from oip_settings import NOISE, OFF, OIP, PLAIN

from pipeline.core import jitter, spectra, variation
from pipeline.core.noise import fourier_noise, multi_wavelength_noise, random_cells, standardized
from pipeline.core.objectives import part_up_to
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing, by_mean_and_std, preprocessing_of
from pipeline.core.priors import mixed, roughness_gradient
from pipeline.core.score import features_per_image
from pipeline.data.dataset import Dataset
from pipeline.data.photos import load_photo
from pipeline.engine.storage import load_result
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import (
    Colour,
    Fit,
    MatchKind,
    Objective,
    PixelRange,
    Spectrum,
    StartAt,
    StartImage,
    Strategy,
)
from pipeline.stages.oip.believable import figures
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import JitterConfig
from pipeline.stages.oip.start_pictures import read_start_pictures

pytestmark = pytest.mark.slow

UNIT, BYTES = preprocessing_of("unit"), preprocessing_of("bytes")
MEAN_STD = by_mean_and_std((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
KINDS = {
    "standardized colour": ((24, 32, 3), STANDARDIZED),
    "bytes": ((16, 16, 3), BYTES),
    "unit": ((24, 32, 3), UNIT),
    "mean and std": ((18, 14, 3), MEAN_STD),
    "grey levels": ((20, 28, 1), UNIT),
    "standardized grey": ((20, 28, 1), STANDARDIZED),
    "two channels": ((13, 15, 2), preprocessing_of("symmetric")),
}


def built(shape, preprocessing, *, activation="elu"):
    """A small CNN, with a layer that rescales its pictures where these are bytes."""
    keras.utils.set_random_seed(4)
    layers = keras.layers
    inputs = keras.Input(shape, name="pictures")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs) if preprocessing is BYTES else inputs
    x = layers.Conv2D(4, 3, padding="same", activation=activation, name="first")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(5, 3, activation=activation, name="second")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(x))


def pictures(shape, preprocessing, count=40):
    """Smooth pictures whose channels are alike: as the CNN takes them."""
    random = np.random.default_rng(8)
    noise = random.normal(size=(count, *shape))
    smooth = sum(np.roll(noise, (down, right), (1, 2)) for down in range(3) for right in range(3)) / 3
    alike = smooth + 2.0 * smooth.mean(axis=3, keepdims=True)
    levels = np.clip(0.45 + 0.12 * alike, 0, 1).astype(np.float32)
    if preprocessing.standardizes:
        return np.stack([reference.standardize(one.astype(np.float64)) for one in levels]).astype(np.float32)
    low, high = np.array(preprocessing.low), np.array(preprocessing.high)
    return (low + levels * (high - low)).astype(np.float32)


def levels_of(images, preprocessing):
    images = images.astype(np.float64)
    if preprocessing.standardizes:
        low, high = images.min(axis=(1, 2, 3), keepdims=True), images.max(axis=(1, 2, 3), keepdims=True)
        return (images - low) / (high - low)
    low, high = np.array(preprocessing.low), np.array(preprocessing.high)
    return (images - low) / (high - low)


def run(model, preprocessing, *, noise=NOISE, **changes) -> OipSweepResult:
    names = ("reference_images", "reference_labels", "training_images", "start_pictures", "seed")
    inputs = {"seed": 3} | {name: changes.pop(name) for name in names if name in changes}
    settings = {"layer": "second", "steps": 4, "snapshots": 4} | changes
    return sweep_oips(replace(OIP, **settings), noise, model, preprocessing=preprocessing, **inputs)


class Eager:
    """The same ascent in eager Keras and NumPy: levels or standardized pictures, one map."""

    def __init__(self, model, preprocessing, images, *, colour=True, layer="second"):
        self.model = keras.Model(model.inputs[0], model.get_layer(layer).output)
        self.preprocessing, levels = preprocessing, levels_of(images, preprocessing)
        pixels = levels.reshape(-1, levels.shape[3])
        covariance = np.atleast_2d(np.cov(pixels.T, bias=True))
        self.colours = covariance / np.trace(covariance) * len(covariance) if colour else np.eye(len(covariance))
        self.mean, self.std = levels.mean(), np.sqrt(levels.var(axis=(1, 2, 3)).mean())

    def shown(self, x):
        if self.preprocessing.standardizes:
            return x
        low, high = (np.array(end, np.float32) for end in (self.preprocessing.low, self.preprocessing.high))
        return low + x * (high - low)

    def begun(self, noise):
        """A start image of noise whose channels do not depend on each other, standardized or of levels."""
        values, vectors = np.linalg.eigh(self.colours)
        noise = reference.standardize(noise @ (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
        if self.preprocessing.standardizes:
            return noise
        return np.clip(self.mean + self.std * noise, 0, 1)

    def value_and_way(self, x, index):
        x = tf.constant(x[None], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_mean(self.model(self.shown(x), training=False)[..., index])
        return float(value), tape.gradient(value, x).numpy()[0].astype(np.float64) @ self.colours

    def step(self, x, index, size):
        value, way = self.value_and_way(x, index)
        way = way / (np.sqrt((way**2).mean()) + 1e-7)
        if self.preprocessing.standardizes:
            return value, reference.standardize(x + size * way)
        return value, np.clip(x + self.std * size * way, 0, 1)


def noise_of(shape, index, cells=(3, 12), amplitude=0.5):
    """The sum of enlarged cells of every channel, before colours are mixed and it is standardized."""
    height, width, channels = shape
    total = np.zeros(shape)
    for number in cells:
        down, across = (round(number * length / min(height, width)) for length in (height, width))
        for channel in range(channels):
            grid = random_cells(number, seed=3, map_index=index, channel=channel, shape=(down, across))
            enlarged = tf.image.resize(grid[..., None], (height, width), method="bicubic", antialias=True)
            total[..., channel] += amplitude * enlarged.numpy()[..., 0]
    return total


@pytest.mark.parametrize("name", KINDS)
def test_every_step_is_that_of_eager_keras(name):
    shape, preprocessing = KINDS[name]
    model, images = built(shape, preprocessing), pictures(*KINDS[name])
    result = run(
        model, preprocessing, reference_images=images, objective=Objective.activation, map_indices=[3, 0], step_size=0.5
    )
    eager = Eager(model, preprocessing, images)
    scores = keras.Model(model.inputs[0], model.get_layer("second").output)
    for row, index in enumerate([3, 0]):
        x = eager.begun(noise_of(shape, index))
        np.testing.assert_allclose(
            eager.shown(x), result.start_images[row], atol=2e-5 * np.abs(result.start_images).max()
        )
        for step in range(4):
            value, x = eager.step(x, index, 0.5 * (1 - step / 4))
            assert result.objective[step, row] == pytest.approx(value, abs=1e-4 * max(1, abs(value)))
            shown = eager.shown(x)
            np.testing.assert_allclose(result.snapshots[step, row], shown, atol=2e-3 * max(np.abs(shown).max(), 1))
        assert result.objective[-1, row] > result.objective[0, row]
    saved = preprocessing.as_saved(result.images)
    expected = scores(saved, training=False).numpy().mean(axis=(1, 2))[[0, 1], [3, 0]]
    np.testing.assert_allclose(result.activation, expected, atol=1e-4)
    assert result.images.shape == (2, *shape)
    if preprocessing.standardizes:
        assert np.isnan(result.pixel_range).all()
    else:
        np.testing.assert_allclose(result.pixel_range[0], np.broadcast_to(preprocessing.low, shape[2:]), rtol=1e-6)
        np.testing.assert_allclose(result.pixel_range[1], np.broadcast_to(preprocessing.high, shape[2:]), rtol=1e-6)
        low, high = result.pixel_range
        slack = 1e-5 * (high - low)
        for some in (result.images, result.start_images, result.snapshots, result.all_images):
            assert (some >= low - slack).all()
            assert (some <= high + slack).all()
    assert result.pixel_range.shape == (2, shape[2])


@pytest.mark.parametrize("name", ["bytes", "standardized colour"])
def test_free_colours_do_not_depend_on_each_other(name):
    shape, preprocessing = KINDS[name]
    model, images = built(shape, preprocessing), pictures(*KINDS[name])
    free = replace(PLAIN, colour=Colour.free)
    settings = {"objective": Objective.activation, "map_indices": [2], "step_size": 0.5}
    result = run(model, preprocessing, reference_images=images, quality=free, **settings)
    eager = Eager(model, preprocessing, images, colour=False)
    x = eager.begun(noise_of(shape, 2))
    for step in range(4):
        value, x = eager.step(x, 2, 0.5 * (1 - step / 4))
        assert result.objective[step, 0] == pytest.approx(value, abs=1e-4)
    shown = eager.shown(x)
    np.testing.assert_allclose(result.images[0], shown, atol=2e-3 * np.abs(shown).max())
    # without reference images colours are free too, and levels those of nobody knows which pictures
    alone = run(model, preprocessing, **settings)
    if preprocessing.standardizes:
        np.testing.assert_array_equal(alone.images, result.images)
    else:
        levels = np.clip(0.5 + 0.25 * reference.standardize(noise_of(shape, 2)), 0, 1)
        np.testing.assert_allclose(alone.start_images[0], eager.shown(levels), atol=1e-2)


def test_colours_are_those_of_the_data_and_of_noise_in_them():
    images = pictures((24, 32, 3), UNIT, count=300)
    found = variation.variation_of(images, UNIT)
    pixels = images.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(pixels.T, bias=True)
    np.testing.assert_allclose(found.colours, covariance / np.trace(covariance) * 3, atol=1e-6)
    assert np.trace(found.colours) == pytest.approx(3)
    assert found.mean == pytest.approx(pixels.mean(), abs=1e-6)
    assert found.std == pytest.approx(np.sqrt(images.astype(np.float64).var(axis=(1, 2, 3)).mean()), abs=1e-6)
    identities = [(index, 0) for index in range(400)]
    noise = multi_wavelength_noise(
        (24, 32, 3), [24], [1.0], identities, seed=1, colours=variation.root_of(found.colours)
    )
    drawn = np.cov(noise.reshape(-1, 3).T)
    np.testing.assert_allclose(drawn, found.colours, atol=0.02)
    gradient = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(mixed(gradient, found.colours.astype(np.float32)), gradient @ found.colours, atol=1e-5)
    assert variation.variation_of(images[..., :1], UNIT).colours is None
    assert variation.variation_of(np.full((3, 4, 4, 3), 0.25, np.float32), UNIT).colours is None


def test_what_is_looked_at_of_many_images_is_read_a_batch_at_a_time():
    images = pictures((12, 10, 3), UNIT, count=2300)

    class Read:
        """Gives arrays for slices, and counts the most that was read at once."""

        shape, dtype, most = images.shape, images.dtype, 0

        def __len__(self):
            return len(images)

        def __getitem__(self, rows):
            found = images[rows]
            self.most = max(self.most, len(found))
            return found

    read = Read()
    lazily, at_once = variation.variation_of(read, UNIT), variation.variation_of(images, UNIT)
    np.testing.assert_array_equal(lazily.colours, at_once.colours)
    np.testing.assert_array_equal(
        variation.covariance_power(read, 0.5, UNIT), variation.covariance_power(images, 0.5, UNIT)
    )
    np.testing.assert_array_equal(variation.mean_image(read, UNIT), variation.mean_image(images, UNIT))
    np.testing.assert_array_equal(variation.mean_magnitudes(read, UNIT), variation.mean_magnitudes(images, UNIT))
    assert read.most == 1000
    model = built((12, 10, 3), UNIT)
    labels = np.arange(2300) % 3
    faithful = replace(OFF, range=PixelRange.data, start=StartAt.mean, match=MatchKind.maps, least=1.0)
    settings = {"faithful": faithful, "reference_labels": labels, "map_indices": [1, 2]}
    lazy = run(model, UNIT, reference_images=read, training_images=read, **settings)
    whole = run(model, UNIT, reference_images=images, training_images=images, **settings)
    for name, array in whole.arrays()[OipSweepResult.FILE].items():
        np.testing.assert_array_equal(lazy.arrays()[OipSweepResult.FILE][name], array, name)
    assert read.most == 1000


def test_the_covariance_of_colour_pictures_is_that_of_numpy():
    images = pictures((6, 5, 3), MEAN_STD, count=120)
    covariance = np.cov(levels_of(images, MEAN_STD).reshape(120, -1).T)
    covariance /= np.linalg.eigvalsh(covariance).max()
    np.testing.assert_allclose(variation.covariance_power(images, 1.0, MEAN_STD), covariance, atol=1e-5)


# start images --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(9, 14, 3), (14, 9, 1), (12, 12, 3)], ids=str)
def test_the_first_channel_of_noise_is_that_of_grey_noise(shape):
    grey = (*shape[:2], 1)
    waves = multi_wavelength_noise.__globals__["waves"]
    colour = waves(shape, [3, 7], [0.5, 0.2], [(4, 1)], seed=2)
    np.testing.assert_array_equal(colour[..., :1], waves(grey, [3, 7], [0.5, 0.2], [(4, 1)], seed=2))
    assert shape[2] == 1 or np.abs(colour[..., 0] - colour[..., 1]).max() > 0.1
    series = fourier_noise(shape, 1.0, [(4, 1), (2, 0)], seed=2)
    assert series.shape == (2, *shape)
    np.testing.assert_allclose(series.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(series.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_a_wave_is_as_long_down_as_across():
    """Of 3 cells along 12 pixels there are 6 along 24: 4 pixels each."""
    grid = random_cells(3, seed=2, map_index=5, shape=(3, 6))
    expected = tf.image.resize(grid[..., None], (12, 24), method="bicubic", antialias=True).numpy()
    found = multi_wavelength_noise((12, 24, 1), [3], [1.0], [(5, 0)], seed=2)[0]
    np.testing.assert_allclose(found, reference.standardize(expected.astype(np.float64)), atol=1e-5)
    across, down = spectra.frequencies((12, 24))[0, 2], spectra.frequencies((12, 24))[1, 0]
    # two periods along 24 pixels, one along 12
    assert across == down == 2


@pytest.mark.parametrize("kind", [StartImage.picture, StartImage.digit], ids=lambda kind: kind.value)
def test_pictures_to_start_from_keep_their_levels(kind):
    shape, preprocessing = KINDS["bytes"]
    model, images = built(shape, preprocessing), pictures(*KINDS["bytes"])
    noise = replace(NOISE, kind=kind, picture="rose.jpg" if kind is StartImage.picture else None)
    result = run(model, preprocessing, noise=noise, start_pictures=images[:5], reference_images=images, steps=1)
    for start in result.start_images:
        assert min(np.abs(start - image).max() for image in images[:5]) < 1e-3


def test_coarse_to_fine_adds_waves_in_standard_deviations_of_a_picture():
    shape, preprocessing = KINDS["unit"]
    model, images = built(shape, preprocessing), pictures(*KINDS["unit"])
    result = run(
        model, preprocessing, reference_images=images, strategy=Strategy.coarse_to_fine, stage_steps=[1, 1],
        objective=Objective.activation, map_indices=[1], step_size=0.5, snapshots=1,
    )  # fmt: skip
    eager = Eager(model, preprocessing, images)
    _, x = eager.step(eager.begun(noise_of(shape, 1, cells=(3,))), 1, 0.5)
    finer = noise_of(shape, 1, cells=(12,)) @ variation.root_of(eager.colours)
    value, x = eager.step(np.clip(x + eager.std * finer, 0, 1), 1, 0.5)
    assert result.objective[1, 0] == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(result.images[0], x, atol=1e-3)


# what pictures are asked for -----------------------------------------------------------------------------------------


def test_roughness_spectrum_and_movements_are_those_of_each_channel():
    images = np.random.default_rng(1).normal(size=(2, 9, 14, 3)).astype(np.float32)
    weights = {"total_variation": tf.constant(0.3), "l2": tf.constant(0.2)}
    filter_of = tf.constant(spectra.frequency_filter((9, 14), 1.0))
    magnitudes = variation.mean_magnitudes(standardized(images))
    assert magnitudes.shape == (3, 9, 8)
    moves = jitter.random_transforms(2, (9, 14), shift=2.0, rotation=5.0, scale=0.05, seed=0, map_index=1, start=0)
    for functions in (
        lambda some, _: roughness_gradient(some, weights),
        lambda some, _: spectra.filtered(some, filter_of),
        lambda some, _: jitter.warp(some, tf.constant(moves)),
        lambda some, own: spectra.with_magnitudes(some, tf.constant(magnitudes[own])),
    ):
        together = np.asarray(functions(tf.constant(images), slice(None)))
        for channel in range(3):
            alone = functions(tf.constant(images[..., channel : channel + 1]), channel)
            np.testing.assert_allclose(together[..., channel : channel + 1], alone, atol=1e-5)
    wide = np.abs(np.fft.rfft2(np.asarray(spectra.with_magnitudes(images, magnitudes))[0, ..., 1]))
    # the border frequencies of a real picture have no free phase
    np.testing.assert_allclose(wide[1:4, 1:6], magnitudes[1][1:4, 1:6], rtol=1e-3)


def test_a_movement_turns_about_the_middle_of_a_picture_that_is_not_square():
    a, b, c, d, e, f = jitter.random_transforms(
        50, (9, 21), shift=0, rotation=5.0, scale=0.05, seed=0, map_index=0, start=0
    ).T
    np.testing.assert_allclose(a * 4 + b * 10 + c, 4, atol=1e-5)
    np.testing.assert_allclose(d * 4 + e * 10 + f, 10, atol=1e-5)


QUALITIES = {
    "all": replace(
        PLAIN, total_variation=0.1, l2=0.05, frequency_decay=0.5, spectrum=Spectrum.data,
        jitter=JitterConfig(shift=2.0, rotation=5.0, scale=0.05),
    ),
    "diverse": replace(PLAIN, diversity=1.0),
}  # fmt: skip


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", ["unit", "standardized colour"])
def test_a_picture_may_be_asked_for_all_of_it(name, quality):
    shape, preprocessing = KINDS[name]
    model, images = built(shape, preprocessing), pictures(*KINDS[name])
    settings = {"quality": QUALITIES[quality], "starts": 2, "steps": 12, "step_size": 0.5, "map_indices": [0, 3]}
    result = run(model, preprocessing, reference_images=images, **settings)
    assert np.isfinite(result.images).all()
    assert (result.objective[-1] > result.objective[0]).all()
    apart = run(model, preprocessing, reference_images=images, batch_size=2, **settings)
    np.testing.assert_allclose(apart.all_images, result.all_images, atol=1e-2)


FAITHFUL = replace(OFF, range=PixelRange.data, covariance=0.5, start=StartAt.mean, match=MatchKind.maps, least=1.0)


@pytest.mark.parametrize("pixel_range", list(PixelRange), ids=lambda one: one.value)
@pytest.mark.parametrize("name", ["unit", "standardized colour", "bytes", "grey levels"])
def test_faithful_pictures_reach_what_real_images_reach(name, pixel_range):
    shape, preprocessing = KINDS[name]
    shape = (12, 10, shape[2])
    model, images = built(shape, preprocessing), pictures(shape, preprocessing)
    labels, step_size = np.arange(len(images)) % 3, 0.1 if pixel_range is PixelRange.data else 0.4
    result = run(
        model, preprocessing, reference_images=images[20:], reference_labels=labels[20:], training_images=images[:20],
        steps=60, faithful=replace(FAITHFUL, range=pixel_range, step_size=step_size),
    )  # fmt: skip
    driven = result.goal > 0
    assert driven.any()
    scores = keras.Model(model.inputs[0], model.get_layer("second").output)
    largest = scores(images, training=False).numpy().mean(axis=(1, 2)).max(axis=0)
    np.testing.assert_allclose(result.goal[driven], largest[driven], rtol=1e-4)
    assert (result.activation[driven] >= 0.99 * result.goal[driven]).mean() >= 0.5
    mean = levels_of(images[:20], preprocessing).mean(axis=0)
    for row in np.flatnonzero(driven):
        begun = levels_of(result.start_images[[row]], preprocessing)[0]
        assert np.corrcoef(begun.ravel(), mean.ravel())[0, 1] > 0.5
    if not preprocessing.standardizes:
        low, high = result.pixel_range
        assert (result.images >= low - 1e-4 * (high - low)).all()
        assert (result.images <= high + 1e-4 * (high - low)).all()


def test_a_large_colour_picture_is_shaped_by_spectrum_and_colours(monkeypatch):
    from pipeline.core import references
    from pipeline.core.priors import NOTHING_ELSE

    images = pictures((10, 8, 3), UNIT)
    monkeypatch.setattr(references, "MOST_PIXELS", 10)
    found = references.shaped_like(images, 0.5, NOTHING_ELSE, UNIT)
    assert found.covariance is None
    levels = levels_of(images, UNIT)
    squares = (np.abs(np.fft.rfft2(np.moveaxis(levels - levels.mean(axis=0), 3, 1))) ** 2).mean(axis=(0, 1))
    np.testing.assert_allclose(found.frequency_filter, np.sqrt(squares / squares.max()), rtol=1e-3, atol=1e-5)
    colours = np.cov(levels.reshape(-1, 3).T, bias=True)
    colours = colours / np.trace(colours) * 3
    np.testing.assert_allclose(found.colours @ found.colours, colours, atol=1e-5)


# no labels, and what is refused --------------------------------------------------------------------------------------


def test_without_labels_nothing_is_said_of_classes():
    shape, preprocessing = KINDS["unit"]
    model, images = built(shape, preprocessing), pictures(*KINDS["unit"])
    unknown = np.full(len(images), -1)
    result = run(model, preprocessing, reference_images=images, reference_labels=unknown)
    known = run(model, preprocessing, reference_images=images, reference_labels=np.arange(len(images)) % 3)
    assert result.top_class.tolist() == result.taken_for.tolist() == [-1] * 5
    assert np.isnan(result.path_others).all()
    assert np.isnan(result.field_others).all()
    np.testing.assert_array_equal(result.path_similarity, known.path_similarity)
    np.testing.assert_array_equal(result.path_same, known.path_same)
    said = figures(result)
    assert set(said) == {"as_much_as_data"}
    assert {"as_much_as_data", "nearer_than_strangers", "class_agreement"} <= set(figures(known))


REFUSED = {
    "a layer": ({"layer": "third"}, "oip.layer: takes a layer of the model: pictures, .*; got third"),
    "a map": ({"map_indices": [1, 5]}, "oip.map_indices: takes 0 to 4 of second, or -1 for the whole layer; got 5"),
    "a position": (
        {"position": [3, 14]},
        r"oip.position: takes \[row, column\], 0 to 9 and 0 to 13 in second; got \[3, 14\]",
    ),
    "a position of units": ({"layer": "classes", "position": [0, 0]}, "oip.position: takes null for classes"),
    "another shape": (
        {"reference_images": np.zeros((4, 32, 24, 3), np.float32)},
        r"reference_images: takes images of finite numbers, \(count, 24, 32, 3\); got \(4, 32, 24, 3\)",
    ),
    "one image": ({"reference_images": np.zeros((24, 32, 3), np.float32)}, r"got \(24, 32, 3\)$"),
    "no number": ({"reference_images": np.full((4, 24, 32, 3), np.nan)}, "got numbers that are not finite"),
    "no number to begin with": (
        {"start_pictures": np.full((4, 24, 32, 3), np.inf)},
        "start_pictures: .* got numbers that are not finite",
    ),
    "labels": (
        {"reference_images": np.zeros((4, 24, 32, 3), np.float32), "reference_labels": np.zeros(3, int)},
        r"reference_labels: takes a whole number for each of the 4 reference_images; got int64 \(3,\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_line(name):
    changes, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as refused:
        run(built((24, 32, 3), UNIT), UNIT, **changes)
    assert "\n" not in str(refused.value)


def test_a_cnn_of_whole_bytes_says_of_the_saved_picture_what_keras_says():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 10, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    result = run(model, BYTES, layer="conv", steps=8, step_size=0.5)
    saved = BYTES.as_saved(result.images)
    np.testing.assert_array_equal(saved, np.rint(saved))
    means = keras.Model(inputs, x)(saved.astype(np.uint8), training=False).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(result.activation, np.diag(means), atol=1e-5)
    assert (result.objective[-1] > result.objective[0]).all()


@pytest.mark.parametrize("name", ["unit", "grey levels", "standardized colour"])
def test_a_photo_to_start_from_is_cut_to_the_shape_of_the_pictures(name):
    shape, preprocessing = KINDS[name]
    images = pictures(*KINDS[name])
    labels = np.full(len(images), -1)
    dataset = Dataset("own", "", images, labels, images, labels, (), preprocessing)
    noise = replace(NOISE, kind=StartImage.picture, picture="flower")
    (found,) = read_start_pictures(noise, dataset)
    square = load_photo("flower", size=max(shape[:2]), fit=Fit.crop).astype(np.float64)
    cut = [(max(shape[:2]) - length) // 2 for length in shape[:2]]
    expected = square[cut[0] : cut[0] + shape[0], cut[1] : cut[1] + shape[1]]
    if shape[2] == 1:
        expected = (expected @ [0.299, 0.587, 0.114])[..., None]
    np.testing.assert_allclose(found, expected if preprocessing.standardizes else expected / 255, atol=1e-3)
    with pytest.raises(InputError, match=r"noise\.label: takes null for pictures of which no class is known; got 1"):
        read_start_pictures(replace(NOISE, kind=StartImage.digit, label=1), dataset)


def test_a_result_of_an_earlier_version_has_standardized_pictures(tmp_path):
    result = run(built((12, 10, 1), STANDARDIZED), STANDARDIZED, steps=1)
    arrays = result.arrays()[OipSweepResult.FILE]
    del arrays["pixel_range"]
    np.savez(tmp_path / OipSweepResult.FILE, **arrays)
    loaded = load_result(OipSweepResult, tmp_path)
    assert np.isnan(loaded.pixel_range).all()
    np.testing.assert_array_equal(loaded.images, result.images)


def test_the_memory_of_a_batch_is_bounded_and_the_result_the_same(monkeypatch):
    from pipeline.core import ascent
    from pipeline.stages.oip import sweep

    shape, preprocessing = KINDS["unit"]
    model, images = built(shape, preprocessing), pictures(*KINDS["unit"])
    sizes: list[int] = []
    original = ascent.ascend

    def spied(target, some, *arguments, **options):
        sizes.append(len(some))
        return original(target, some, *arguments, **options)

    monkeypatch.setattr(ascent, "ascend", spied)
    settings = {"reference_images": images, "objective": Objective.activation, "steps": 6}
    whole = run(model, preprocessing, **settings)
    assert sizes == [5]
    one = features_per_image(part_up_to(model, "second"))
    # pictures, two convolutions, a pool
    assert one == 24 * 32 * 3 + 24 * 32 * 4 + 12 * 16 * 4 + 10 * 14 * 5
    monkeypatch.setattr(sweep, "MOST_FEATURES", 2 * one + 1)
    apart = run(model, preprocessing, **settings)
    assert sizes == [5, 2, 2, 1]
    np.testing.assert_allclose(apart.images, whole.images, atol=1e-3)


def test_a_preprocessing_of_one_number_for_all_channels_is_that_of_each():
    one, each = (Preprocessing("none", (-2.0,) * count, (3.0,) * count) for count in (1, 3))
    model, images = built((12, 10, 3), one), pictures((12, 10, 3), one)
    of_one, of_each = (run(model, kind, reference_images=images) for kind in (one, each))
    np.testing.assert_array_equal(of_one.images, of_each.images)


def test_of_a_deep_cnn_some_layers_and_of_large_answers_some_positions_are_compared(monkeypatch):
    from pipeline.stages.oip import path

    keras.utils.set_random_seed(6)
    inputs = keras.Input((14, 10, 3))
    x = inputs
    for number in range(11):
        x = keras.layers.Conv2D(3, 3, padding="same", activation="elu", name=f"conv_{number}")(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    images = pictures((14, 10, 3), UNIT)
    labels = np.arange(len(images)) % 3
    settings = {"layer": "conv_10", "reference_images": images, "reference_labels": labels, "steps": 2}
    result = run(model, UNIT, **settings)
    names = [f"conv_{number}" for number in (0, 1, 3, 4, 6, 7, 9, 10)]
    assert result.path_layers.tolist() == names
    # as much as one image is answered: two of each map are looked at, at every second or third place
    monkeypatch.setattr(path, "MOST_FEATURES", 14 * 10 * 3)
    coarse = run(model, UNIT, **settings)
    oips, target = UNIT.as_saved(coarse.images), keras.Model(inputs, model.get_layer("conv_10").output)
    means = target(images, training=False).numpy().mean(axis=(1, 2))
    first = keras.Model(inputs, model.get_layer("conv_3").output)
    tops = np.argsort(-means, axis=0, kind="stable")[:2]
    apart = int(np.ceil(np.sqrt(len(np.unique(tops)))))
    assert apart > 1
    answers = [first(some, training=False).numpy()[:, ::apart, ::apart] for some in (oips, images)]
    answers = [some.reshape(len(some), -1) for some in answers]
    for index in range(3):
        top = tops[means[tops[:, index], index] > 0, index]
        if len(top):
            expected = np.mean([np.corrcoef(answers[0][index], answers[1][one])[0, 1] for one in top])
            assert coarse.path_similarity[2, index] == pytest.approx(expected, abs=1e-4)
