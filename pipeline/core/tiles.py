"""A picture as square tiles that overlap, and the picture of changed tiles, without seams between them."""

from typing import NamedTuple

import numpy as np


class Tiling(NamedTuple):
    """Square tiles of one size that cover a picture, numbered row by row.

    side: of a tile, in pixels; rows, columns: where the tiles begin; down, across: (rows, side) and (columns, side),
    the weight of every tile's pixels along either axis. The weight of a pixel is the product of both; over all tiles
    that cover it the weights sum to 1.
    """

    side: int
    rows: np.ndarray
    columns: np.ndarray
    down: np.ndarray
    across: np.ndarray

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def corner(self, tile: int) -> tuple[int, int]:
        """The row and column where the tile begins."""
        row, column = divmod(tile, len(self.columns))
        return int(self.rows[row]), int(self.columns[column])

    def place(self, tile: int) -> tuple[slice, slice]:
        """The part of the picture that the tile covers."""
        top, left = self.corner(tile)
        return slice(top, top + self.side), slice(left, left + self.side)

    def weights(self, tile: int) -> np.ndarray:
        """(side, side)."""
        row, column = divmod(tile, len(self.columns))
        return np.outer(self.down[row], self.across[column])


def tiling(height: int, width: int, per_side: int, overlap: float) -> Tiling:
    """Evenly spaced tiles of 1/per_side of the shorter side, each sharing at least `overlap` of its side with the next.

    Without overlap, and where the tiles fit, it is a plain grid of per_side x per_side tiles. A tile fades out where
    another one covers the picture too, over the overlap, as sin^2 does from 0 to 1.
    """
    side = -(-min(height, width) // per_side)
    rows, columns = (_starts(length, side, overlap) for length in (height, width))
    down, across = (_weights(starts, length, side, overlap) for starts, length in ((rows, height), (columns, width)))
    return Tiling(side, rows, columns, down, across)


def _starts(length: int, side: int, overlap: float) -> np.ndarray:
    """Where tiles along an axis of this length begin: evenly spaced, the first and the last at its ends."""
    step = max(side * (1 - overlap), 1)
    # rounding shall not make a tile more of what fits exactly
    count = 1 + int(np.ceil((length - side) / step - 1e-9))
    return np.linspace(0, length - side, count).round().astype(int)


def _weights(starts: np.ndarray, length: int, side: int, overlap: float) -> np.ndarray:
    """The weight of each tile's pixels along one axis: (tiles, side) float32; over all tiles they sum to 1."""
    ramp = overlap * side
    inside = np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)
    fade = np.sin(np.pi / 2 * np.minimum(inside / ramp, 1)) ** 2 if ramp else np.ones(side)
    total = np.zeros(length)
    for start in starts:
        total[start : start + side] += fade
    return np.stack([fade / total[start : start + side] for start in starts]).astype(np.float32)
