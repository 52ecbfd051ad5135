"""What the pictures show: levels by hand, where maps stand, what is marked, which files are made."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from oip_settings import without_evidence
from PIL import Image

from pipeline.data.dataset import Dataset
from pipeline.drawing.levels import (
    between,
    contrast_limit,
    enhanced,
    standardized_levels,
    stretched,
    strong_contrast,
)
from pipeline.drawing.pictures import Animation, Pictures, save_pictures, size
from pipeline.drawing.sheets import (
    FAINT_INK,
    INK,
    PAPER,
    WARNING,
    Caption,
    Mark,
    Note,
    captioned_grid,
    grid,
    with_heading,
)
from pipeline.engine.stage import Context
from pipeline.runtime.progress import no_progress
from pipeline.settings.choices import ColorMap, MapScaling, Split, Strategy
from pipeline.settings.shared import ContrastConfig
from pipeline.stages.activations.pictures import map_levels, maps_grid, render_activations
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.oip.metrics import metrics
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.pictures.contact_sheet import dimmed
from pipeline.stages.oip.pictures.emergence import in_grey_levels
from pipeline.stages.oip.pictures.objective import stage_borders
from pipeline.stages.oip.pictures.strips import kept_start, ranked, shown_starts
from pipeline.stages.oip.pictures.words import headline, in_few_digits, ratio, verdict_in_short, verdict_lines, words_of
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.train.pictures import accuracy_range, render_train
from pipeline.stages.train.result import TrainResult

NAMES = tuple("0123456789")


def activations_config(**changes: Any) -> ActivationsConfig:
    values: dict[str, Any] = {
        "layers": ["Conv"],
        "split": Split.test,
        "image_indices": None,
        "columns": 3,
        "color_map": ColorMap.gray,
        "scaling": MapScaling.raw,
    }
    return ActivationsConfig(**values | changes)


@pytest.fixture
def oip_config(compose: Callable[..., Any]) -> Callable[..., OipConfig]:
    """oip_config(**changes): the default settings, but for a layer of four steps."""
    default = replace(compose().oip, layer="Conv", steps=4, contrast=ContrastConfig(centre=0.5, factor=1.0))
    return lambda **changes: replace(default, **changes)


def sweep(
    map_indices: list[int], verdicts: list[str], images: np.ndarray | None = None, **changes: Any
) -> OipSweepResult:
    """A result as four steps could leave it, of one start for each map."""
    maps, steps = len(map_indices), 4
    rng = np.random.default_rng(0)
    if images is None:
        images = rng.normal(size=(maps, 28, 28, 1)).astype(np.float32)
    triggered = np.array(verdicts) != "never triggered"
    activation = np.where(triggered, 5.45, 0.0)
    result = OipSweepResult(
        layer="Conv",
        map_indices=np.array(map_indices),
        names=np.array(["layer" if index == -1 else str(index) for index in map_indices]),
        start_images=rng.normal(size=images.shape).astype(np.float32),
        images=images,
        snapshot_steps=np.array([0, 3]),
        snapshots=np.stack([rng.normal(size=images.shape).astype(np.float32), images]),
        objective=np.linspace(0, 1, steps)[:, None] * triggered,
        activation=activation,
        converged_at=np.where(np.array(verdicts) == "converged", 2, -1),
        restarts=np.zeros(maps, int),
        start=np.zeros(maps, int),
        all_images=images[:, None],
        all_activation=activation[:, None],
        data_maximum=np.ones(maps),
        verdicts=np.array(verdicts),
        **without_evidence(maps, images.shape[1]),
    )
    return replace(result, **changes)


def of_every_kind(map_indices: list[int]) -> OipSweepResult:
    """Converged, still rising after two restarts, never triggered; the last two without an image that fires them."""
    return sweep(
        map_indices,
        ["converged", "still rising", "never triggered"],
        converged_at=np.array([48, -1, -1]),
        restarts=np.array([0, 2, 3]),
        data_maximum=np.array([2.0, 0.0, 0.0]),
    )


def with_starts(activations: list[list[float]], **changes: Any) -> OipSweepResult:
    """A result of several starts, the first of the largest being the one kept."""
    scores = np.array(activations)
    images = np.random.default_rng(5).normal(size=(*scores.shape, 28, 28, 1)).astype(np.float32)
    best = scores.argmax(axis=1)
    everyone = np.arange(len(scores))
    verdicts = ["still rising" if score > 0 else "never triggered" for score in scores.max(axis=1)]
    return sweep(
        list(range(len(scores))),
        verdicts,
        images[everyone, best],
        activation=scores.max(axis=1),
        start=best,
        all_images=images,
        all_activation=scores,
        **changes,
    )


def below(lines: list[Caption], width: int) -> np.ndarray:
    """The pixels of a caption as they should stand below a tile of this width."""
    return captioned_grid(np.zeros((1, 1, width), np.uint8), [lines], 1)[8 + 1 : -8, 8:-8]


def has_color(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((picture == color).all(axis=-1).any())


# levels


def test_between_is_linear_and_clips() -> None:
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 3.0]])
    # 255 * 0.5 = 127.5 is rounded to the even 128
    assert between(values, 0.0, 1.0).tolist() == [[0, 0, 128, 255, 255]]


def test_between_of_an_empty_range_is_black() -> None:
    assert between(np.full((2, 2), 7.0), 7.0, 7.0).tolist() == [[0, 0], [0, 0]]


def test_stretched_uses_the_range_of_every_picture_by_itself() -> None:
    pictures = np.array([[[0.0, 1.0], [2.0, 4.0]], [[-100.0, 0.0], [0.0, 100.0]]])
    assert stretched(pictures).tolist() == [[[0, 64], [128, 255]], [[0, 128], [128, 255]]]


def test_enhanced_by_hand() -> None:
    # mean 3, std 2: deviations -1 and 1; 0.5 -+ 0.25 = 0.25 and 0.75, times 255 = 63.75 and 191.25
    picture = np.array([[1.0, 5.0], [5.0, 1.0]])
    assert enhanced(picture, ContrastConfig(centre=0.5, factor=1.0)).tolist() == [[64, 191], [191, 64]]
    # 0.33 -+ 2 * 0.25 = -0.17 and 0.83, the first is clipped
    assert enhanced(picture, ContrastConfig(centre=0.33, factor=2.0)).tolist() == [[0, 212], [212, 0]]


def test_enhanced_even_picture_has_the_level_of_the_centre() -> None:
    # 0.1 is no sum of powers of two, so that the mean of many is off in the last digit
    even = np.full((1, 9, 9), 0.1, np.float32)
    assert (enhanced(even, ContrastConfig(centre=0.4, factor=1.0)) == 102).all()


def test_standardized_levels_by_hand() -> None:
    # deviations of [0, 0, 0, 4] (mean 1, std sqrt(3)): -0.577 and 1.732, times 64, plus 128
    levels = standardized_levels(np.array([[0.0, 0.0], [0.0, 4.0]]), axis=(0, 1))
    assert levels.tolist() == [[91, 91], [91, 239]]


def test_contrast_limit_is_the_nearer_end() -> None:
    assert contrast_limit(np.array([[-2.0, 3.0], [0.0, 1.0]])) == 2.0
    assert contrast_limit(np.array([[-4.0, 1.5], [0.0, 1.0]])) == 1.5


def test_contrast_limit_of_an_even_photo_is_one() -> None:
    assert contrast_limit(np.zeros((4, 4))) == 1.0


def test_strong_contrast_by_hand() -> None:
    # s = 2: the ends are -1.7 and 1.7; 1.1 * 1 = 1.1 -> 255 * (1.1 + 1.7) / 3.4 = 210
    levels = strong_contrast(np.array([[-9.0, -1.7 / 1.1, 1.0, 1.7 / 1.1, 9.0]]), 2.0)
    assert levels.tolist() == [[0, 0, 210, 255, 255]]


# sheets


def test_grid_places_pictures_row_by_row_with_lines_between() -> None:
    pictures = np.arange(5, dtype=np.uint8)[:, None, None].repeat(2, axis=1).repeat(3, axis=2) * 10
    sheet = grid(pictures, 3, line=1, color=(1, 2, 3))
    assert sheet.shape == (1 + 2 * 3, 1 + 3 * 4, 3)
    for k in range(5):
        row, column = k // 3, k % 3
        top, left = 1 + row * 3, 1 + column * 4
        assert (sheet[top : top + 2, left : left + 3] == 10 * k).all()
    assert (sheet[[0, 3]] == (1, 2, 3)).all(), "lines above and between the rows"
    assert (sheet[:, [0, 4, 8]] == (1, 2, 3)).all(), "lines left of and between the columns"
    assert (sheet[4:, 9:] == PAPER).all(), "no picture, no frame"


def test_grid_of_fewer_pictures_than_columns_is_only_as_wide_as_they_are() -> None:
    assert grid(np.zeros((2, 5, 5), np.uint8), 8, line=1, color=PAPER).shape == (7, 13, 3)


def test_caption_stays_below_its_own_picture() -> None:
    pictures = np.full((2, 90, 90), 128, np.uint8)
    sheet = captioned_grid(pictures, [[Caption("56", "5.45", Mark.dot)], []], 2)
    captions = sheet[8 + 90 : 8 + 90 + 20]
    assert has_color(captions[:, 8 : 8 + 90], Mark.dot.value)
    assert captions[:, 8 : 8 + 90].min() < 100
    assert (captions[:, 8 + 90 :] == PAPER).all()
    assert (sheet[8 : 8 + 90, 8 : 8 + 90] == 128).all(), "text runs into the picture"


def test_heading_is_not_cut_off_above_a_narrow_sheet() -> None:
    sheet = np.zeros((10, 20, 3), np.uint8)
    page = with_heading(sheet, "a title that is much wider than the sheet below it", [Note("a note", Mark.cross)] * 9)
    heading = page[:-10]
    assert (heading[:, :4] == PAPER).all()
    assert (heading[:, -4:] == PAPER).all()
    assert (page[-10:, :20] == 0).all(), "the sheet stands below the heading"
    assert has_color(page, Mark.cross.value)


# activations


def test_raw_maps_share_one_scale() -> None:
    output = np.zeros((2, 2, 2))
    output[..., 0] = [[0, 1], [2, 4]]
    output[..., 1] = 2
    levels = map_levels(MapScaling.raw, output)
    assert levels.tolist() == [[[0, 64], [128, 255]], [[128, 128], [128, 128]]]


def test_standardized_maps_have_a_scale_each_and_an_even_map_is_128() -> None:
    output = np.zeros((2, 2, 3))
    output[..., 0] = [[0, 0], [0, 4]]
    output[..., 1] = [[0, 0], [0, 400]]
    levels = map_levels(MapScaling.standardized, output)
    assert levels[0].tolist() == levels[1].tolist() == [[91, 91], [91, 239]]
    assert (levels[2] == 128).all()


def test_units_are_standardized_over_the_layer() -> None:
    # mean 1, std sqrt(3)
    assert map_levels(MapScaling.standardized, np.array([0.0, 0.0, 0.0, 4.0])).ravel().tolist() == [91, 91, 91, 239]


@pytest.mark.parametrize(("side", "pixels"), [(26, 3), (11, 7), (3, 26), (1, 32), (200, 1)])
def test_map_k_stands_in_row_k_by_columns_in_the_colour_of_its_value(side: int, pixels: int) -> None:
    output = np.zeros((side, side, 5)) + np.arange(5.0)
    output[0, 0, 4] = 0
    sheet = maps_grid(activations_config(), output)
    step = side * pixels + 1
    assert sheet.shape == (1 + 2 * step, 1 + 3 * step, 3)
    for k in range(5):
        top, left = 1 + k // 3 * step, 1 + k % 3 * step
        cell = sheet[top : top + step - 1, left : left + step - 1]
        assert (cell[pixels:] == round(255 * k / 4)).all()
    first_value = sheet[1 + step : 1 + step + pixels, 1 + step : 1 + step + pixels]
    assert (first_value == 0).all(), "a value is pixels x pixels wide, in its place"


def test_the_colour_map_is_the_chosen_one() -> None:
    output = np.array([0.0, 1.0])
    gray = maps_grid(activations_config(color_map=ColorMap.gray), output)
    magma = maps_grid(activations_config(color_map=ColorMap.magma), output)
    assert gray[10, 10].tolist() == [0, 0, 0]
    assert gray[10, 43].tolist() == [255, 255, 255]
    assert magma[10, 10].tolist() == [0, 0, 3]
    assert magma[10, 43].tolist() == [251, 252, 191]


def test_render_activations_names_files_by_layer_class_and_image() -> None:
    rng = np.random.default_rng(0)
    result = ActivationsResult(
        images=rng.normal(size=(2, 28, 28, 1)),
        labels=np.array([7, 9]),
        indices=np.array([3, 12345]),
        feature_maps={"Conv": rng.normal(size=(2, 3, 3, 8)), "Dense": rng.normal(size=(2, 10))},
    )
    pictures = render_activations(activations_config(), result, NAMES)
    assert sorted(pictures) == [
        "Conv/class_7_image_00003.png",
        "Conv/class_9_image_12345.png",
        "Dense/class_7_image_00003.png",
        "Dense/class_9_image_12345.png",
        "images.png",
    ]
    sheet = pictures["Conv/class_9_image_12345.png"]
    maps = maps_grid(activations_config(), result.feature_maps["Conv"][1])
    height, width = maps.shape[:2]
    below = sheet[-height - 8 : -8]
    assert any((below[:, left : left + width] == maps).all() for left in range(below.shape[1] - width + 1))


# OIPs


def test_a_map_that_was_never_triggered_is_marked_in_red_and_dimmed(oip_config) -> None:
    # the same image for both maps: only the verdict tells them apart
    image = np.random.default_rng(1).normal(size=(1, 28, 28, 1)).repeat(2, axis=0)
    pictures = render_oips(oip_config(), sweep([3, 56], ["converged", "never triggered"], image))
    for name in ("contact_sheet.png", "contact_sheet_contrast.png"):
        sheet = pictures[name]
        top = sheet.shape[0] - 8 - (2 * 17 + 3) - 224
        triggered, never = sheet[top:, 8 : 8 + 224], sheet[top:, 16 + 224 : 16 + 448]
        assert has_color(never[224:], WARNING)
        assert not has_color(triggered[224:], WARNING)
        assert has_color(triggered[224:], INK)
        assert triggered[:224].min() == 0
        assert 191 <= never[:224].min() < 255, "dimmed: 255 - 255 / 4"


def test_few_maps_have_their_verdicts_in_words(oip_config) -> None:
    result = of_every_kind([3, 56, -1])
    sheet = render_oips(oip_config(), result)["contact_sheet.png"]
    captions = [
        [Caption("map 3", "5.45, 2.73 x data"), Caption("converged at step 48", mark=Mark.dot)],
        [
            Caption("map 56", "5.45"),
            Caption("still rising", mark=Mark.triangle),
            Caption("restarted 2 times", mark=Mark.loop, color=FAINT_INK),
            Caption("fires on no image of the data set", mark=Mark.ring, color=FAINT_INK),
        ],
        [
            Caption("whole layer", "no OIP", color=WARNING),
            Caption("never triggered", mark=Mark.cross, color=WARNING),
            Caption("restarted 3 times", mark=Mark.loop, color=FAINT_INK),
            Caption("fires on no image of the data set", mark=Mark.ring, color=FAINT_INK),
        ],
    ]
    bottom = sheet.shape[0] - 8
    for k, lines in enumerate(captions):
        left, expected = 8 + k * 232, below(lines, 224)
        top = bottom - (4 * 17 + 3)
        assert (sheet[top : top + len(expected), left : left + 224] == expected).all()
        assert (sheet[top + len(expected) : bottom, left : left + 224] == PAPER).all()


def test_many_maps_have_their_verdicts_as_signs_and_numbers(oip_config) -> None:
    kinds, count = of_every_kind([0, 1, 2]), 128
    result = sweep(
        list(range(count)),
        [str(kinds.verdicts[k % 3]) for k in range(count)],
        converged_at=np.resize(kinds.converged_at, count),
        restarts=np.resize(kinds.restarts, count),
        data_maximum=np.resize(kinds.data_maximum, count),
    )
    sheet = render_oips(oip_config(), result)["contact_sheet.png"]
    height = 84 + 3 * 17 + 3
    top = sheet.shape[0] - 8 * (height + 8)
    unseen = Caption("no image", mark=Mark.ring, color=FAINT_INK)
    captions = [
        [Caption("126", "5.45"), Caption("48", mark=Mark.dot), Caption("2.73 x data", color=FAINT_INK)],
        [Caption("127", "5.45"), Caption("rising", "2", Mark.triangle, Mark.loop), unseen],
        [Caption("2", "no OIP", color=WARNING), Caption("never", "3", Mark.cross, Mark.loop, WARNING), unseen],
    ]
    for k, lines in zip((126, 127, 2), captions, strict=True):
        row, left = top + k // 16 * (height + 8) + 84, 8 + k % 16 * 92
        assert (sheet[row : row + 54, left : left + 84] == below(lines, 84)).all()
    assert (sheet[top:, :8] == PAPER).all()
    for column in range(1, 17):
        gap = 92 * column
        assert (sheet[top:, gap : gap + 8] == PAPER).all(), "a caption runs into the next one"


@pytest.mark.parametrize("name", ["0", "127", "layer", "direction"])
def test_no_short_caption_is_wider_than_a_small_tile(name: str) -> None:
    result = sweep(
        [0],
        ["converged"],
        names=np.array([name]),
        activation=np.array([0.0]),
        converged_at=np.array([9999]),
        restarts=np.array([10]),
    )
    assert verdict_in_short(result, 0).width <= 84
    for activation, data_maximum in ((1e-6, 1.0), (0.0032, 1.0), (123.4, 1.0), (9.9e3, 1.0), (1e9, 1.0), (1.0, 1e-30)):
        values = replace(result, activation=np.array([activation]), data_maximum=np.array([data_maximum]))
        assert Caption(ratio(values, 0)).width <= 84


def test_signs_in_the_heading_are_those_that_occur(oip_config) -> None:
    def heading(result: OipSweepResult) -> np.ndarray:
        sheet = render_oips(oip_config(), result)["contact_sheet.png"]
        return sheet[: sheet.shape[0] - 8 - (4 * 17 + 3) - 224]

    everything = heading(of_every_kind([3, 56, 7]))
    assert all(has_color(everything, mark.value) for mark in Mark if mark not in (Mark.frame, Mark.bar))
    unsteady = heading(sweep([3, 56, 7], ["converged", "not converged", "still rising"]))
    assert has_color(unsteady, Mark.bar.value)
    plain = heading(sweep([3, 56, 7], ["converged"] * 3))
    assert has_color(plain, Mark.dot.value)
    assert has_color(plain, Mark.cross.value), "that there is none is said too"
    assert not has_color(plain, Mark.loop.value)
    assert not has_color(plain, Mark.ring.value)
    assert not has_color(plain, Mark.bar.value)


def test_verdicts_are_those_of_the_result() -> None:
    result = of_every_kind([3, 56, 57])
    for row in range(3):
        assert ", ".join(line.left for line in verdict_lines(result, row)) == result.verdict(row)
    assert result.verdict(2) == "never triggered, restarted 3 times, fires on no image of the data set"


@pytest.mark.parametrize(
    ("activation", "data_maximum", "text"),
    [(0.97, 1.0, "0.970 x data"), (5.0, 0.4, "12.5 x data"), (5.0, 1e-6, "> 9999 x data"), (5.0, 0.0, ""),
     (5.0, np.nan, ""), (5.0, np.inf, "")],
)  # fmt: skip
def test_the_score_as_a_multiple_of_the_largest_on_the_data(activation: float, data_maximum: float, text: str) -> None:
    result = sweep([3], ["converged"], activation=np.array([activation]), data_maximum=np.array([data_maximum]))
    assert ratio(result, 0) == text


def test_the_parts_of_a_layer_are_called_what_they_are(oip_config) -> None:
    result = sweep([3, 56], ["converged", "never triggered"])

    def title(dense: bool = False, **changes: Any) -> str:
        return headline(words_of(oip_config(**changes), dense=dense), result)

    assert title(layer="Conv2D_3") == "Conv2D_3: 1 of 2 maps triggered"
    assert title(layer="Conv2D_3", position=[1, 2]) == "Conv2D_3 at row 1, column 2: 1 of 2 maps triggered"
    assert title(layer="Dense_1", dense=True) == "Dense_1: 1 of 2 units triggered"
    assert title(layer="Output") == "Output: 1 of 2 classes triggered"
    assert words_of(oip_config(layer="Output"), dense=True).label("3") == "class 3"
    assert words_of(oip_config(), dense=False).label("layer") == "whole layer"
    one = sweep([-1], ["converged"], names=np.array(["direction"]))
    assert headline(words_of(oip_config(), dense=False), one) == "Conv: 1 of 1 triggered"
    one = sweep([3], ["converged"])
    assert headline(words_of(oip_config(), dense=False), one) == "Conv: 1 of 1 map triggered"


def test_a_map_picture_is_the_stretched_image_enlarged_eight_times(oip_config) -> None:
    result = sweep([0, 127, -1], ["converged", "still rising", "converged"])
    pictures = render_oips(oip_config(), result)
    expected = np.kron(stretched(result.images[1, ..., 0]), np.ones((8, 8), np.uint8))
    assert (pictures["maps/map_127.png"] == expected).all()
    contrast = enhanced(result.images[1, ..., 0], oip_config().contrast)
    assert (pictures["maps_contrast/map_127.png"][::8, ::8] == contrast).all()


@pytest.mark.parametrize("starts", [1, 2])
def test_render_oips_names_files_by_map(oip_config, compose, starts: int) -> None:
    no_images = Dataset("none", "", *[np.zeros(0)] * 4, class_names=())
    result = sweep([0, 127, -1], ["converged", "still rising", "never triggered"])
    result = replace(
        result,
        all_images=result.all_images.repeat(starts, axis=1),
        all_activation=result.all_activation.repeat(starts, axis=1),
    )
    names = ["layer.png", "map_000.png", "map_127.png"]
    assert sorted(render_oips(oip_config(), result)) == [
        "contact_sheet.png",
        "contact_sheet_contrast.png",
        "emergence.gif",
        "evolution.png",
        *(f"maps/{name}" for name in names),
        *(f"maps_contrast/{name}" for name in names),
        "objective.png",
        *(["starts.png"] if starts > 1 else []),
    ]
    context = Context(config=compose(), dataset=no_images, inputs={}, upstream={}, progress=no_progress)
    recorded = metrics(result, context).images
    assert recorded["oip/map"] == {0: "maps/map_000.png", 127: "maps/map_127.png"}
    assert recorded.get("oip/starts") == ({0: "starts.png"} if starts > 1 else None)


def test_a_mix_of_maps_is_named_direction(oip_config) -> None:
    pictures = render_oips(oip_config(), sweep([-1], ["converged"], names=np.array(["direction"])))
    assert [name for name in pictures if name.startswith("maps/")] == ["maps/direction.png"]


def test_a_contact_sheet_of_128_maps_has_16_columns(oip_config) -> None:
    sheet = render_oips(oip_config(), sweep(list(range(128)), ["converged"] * 128))["contact_sheet.png"]
    assert sheet.shape[1] == 8 + 16 * (84 + 8)


def test_evolution_begins_with_the_start_image_of_the_strongest_map(oip_config) -> None:
    result = sweep(list(range(20)), ["converged"] * 20)
    result.activation[7] = 99.0
    evolution = render_oips(oip_config(), result)["evolution.png"]
    rows, columns = 8, 3
    top = evolution.shape[0] - rows * (84 + 20 + 8)
    left = evolution.shape[1] - columns * 92
    for k, image in enumerate([result.start_images, *result.snapshots]):
        tile = evolution[top : top + 84, left + 92 * k : left + 92 * k + 84, 0]
        assert (tile == np.kron(stretched(image[7, ..., 0]), np.ones((3, 3), np.uint8))).all()


def test_evolution_tells_the_whole_verdict_beside_a_row(oip_config) -> None:
    result = of_every_kind([3, 56, 57])
    result.activation[:] = [3.0, 2.0, 0.0]
    evolution = render_oips(oip_config(), result)["evolution.png"]
    left = evolution.shape[1] - 3 * 92
    tops = [evolution.shape[0] - (3 - row) * (84 + 20 + 8) for row in range(3)]
    labels = [evolution[top : top + 84 + 20, 8 : left - 8] for top in tops]
    lines = [
        [Caption("3.00, 1.50 x data"), Caption("converged at step 48", mark=Mark.dot)],
        [Caption("2.00"), *verdict_lines(result, 1)],
        [Caption("no OIP", color=WARNING), *verdict_lines(result, 2)],
    ]
    for label, said in zip(labels, lines, strict=True):
        expected = below(said, label.shape[1])[:-3]
        places = range(label.shape[0] - len(expected) + 1)
        assert any((label[top : top + len(expected)] == expected).all() for top in places)
        assert (evolution[tops[0] :, left - 8 : left] == PAPER).all(), "no label runs into the pictures"


def frames_in(sheet: np.ndarray, rows: int, columns: int) -> list[tuple[int, int]]:
    """Which of the tiles of starts.png, (row, column), are framed; the sheet has to be as wide as its heading."""
    side = 84 + 6
    top, left = sheet.shape[0] - rows * (side + 20 + 8), sheet.shape[1] - columns * (side + 8)
    framed = []
    for row in range(rows):
        for column in range(columns):
            y, x = top + row * (side + 28), left + column * (side + 8)
            tile = (sheet[y : y + side, x : x + side] == Mark.frame.value).all(axis=-1)
            assert not tile[3:-3, 3:-3].any()
            if tile[[0, 2, -3, -1]].all() and tile[:, [0, 2, -3, -1]].all():
                framed.append((row, column))
            else:
                assert not tile.any()
    return framed


def test_of_several_starts_the_best_one_is_framed(oip_config) -> None:
    # map 2 is the strongest, then 0, then 1
    result = with_starts([[3.0, 4.0, 2.0, 1.0, 3.5], [1.0, 0.0, 0.5, 0.2, 0.9], [5.0, 6.0, 7.0, 8.0, 9.0]])
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 3, 5) == [(0, 4), (1, 1), (2, 0)]
    top, left = sheet.shape[0] - 3 * 118, sheet.shape[1] - 5 * 98
    for row, map_row in enumerate([2, 0, 1]):
        for column in range(5):
            y, x = top + row * 118, left + column * 98
            levels = stretched(result.all_images[map_row, column, ..., 0])
            if (map_row, column) == (1, 1):
                levels = dimmed(levels)
            assert (sheet[y + 3 : y + 87, x + 3 : x + 87, 0] == np.kron(levels, np.ones((3, 3), np.uint8))).all()
            value = result.all_activation[map_row, column]
            caption = Caption(in_few_digits(value), color=INK if value > 0 else WARNING)
            assert (sheet[y + 90 : y + 110, x : x + 90] == below([caption], 90)).all()


def test_the_kept_start_is_the_best_one_whatever_its_number() -> None:
    # precursor: start images 11 and 4 were ascended, in this order
    result = replace(with_starts([[3.0, 7.0]]), start=np.array([4]))
    assert kept_start(result, 0) == 1
    assert kept_start(with_starts([[np.nan, 1.0, 2.0]]), 0) == 2


def test_after_a_restart_none_of_the_first_starts_is_framed(oip_config) -> None:
    result = with_starts([[0.0] * 9, [2.0] + [1.0] * 8], restarts=np.array([1, 0]))
    result.activation[0], result.verdicts[0] = 1.5, "still rising"
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 2, 9) == [(0, 0)]
    assert has_color(sheet[:80], Mark.loop.value), "the heading says why"


def test_of_many_starts_and_maps_16_are_shown_with_the_kept_one(oip_config) -> None:
    scores = np.tile(np.linspace(1, 2, 20), (40, 1)) * np.arange(1, 41)[:, None]
    result = with_starts(scores.tolist())
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 16, 16) == [(row, 15) for row in range(16)]
    assert shown_starts(20, 19) == [*range(15), 19]
    assert shown_starts(20, None) == shown_starts(20, 3) == list(range(16))
    assert shown_starts(2, 1) == [0, 1]
    assert ranked(result.activation, 16)[0] == 39
    assert ranked(result.activation, 16)[-1] == 0


def test_a_stage_begins_where_the_steps_of_those_before_are_done(oip_config) -> None:
    assert stage_borders(oip_config(strategy=Strategy.coarse_to_fine, stage_steps=[1, 1, 2])) == [1, 2]
    assert stage_borders(oip_config(stage_steps=[1, 1, 2])) == []


def test_stages_are_marked_in_the_objective(oip_config) -> None:
    result = sweep([3], ["converged"], objective=np.zeros((40, 1)))
    coarse_to_fine = oip_config(strategy=Strategy.coarse_to_fine, stage_steps=[10, 30])
    plain, marked = (render_oips(config, result)["objective.png"] for config in (oip_config(), coarse_to_fine))
    # in the upper half, where neither the curve nor the label of the axis is
    changed = (plain != marked).any(axis=-1)[60 : plain.shape[0] // 2]
    columns = np.flatnonzero(changed.sum(axis=0) > changed.shape[0] // 4)
    assert 1 <= len(columns) <= 3, "one thin line"
    # at 9.5 of 0 to 39
    assert columns[0] / plain.shape[1] == pytest.approx(0.08 + 0.9 * 9.5 / 39, abs=0.05)


# the emergence


def saved_gif(pictures: dict[str, Any], folder: Path) -> tuple[list[np.ndarray], list[int], Path]:
    """The frames of emergence.gif as a viewer shows them, how long each, and the file."""
    save_pictures({"emergence.gif": pictures["emergence.gif"]}, folder)
    frames, durations = [], []
    with Image.open(folder / "emergence.gif") as gif:
        assert gif.info["loop"] == 0
        for k in range(gif.n_frames):
            gif.seek(k)
            frames.append(np.asarray(gif.convert("L")))
            durations.append(gif.info["duration"])
    return frames, durations, folder / "emergence.gif"


def test_emergence_leads_from_the_start_images_to_the_final_ones(oip_config, tmp_path: Path) -> None:
    result = sweep([0, 1, 2], ["converged", "still rising", "never triggered"])
    frames, durations, _ = saved_gif(render_oips(oip_config(), result), tmp_path)
    # start, step 0, and step 3 of 4, which is the final image
    assert durations == [400, 400, 2000]
    for frame, images in zip(frames, [result.start_images, result.snapshots[0], result.images], strict=True):
        sheet = frame[-(2 + 224 + 2) :]
        for k in range(3):
            levels = stretched(images[k, ..., 0])
            expected = in_grey_levels(dimmed(levels) if k == 2 else levels)
            left = 2 + 226 * k
            assert (sheet[2:-2, left : left + 224] == np.kron(expected, np.ones((8, 8), np.uint8))).all()
    heading = [frame[:32] for frame in frames]
    assert all(rows.min() < 100 for rows in heading)
    assert not np.array_equal(heading[0], heading[1]), "the step is named"


def test_grey_levels_of_the_emergence_are_32_from_black_to_white() -> None:
    levels = in_grey_levels(np.arange(256, dtype=np.uint8))
    assert len(np.unique(levels)) == 32
    assert (levels[0], levels[255]) == (0, 255)
    assert np.abs(levels.astype(int) - np.arange(256)).max() <= 4


def test_emergence_of_many_maps_and_snapshots_stays_below_two_megabytes(oip_config, tmp_path: Path) -> None:
    # nothing packs worse than noise
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(31, 200, 28, 28, 1)).astype(np.float32)
    result = sweep(
        list(range(200)),
        ["converged"] * 200,
        noise[-1],
        snapshot_steps=np.arange(31),
        snapshots=noise,
        objective=np.zeros((31, 200)),
    )
    frames, durations, path = saved_gif(render_oips(oip_config(), result), tmp_path)
    assert durations == [400] * 9 + [2000]
    assert path.stat().st_size < 2e6
    expected = in_grey_levels(stretched(noise[-1, :128, ..., 0]))
    assert frames[-1].shape[1] == 2 + 16 * (56 + 2)
    sheet = frames[-1][-(2 + 8 * 58) :]
    for k in (0, 127):
        top, left = 2 + k // 16 * 58, 2 + k % 16 * 58
        assert (sheet[top : top + 56 : 2, left : left + 56 : 2] == expected[k]).all()


def test_the_same_emergence_makes_the_same_bytes(oip_config, tmp_path: Path) -> None:
    result = sweep([0, 1], ["converged"] * 2)
    first, second = (
        saved_gif(render_oips(oip_config(), result), tmp_path / name)[2].read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_a_single_step_emerges_in_two_frames(oip_config, tmp_path: Path) -> None:
    result = sweep([5], ["converged"], snapshot_steps=np.array([0]), objective=np.zeros((1, 1)))
    result = replace(result, snapshots=result.images[None])
    assert saved_gif(render_oips(oip_config(), result), tmp_path)[1] == [400, 2000]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (5.4549, "5.45"), (0.567, "0.567"), (41.24, "41.2"), (418.3, "418"), (99.97, "100"),
     (2750.4, "2750"), (0.0032, "0.0032"), (-1.5, "-1.50")],
)  # fmt: skip
def test_in_few_digits(value: float, text: str) -> None:
    assert in_few_digits(value) == text


def test_what_is_not_a_number_is_black() -> None:
    assert stretched(np.array([[np.nan, 0.0], [1.0, 2.0]], np.float32))[0, 0] == 0
    assert (enhanced(np.full((2, 2), np.nan, np.float32), ContrastConfig(centre=0.5, factor=1.0)) == 0).all()


# training


def trained(history: dict[str, np.ndarray]) -> Pictures:
    """The pictures of a training of which the test images, two of two classes, are both taken for the first one."""
    likely = np.array([[0.75, 0.25], [0.5, 0.5]], np.float32)
    labels = np.array([0, 1])
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype(np.float32)
    dataset = Dataset("two", "", images, labels, images, labels, ("a", "b"))
    result = TrainResult(
        model=cast(Any, None),
        initial_weights={},
        history=history,
        probabilities=likely,
        test_labels=labels,
        images_per_second=np.ones(6),
    )
    return render_train(result, dataset)


def test_curves_differ_with_the_history_and_do_not_need_the_model() -> None:
    rising = np.linspace(0.9, 0.99, 6)
    history = {
        "loss": 1 - rising,
        "accuracy": rising,
        "test_loss": 1.1 - rising,
        "test_accuracy": rising - 0.01,
        "learning_rate": np.linspace(1e-3, 0, 6),
    }

    def curves(changes: dict[str, np.ndarray]) -> np.ndarray:
        return trained(history | changes)["curves.png"]

    first = curves({})
    assert (first == curves({})).all()
    assert (first != curves({"test_loss": 2 - rising})).any()


def test_a_training_of_one_epoch_has_curves() -> None:
    history = dict.fromkeys(("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate"), np.array([0.5]))
    assert trained(history)["curves.png"].std() > 0


def test_accuracy_axis_shows_the_last_percents_of_a_good_training() -> None:
    low, high = accuracy_range(np.array([0.3, 0.9, 0.99, 0.995]), np.array([0.5, 0.9, 0.98, 0.99]))
    assert low == pytest.approx(0.95)
    assert 1 < high < 1.01


def test_accuracy_axis_reaches_down_to_a_weak_training() -> None:
    # 1.2 * (1 - 0.4) = 0.72 below 1
    assert accuracy_range(np.array([0.1, 0.4]), np.array([0.1, 0.6]))[0] == pytest.approx(0.28)


# files


def test_saved_pictures_read_back_equal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = {
        "grey.png": rng.integers(0, 256, (5, 7), np.uint8),
        "below/deep/color.png": rng.integers(0, 256, (5, 7, 3), np.uint8),
    }
    save_pictures(pictures, tmp_path / "new")
    for name, picture in pictures.items():
        assert (np.asarray(Image.open(tmp_path / "new" / name)) == picture).all()


def test_a_saved_animation_shows_every_frame_as_long_as_it_should(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 7), np.uint8)
    save_pictures({"below/moving.gif": Animation(frames, (100, 20, 1230))}, tmp_path)
    with Image.open(tmp_path / "below" / "moving.gif") as gif:
        assert gif.n_frames == 3
        for k, (frame, duration) in enumerate(zip(frames, (100, 20, 1230), strict=True)):
            gif.seek(k)
            assert gif.info["duration"] == duration
            assert (np.asarray(gif.convert("L")) == frame).all()


def test_every_byte_of_the_pictures_is_told_when_it_is_saved(tmp_path: Path) -> None:
    pictures = {
        "grey.png": np.zeros((5, 7), np.uint8),
        "color.png": np.zeros((5, 7, 3), np.uint8),
        "moving.webp": Animation(np.zeros((4, 5, 7), np.uint8), (100,) * 4),
    }
    told: list[int] = []
    save_pictures(pictures, tmp_path, on_saved=told.append)
    assert told == [35, 105, 140]
    assert size(pictures) == 280


def test_rendering_needs_no_tensorflow_and_no_pyplot() -> None:
    unwanted = {"tensorflow", "keras", "mlflow", "hydra", "matplotlib.pyplot"}
    drawn = ", ".join(f"pipeline.stages.{name}.pictures" for name in ("oip", "dream", "atlas"))
    check = f"import sys, {drawn}; print(*sorted({unwanted} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "\n"
