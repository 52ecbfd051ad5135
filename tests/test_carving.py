"""Cutting, shrinking, enlarging: what is taken out can be put back."""

import numpy as np
import pytest
import reference

from pipeline.core.carving import cut_tiles, join_tiles, lost_detail, resize, take_out_spread


@pytest.fixture
def picture():
    return np.random.default_rng(3).normal(size=(24, 24)).astype(np.float32)


def test_tiles_are_numbered_row_by_row():
    numbered = np.arange(16, dtype=np.float32).reshape(4, 4)
    tiles = cut_tiles(numbered, 2).numpy()[..., 0]
    np.testing.assert_array_equal(tiles, [[[0, 1], [4, 5]], [[2, 3], [6, 7]], [[8, 9], [12, 13]], [[10, 11], [14, 15]]])


@pytest.mark.parametrize("per_side", [1, 2, 3, 4, 24])
def test_joining_the_tiles_gives_the_picture_back(picture, per_side):
    tiles = cut_tiles(picture, per_side)
    assert len(tiles) == per_side**2
    np.testing.assert_array_equal(join_tiles(tiles).numpy(), picture)


@pytest.mark.parametrize("size", [5, 8, 12, 24, 40])
def test_resizing_is_bicubic_and_antialiased_when_it_shrinks(picture, size):
    resized = resize(picture[None, ..., None], size).numpy()[0, ..., 0]
    np.testing.assert_allclose(resized, reference.resize(picture, size), atol=1e-5)


@pytest.mark.parametrize("per_side", [1, 2, 3])
@pytest.mark.parametrize("size", [4, 6])
def test_lost_detail_added_to_the_shrunk_and_enlarged_tiles_restores_them(picture, per_side, size):
    tiles = cut_tiles(picture, per_side)
    side = tiles.shape[1]
    detail = lost_detail(tiles, size).numpy()
    blurred = np.stack([reference.resize(reference.resize(tile[..., 0], size), side) for tile in tiles.numpy()])
    np.testing.assert_allclose(blurred + detail[..., 0], tiles[..., 0], atol=1e-5)
    assert np.abs(detail).max() > 0.1


def test_a_picture_of_the_size_of_the_cnn_loses_no_detail(picture):
    np.testing.assert_allclose(lost_detail(picture[None, ..., None], 24), np.zeros((1, 24, 24, 1)), atol=1e-6)


def test_taking_the_spread_out_by_hand():
    images = np.array([[1.0, 3.0, 1.0, 3.0], [0.0, 0.0, 0.0, 8.0]], np.float32).reshape(2, 2, 2, 1)
    z, mean, std = (array.numpy() for array in take_out_spread(images))
    np.testing.assert_allclose(mean.ravel(), [2, 2])
    np.testing.assert_allclose(std.ravel(), [1, np.sqrt(12)])  # sqrt((3 * 2^2 + 6^2) / 4)
    np.testing.assert_allclose(z[0].ravel(), [-1, 1, -1, 1])
    np.testing.assert_allclose(z[1].ravel(), np.array([-2, -2, -2, 6]) / np.sqrt(12), rtol=1e-6)


@pytest.mark.parametrize("contrast", [30.0, 1.0, 1e-2, 1e-4])
def test_the_spread_of_any_tile_is_taken_out_wholly_and_put_back(picture, contrast):
    images = (contrast * picture + 0.7)[None, ..., None]
    z, mean, std = take_out_spread(images)
    assert np.std(z) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(z * std + mean, images, rtol=1e-6, atol=1e-6)


def test_an_even_tile_gives_no_nan_and_stays_as_good_as_even():
    z, mean, std = take_out_spread(np.full((1, 6, 6, 1), 0.3, np.float32))
    assert np.isfinite(z).all()
    assert std.numpy().item() < 1e-5
    np.testing.assert_allclose(mean, 0.3, rtol=1e-6)
