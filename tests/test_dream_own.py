"""Dreams of CNNs of one's own: in colour, of other proportions, of other ranges, with strides; against eager Keras."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from dream_settings import DREAM
from own_cnns import any_size, colour_cnn, conv, mean_of_map, own_cnn

from pipeline.core import chunks
from pipeline.core.chunks import field_of_windows, slid_windows_of
from pipeline.core.colour import dreamt_colours, luma
from pipeline.core.geometry import places
from pipeline.core.parts import part_of
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing, by_mean_and_std, preprocessing_of
from pipeline.core.sliding import Slide
from pipeline.core.tiles import largest_tile, tiling
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Compare, DreamMethod, StepSizeSchedule
from pipeline.settings.shared import OctavesConfig
from pipeline.stages.dream.compute import dream
from pipeline.stages.dream.pictures import render_dream
from pipeline.stages.dream_sheet.compute import dream_sheet
from pipeline.stages.dream_sheet.pictures import render_dream_sheet

CARVING = replace(DREAM, layer="deep", map_indices=[2], levels=[1, 2], overlap=0.25, turns=1, steps=8, color=True)
OCTAVES = replace(
    CARVING, method=DreamMethod.octaves, octaves=OctavesConfig(count=2, scale=1.5, least_contrast=0.2), overlap=0.0
)
BOTH = pytest.mark.parametrize("config", [CARVING, OCTAVES], ids=lambda config: config.method.value)
RANGES = [preprocessing_of("bytes"), by_mean_and_std((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))]
EACH_RANGE = pytest.mark.parametrize("preprocessing", [STANDARDIZED, *RANGES], ids=lambda one: one.kind)


def photo_of(height: int = 50, width: int = 66) -> np.ndarray:
    """(height, width, 3) uint8: waves of another length in each channel, and noise."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 5), np.cos(y / 4), np.sin((x + y) / 6)]
    noise = np.random.default_rng(3).normal(0, 8, (height, width, 3))
    return np.clip(np.array([120, 90, 140]) + 50 * np.stack(waves, axis=-1) + noise, 0, 255).astype(np.uint8)


def shown(model: keras.Model, picture: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """What a CNN is shown of a whole picture (height, width[, 3]), 0 to 255, at the CNN's size."""
    levels = tf.constant(picture[None] / np.float32(255))
    if picture.ndim == 2:
        levels = levels[..., None]
    small = tf.image.resize(levels, model.inputs[0].shape[1:3], method="bicubic", antialias=True).numpy()
    return preprocessing.shown(small if preprocessing.standardizes else np.clip(small, 0, 1))


# the gradient of the CNN that slides --------------------------------------------------------------------------------


@pytest.mark.parametrize("sides", [(3,), chunks.SIDES], ids=["small chunks", "chosen chunks"])
@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (1, 1)], ids=str)
def test_the_gradient_of_three_channels_is_that_of_the_whole_picture_in_eager_keras(monkeypatch, sides, shift):
    monkeypatch.setattr(chunks, "SIDES", sides)
    model = colour_cnn()
    pictures = np.random.default_rng(0).normal(size=(2, 31, 22, 3)).astype(np.float32)
    direction = np.array([[0, 0, 1, 0, 0], [0.5, 0, 0, 0.5, 0]], np.float32)
    slide = Slide(model, "deep", "activation", direction, (31, 22), calls=1)
    value, gradient = slide.gradient(pictures, shift)

    whole, margin, (down, across) = any_size(model), slide.margin, slide.chunks.positions
    x = tf.constant(pictures)
    with tf.GradientTape() as tape:
        tape.watch(x)
        continued = tf.pad(x, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "REFLECT")
        features = whole(continued[:, shift[0] :, shift[1] :], training=False)[:, :down, :across]
        expected = tf.reduce_mean(tf.reduce_sum(features * direction[:, None, None], axis=-1), axis=(1, 2))
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradient, down * across * tape.gradient(expected, x).numpy(), atol=1e-4)


PADDED = {
    "convolutions and pools": lambda padding: [
        conv("first", 6, padding=padding), keras.layers.MaxPooling2D(2), conv("middle", 5, padding=padding),
        keras.layers.MaxPooling2D(2), conv("deep", 5, activation=None, padding=padding),
    ],
    "strides": lambda padding: [
        conv("first", 6, 4, strides=2, padding=padding), conv("deep", 5, strides=2, activation=None, padding=padding),
    ],
    "padded pools": lambda padding: [
        conv("first", 6), keras.layers.MaxPooling2D(3, strides=2, padding=padding),
        conv("middle", 5, dilation_rate=2, padding=padding), keras.layers.AveragePooling2D(2, padding=padding),
        conv("deep", 5, 2, activation=None, padding=padding),
    ],
}  # fmt: skip


@pytest.mark.parametrize("sides", [(3,), chunks.SIDES], ids=["small chunks", "chosen chunks"])
@pytest.mark.parametrize("objective", ["pre_activation", "l2"])
@pytest.mark.parametrize("name", PADDED)
def test_a_padded_cnn_slides_as_the_same_one_without_padding_does(monkeypatch, name, objective, sides):
    """Of which the test above and those of chunks say that it is eager Keras' gradient of the whole picture."""
    monkeypatch.setattr(chunks, "SIDES", sides)
    padded, plain = (own_cnn(*PADDED[name](padding), shape=(40, 40, 3)) for padding in ("same", "valid"))
    pictures = np.random.default_rng(0).normal(size=(2, 41, 35, 3)).astype(np.float32)
    direction = np.array([[0, 0, 1, 0, 0], [0.5, 0, 0, 0.5, 0]], np.float32)
    slides = [Slide(model, "deep", objective, direction, (41, 35), calls=1) for model in (padded, plain)]
    stride = slides[0].chunks.field.stride
    for shift in ((0, 0), (stride - 1, 1)):
        (value, gradient), (expected_value, expected) = (slide.gradient(pictures, shift) for slide in slides)
        np.testing.assert_allclose(value, expected_value, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gradient, expected, atol=1e-4)
        assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("name", PADDED)
def test_octaves_of_a_padded_cnn_drive_the_map_in_eager_keras(name):
    model, photo = own_cnn(*PADDED[name]("same"), shape=(40, 40, 3)), photo_of(82, 70)
    config = replace(OCTAVES, steps=8)
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing_of("unit"))
    whole, saved = any_size(model), dreamt_colours(photo, result.picture)
    before, after = (mean_of_map(whole, one[None] / np.float32(255), 2)[0] for one in (photo, saved))
    begun, ended = result.objective[0, -1, [0, -1]]
    assert after - before > 0.1
    assert ended > begun


@pytest.mark.parametrize("length", [5, 8, 13, 14, 22, 23])
@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_where_positions_begin_is_where_keras_looks(name, length, padding):
    """A single pixel changes those positions that see it, and no others."""
    if padding == "valid":
        length += 20
    model = own_cnn(*PADDED[name](padding), shape=(40, 40, 3))
    windows = slid_windows_of(part_of(model))
    model = any_size(model)
    count, start = places(windows, length)
    side, stride = field_of_windows(windows)
    background = np.random.default_rng(1).normal(size=(1, length, length, 3)).astype(np.float32)
    x = tf.constant(np.repeat(background, length, axis=0))
    x += 30 * tf.eye(length)[:, :, None, None]
    seen = (np.abs(model(x) - model(background)).max(axis=(2, 3)) > 0).T
    assert seen.shape == (count, length)
    for position, pixels in enumerate(seen):
        inside = np.flatnonzero(pixels)
        first = start + position * stride
        assert inside.min(initial=length) >= max(first, 0)
        assert inside.max(initial=-1) < min(first + side, length)


# tiles of other proportions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_side", [1, 2, 3, 5])
@pytest.mark.parametrize("overlap", [0, 0.3])
@pytest.mark.parametrize("like", [(24, 32), (32, 24), (10, 31), (7, 7)], ids=str)
@pytest.mark.parametrize("shape", [(48, 48), (50, 90), (91, 40)], ids=str)
def test_tiles_in_the_proportions_of_the_cnn_cover_a_photo(shape, like, overlap, per_side):
    tiles = tiling(*shape, per_side, overlap, like)
    total = np.zeros(shape)
    for tile in range(len(tiles)):
        total[tiles.place(tile)] += tiles.weights(tile)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    # as large as can be, in these proportions but for less than a pixel
    height, width = largest_tile(*shape, like)
    assert (height, width)[int(height < shape[0])] == shape[int(height < shape[0])]
    assert abs(height * like[1] - width * like[0]) < max(like)
    assert tiles.shape == largest_tile(*shape, like, per_side)
    assert all(
        abs(part * per_side - whole) < per_side + 1 for part, whole in zip(tiles.shape, (height, width), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(24, 32, 1), (32, 24, 3), (10, 30, 3)], ids=str)
@pytest.mark.parametrize("preprocessing", [STANDARDIZED, RANGES[0]], ids=lambda one: one.kind)
@BOTH
def test_with_a_strength_of_0_a_photo_comes_back_bit_for_bit(config, preprocessing, shape):
    model, photo = colour_cnn(shape), photo_of()
    result = dream(replace(config, strength=[0.0], steps=2), model, photo, seed=0, preprocessing=preprocessing)
    assert result.picture.shape == (photo.shape[:2] if shape[-1] == 1 else photo.shape)
    np.testing.assert_array_equal(dreamt_colours(photo, result.picture), photo)


# colours and ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
@EACH_RANGE
def test_before_the_first_step_the_objective_is_what_eager_keras_says_of_the_photo(preprocessing, colour):
    if not colour:
        # of three numbers, those of one channel
        preprocessing = replace(preprocessing, low=preprocessing.low[:1], high=preprocessing.high[:1])
    model, photo = colour_cnn((24, 32, 3 if colour else 1)), photo_of(48, 64)
    config = replace(CARVING, levels=[1], overlap=0.0, steps=1)
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing)
    seen = shown(model, photo if colour else luma(photo), preprocessing)
    np.testing.assert_allclose(result.objective.ravel()[0], mean_of_map(model, seen, 2)[0], rtol=2e-3, atol=1e-3)


@EACH_RANGE
def test_carving_in_colour_changes_all_channels_and_the_saved_picture_drives_the_map(preprocessing):
    model, photo = colour_cnn(), photo_of(48, 64)
    config = replace(CARVING, levels=[1], overlap=0.0, steps=20, step_size=0.05)
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing)
    saved = dreamt_colours(photo, result.picture)
    assert saved.shape == photo.shape
    assert (np.abs(saved.astype(int) - photo).mean(axis=(0, 1)) > 2).all()
    # not one and the same change of all three, as of a luma
    change = saved.astype(float) - photo
    assert np.ptp(change, axis=-1).mean() > 2
    before, after = (mean_of_map(model, shown(model, one, preprocessing), 2)[0] for one in (photo, saved))
    first, last = result.objective.ravel()[[0, -1]]
    assert last - first > 0.2
    assert after - before > 0.5 * (last - first)


@EACH_RANGE
def test_octaves_in_colour_drive_the_map_everywhere(preprocessing):
    model, photo = colour_cnn(), photo_of()
    result = dream(replace(OCTAVES, steps=6), model, photo, seed=0, preprocessing=preprocessing)
    saved = dreamt_colours(photo, result.picture)
    assert (np.abs(saved.astype(int) - photo).mean(axis=(0, 1)) > 2).all()
    whole = any_size(model)
    before, after = (
        mean_of_map(whole, preprocessing.shown(one[None] / np.float32(255)), 2)[0] for one in (photo, saved)
    )
    assert after > before
    assert (result.objective[0, :, -1] > result.objective[0, :, 0]).all()


@BOTH
def test_levels_stay_between_black_and_white_and_are_saved_as_they_are(config):
    model, photo = colour_cnn(), photo_of()
    result = dream(replace(config, step_size=2.0), model, photo, seed=0, preprocessing=preprocessing_of("bytes"))
    mean, spread = photo.mean(dtype=np.float64), photo.std(dtype=np.float64)
    levels = mean + spread * result.picture.astype(np.float64)
    assert levels.min() >= -1e-3
    assert levels.max() <= 255 + 1e-3
    np.testing.assert_array_equal(dreamt_colours(photo, result.picture), np.rint(levels).astype(np.uint8))
    # such large steps reach both ends
    assert levels.min() < 1
    assert levels.max() > 254


@pytest.mark.slow
@BOTH
def test_the_range_of_a_cnn_changes_nothing_but_the_numbers_that_it_takes(config):
    """The same CNN with the range in its first kernel dreams the same."""
    photo, by_range = photo_of(), {}
    for word in ("unit", "bytes"):
        model = own_cnn(conv("first", 6, use_bias=False), keras.layers.MaxPooling2D(2), conv("deep", 5))
        if word == "bytes":
            first = model.get_layer("first")
            first.kernel.assign(first.kernel / 255)
        by_range[word] = dream(config, model, photo, seed=0, preprocessing=preprocessing_of(word)).picture
    np.testing.assert_allclose(by_range["unit"], by_range["bytes"], atol=2e-3)


@BOTH
def test_only_where_the_mask_says_so(config):
    model, photo = colour_cnn(), photo_of()
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[:, 40:] = 1
    result = dream(config, model, photo, seed=0, mask=mask, preprocessing=preprocessing_of("unit"))
    saved = dreamt_colours(photo, result.picture)
    # octaves: where an octave's mask fades, a photo is changed; none of it is further away than its pixels
    np.testing.assert_array_equal(saved[:, :36], photo[:, :36])
    assert (saved[:, 44:] != photo[:, 44:]).any(axis=(0, 1)).all()


@pytest.mark.slow
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
@BOTH
def test_all_pictures_of_a_colour_cnn_are_in_colour(config, colour):
    model, photo = colour_cnn(), photo_of()
    photo = photo if colour else luma(photo)
    config = replace(config, steps=2, zoom=replace(config.zoom, frames=3))
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing_of("symmetric"))
    assert result.frames.shape == (config.rounds(), *photo.shape[:2], 3)
    assert result.zoom.shape[3:] == (3,)
    pictures = render_dream(config, result)
    for name in ("photo.png", "dream.png", "dream_soft.png", "dream_strong.png", *result.frame_files):
        assert pictures[name].shape == (*photo.shape[:2], 3), name
    np.testing.assert_array_equal(pictures[result.frame_files[-1]], pictures["dream.png"])


def test_each_dream_of_a_sheet_is_the_dream_by_itself():
    model, photo = colour_cnn(), photo_of()
    for config in (OCTAVES, CARVING):
        some = replace(config, map_indices=[1, 4], steps=3, compare=replace(config.compare, by=Compare.maps))
        unit = preprocessing_of("unit")
        sheet = dream_sheet(some, model, photo, seed=0, preprocessing=unit)
        for picture, index in zip(sheet.pictures, [1, 4], strict=True):
            alone = dream(
                replace(some, map_indices=[index]), model, photo, seed=0, preprocessing=preprocessing_of("unit")
            )
            assert np.abs(dreamt_colours(photo, alone.picture).astype(int) - picture).max() <= 1
        drawn = render_dream_sheet(some, sheet)
        np.testing.assert_array_equal(drawn["dreams/map_001.png"], sheet.pictures[0])


def test_tiles_choose_their_maps_by_what_they_trigger_in_the_range_of_the_cnn():
    model, photo = colour_cnn(), photo_of(48, 64)
    preprocessing = preprocessing_of("bytes")
    config = replace(CARVING, levels=[2], overlap=0.0, map_indices=None, auto_maps=1, steps=1)
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing)
    tiles = [photo[y : y + 24, x : x + 32] for y, x in itertools.product((0, 24), (0, 32))]
    features = [model(shown(model, tile, preprocessing)).numpy().mean(axis=(0, 1, 2)) for tile in tiles]
    assert result.tile_maps.ravel().tolist() == np.argmax(features, axis=-1).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("preprocessing", [STANDARDIZED, RANGES[0]], ids=lambda one: one.kind)
def test_tiles_drawn_to_training_images_change_all_channels_within_the_range_of_the_photo(preprocessing):
    model, photo = own_cnn(conv("first", 6), keras.layers.MaxPooling2D(2), conv("deep", 5)), photo_of(48, 64)
    random = np.random.default_rng(4)
    rough = random.uniform(0, 1, (60, 8, 11, 3)).repeat(3, axis=1).repeat(3, axis=2)[:, :, :32].astype(np.float32)
    config = replace(
        CARVING, levels=[2], overlap=0.0, steps=20, step_size=0.1, step_size_schedule=StepSizeSchedule.linear,
        faithful=replace(CARVING.faithful, references=6),
    )  # fmt: skip
    result = dream(
        config, model, photo, seed=0, reference_images=preprocessing.shown(rough), preprocessing=preprocessing
    )
    assert result.picture.shape == photo.shape
    assert np.isfinite(result.picture).all()
    saved = dreamt_colours(photo, result.picture)
    assert (saved != photo).any(axis=(0, 1)).all()
    assert saved.min() >= photo.min() - 1
    assert saved.max() <= photo.max() + 1


# strides ------------------------------------------------------------------------------------------------------------

STRIDED = {
    "two strided convolutions": lambda: [conv("first", 8, strides=2), sums(strides=2)],
    "a strided one between": lambda: [conv("first", 8), conv("middle", 8, strides=2), sums()],
    "a pool, then a strided one": lambda: [conv("first", 8), keras.layers.MaxPooling2D(2), sums(strides=2)],
    "a strided one, then a pool": lambda: [conv("first", 8, 5, strides=2), keras.layers.MaxPooling2D(2), sums()],
}


def sums(**options) -> keras.Layer:
    return conv("deep", 6, activation=None, **options)


@pytest.mark.parametrize("name", STRIDED)
@pytest.mark.parametrize("index", [0, 3])
def test_octaves_of_a_cnn_with_strides_lead_somewhere(name, index):
    """What eager Keras says of the whole picture, its positions counted from the corner, as Keras counts them."""
    model = own_cnn(*STRIDED[name](), shape=(28, 28, 1))
    photo = luma(photo_of(70, 82))
    config = replace(OCTAVES, map_indices=[index], steps=12, octaves=replace(OCTAVES.octaves, count=1))
    result = dream(config, model, photo, seed=0, preprocessing=preprocessing_of("unit"))
    saved = dreamt_colours(photo, result.picture)
    whole = any_size(model)
    before, after = (mean_of_map(whole, one[None, ..., None] / 255, index)[0] for one in (photo, saved))
    begun, ended = result.objective[0, 0, [0, -1]]
    assert ended - begun > 0.15
    assert after - before > 0.6 * (ended - begun)


def test_only_the_pools_behind_the_last_strided_convolution_are_moved():
    random = np.random.default_rng(0)
    expected = {"two strided convolutions": 4, "a strided one between": 2, "a pool, then a strided one": 4,
                "a strided one, then a pool": 2}  # fmt: skip
    for name, aligned in expected.items():
        model = own_cnn(*STRIDED[name](), shape=(28, 28, 1))
        slide = Slide(model, "deep", "activation", np.ones((1, 6), np.float32), (50, 61), calls=1)
        stride = slide.chunks.field.stride
        assert slide.aligned == aligned, name
        shifts = {slide.shift(random) for _ in range(200)}
        places = [offset for offset in range(stride) if (offset - slide.margin) % aligned == 0]
        assert shifts == set(itertools.product(places, places)), name


# what does not fit --------------------------------------------------------------------------------------------------


def refused(*arguments, key: str, says: str, **more) -> None:
    with pytest.raises(InputError) as error:
        dream(*arguments, seed=0, **more)
    assert str(error.value).startswith(f"{key}: takes ")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@BOTH
def test_answers_that_are_no_numbers_are_said_in_one_line(config):
    model = colour_cnn()
    kernel = model.get_layer("first").kernel.numpy()
    kernel[0, 0, 0, 0] = np.nan
    model.get_layer("first").kernel.assign(kernel)
    for preprocessing in (STANDARDIZED, RANGES[0]):
        refused(config, model, photo_of(), key="model", says="NaN", preprocessing=preprocessing)


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.zeros((40, 50, 4), np.uint8), "(40, 50, 4)"),
        (np.zeros((40, 50, 1), np.uint8), "(40, 50, 1)"),
        (np.zeros((2, 40, 50, 3), np.uint8), "(2, 40, 50, 3)"),
        (np.zeros(40, np.uint8), "(40,)"),
        (np.zeros((0, 50, 3), np.uint8), "(0, 50, 3)"),
        (np.full((40, 50), np.nan), "not a number"),
        (np.full((40, 50), "a"), "<U1"),
        ([[1, 2], [3, 4]], "list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@BOTH
def test_a_photo_of_another_shape_is_refused(config, pixels, says):
    refused(config, colour_cnn(), pixels, key="photo", says=says)


@BOTH
def test_layers_maps_and_masks_that_are_not_there_are_refused(config):
    model, photo = colour_cnn(), photo_of()
    refused(replace(config, layer="nowhere"), model, photo, key="dream.layer", says="first")
    dense = own_cnn(conv("deep", 5), keras.layers.Flatten(), keras.layers.Dense(4, name="last"))
    refused(replace(config, layer="last"), dense, photo, key="dream.layer", says="'last'")
    for index in (5, 70):
        refused(replace(config, map_indices=[index]), model, photo, key="dream.map_indices", says="maps 0 to 4 of deep")
    mask = np.ones((50, 65), np.float32)
    refused(config, model, photo, mask=mask, key="mask", says="(50, 65)")
    refused(config, own_cnn(conv("deep", 5), shape=(24, 32, 2)), photo, key="model", says="(24, 32, 2)")


def test_maps_of_tiles_that_are_not_there_are_refused():
    model, photo = colour_cnn(), photo_of()
    refused(replace(CARVING, tile_maps=[[1], [5]]), model, photo, key="dream.tile_maps", says="got 5")
    refused(replace(CARVING, auto_maps=6, map_indices=None), model, photo, key="dream.auto_maps", says="at most 5")


def test_a_photo_without_room_for_a_tile_of_the_cnns_proportions_is_refused():
    model = colour_cnn((10, 30, 3))
    refused(replace(CARVING, levels=[8]), model, photo_of(48, 64), key="dream.levels", says="at most 5 tiles")
    refused(CARVING, model, photo_of(48, 8), key="dream.size", says="30 x 10")
