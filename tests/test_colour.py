"""Luma and chroma against numbers worked out by hand."""

import numpy as np
import pytest

from pipeline.core.colour import luma, with_luma


def rgb(*colours: tuple[int, int, int]) -> np.ndarray:
    """A photo of one row."""
    return np.array([colours], np.uint8)


def random_photo(height: int, width: int, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(0).integers(low, high, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("colour", "grey"),
    [
        ((255, 0, 0), 76.245),
        ((0, 255, 0), 149.685),
        ((0, 0, 255), 29.07),
        ((10, 100, 200), 2.99 + 58.7 + 22.8),
        ((90, 90, 90), 90),
        ((0, 0, 0), 0),
    ],
)
def test_luma_is_the_weighted_sum_of_the_colours(colour, grey):
    result = luma(rgb(colour))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [[grey]], atol=1e-4)


@pytest.mark.parametrize("height", [1, 63, 64, 65, 200])
def test_every_row_gets_its_own_luma(height):
    photo = random_photo(height, 7)
    np.testing.assert_allclose(luma(photo), photo @ np.array([0.299, 0.587, 0.114]), atol=1e-4)
    taller = np.concatenate([photo[:1], photo])
    np.testing.assert_array_equal(luma(taller)[1:], luma(photo))


def test_grey_levels_are_their_own_luma():
    photo = np.array([[0, 77, 255]], np.uint8)
    result = luma(photo)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, photo)


@pytest.mark.parametrize(
    ("colour", "grey", "expected"),
    [
        ((10, 100, 200), 84.49 + 20, (30, 120, 220)),
        ((10, 100, 200), 84.49 - 5, (5, 95, 195)),
        ((10, 100, 200), 84.49 + 0.4, (10, 100, 200)),
        ((10, 100, 200), 84.49 + 80, (90, 180, 255)),  # blue is clipped
        ((10, 100, 200), 84.49 - 40, (0, 60, 160)),  # red is clipped
        ((10, 100, 200), 1e6, (255, 255, 255)),
        ((10, 100, 200), -1e6, (0, 0, 0)),
    ],
)
def test_every_colour_moves_by_as_much_as_the_luma(colour, grey, expected):
    result = with_luma(rgb(colour), np.array([[grey]], np.float32))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, rgb(expected))


def test_chroma_stays_and_luma_is_as_wanted_where_nothing_is_clipped():
    photo = random_photo(150, 9, low=60, high=190)
    shift = np.random.default_rng(1).uniform(-59, 64, photo.shape[:2])
    result = with_luma(photo, luma(photo) + shift)
    for channel in (0, 2):  # Cr and Cb are R - luma and B - luma, but for a factor
        before, after = (picture[..., channel] - luma(picture) for picture in (photo, result))
        np.testing.assert_allclose(after, before, atol=1e-3)
    # colours are whole numbers
    np.testing.assert_allclose(luma(result), luma(photo) + shift, atol=0.5 + 1e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_photo_with_its_own_luma_is_the_same_photo(kind):
    photo = random_photo(300, 200)
    np.testing.assert_array_equal(with_luma(photo, luma(photo).astype(kind)), photo)
    grey = photo[..., 0]
    np.testing.assert_array_equal(with_luma(grey, luma(grey).astype(kind)), grey)


def test_a_grey_photo_becomes_the_grey_levels():
    result = with_luma(np.zeros((1, 5), np.uint8), np.array([[-3, 0.4, 99.6, 254.7, 300]]))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, [[0, 0, 100, 255, 255]])


def test_neither_changes_what_it_is_given():
    photo, grey = random_photo(5, 5), np.full((5, 5), 300, np.float32)
    kept = photo.copy(), grey.copy()
    luma(photo)[:] = 0
    luma(photo[..., 0])[:] = 0
    with_luma(photo, grey)[:] = 0
    np.testing.assert_array_equal(photo, kept[0])
    np.testing.assert_array_equal(grey, kept[1])
