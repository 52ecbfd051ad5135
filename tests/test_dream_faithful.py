"""Carving drawn to training images, on a tiny CNN: the photo's range, tiles, masks, sheets, what is refused."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import reference
from dream_settings import DREAM

from pipeline.core import ascent
from pipeline.core.canvas import canvas_of
from pipeline.core.colour import dreamt_grey_levels, luma
from pipeline.core.matching import MAPS
from pipeline.core.objectives import after_activation, before_activation, directions, weights_of
from pipeline.core.priors import Priors
from pipeline.core.references import match_of, references_of
from pipeline.core.variation import covariance_power
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Compare, Correction, DreamMethod, Enlargement, Objective, StepSizeSchedule
from pipeline.stages.dream.compute import dream
from pipeline.stages.dream.faithful import NEVER, WEIGHT
from pipeline.stages.dream.inputs import split_of
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.settings import DreamConfig, ZoomConfig
from pipeline.stages.dream_sheet.compute import dream_sheet

FAITHFUL = replace(
    DREAM,
    faithful=replace(DREAM.faithful, references=3),
    correction=Correction.updated,
    step_size=0.1,
    step_size_schedule=StepSizeSchedule.linear,
    steps=6,
    turns=1,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """(40, 12, 12, 1) float32, standardized: bars in all directions."""
    y, x = np.mgrid[:12, :12]
    angles = np.linspace(0, np.pi, 40)[:, None, None]
    bars = np.exp(-((np.cos(angles) * (x - 5.5) + np.sin(angles) * (y - 5.0)) ** 2) / 3)
    noisy = bars + np.random.default_rng(2).normal(0, 0.02, bars.shape)
    return np.stack([reference.standardize(image) for image in noisy])[..., None].astype(np.float32)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """(48, 72) grey levels: slopes and noise."""
    y, x = np.mgrid[:48, :72]
    return (120 + 60 * np.sin(x / 9) * np.cos(y / 7) + np.random.default_rng(9).normal(0, 9, (48, 72))).astype(
        np.float32
    )


@pytest.fixture
def dreamt(tiny_cnn, images, photo):
    def of(config: DreamConfig, pixels: np.ndarray = photo, **more) -> DreamResult:
        return dream(config, tiny_cnn(), pixels, seed=0, reference_images=images, **more)

    return of


def original_of(photo: np.ndarray) -> np.ndarray:
    return reference.standardize(luma(photo).astype(np.float64))


def test_a_level_is_drawn_on_the_canvas_of_its_tiles(tiny_cnn, images, photo, dreamt):
    config = replace(FAITHFUL, levels=[1], map_indices=[3])
    square, model = photo[:, 12:60], tiny_cnn()
    original = original_of(square)
    mean, spread = reference.neighbourhood(original, 8)
    small, mean, spread = (reference.resize(plane, 12)[None, ..., None] for plane in (original, mean, spread))
    canvas = canvas_of(mean.astype(np.float32), np.clip(spread, 0.3, 0.8).astype(np.float32), original.min(),
                       original.max(), "either")  # fmt: skip
    weights = weights_of(directions(range(6), 6), (3, 3, 6))
    aim, scored = before_activation(model, "Conv2D_2", weights), after_activation(model, "Conv2D_2", weights)
    found = references_of(scored, images, 3)
    match = match_of(
        model, ["Max_Pool_1"], MAPS, scored=scored, aim=aim, images=images, references=found, goal=found.largest,
        weight=WEIGHT, is_least=True,
    )  # fmt: skip
    before = canvas.pixels(small.astype(np.float32))
    drawn = ascent.ascend(
        aim.chunk([3]), before, np.float32(0.1) * (1 - np.arange(6, dtype=np.float32) / 6), convergence=NEVER,
        match=match.chunk([3]), shaped_by=Priors(bounded=True, covariance=covariance_power(images, 0.5)),
    )  # fmt: skip
    after, objective = drawn.images, drawn.objective
    change = reference.resize(canvas.change(before, after)[0, ..., 0].astype(np.float64), 48)
    result = dreamt(config, square)
    expected = np.clip(original + change, original.min(), original.max())
    np.testing.assert_allclose(result.picture, expected, atol=5e-3)
    np.testing.assert_allclose(result.objective[0, 0], objective[:, 0], atol=1e-3)
    assert np.abs(change).max() > 0.1


@pytest.mark.parametrize("enlargement", list(Enlargement), ids=lambda one: one.value)
def test_nothing_becomes_darker_or_brighter_than_the_photo(dreamt, photo, enlargement):
    result = dreamt(replace(FAITHFUL, strength=[4.0], overlap=0.3, enlargement=enlargement))
    original = original_of(photo)
    assert result.picture.min() >= np.float32(original.min()) - 1e-5
    assert result.picture.max() <= np.float32(original.max()) + 1e-5
    assert np.abs(result.picture - original).max() > 0.5


def test_tiles_that_nobody_draws_into_keep_their_bits(dreamt, photo):
    result = dreamt(replace(FAITHFUL, levels=[2], map_indices=[3], tiles=[[1]]))
    untouched = dreamt(replace(FAITHFUL, strength=[0.0])).picture
    changed = result.picture != untouched
    assert changed[:24, 24:48].any()
    changed[:24, 24:48] = False
    assert not changed.any()
    np.testing.assert_allclose(untouched, original_of(photo), atol=1e-5)


def test_more_contrast_draws_more(dreamt, photo):
    original, changes = original_of(photo), []
    for contrast in (0.1, 0.4):
        settings = replace(FAITHFUL.faithful, least_contrast=contrast, most_contrast=contrast)
        changes.append(np.abs(dreamt(replace(FAITHFUL, faithful=settings)).picture - original).mean())
    assert changes[1] > 2 * changes[0]


def test_a_tile_becomes_like_the_images_of_its_map(dreamt, tiny_cnn, images, photo):
    """As a picture of its own, one tile of all of the photo."""
    square = photo[:, 12:60]
    result = dreamt(replace(FAITHFUL, levels=[1], map_indices=[3], steps=20), square)
    part = keras.Model(tiny_cnn().inputs[0], tiny_cnn().get_layer("Max_Pool_1").output)
    means = keras.Model(tiny_cnn().inputs[0], tiny_cnn().get_layer("Conv2D_2").output).predict(images, verbose=0)
    top = np.argsort(-means[..., 3].mean(axis=(1, 2)))[:3]

    def likeness(picture):
        small = reference.standardize(reference.resize(picture.astype(np.float64), 12))[None, ..., None]
        own = part.predict(small, verbose=0).ravel()
        return np.mean([np.corrcoef(own, other.ravel())[0, 1] for other in part.predict(images[top], verbose=0)])

    assert likeness(result.picture) > likeness(original_of(square)) + 0.05


def test_same_arguments_same_bits(dreamt):
    config = replace(FAITHFUL, overlap=0.3)
    one, other = dreamt(config), dreamt(config)
    np.testing.assert_array_equal(one.picture, other.picture)
    np.testing.assert_array_equal(one.objective, other.objective)


def test_the_batches_of_tiles_change_nothing(dreamt, monkeypatch):
    config = replace(FAITHFUL, levels=[1, 4], overlap=0.3)
    whole = dreamt(config)
    monkeypatch.setattr("pipeline.stages.dream.carve.TILES_AT_A_TIME", 5)
    parts = dreamt(config)
    np.testing.assert_allclose(parts.picture, whole.picture, atol=1e-5)
    np.testing.assert_allclose(parts.objective, whole.objective, atol=1e-5)


def test_a_tile_gets_the_map_that_it_triggers_most_as_a_share_of_what_images_do(dreamt, tiny_cnn, images):
    result = dreamt(replace(FAITHFUL, levels=[2], auto_maps=1, map_indices=None))
    assert result.tile_maps.shape == (6, 1)
    means = keras.Model(tiny_cnn().inputs[0], tiny_cnn().get_layer("Conv2D_2").output)
    # a map that no image triggers has no share
    largest = means.predict(images, verbose=0).mean(axis=(1, 2)).max(axis=0)
    assert (largest[result.tile_maps] > 0).all()
    some = dreamt(replace(FAITHFUL, levels=[2], auto_maps=2, map_indices=[1, 3, 4]))
    assert set(some.tile_maps.ravel().tolist()) <= {1, 3, 4}


def test_a_mask_limits_where_it_draws(dreamt, photo):
    mask = np.zeros(photo.shape, np.float32)
    mask[10:30, 20:50] = 1
    result = dreamt(replace(FAITHFUL, overlap=0.3), mask=mask)
    untouched = dreamt(FAITHFUL, mask=np.zeros_like(mask)).picture
    np.testing.assert_array_equal(result.picture[mask == 0], untouched[mask == 0])
    assert (result.picture != untouched)[mask == 1].mean() > 0.9


def test_a_photo_of_one_grey_level_stays_as_it_is(dreamt):
    result = dreamt(FAITHFUL, np.full((48, 48), 90, np.float32))
    assert not result.picture.any()
    assert np.isfinite(result.objective).all()


def test_a_zoom_flies_into_it(dreamt, photo):
    flight = dreamt(replace(FAITHFUL, zoom=ZoomConfig(frames=3, factor=1.1, steps=2, size=56))).zoom
    assert flight.shape == (3, 37, 56)
    assert (np.abs(np.diff(flight.astype(int), axis=0)).max(axis=(1, 2)) > 3).all()


def test_a_sheet_has_the_same_dreams(tiny_cnn, images, photo, dreamt):
    config = replace(FAITHFUL, map_indices=[3, 1], compare=replace(FAITHFUL.compare, by=Compare.maps))
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=0, reference_images=images)
    for row, index in enumerate([3, 1]):
        alone = dreamt(replace(config, map_indices=[index]))
        assert np.abs(sheet.pictures[row].astype(int) - dreamt_grey_levels(photo, alone.picture)).max() <= 1


def test_progress_tells_of_the_images_and_of_the_steps(dreamt):
    told: list[tuple[str, int, int]] = []
    # so many are not asked for elsewhere: those that were are remembered
    config = replace(FAITHFUL, faithful=replace(FAITHFUL.faithful, references=2))
    dreamt(config, progress=lambda task, done, total, **_: told.append((task, done, total)))
    assert told[0] == ("references", 40, 40)
    assert told[-1] == ("dream", 8 * 6, 8 * 6)


def test_only_references_look_at_the_data(compose):
    assert split_of(compose("dream=faithful")) == "train"
    assert [split_of(compose(f"dream={name}")) for name in ("default", "octaves", "article")] == [None] * 3


# refused -------------------------------------------------------------------------------------------------------------


def test_references_need_images(tiny_cnn, photo):
    with pytest.raises(InputError, match=r"dream\.faithful\.references: takes 0 without training images"):
        dream(FAITHFUL, tiny_cnn(), photo, seed=0)


def test_the_first_convolution_has_no_layer_to_compare_in(dreamt):
    with pytest.raises(InputError, match=r"dream\.layer: takes a convolution behind the first"):
        dreamt(replace(FAITHFUL, layer="Conv2D_1", map_indices=[3]))


def test_a_cnn_that_is_no_chain_is_refused(photo, images):
    import keras

    inputs = keras.Input((12, 12, 1))
    first = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="Conv2D_1")(inputs)
    both = keras.layers.Add()([first, keras.layers.Conv2D(4, 3, padding="same", name="Side")(inputs)])
    last = keras.layers.Conv2D(6, 3, activation="relu", name="Conv2D_2")(both)
    model = keras.Model(inputs, last)
    with pytest.raises(InputError, match=r"dream\.faithful\.references: takes 0 with this CNN"):
        dream(FAITHFUL, model, photo, seed=0, reference_images=images)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": DreamMethod.octaves, "correction": Correction.original}, r"faithful\.references: takes 0 with"),
        ({"objective": Objective.l2}, r"dream\.objective: takes pre_activation with dream\.faithful\.references"),
        ({"objective": Objective.activation}, r"dream\.objective: takes pre_activation"),
    ],
)  # fmt: skip
def test_what_references_do_not_go_with_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(FAITHFUL, **changes)


def test_the_least_contrast_is_not_above_the_most():
    with pytest.raises(InputError, match=r"takes at least dream\.faithful\.least_contrast=0\.9; got 0\.8"):
        replace(FAITHFUL.faithful, least_contrast=0.9)
