"""Grey levels, by hand."""

import numpy as np

from pipeline.drawing.levels import (
    between,
    contrast_limit,
    enhanced,
    standardized_levels,
    stretched,
    strong_contrast,
)
from pipeline.settings.shared import ContrastConfig


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


def test_what_is_not_a_number_is_black() -> None:
    assert stretched(np.array([[np.nan, 0.0], [1.0, 2.0]], np.float32))[0, 0] == 0
    assert (enhanced(np.full((2, 2), np.nan, np.float32), ContrastConfig(centre=0.5, factor=1.0)) == 0).all()
