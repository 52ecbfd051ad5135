"""The pictures of activations: levels by hand, where maps stand, which files are made."""

import numpy as np
import pytest
from picture_examples import activations_config

from pipeline.settings.choices import ColorMap, MapScaling
from pipeline.stages.activations.pictures import map_levels, maps_grid, render_activations
from pipeline.stages.activations.result import ActivationsResult

NAMES = tuple("0123456789")


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
