"""Shrinking, enlarging and putting tiles together: what is taken out can be put back, and no seam shows."""

import numpy as np
import pytest
import reference

from pipeline.core.carving import carve_tiles, resize, shrink_tiles, take_out_spread
from pipeline.core.tiles import tiling


@pytest.fixture
def picture():
    return np.random.default_rng(3).normal(size=(24, 24)).astype(np.float32)


# tiles ---------------------------------------------------------------------------------------------------------------


def test_without_overlap_tiles_are_a_plain_grid_numbered_row_by_row():
    tiles = tiling(4, 4, 2, 0)
    numbered = np.arange(16).reshape(4, 4)
    assert [numbered[tiles.place(k)].tolist() for k in range(len(tiles))] == [
        [[0, 1], [4, 5]], [[2, 3], [6, 7]], [[8, 9], [12, 13]], [[10, 11], [14, 15]],
    ]  # fmt: skip
    assert all((tiles.weights(k) == 1).all() for k in range(4))


@pytest.mark.parametrize("per_side", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.3, 0.5])
@pytest.mark.parametrize("shape", [(24, 24), (24, 41), (37, 23), (25, 200)], ids=str)
def test_the_weights_of_the_tiles_sum_to_one_everywhere(shape, overlap, per_side):
    tiles = tiling(*shape, per_side, overlap)
    total = np.zeros(shape)
    for tile in range(len(tiles)):
        weights = tiles.weights(tile)
        assert weights.shape == tiles.shape == total[tiles.place(tile)].shape
        assert (weights > 0).all()
        total[tiles.place(tile)] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert tiles.shape == (-(-min(shape) // per_side),) * 2


@pytest.mark.parametrize(
    ("length", "per_side", "overlap", "rows"),
    [
        (24, 2, 0.5, [0, 6, 12]),
        (24, 3, 0.5, [0, 4, 8, 12, 16]),
        (24, 1, 0.5, [0]),
        (24, 2, 0.25, [0, 6, 12]),  # at least a quarter: 3 of 12 do not go up in 12, so they share 6
        (30, 3, 0, [0, 10, 20]),
        (25, 2, 0, [0, 12]),  # 13 pixels each, one of them shared
    ],
)
def test_tiles_are_evenly_spaced_and_share_as_much_as_they_should(length, per_side, overlap, rows):
    tiles = tiling(length, length, per_side, overlap)
    assert tiles.rows.tolist() == tiles.columns.tolist() == rows


def test_a_tile_fades_from_nothing_to_all_where_it_overlaps_the_next():
    tiles = tiling(28, 28, 2, 0.5)
    middle = tiles.down[1]
    assert middle[0] < 0.02
    assert (np.diff(middle[:7]) > 0).all()
    np.testing.assert_allclose(middle, middle[::-1], atol=1e-6)
    # at the border of the picture there is nothing to fade into
    assert tiles.down[0][0] == pytest.approx(1)


# resizing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 8, 12, 24, 40])
def test_resizing_is_bicubic_and_antialiased_when_it_shrinks(picture, size):
    resized = resize(picture[None, ..., None], (size, size))[0, ..., 0]
    np.testing.assert_allclose(resized, reference.resize(picture, size), atol=1e-5)


@pytest.mark.parametrize("size", [12, 24, 25, 40])
def test_only_enlarging_is_smoothed_by_the_spline(picture, size):
    resized = resize(picture[None, ..., None], (size, size), enlargement="bspline")[0, ..., 0]
    np.testing.assert_allclose(resized, reference.resize(picture, size, bspline=size > 24), atol=1e-5)


def test_the_spline_leaves_less_of_a_checkerboard_of_single_pixels():
    board = np.indices((8, 8)).sum(axis=0) % 2 * 2.0 - 1
    images = board.astype(np.float32)[None, ..., None]
    sharp, smooth = (
        resize(images, (40, 40), enlargement=name)[0, 10:-10, 10:-10, 0] for name in ("bicubic", "bspline")
    )
    # at its own centre a pixel counts 2/3 and each neighbour 1/6: 2/3 - 2/6 = 1/3 along either axis
    assert np.abs(sharp).max() == pytest.approx(1, abs=1e-5)
    assert np.abs(smooth).max() == pytest.approx((1 / 3) ** 2, abs=1e-5)


@pytest.mark.parametrize("overlap", [0, 0.5])
@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_shrunk_tiles_are_the_tiles_shrunk_one_by_one(picture, per_side, overlap, monkeypatch):
    monkeypatch.setattr("pipeline.core.carving.PIXELS_AT_A_TIME", 300)
    tiles = tiling(24, 24, per_side, overlap)
    chosen = list(range(len(tiles)))[::-1]
    expected = [reference.resize(picture[tiles.place(tile)], 6) for tile in chosen]
    np.testing.assert_allclose(shrink_tiles(picture, tiles, chosen, (6, 6))[..., 0], expected, atol=1e-5)


@pytest.mark.parametrize("overlap", [0, 0.5])
@pytest.mark.parametrize("shape", [(24, 24), (24, 37)], ids=str)
def test_without_a_change_the_original_comes_back(shape, overlap):
    random = np.random.default_rng(1)
    original, picture = random.normal(size=(2, *shape)).astype(np.float32)
    tiles = tiling(*shape, 3, overlap)
    nothing = np.zeros((len(tiles), 6, 6, 1), np.float32)
    result = picture.copy()
    carve_tiles(picture, original, tiles, range(len(tiles)), nothing, onto=result)
    np.testing.assert_allclose(result, original, atol=1e-5)


def test_a_tile_gets_its_change_enlarged_and_the_detail_of_the_original(picture):
    tiles = tiling(24, 24, 2, 0)
    original = np.random.default_rng(2).normal(size=(24, 24)).astype(np.float32)
    new = np.random.default_rng(5).normal(size=(1, 6, 6, 1)).astype(np.float32)
    result = picture.copy()
    carve_tiles(picture, original, tiles, [2], new - shrink_tiles(original, tiles, [2], (6, 6)), onto=result)
    part = original[12:, :12].astype(np.float64)
    detail = part - reference.resize(reference.resize(part, 6), 12)
    np.testing.assert_allclose(result[12:, :12], reference.resize(new[0, ..., 0], 12) + detail, atol=1e-5)
    np.testing.assert_array_equal(result[:12], picture[:12])
    np.testing.assert_array_equal(result[12:, 12:], picture[12:, 12:])


def test_overlapping_tiles_that_change_alike_leave_no_seam():
    """Every tile becomes brighter by a constant of its own; the result goes from one to the next without a step."""
    original = np.zeros((56, 56), np.float32)
    for overlap, largest in ((0, 1.0), (0.5, 0.12)):
        tiles = tiling(56, 56, 2, overlap)
        brighter = np.arange(len(tiles), dtype=np.float32) % 2
        changes = np.broadcast_to(brighter[:, None, None, None], (len(tiles), 8, 8, 1))
        result = original.copy()
        carve_tiles(original, original, tiles, range(len(tiles)), changes, onto=result)
        steps = max(np.abs(np.diff(result, axis=0)).max(), np.abs(np.diff(result, axis=1)).max())
        assert steps == pytest.approx(1.0, abs=1e-4) if overlap == 0 else steps < largest


# spread --------------------------------------------------------------------------------------------------------------


def test_taking_the_spread_out_by_hand():
    images = np.array([[1.0, 3.0, 1.0, 3.0], [0.0, 0.0, 0.0, 8.0]], np.float32).reshape(2, 2, 2, 1)
    z, mean, std = take_out_spread(images)
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
    assert std.item() < 1e-5
    np.testing.assert_allclose(mean, 0.3, rtol=1e-6)
