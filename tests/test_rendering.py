"""What the pictures show: levels by hand, where maps stand, what is marked, which files are made."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from pipeline.config import (
    ActivationsConfig,
    ColorMap,
    ContrastConfig,
    ConvergenceConfig,
    DreamConfig,
    Fit,
    MapScaling,
    Objective,
    OipConfig,
    Split,
    StepSizeSchedule,
)
from pipeline.rendering import (
    render_activations,
    render_dream,
    render_oips,
    render_train,
    save_pictures,
)
from pipeline.rendering.activations import map_levels, maps_grid
from pipeline.rendering.dream import level_names
from pipeline.rendering.levels import (
    between,
    contrast_limit,
    enhanced,
    standardized_levels,
    stretched,
    strong_contrast,
)
from pipeline.rendering.oip import in_few_digits
from pipeline.rendering.sheets import INK, PAPER, WARNING, Caption, Mark, Note, captioned_grid, grid, with_heading
from pipeline.rendering.train import accuracy_range
from pipeline.results import ActivationsResult, DreamResult, OipSweepResult, TrainResult

CONVERGENCE = ConvergenceConfig(criterion=1e-3, after=2, patience=2, stop=False)
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


def oip_config(**changes: Any) -> OipConfig:
    values: dict[str, Any] = {
        "layer": "Conv",
        "map_indices": None,
        "objective": Objective.pre_activation,
        "steps": 4,
        "step_size": 0.5,
        "step_size_schedule": StepSizeSchedule.linear,
        "convergence": CONVERGENCE,
        "zero_steps": 2,
        "restarts": 0,
        "snapshots": 1,
        "batch_size": 8,
        "contrast": ContrastConfig(centre=0.5, factor=1.0),
    }
    return OipConfig(**values | changes)


def dream_config(**changes: Any) -> DreamConfig:
    values: dict[str, Any] = {
        "photo": "flower",
        "fit": Fit.crop,
        "size": 32,
        "layer": "Conv",
        "objective": Objective.activation,
        "levels": [1, 2],
        "map_indices": [5],
        "tiles": None,
        "turns": 2,
        "steps": 3,
        "step_size": 0.1,
        "convergence": CONVERGENCE,
        "contrast": ContrastConfig(centre=0.5, factor=1.0),
    }
    return DreamConfig(**values | changes)


def sweep(map_indices: list[int], verdicts: list[str], images: np.ndarray | None = None) -> OipSweepResult:
    maps, steps = len(map_indices), 4
    rng = np.random.default_rng(0)
    if images is None:
        images = rng.normal(size=(maps, 28, 28, 1)).astype(np.float32)
    triggered = np.array(verdicts) != "never triggered"
    return OipSweepResult(
        layer="Conv",
        map_indices=np.array(map_indices),
        start_images=rng.normal(size=images.shape).astype(np.float32),
        images=images,
        snapshot_steps=np.array([0, 3]),
        snapshots=np.stack([images, images]),
        objective=np.linspace(0, 1, steps)[:, None] * triggered,
        activation=np.where(triggered, 5.45, 0.0),
        converged_at=np.full(maps, -1),
        restarts=np.zeros(maps, int),
        data_maximum=np.ones(maps),
        verdicts=np.array(verdicts),
    )


def dreamt(size: int = 32) -> DreamResult:
    rng = np.random.default_rng(0)
    photo = rng.normal(size=(size, size)).astype(np.float32)
    frames = rng.normal(size=(4, size, size)).astype(np.float32)
    return DreamResult(photo=photo, picture=frames[-1], frames=frames, objective=rng.normal(size=(2, 2, 3)))


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
    sheet = captioned_grid(pictures, [Caption("56", "5.45", Mark.dot), Caption("")], 2)
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


def test_a_map_that_was_never_triggered_is_marked_in_red_and_dimmed() -> None:
    # the same image for both maps: only the verdict tells them apart
    image = np.random.default_rng(1).normal(size=(1, 28, 28, 1)).repeat(2, axis=0)
    pictures = render_oips(oip_config(), sweep([3, 56], ["converged", "never triggered"], image))
    for name in ("contact_sheet.png", "contact_sheet_contrast.png"):
        sheet = pictures[name]
        top = sheet.shape[0] - 8 - 20 - 224
        triggered, never = sheet[top:, 8 : 8 + 224], sheet[top:, 16 + 224 : 16 + 448]
        assert has_color(never[224:], WARNING)
        assert not has_color(triggered[224:], WARNING)
        assert has_color(triggered[224:], INK)
        assert triggered[:224].min() == 0
        assert never[:224].min() >= 191, "dimmed: 255 - 255 / 4"


def test_a_map_picture_is_the_stretched_image_enlarged_eight_times() -> None:
    result = sweep([0, 127, -1], ["converged", "still rising", "converged"])
    pictures = render_oips(oip_config(), result)
    expected = np.kron(stretched(result.images[1, ..., 0]), np.ones((8, 8), np.uint8))
    assert (pictures["maps/map_127.png"] == expected).all()
    contrast = enhanced(result.images[1, ..., 0], oip_config().contrast)
    assert (pictures["maps_contrast/map_127.png"][::8, ::8] == contrast).all()


def test_render_oips_names_files_by_map() -> None:
    pictures = render_oips(oip_config(), sweep([0, 127, -1], ["converged", "still rising", "never triggered"]))
    names = ["layer.png", "map_000.png", "map_127.png"]
    assert sorted(pictures) == [
        "contact_sheet.png",
        "contact_sheet_contrast.png",
        "evolution.png",
        *(f"maps/{name}" for name in names),
        *(f"maps_contrast/{name}" for name in names),
        "objective.png",
    ]


def test_a_contact_sheet_of_128_maps_has_16_columns() -> None:
    sheet = render_oips(oip_config(), sweep(list(range(128)), ["converged"] * 128))["contact_sheet.png"]
    assert sheet.shape[1] == 8 + 16 * (84 + 8)


def test_evolution_begins_with_the_start_image_of_the_strongest_map() -> None:
    result = sweep(list(range(20)), ["converged"] * 20)
    result.activation[7] = 99.0
    evolution = render_oips(oip_config(), result)["evolution.png"]
    strip = np.kron(stretched(result.start_images[7, ..., 0]), np.ones((3, 3), np.uint8))
    rows = 8
    top = evolution.shape[0] - rows * (84 + 20 + 8)
    assert (evolution[top : top + 84, 8 + 92 : 8 + 92 + 84, 0] == strip).all()


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


# dream


def test_render_dream_names_files_by_turn_and_level() -> None:
    assert sorted(render_dream(dream_config(), dreamt())) == [
        "before_after.png",
        "dream.png",
        "dream_strong.png",
        "frames.png",
        "levels/turn_1_level_1.png",
        "levels/turn_1_level_2.png",
        "levels/turn_2_level_1.png",
        "levels/turn_2_level_2.png",
        "objective.png",
        "photo.png",
    ]


def test_a_dream_has_the_contrast_of_the_settings_and_a_strong_one_set_by_the_photo() -> None:
    result = dreamt()
    pictures = render_dream(dream_config(), result)
    limit = contrast_limit(result.photo)
    assert (pictures["dream_strong.png"] == strong_contrast(result.picture, limit)).all()
    contrast = dream_config().contrast
    assert (pictures["levels/turn_2_level_1.png"] == enhanced(result.frames[2], contrast)).all()
    assert (pictures["dream.png"] == enhanced(result.picture, contrast)).all()
    assert (pictures["photo.png"] == stretched(result.photo)).all()


def test_before_stands_left_of_after() -> None:
    pictures = render_dream(dream_config(), dreamt())
    both = pictures["before_after.png"]
    assert (both[8:40, 8:40, 0] == pictures["photo.png"]).all()
    assert (both[8:40, 48:80, 0] == pictures["dream.png"]).all()


def test_levels_are_named_by_tiles_and_map() -> None:
    config = dream_config(levels=[1, 2, 4], map_indices=[56, 3, -1], size=64, tiles=[[0], [0, 1, 2, 3], [5, 6]])
    assert level_names(config) == ["whole picture, map 56", "4 tiles, map 3", "2 of 16 tiles, whole layer"]


# training


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
        result = SimpleNamespace(history=history | changes)
        return render_train(cast(TrainResult, result))["curves.png"]

    first = curves({})
    assert (first == curves({})).all()
    assert (first != curves({"test_loss": 2 - rising})).any()


def test_a_training_of_one_epoch_has_curves() -> None:
    history = dict.fromkeys(("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate"), np.array([0.5]))
    assert render_train(cast(TrainResult, SimpleNamespace(history=history)))["curves.png"].std() > 0


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


def test_rendering_needs_no_tensorflow_and_no_pyplot() -> None:
    unwanted = {"tensorflow", "keras", "mlflow", "hydra", "matplotlib.pyplot"}
    check = f"import sys, pipeline.rendering; print(*sorted({unwanted} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "\n"
