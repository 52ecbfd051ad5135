"""Sizes: what a position of a feature map sees of a picture, and the sizes at which a picture is looked at."""

from collections.abc import Iterable
from typing import NamedTuple


class ReceptiveField(NamedTuple):
    """How many pixels a position sees, and how far its neighbour's begin further on.

    Attributes:
        side: a position sees `side` x `side` pixels.
        stride: pixels between two positions.
    """

    side: int
    stride: int

    def positions(self, length: int) -> int:
        """Return how many positions fit along so many pixels."""
        return max((length - self.side) // self.stride + 1, 0)

    def pixels(self, positions: int) -> int:
        """Return how many pixels so many positions see together."""
        return (positions - 1) * self.stride + self.side

    @property
    def smallest_picture(self) -> int:
        """Return the pixels per side that have a position also when the picture is shifted by up to a stride."""
        return self.side + self.stride - 1


def receptive_field(windows: Iterable[tuple[int, int]]) -> ReceptiveField:
    """Compute the receptive field of unpadded layers one behind the other.

    side <- side + (size - 1) * stride;  stride <- stride * its own.

    Args:
        windows: (size, stride) of each layer's window, from the input on.
    Returns:
        The field of the last one, in pixels of the input.
    Reference:
        Araujo et al., 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    side, stride = 1, 1
    for size, step in windows:
        side, stride = side + (size - 1) * stride, stride * step
    return ReceptiveField(side, stride)


class Window(NamedTuple):
    """What a layer looks through, along one axis.

    Attributes:
        size: pixels of its input that it reaches over.
        stride: from one position to the next.
        is_padded: whether its input is continued so that there are ceil(length / stride) positions ("same").
    """

    size: int
    stride: int
    is_padded: bool = False


def places(windows: Iterable[Window], length: int) -> tuple[int, int]:
    """Return how many positions layers one behind the other have over so many pixels, and where the first one begins.

    Args:
        windows: of each layer, from the input on.
        length: pixels.
    Returns:
        The number, and the first pixel that the first position sees: below 0 if it looks at what is padded.
    """
    start, stride = 0, 1
    for size, step, is_padded in windows:
        if is_padded:
            count = -(-length // step)
            # as TensorFlow divides what is missing: the smaller half before the picture
            start -= max((count - 1) * step + size - length, 0) // 2 * stride
        else:
            count = max((length - size) // step + 1, 0)
        length, stride = count, stride * step
    return length, start


def octave_shapes(height: int, width: int, count: int, scale: float) -> list[tuple[int, int]]:
    """Compute the size of every octave: round(side / scale^k) for k = count - 1 .. 0, at least 1.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        count: how many octaves.
        scale: of an octave to the next smaller one.
    Returns:
        (height, width) in pixels of each, the smallest first.
    """
    factors = [scale**-k for k in reversed(range(count))]
    return [(max(round(height * factor), 1), max(round(width * factor), 1)) for factor in factors]


def within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Compute the size in the same proportions whose longer side is at most `longest`; a smaller one stays.

    Args:
        shape: (height, width) in pixels.
        longest: pixels.
    Returns:
        (height, width) in pixels, each at least 1.
    """
    factor = min(longest / max(shape), 1.0)
    return max(round(shape[0] * factor), 1), max(round(shape[1] * factor), 1)
