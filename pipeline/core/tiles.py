"""A picture as tiles of one shape that overlap, and the picture of changed tiles, without seams between them."""

from typing import NamedTuple

import numpy as np


class Tiling(NamedTuple):
    """Tiles of one size that cover a picture, numbered row by row.

    The weight of a pixel is the product of those along both axes; over all tiles that cover it the weights sum to 1.

    Attributes:
        shape: (height, width) of a tile, in pixels.
        rows: (n,) int, the pixels where the tiles begin, from top to bottom.
        columns: (m,) int, in the same way from left to right.
        down: (n, height) float32, the weight of every tile's pixels from top to bottom.
        across: (m, width) float32, in the same way from left to right.
    """

    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    down: np.ndarray
    across: np.ndarray

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def corner(self, tile: int) -> tuple[int, int]:
        """Return the row and column where the tile begins."""
        row, column = divmod(tile, len(self.columns))
        return int(self.rows[row]), int(self.columns[column])

    def place(self, tile: int) -> tuple[slice, slice]:
        """Return the part of the picture that the tile covers."""
        top, left = self.corner(tile)
        return slice(top, top + self.shape[0]), slice(left, left + self.shape[1])

    def weights(self, tile: int) -> np.ndarray:
        """Return the weight of every pixel of the tile: (height, width) float32."""
        row, column = divmod(tile, len(self.columns))
        return np.outer(self.down[row], self.across[column])


def tiling(height: int, width: int, per_side: int, overlap: float, like: tuple[int, int] = (1, 1)) -> Tiling:
    """Space tiles of 1/per_side of `largest_tile` evenly, each sharing at least `overlap` of its side with the next.

    Square ones have 1/per_side of the picture's shorter side. Without overlap, and where the tiles fit, it is a plain
    grid of per_side x per_side tiles. A tile fades out where
    another one covers the picture too, over the overlap, as sin^2 does from 0 to 1.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        per_side: tiles along the side that the largest one fills, if they do not overlap.
        overlap: share of a tile's side, 0 to 0.5.
        like: (height, width) of something in the proportions of a tile.
    Returns:
        The tiles.
    """
    shape = largest_tile(height, width, like, per_side)
    axes = list(zip((height, width), shape, strict=True))
    rows, columns = (_starts(length, side, overlap) for length, side in axes)
    down, across = (
        _weights(starts, length, side, overlap) for starts, (length, side) in zip((rows, columns), axes, strict=True)
    )
    return Tiling(shape, rows, columns, down, across)


def largest_tile(height: int, width: int, like: tuple[int, int], per_side: int = 1) -> tuple[int, int]:
    """Return (height, width) of the largest tile of these proportions in a picture, or of 1/per_side of it.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        like: (height, width) of something in these proportions.
        per_side: by what both sides are divided, rounded up.
    """
    down, across = like
    if height * across <= width * down:
        return -(-height // per_side), -(-height * across // (per_side * down))
    return -(-width * down // (per_side * across)), -(-width // per_side)


def _starts(length: int, side: int, overlap: float) -> np.ndarray:
    """Return where tiles along an axis begin: evenly spaced, the first and the last at its ends.

    Args:
        length: of the axis in pixels.
        side: of a tile in pixels.
        overlap: share of a tile's side.
    Returns:
        (tiles,) int.
    """
    step = max(side * (1 - overlap), 1)
    # rounding shall not make a tile more of what fits exactly
    count = 1 + int(np.ceil((length - side) / step - 1e-9))
    return np.linspace(0, length - side, count).round().astype(int)


def _weights(starts: np.ndarray, length: int, side: int, overlap: float) -> np.ndarray:
    """Compute the weight of each tile's pixels along one axis; over all tiles they sum to 1.

    Args:
        starts: (tiles,) int, where they begin.
        length: of the axis in pixels.
        side: of a tile in pixels.
        overlap: share of a tile's side.
    Returns:
        (tiles, side) float32.
    """
    ramp = overlap * side
    inside = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)
    fade = np.sin(np.pi / 2 * np.minimum(inside / ramp, 1)) ** 2 if ramp else np.ones(side)
    total = np.zeros(length)
    for start in starts:
        total[start : start + side] += fade
    return np.stack([fade / total[start : start + side] for start in starts]).astype(np.float32)
