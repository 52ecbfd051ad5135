"""The stage dream on a tiny CNN: carving against the method in plain NumPy; identities, masks, choices of maps."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import reference
from dream_settings import DREAM

from pipeline.core import cnn
from pipeline.core.colour import dreamt_colours, dreamt_grey_levels, luma
from pipeline.core.keras_layers import describe_model
from pipeline.engine import storage
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Correction, DreamMethod, Enlargement, Objective, StepSizeSchedule
from pipeline.stages.dream.compute import dream
from pipeline.stages.dream.fitting import check_dream
from pipeline.stages.dream.settings import DreamConfig, ZoomConfig

OCTAVES = replace(DREAM, method=DreamMethod.octaves, step_size_schedule=StepSizeSchedule.linear)
METHODS = [DREAM, OCTAVES]
BOTH = pytest.mark.parametrize("config", METHODS, ids=lambda config: config.method.value)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """(48, 48) grey levels: slopes, noise, and one sixteenth with next to no contrast."""
    y, x = np.mgrid[:48, :48]
    pixels = 120 + 60 * np.sin(x / 7) * np.cos(y / 5) + np.random.default_rng(9).normal(0, 15, (48, 48))
    pixels[12:24, 36:] = 200 + 0.005 * pixels[12:24, 36:]
    return pixels.astype(np.float32)


def colour_photo(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 5), np.cos(y / 4), np.sin((x + y) / 6)]
    noise = np.random.default_rng(3).normal(0, 12, (height, width, 3))
    return np.clip(120 + 60 * np.stack(waves, axis=-1) + noise, 0, 255).astype(np.uint8)


def standardized(photo: np.ndarray) -> np.ndarray:
    return reference.standardize(luma(photo).astype(np.float64))


# against NumPy -------------------------------------------------------------------------------------------------------


@pytest.fixture
def in_numpy(tiny_cnn, layers_up_to, photo) -> Callable[..., np.ndarray]:
    def carved(config: DreamConfig, **changes) -> np.ndarray:
        return reference.dream(
            layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=config.objective is Objective.pre_activation),
            photo.astype(np.float64),
            size=12,
            levels=config.levels,
            map_indices=config.map_indices,
            turns=config.turns,
            steps=config.steps,
            step_size=config.step_size,
            squared=config.objective is Objective.l2,
            **changes,
        )

    return carved


@pytest.mark.slow
@pytest.mark.parametrize("objective", list(Objective), ids=lambda objective: objective.value)
@pytest.mark.parametrize("levels", [[1], [2], [1, 2], [2, 1, 3]], ids=str)
def test_a_dream_equals_carving_tile_by_tile_in_numpy(tiny_cnn, photo, in_numpy, objective, levels):
    config = replace(DREAM, levels=levels, map_indices=[3, 0, -1][: len(levels)], objective=objective)
    result = dream(config, tiny_cnn(), photo, seed=0)
    np.testing.assert_allclose(result.picture, in_numpy(config), atol=2e-3)
    assert np.abs(result.picture - standardized(photo)).max() > 0.1


@pytest.mark.parametrize("strength", [0.25, 0.5, 2.0])
def test_the_strength_is_the_share_of_the_change_that_is_made(tiny_cnn, photo, in_numpy, strength):
    config = replace(DREAM, strength=[strength])
    result = dream(config, tiny_cnn(), photo, seed=0)
    np.testing.assert_allclose(result.picture, in_numpy(config, strength=strength), atol=2e-3)


def test_an_updated_correction_keeps_the_detail_of_the_dream_so_far(tiny_cnn, photo, in_numpy):
    config = replace(DREAM, correction=Correction.updated, turns=3)
    updated = dream(config, tiny_cnn(), photo, seed=0).picture
    np.testing.assert_allclose(updated, in_numpy(config, updated=True), atol=5e-3)
    original = dream(replace(config, correction=Correction.original), tiny_cnn(), photo, seed=0).picture
    assert np.abs(updated - original).max() > 0.05


@pytest.mark.parametrize("levels", [[1], [1, 2]], ids=str)
def test_changes_enlarged_by_the_smooth_spline_equal_numpy(tiny_cnn, photo, in_numpy, levels):
    config = replace(DREAM, enlargement=Enlargement.bspline, levels=levels, map_indices=[3, 0][: len(levels)])
    smooth = dream(config, tiny_cnn(), photo, seed=0).picture
    np.testing.assert_allclose(smooth, in_numpy(config, bspline=True), atol=2e-3)
    rippled = dream(replace(config, enlargement=Enlargement.bicubic), tiny_cnn(), photo, seed=0).picture
    assert np.abs(smooth - rippled).max() > 0.05


def test_carving_under_a_mask_equals_numpy(tiny_cnn, photo, in_numpy):
    mask = np.linspace(0, 1, 48, dtype=np.float32)[None].repeat(48, axis=0)
    result = dream(DREAM, tiny_cnn(), photo, seed=0, mask=mask)
    np.testing.assert_allclose(result.picture, in_numpy(DREAM, mask=mask), atol=2e-3)


def test_every_byte_of_a_result_is_told_when_it_is_saved(tiny_cnn, photo, tmp_path):
    result = dream(DREAM, tiny_cnn(), photo, seed=0)
    told: list[int] = []
    storage.save_result(result, tmp_path, on_saved=told.append)
    # photo and picture: float32; 4 frames: bytes; objective (2 turns, 2 levels, 4 steps); 5 tiles with a map each
    objective = result.objective.itemsize * 2 * 2 * 4
    assert sum(told) == storage.size(result) == 2 * 4 * 48**2 + 4 * 48**2 + objective + 8 * 5 + result.zoom.nbytes


# identities ----------------------------------------------------------------------------------------------------------

LEVELS = [[1], [2], [4], [1, 2, 4], [8], [3, 1], [1, 2, 4, 8]]
SHAPES = [(48, 48), (49, 75), (90, 51)]


@pytest.mark.slow
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_with_a_strength_of_0_an_untouched_picture_comes_back(tiny_cnn, levels, overlap, shape, colour):
    pixels = colour_photo(*shape)
    pixels = pixels if colour else luma(pixels)
    config = replace(DREAM, levels=levels, overlap=overlap, map_indices=[3], strength=[0.0], turns=1, steps=2)
    result = dream(config, tiny_cnn(), pixels, seed=0)
    np.testing.assert_allclose(result.picture, standardized(pixels), atol=1e-5)
    expected = pixels if colour else np.rint(pixels).astype(np.uint8)
    np.testing.assert_array_equal(dreamt_colours(pixels, result.picture), expected)


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_with_a_strength_of_0_octaves_leave_the_picture_untouched(tiny_cnn, count, shape, colour):
    pixels = colour_photo(*shape)
    pixels = pixels if colour else luma(pixels)
    config = replace(OCTAVES, octaves=replace(DREAM.octaves, count=count), strength=[0.0], steps=2)
    result = dream(config, tiny_cnn(), pixels, seed=0)
    np.testing.assert_allclose(result.picture, standardized(pixels), atol=1e-5)


def test_a_level_or_octave_with_a_strength_of_0_changes_nothing(tiny_cnn, photo):
    alone = dream(replace(DREAM, levels=[2], map_indices=[3]), tiny_cnn(), photo, seed=0)
    with_idle = replace(DREAM, levels=[1, 2, 3], map_indices=[3], strength=[0.0, 1.0, 0.0])
    np.testing.assert_allclose(dream(with_idle, tiny_cnn(), photo, seed=0).picture, alone.picture, atol=1e-4)
    # what the smaller octave would have changed is not there
    idle = dream(replace(OCTAVES, strength=[0.0, 1.0]), tiny_cnn(), photo, seed=0)
    both = dream(OCTAVES, tiny_cnn(), photo, seed=0)
    np.testing.assert_array_equal(idle.frames[0], dreamt_grey_levels(photo, standardized(photo).astype(np.float32)))
    assert np.abs(idle.picture - both.picture).max() > 0.05


@BOTH
def test_without_a_step_the_dream_is_the_standardized_photo(tiny_cnn, photo, config):
    result = dream(replace(config, step_size=0.0), tiny_cnn(), photo, seed=0)
    np.testing.assert_allclose(result.picture, standardized(photo), atol=1e-5)


@BOTH
def test_same_arguments_same_bits(tiny_cnn, config):
    pixels = colour_photo(60, 90)
    config = replace(config, zoom=ZoomConfig(frames=3, factor=1.1, steps=1, size=56))
    first, second = (dream(config, tiny_cnn(), pixels, seed=0) for _ in range(2))
    for name in ("photo", "picture", "frames", "objective", "tile_maps", "zoom"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_another_seed_shifts_the_octaves_otherwise(tiny_cnn, photo):
    first, second = (dream(OCTAVES, tiny_cnn(), photo, seed=seed).picture for seed in (0, 1))
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_a_single_tile_is_the_whole_picture(tiny_cnn, photo, in_numpy, overlap):
    config = replace(DREAM, levels=[1], map_indices=[3], overlap=overlap)
    np.testing.assert_allclose(dream(config, tiny_cnn(), photo, seed=0).picture, in_numpy(config), atol=2e-3)


def test_the_colour_stays(tiny_cnn):
    pixels = colour_photo(48, 70)
    result = dream(DREAM, tiny_cnn(), pixels, seed=0)
    grey = dream(DREAM, tiny_cnn(), luma(pixels), seed=0)
    np.testing.assert_array_equal(result.picture, grey.picture)
    colours = dreamt_colours(pixels, result.picture).astype(float)
    inside = ((colours > 0) & (colours < 255)).all(axis=-1)
    assert inside.mean() > 0.5
    # all three channels move alike
    moved = (colours - pixels)[inside]
    assert np.abs(moved - moved[:, :1]).max() <= 1
    assert np.abs(moved).max() > 20


# tiles and maps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tiles", [[0], [3], [1, 2]], ids=str)
def test_only_the_chosen_tiles_are_changed(tiny_cnn, photo, tiles):
    config = replace(DREAM, levels=[2], map_indices=[3], tiles=[tiles], turns=1)
    original = standardized(photo).astype(np.float32)
    result = dream(config, tiny_cnn(), photo, seed=0)
    all_tiles = dream(replace(config, tiles=None), tiny_cnn(), photo, seed=0)

    def quarters(picture: np.ndarray) -> list[np.ndarray]:
        return [picture[row : row + 24, column : column + 24] for row in (0, 24) for column in (0, 24)]

    # standardizing the whole at the end is one factor and one offset for all quarters
    before = np.concatenate([quarters(original)[tile].ravel() for tile in range(4) if tile not in tiles])
    after = np.concatenate([quarters(result.picture)[tile].ravel() for tile in range(4) if tile not in tiles])
    factor, offset = np.polyfit(before, after, 1)
    np.testing.assert_allclose(after, factor * before + offset, atol=1e-4)
    for tile in tiles:
        one, other = quarters(result.picture)[tile].ravel(), quarters(all_tiles.picture)[tile].ravel()
        assert np.abs(one - factor * quarters(original)[tile].ravel() - offset).max() > 0.05
        # but for such a factor and offset, a tile is carved alike whether the others are or not
        np.testing.assert_allclose(one, np.polyval(np.polyfit(other, one, 1), other), atol=1e-4)


def test_every_tile_is_carved_with_the_map_of_its_level(tiny_cnn, photo):
    one_for_all, one_each = (
        dream(replace(DREAM, map_indices=map_indices), tiny_cnn(), photo, seed=0) for map_indices in ([3], [3, 3])
    )
    np.testing.assert_array_equal(one_for_all.picture, one_each.picture)
    different = dream(DREAM, tiny_cnn(), photo, seed=0)
    np.testing.assert_array_equal(different.frames[0], one_each.frames[0])
    assert np.abs(different.frames[1].astype(int) - one_each.frames[1]).max() > 2
    assert different.tile_maps.tolist() == [[3], [0], [0], [0], [0]]


def test_every_tile_may_have_a_map_of_its_own(tiny_cnn, photo):
    config = replace(DREAM, levels=[2], map_indices=[0], turns=1, tile_maps=[[1, 2, 3, 4]])
    mixed = dream(config, tiny_cnn(), photo, seed=0)
    assert mixed.tile_maps.ravel().tolist() == [1, 2, 3, 4]
    for tile, index in enumerate([1, 2, 3, 4]):
        alone = dream(replace(config, tile_maps=[[index]]), tiny_cnn(), photo, seed=0)
        top, left = 24 * (tile // 2), 24 * (tile % 2)
        one, other = (each.picture[top : top + 24, left : left + 24].ravel() for each in (mixed, alone))
        # the whole was standardized, so the same but for a factor and an offset
        np.testing.assert_allclose(one, np.polyval(np.polyfit(other, one, 1), other), atol=1e-4)


@pytest.mark.parametrize("asked", [None, [1, 4, 5]], ids=["all", "some"])
@pytest.mark.parametrize("wanted", [1, 2])
def test_a_tile_gets_the_maps_that_it_triggers_most_already(tiny_cnn, layers_up_to, photo, wanted, asked):
    config = replace(DREAM, levels=[1, 2], map_indices=asked, auto_maps=wanted, turns=1)
    result = dream(config, tiny_cnn(), photo, seed=0)
    layers, original = layers_up_to(tiny_cnn(), "Conv2D_2"), standardized(photo)
    places = [np.s_[:, :], *(np.s_[y : y + 24, x : x + 24] for y in (0, 24) for x in (0, 24))]
    for place, chosen in zip(places, result.tile_maps, strict=True):
        small = reference.standardize(reference.resize(original[place], 12))
        means = reference.outputs(layers, small)[-1].mean(axis=(0, 1))
        candidates = range(6) if asked is None else asked
        assert chosen.tolist() == sorted(candidates, key=lambda index: -means[index])[:wanted]


def test_a_tile_with_several_maps_is_driven_towards_their_mean(tiny_cnn, layers_up_to, photo):
    config = replace(DREAM, levels=[1], map_indices=None, auto_maps=6)
    result = dream(config, tiny_cnn(), photo, seed=0)
    layers = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True)
    small = reference.standardize(reference.resize(standardized(photo), 12))
    mean = np.mean([reference.objective(layers, small, index) for index in range(6)])
    assert result.objective[0, 0, 0] == pytest.approx(mean, abs=1e-4)


def test_the_batches_of_tiles_change_nothing(tiny_cnn, photo, monkeypatch):
    config = replace(DREAM, levels=[1, 4], overlap=0.5)
    whole = dream(config, tiny_cnn(), photo, seed=0)
    monkeypatch.setattr("pipeline.stages.dream.carve.TILES_AT_A_TIME", 5)
    monkeypatch.setattr("pipeline.core.carving.PIXELS_AT_A_TIME", 300)
    parts = dream(config, tiny_cnn(), photo, seed=0)
    np.testing.assert_allclose(parts.picture, whole.picture, atol=1e-4)
    np.testing.assert_allclose(parts.objective, whole.objective, atol=1e-4)


# masks ---------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_mask_limits_where_it_dreams(tiny_cnn, config):
    pixels = colour_photo(60, 90)
    mask = np.zeros((60, 90), np.float32)
    mask[10:40, 20:60] = 1
    result = dream(replace(config, overlap=0.5), tiny_cnn(), pixels, seed=0, mask=mask)
    outside = mask == 0
    np.testing.assert_allclose(result.picture[outside], standardized(pixels)[outside], atol=1e-5)
    dreamt = dreamt_colours(pixels, result.picture)
    np.testing.assert_array_equal(dreamt[outside], pixels[outside])
    assert np.abs(result.picture - standardized(pixels))[~outside].mean() > 0.1


@BOTH
def test_a_mask_that_is_black_all_over_leaves_the_photo(tiny_cnn, photo, config):
    result = dream(config, tiny_cnn(), photo, seed=0, mask=np.zeros((48, 48), np.float32))
    np.testing.assert_allclose(result.picture, standardized(photo), atol=1e-5)
    first = "levels/turn_1_level_1.png" if config.method is DreamMethod.carving else "octaves/octave_1.png"
    assert result.frame_files[0] == first
    assert len(result.frame_files) == len(result.frames)


def test_tiles_that_the_mask_hides_are_not_computed(tiny_cnn, photo):
    mask = np.zeros((48, 48), np.float32)
    mask[30:40, 30:40] = 1
    told: list[tuple] = []
    result = dream(DREAM, tiny_cnn(), photo, seed=0, mask=mask, progress=lambda *place, **_: told.append(place))
    # the whole, and the lower right quarter; two turns of four steps
    assert told[-1] == ("dream", 16, 16)
    assert result.tile_maps.tolist() == [[3], [0]]
    full = dream(DREAM, tiny_cnn(), photo, seed=0, mask=np.ones((48, 48), np.float32))
    np.testing.assert_allclose(full.picture, dream(DREAM, tiny_cnn(), photo, seed=0).picture, atol=1e-6)


# what is told, kept and refused --------------------------------------------------------------------------------------


def test_frames_and_objective_follow_the_levels_of_every_turn(tiny_cnn, layers_up_to, photo):
    result = dream(DREAM, tiny_cnn(), photo, seed=0)
    assert result.objective.shape == (2, 2, 4)
    np.testing.assert_array_equal(result.frames[-1], dreamt_grey_levels(photo, result.picture))
    one_turn = dream(replace(DREAM, turns=1), tiny_cnn(), photo, seed=0)
    np.testing.assert_array_equal(result.frames[:2], one_turn.frames)
    np.testing.assert_array_equal(result.objective[:1], one_turn.objective)
    # the first value of the second level: the mean over the four quarters of what the first level left, shrunk
    first = dream(replace(DREAM, turns=1, levels=[1], map_indices=[3]), tiny_cnn(), photo, seed=0).picture
    layers = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True)
    small = [
        reference.standardize(reference.resize(first[y : y + 24, x : x + 24].astype(np.float64), 12))
        for y in (0, 24)
        for x in (0, 24)
    ]
    mean = np.mean([reference.objective(layers, image, 0) for image in small])
    assert result.objective[0, 1, 0] == pytest.approx(mean, abs=1e-4)
    assert (result.objective[:, :, -1] > result.objective[:, :, 0]).all()


def test_octaves_leave_a_frame_each(tiny_cnn, photo):
    result = dream(OCTAVES, tiny_cnn(), photo, seed=0)
    assert result.objective.shape == (1, 2, 4)
    assert (result.objective[..., -1] > result.objective[..., 0]).all()
    assert result.frames.shape == (2, 48, 48)
    np.testing.assert_array_equal(result.frames[-1], dreamt_grey_levels(photo, result.picture))
    assert result.tile_maps.size == 0


@BOTH
def test_frames_are_no_larger_than_asked(tiny_cnn, config):
    result = dream(replace(config, frame_size=56), tiny_cnn(), colour_photo(60, 120), seed=0)
    assert result.frames.shape[1:] == (28, 56)
    assert result.picture.shape == (60, 120)


@BOTH
def test_progress_tells_all_the_work_and_ends_with_it(tiny_cnn, photo, config):
    told: list[tuple] = []
    config = replace(config, zoom=ZoomConfig(frames=4, factor=1.2, steps=2, size=56))
    dream(config, tiny_cnn(), photo, seed=0, progress=lambda *place, **_: told.append(place))
    done, totals = [place[1] for place in told], {place[2] for place in told}
    assert len(totals) == 1
    assert done == sorted(done)
    assert done[-1] == totals.pop()
    assert len(done) > 8


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("objective", list(Objective), ids=lambda objective: objective.value)
def test_a_photo_of_one_grey_level_gives_finite_numbers(tiny_cnn, config, objective):
    flat = np.full((48, 48), 130.0, np.float32)
    result = dream(replace(config, objective=objective), tiny_cnn(), flat, seed=0)
    assert np.isfinite(result.picture).all()
    assert np.isfinite(result.objective).all()


@BOTH
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_a_zoom_flies_into_the_dream(tiny_cnn, config, frames):
    pixels = colour_photo(60, 120)
    config = replace(config, zoom=ZoomConfig(frames=frames, factor=1.2, steps=1, size=80))
    result = dream(config, tiny_cnn(), pixels, seed=0)
    assert result.zoom.shape == (frames, 40, 80, 3)
    if frames == 2:
        small = reference.resize_to(dreamt_colours(pixels, result.picture).astype(float), (40, 80))
        # nothing fades into the first of so few
        np.testing.assert_allclose(result.zoom[0], np.clip(small, 0, 255), atol=1)
    # a frame is the middle of the one before, into which it dreams but little
    for before, after in zip(result.zoom[1:-1].astype(float), result.zoom[2:].astype(float), strict=True):
        middle = reference.resize_to(before[3:37, 7:73], (40, 80))
        assert np.abs(after - middle).mean() < np.abs(after - before).mean() + 5


def test_no_zoom_leaves_no_frames(tiny_cnn, photo):
    assert dream(DREAM, tiny_cnn(), photo, seed=0).zoom.shape[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": [1, 13]}, "dream.levels: takes at most 12 tiles per side of a photo of 48 x 48; got 13"),
        ({"map_indices": None}, "dream.map_indices: takes maps; null, for all of the layer, only with"),
        ({"map_indices": [1, 2, 3]}, "dream.map_indices: takes one entry for all, or one for each of the 2"),
        ({"tiles": [[0], [4]]}, "dream.tiles: takes tiles 0 to 3 for 2 per side of a photo of 48 x 48; got 4"),
        ({"tile_maps": [[0], [1, 2]]}, "dream.tile_maps: takes one map, or one for each of the 4 tiles"),
    ],
)
def test_what_the_photo_has_no_room_for_is_refused(tiny_cnn, photo, changes, message):
    with pytest.raises(InputError) as caught:
        dream(replace(DREAM, **changes), tiny_cnn(), photo, seed=0)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("count", "side", "message"),
    [
        # of the tiny CNN: a position of Conv2D_2 sees 3 + 1 + 2 * 2 = 8 pixels, its neighbour begins 2 further on
        (5, 48, "dream.octaves.count: takes at most 4 with dream.octaves.scale=1.5 and a photo of 60 x 30: the "
                "smallest needs 9 pixels per side (Conv2D_2 sees 8, and shifts by less than 2); got 5"),
        (1, 8, "dream.size: takes a photo of at least 9 pixels per side"),
    ],
)  # fmt: skip
def test_octaves_that_the_layer_cannot_see_are_refused(tiny_cnn, count, side, message):
    pixels = colour_photo(*((30, 60) if side == 48 else (side, side)))
    with pytest.raises(InputError) as caught:
        dream(replace(OCTAVES, octaves=replace(DREAM.octaves, count=count)), tiny_cnn(), pixels, seed=0)
    assert str(caught.value).startswith(message)


def test_a_cnn_with_branches_cannot_be_slid(photo):
    import keras

    inputs = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(1, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="Conv2D_2")(keras.layers.Add()([inputs, x]))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    with pytest.raises(InputError, match=r"dream.method: takes carving with this CNN; octaves need a chain of conv"):
        dream(OCTAVES, model, photo, seed=0)
    # the same where only the layers are known, while carving is asked nothing of them
    with pytest.raises(InputError, match=r"dream.method: takes carving with this CNN"):
        check_dream(OCTAVES, describe_model(model).receptive_field("Conv2D_2"), photo.shape[:2])
    check_dream(DREAM, None, photo.shape[:2])


@BOTH
def test_the_stage_leaves_its_arguments_as_they_were(new_cnn, photo, config):
    model, pixels, mask = new_cnn(), photo.copy(), np.full((48, 48), 0.5, np.float32)
    weights = cnn.weights_by_name(model)
    dream(config, model, pixels, seed=0, mask=mask)
    np.testing.assert_array_equal(pixels, photo)
    np.testing.assert_array_equal(mask, 0.5)
    for name, weight in cnn.weights_by_name(model).items():
        np.testing.assert_array_equal(weight, weights[name])
    assert DREAM.map_indices == [3, 0]
