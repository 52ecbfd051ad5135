"""The range of brightness that is drawn with at every place of a photo: its own mean there, and its own contrast."""

from typing import NamedTuple

import numpy as np

# The paper is by so many spreads on one side of the mean of the neighbourhood, the ink by so many on the other.
PAPER, INK = 1.0, 2.0


class Canvas(NamedTuple):
    """Two brightnesses for every pixel of tiles, between which a picture from 0 to 1 is drawn.

    Attributes:
        paper: (tiles, size, size, 1) float32, of a 0.
        ink: (tiles, size, size, 1) float32, of a 1.
    """

    paper: np.ndarray
    ink: np.ndarray

    def pixels(self, tiles: np.ndarray) -> np.ndarray:
        """Return tiles as pictures from 0 to 1:  clip((x - paper) / (ink - paper), 0, 1).

        Args:
            tiles: (tiles, size, size, 1) float32; an even photo, of which paper and ink are the same, becomes 0.
        """
        span = self.ink - self.paper
        even = span == 0
        return np.clip(np.where(even, 0, tiles - self.paper) / np.where(even, 1, span), 0, 1).astype(np.float32)

    def change(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return by how much tiles become brighter when their pictures are changed: (after - before) (ink - paper)."""
        return (after - before) * (self.ink - self.paper)


def canvas_of(mean: np.ndarray, spread: np.ndarray, low: float, high: float, ink: str) -> Canvas:
    """Choose paper and ink at every place.

    With light ink paper = mean - PAPER * spread, ink = mean + INK * spread; with dark ink the other way round. Where
    that goes beyond the photo's own range, both move into it as far as they can.

    Args:
        mean: (tiles, size, size, 1) float32, of the neighbourhood of every pixel.
        spread: (tiles, size, size, 1) float32, in the same way.
        low: the darkest value of the photo.
        high: its brightest value.
        ink: light, dark, or either: what has more room, tile by tile, light if both have the same.
    """
    middle = mean.mean(axis=(1, 2, 3), keepdims=True)
    is_light = high - middle >= middle - low if ink == "either" else np.full(middle.shape, ink == "light")
    sign = np.where(is_light, 1, -1).astype(np.float32)
    ends = np.stack([mean - sign * PAPER * spread, mean + sign * INK * spread])
    over, under = np.maximum(ends.max(axis=0) - high, 0), np.maximum(low - ends.min(axis=0), 0)
    return Canvas(*np.clip(ends - over + under, low, high).astype(np.float32))
