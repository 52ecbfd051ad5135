"""Pictures of colour, of other ranges and of any sides: levels by hand, and what the sheets show of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from atlas_example import example, of_classes, of_shape
from picture_examples import activations_config, sweep
from PIL import Image, ImageSequence

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing, by_mean_and_std, preprocessing_of
from pipeline.data.dataset import Dataset
from pipeline.drawing import levels
from pipeline.drawing.layout import fitted, widened
from pipeline.drawing.levels import (
    enhanced,
    image_contrast,
    image_levels,
    is_standardized,
    range_of,
    stretched,
    words_of_channels,
)
from pipeline.drawing.pictures import save_pictures
from pipeline.drawing.sheets import PAPER, TEXT_SIZE, clipped, enlarge, text_width
from pipeline.engine.stage import Context
from pipeline.settings.shared import ContrastConfig
from pipeline.stages.activations.pictures import map_levels, render_activations
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.selection import chosen_indices
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.pictures.contact_sheet import contact_sheets
from pipeline.stages.oip.pictures.sweep import SIDE, render_sweep
from pipeline.stages.oip.pictures.words import words_of
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.statistics.metrics import metrics
from pipeline.stages.statistics.pictures import render_statistics

CONTRAST = ContrastConfig(centre=0.5, factor=1.0)


@pytest.fixture
def oip_config(compose: Callable[..., Any]) -> OipConfig:
    return replace(compose().oip, layer="backbone/block_2", steps=4, contrast=CONTRAST)


# levels ---------------------------------------------------------------------------------------------------------------


def test_a_standardized_colour_image_is_stretched_over_all_channels_together() -> None:
    # -1 is black and 3 is white, whatever the channel
    image = np.array([[[-1.0, 0.0, 1.0], [3.0, 2.0, 1.0]]])
    assert image_levels(image).tolist() == [[[0, 64, 128], [255, 191, 128]]]
    both = image_levels(np.stack([image, 10 * image]))
    assert both[0].tolist() == both[1].tolist()


def test_a_grey_image_is_stretched_as_ever_bit_for_bit() -> None:
    images = np.random.default_rng(0).normal(size=(2, 3, 9, 7, 1)).astype(np.float32)
    np.testing.assert_array_equal(image_levels(images), stretched(images[..., 0]))
    np.testing.assert_array_equal(image_contrast(images, CONTRAST), enhanced(images[..., 0], CONTRAST))
    nothing = np.full((2, 1), np.nan, np.float32)
    np.testing.assert_array_equal(image_levels(images, nothing), stretched(images[..., 0]))


@pytest.mark.parametrize(
    ("kind", "black", "white"), [("unit", 0.0, 1.0), ("bytes", 0.0, 255.0), ("symmetric", -1.0, 1.0)]
)
def test_an_image_of_a_range_is_shown_in_its_own_levels(kind: str, black: float, white: float) -> None:
    levels = np.array([[[0, 51, 255], [100, 101, 102]]])
    images = (black + levels / 255 * (white - black)).astype(np.float32)
    pixel_range = range_of(preprocessing_of(kind), 3)
    np.testing.assert_array_equal(image_levels(images, pixel_range), levels)
    np.testing.assert_array_equal(image_levels(images[..., :1], pixel_range[:, :1]), levels[..., 0])
    # what lies outside of it is clipped
    assert image_levels(images + (white - black), pixel_range).min() == 255


def test_the_levels_of_channels_with_a_range_each_are_those_of_the_saved_picture() -> None:
    preprocessing = by_mean_and_std((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    levels = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3))
    images = preprocessing.shown(levels / 255)
    shown = image_levels(images, range_of(preprocessing, 3))
    np.testing.assert_array_equal(shown, levels)
    between_levels = preprocessing.shown((levels + np.random.default_rng(1).random(levels.shape) - 0.5) / 255)
    shown = image_levels(between_levels, range_of(preprocessing, 3))
    np.testing.assert_array_equal(
        preprocessing.shown((shown / 255).astype(np.float32)), preprocessing.as_saved(between_levels)
    )


def test_levels_are_the_same_however_many_images_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    images = colours(5, 9, 7, 3)
    together = image_levels(images), image_contrast(images, CONTRAST)
    monkeypatch.setattr(levels, "AT_ONCE", 100)
    np.testing.assert_array_equal(image_levels(images), together[0])
    np.testing.assert_array_equal(image_contrast(images, CONTRAST), together[1])


def test_of_two_channels_the_mean_is_shown_of_five_the_first_three() -> None:
    image = np.array([[[0.0, 2.0], [4.0, 6.0]]])
    assert image_levels(image).tolist() == [[0, 255]]
    assert image_levels(np.array([[[0.0, 1.0, 4.0, 99.0, -99.0]]])).tolist() == [[[0, 64, 255]]]
    assert [words_of_channels(channels) for channels in (1, 3)] == ["", ""]
    assert words_of_channels(2) == "the mean of 2 channels"
    assert words_of_channels(5) == "the first 3 of 5 channels"


def test_contrast_of_colours_is_set_by_the_mean_and_spread_of_all_of_them() -> None:
    # mean 3, std 2: deviations -1 and 1; 0.5 -+ 0.25, times 255
    image = np.array([[[1.0, 5.0, 1.0], [5.0, 1.0, 5.0]]])
    assert image_contrast(image, CONTRAST).tolist() == [[[64, 191, 64], [191, 64, 191]]]
    # of levels of a range that is the same
    ends = range_of(Preprocessing("none", (0.0,), (10.0,)), 3)
    assert image_contrast(image, CONTRAST, ends).tolist() == [[[64, 191, 64], [191, 64, 191]]]


def test_a_standardized_picture_has_no_range() -> None:
    assert range_of(STANDARDIZED, 3) is None
    assert is_standardized(None)
    assert is_standardized(np.full((2, 3), np.nan))
    ends = range_of(preprocessing_of("bytes"), 3)
    assert ends is not None
    assert not is_standardized(ends)
    assert ends.tolist() == [[0, 0, 0], [255, 255, 255]]


# sheets ---------------------------------------------------------------------------------------------------------------


def test_large_pictures_become_smaller_and_narrow_ones_get_paper() -> None:
    pictures = np.full((2, 40, 20, 3), 7, np.uint8)
    assert fitted(pictures, 10).shape == (2, 10, 5, 3)
    assert fitted(pictures, 40) is pictures
    wide = widened(pictures, 30)
    assert wide.shape == (2, 40, 30, 3)
    assert (wide[:, :, 20:] == PAPER).all()
    assert widened(pictures, 20) is pictures


def test_a_long_name_is_cut_to_its_room() -> None:
    for text in ("short", "<b>a very long name of a class</b>", "schön" * 20, "a\nb", ""):
        cut = clipped(text, 90)
        assert text_width(cut) <= 90
        assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert text_width("a\nb") == text_width("a b")
    assert text_width("Ä", TEXT_SIZE) > 0


def colours(count: int, height: int, width: int, channels: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, height, width, channels)).astype(np.float32)


def in_rgb(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)


def holds(sheet: np.ndarray, part: np.ndarray) -> bool:
    """Whether a picture lies somewhere on a sheet."""
    height, width = part.shape[:2]
    corners = np.argwhere((sheet[: -height + 1, : -width + 1] == part[0, 0]).all(axis=-1))
    return any((sheet[top : top + height, left : left + width] == part).all() for top, left in corners)


@pytest.mark.parametrize("shape", [(32, 32, 3), (20, 48, 3), (60, 12, 1), (24, 30, 2), (9, 9, 5)], ids=str)
def test_all_pictures_of_a_sweep_show_colours_and_sides(
    oip_config: OipConfig, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    images = colours(3, *shape)
    result = sweep([0, 1, 2], ["converged", "still rising", "never triggered"], images)
    result = replace(
        result,
        all_images=np.stack([images, images[::-1]], axis=1),
        all_activation=np.stack([result.activation, result.activation / 2], axis=1),
    )
    pictures: dict[str, Any] = render_oips(oip_config, result)
    save_pictures(pictures, tmp_path)
    levels = image_levels(images)
    factor = 224 // max(shape[:2])
    for row, name in enumerate(result.files):
        expected = enlarge(levels, factor)[row]
        np.testing.assert_array_equal(pictures[name], expected)
        assert pictures[f"maps_contrast/{name[5:]}"].shape == expected.shape
        if row < 2:
            assert holds(pictures["contact_sheet.png"], in_rgb(expected))
    tile = enlarge(levels, -(-84 // max(shape[:2])))[0]
    assert holds(pictures["evolution.png"], in_rgb(tile))
    assert holds(pictures["starts.png"], in_rgb(tile))
    with Image.open(tmp_path / "emergence.gif") as animation:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(animation)]
    assert len(frames) == 3
    in_colour = any((frame.max(axis=-1) != frame.min(axis=-1)).any() for frame in frames)
    assert in_colour == (levels.ndim == 4)


def test_oips_of_a_range_are_shown_as_they_are_and_said_so(oip_config: OipConfig) -> None:
    ends = np.array([[0, 0, 0], [255, 255, 255]], np.float32)
    images = np.full((2, 8, 8, 3), 100, np.float32)
    images[:, :4] = (10, 20, 30)
    result = sweep([0, 1], ["converged"] * 2, images)
    object.__setattr__(result, "pixel_range", ends)
    picture = render_oips(oip_config, result)["maps/map_000.png"]
    assert picture[0, 0].tolist() == [10, 20, 30]
    assert picture[-1, -1].tolist() == [100, 100, 100]
    # without one the same picture would be stretched
    assert render_oips(oip_config, sweep([0, 1], ["converged"] * 2, images))["maps/map_000.png"][0, 0, 0] == 0


def test_pairs_of_colour_stand_side_by_side(oip_config: OipConfig) -> None:
    images = colours(2, 20, 30, 3)
    result = sweep([0, 1], ["as much as data"] * 2, images)
    result = replace(result, plain_images=images[::-1], plain_activation=result.activation, goal=np.ones(2))
    levels = enlarge(image_levels(images), 224 // 30)
    assert holds(render_oips(oip_config, result)["contact_sheet.png"], np.concatenate([levels[0], levels[1]], axis=1))


def test_a_sheet_of_many_large_pictures_is_no_wider_than_4096_pixels(oip_config: OipConfig) -> None:
    result = sweep(list(range(60)), ["converged"] * 60, np.zeros((60, 10, 700, 3), np.uint8))
    (sheet,) = contact_sheets(words_of(oip_config, dense=False), result, {"as it is": result.images})
    assert 3500 < sheet.shape[1] <= 4096 + 12 * 8


def test_jobs_of_other_cnns_are_compared_in_their_colours_and_sides() -> None:
    grey, wide = sweep([0], ["converged"], colours(1, 28, 28, 1)), sweep([0], ["converged"], colours(1, 21, 42, 3))
    results = [
        {name: np.asarray(getattr(result, name)) for name in ("map_indices", "activation", "images", "verdicts")}
        for result in (grey, wide, wide)
    ]
    results[2]["pixel_range"] = np.array([[-100] * 3, [100] * 3], np.float32)
    names = ["a$b$c", "long " * 200, "line\nbreak"]
    pictures: dict[str, Any] = render_sweep(names, results)
    sheet = pictures["oips.png"]
    assert holds(sheet, np.repeat(enlarge(image_levels(grey.images), SIDE // 28)[0][..., None], 3, axis=-1))
    assert holds(sheet, enlarge(image_levels(wide.images), 2)[0])
    assert holds(sheet, enlarge(image_levels(wide.images, results[2]["pixel_range"]), 2)[0])
    assert sheet.shape[1] < 1000


# activations ----------------------------------------------------------------------------------------------------------


def test_the_maps_of_any_sides_are_drawn_and_the_images_in_colour() -> None:
    images = colours(2, 20, 48, 3)
    maps = colours(2, 10, 24, 5)
    tokens = colours(2, 16, 7, 1)[..., 0]
    result = ActivationsResult(
        images, np.array([0, 1]), np.array([3, 4]), {"a/<b>": maps, "a.<b>": maps[..., :1], "Tokens": tokens}
    )
    names = ("<b>ü</b>" * 40, "a$b$")
    pictures: dict[str, Any] = render_activations(activations_config(), result, names)
    assert len(pictures) == 7
    assert holds(pictures["images.png"], enlarge(image_levels(images), 112 // 48)[0])
    sheet = pictures["a.-b-/class_1_image_00004.png"]
    assert (sheet.max(axis=-1) != sheet.min(axis=-1)).any(), "the image beside the name is in colour"
    assert map_levels(activations_config().scaling, tokens[0]).shape == (7, 1, 16)
    assert all(picture.shape[1] < 1000 for picture in pictures.values())


def test_activations_without_labels_name_no_class() -> None:
    result = ActivationsResult(colours(2, 8, 8, 3), np.full(2, -1), np.array([3, 4]), {"Conv": colours(2, 4, 4, 2)})
    preprocessing = Preprocessing("none", (-9.0,), (9.0,))
    pictures: dict[str, Any] = render_activations(activations_config(), result, (), preprocessing=preprocessing)
    assert sorted(pictures) == ["Conv/image_00003.png", "Conv/image_00004.png", "images.png"]
    levels = image_levels(result.images, range_of(preprocessing, 3))
    assert holds(pictures["images.png"], enlarge(levels, 14)[0])


# statistics -----------------------------------------------------------------------------------------------------------


def test_statistics_of_colour_images_show_all_channels() -> None:
    given = of_shape(example(), 20, 48, 3)
    statistics, images = given["statistics"], given["images"]
    pictures: dict[str, Any] = render_statistics(statistics, images, given["class_names"])
    top, left, bottom, right = statistics.top_crops[0, 0]
    seen = enlarge(image_levels(images[statistics.top_indices[0, :1]])[:, top:bottom, left:right], 2)[0]
    assert holds(pictures["top_images.png"], seen)


def test_statistics_without_labels_have_no_heat_map_and_those_of_one_class_do() -> None:
    for count, files in ((0, ["top_images.png"]), (1, ["classes.png", "top_images.png"])):
        given = of_classes(example(), count)
        assert sorted(render_statistics(given["statistics"], given["images"], given["class_names"])) == files


def test_names_with_dollars_are_no_formulas() -> None:
    given = example(class_names=[rf"$\frac{{{number}$ __" for number in range(10)])
    assert "classes.png" in render_statistics(given["statistics"], given["images"], given["class_names"])


def test_the_score_of_an_output_is_no_probability_where_it_cannot_be_one(oip_config: OipConfig) -> None:
    config = replace(oip_config, layer="Output")
    assert words_of(config, dense=False).score == "probability"
    assert words_of(config, dense=False, shares=False).score == "value"
    sheets = [
        render_oips(config, sweep([0, 1], ["converged"] * 2, activation=np.array(scores)))["contact_sheet.png"]
        for scores in ([0.5, 0.9], [0.5, 9.0])
    ]
    assert not np.array_equal(*(sheet[:60] for sheet in sheets))


# the record, and the choice of images ---------------------------------------------------------------------------------


def dataset(images: np.ndarray, class_names: tuple[str, ...]) -> Dataset:
    labels = np.arange(len(images)) % len(class_names) if class_names else np.full(len(images), -1)
    return Dataset("mine", "", images, labels, images, labels, class_names)


def test_the_record_of_statistics_without_labels_has_no_figures_of_classes(compose: Callable[..., Any]) -> None:
    for count in (0, 10):
        given = of_classes(example(), count)
        context = SimpleNamespace(config=compose(), dataset=dataset(given["images"], given["class_names"]))
        found = metrics(given["statistics"], cast(Context, context))
        assert found.metrics["images"] == len(given["images"])
        assert found.metrics["maps"] == 12
        assert ("accuracy" in found.metrics) == ("accuracy_drop" in found.series) == bool(count)
        assert ("statistics/classes" in found.images) == bool(count)
        assert "statistics/top_images" in found.images
        assert np.isfinite(list(found.metrics.values())).all()


def test_without_labels_the_first_images_are_chosen() -> None:
    config = activations_config()
    assert chosen_indices(config, np.full(30, -1)).tolist() == list(range(10))
    assert chosen_indices(config, np.full(3, -1)).tolist() == [0, 1, 2]
    assert chosen_indices(config, np.array([2, 2, 0, 1])).tolist() == [2, 3, 0]
    assert chosen_indices(replace(config, image_indices=[5]), np.full(30, -1)).tolist() == [5]
