"""Sizes: what a position of a feature map sees of a picture, and the sizes at which a picture is looked at."""

from collections.abc import Iterable
from typing import NamedTuple


class ReceptiveField(NamedTuple):
    """A position sees `side` x `side` pixels; its neighbour's begin `stride` pixels further on."""

    side: int
    stride: int

    def positions(self, length: int) -> int:
        """How many positions fit along so many pixels."""
        return max((length - self.side) // self.stride + 1, 0)

    def pixels(self, positions: int) -> int:
        """How many pixels so many positions see together."""
        return (positions - 1) * self.stride + self.side

    @property
    def smallest_picture(self) -> int:
        """The pixels per side that have a position also when the picture is shifted by up to a stride."""
        return self.side + self.stride - 1


def receptive_field(windows: Iterable[tuple[int, int]]) -> ReceptiveField:
    """Of unpadded layers one behind the other, each with the (size, stride) of its window.

    side <- side + (size - 1) * stride;  stride <- stride * its own.
    """
    side, stride = 1, 1
    for size, step in windows:
        side, stride = side + (size - 1) * stride, stride * step
    return ReceptiveField(side, stride)


def octave_shapes(height: int, width: int, count: int, scale: float) -> list[tuple[int, int]]:
    """(height, width) of every octave, the smallest first: round(side / scale^k) for k = count - 1 .. 0."""
    factors = [scale**-k for k in reversed(range(count))]
    return [(max(round(height * factor), 1), max(round(width * factor), 1)) for factor in factors]


def within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """(height, width) in the same proportions, the longer side being at most so many pixels."""
    factor = min(longest / max(shape), 1.0)
    return max(round(shape[0] * factor), 1), max(round(shape[1] * factor), 1)
