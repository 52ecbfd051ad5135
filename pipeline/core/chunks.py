"""Square chunks of a picture of any size: what the positions of a layer in each of them see.

The convolutions of a CNN slide over a picture of any size; with padding all but those at the edges. What every position
of a map adds to an objective depends on the pixels that it sees, and on no others. So the positions are dealt out to
square chunks, each of which is cut out with all that its positions see.
"""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from pipeline.core.forward import is_chain
from pipeline.core.geometry import ReceptiveField, Window, places, receptive_field
from pipeline.core.graph import Cnn
from pipeline.core.keras_layers import describe_part
from pipeline.core.parts import Part, part_of

# Positions per side of a chunk: the larger, the less is computed twice; a large one fits few pictures without waste.
SIDES = tuple(range(4, 41, 2))


class Chunks(NamedTuple):
    """How the positions of a layer over a picture are dealt out to square chunks.

    Attributes:
        field: of the layer.
        block: positions per side of a chunk.
        positions: (down, across), those of the whole picture.
        windows: of the layers up to it, where some are padded: a chunk is larger then, and only those positions in its
            middle count that see nothing beyond it.
    """

    field: ReceptiveField
    block: int
    positions: tuple[int, int]
    windows: tuple[Window, ...] = ()

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of chunks (down, across)."""
        down, across = self.positions
        return -(-down // self.block), -(-across // self.block)

    @property
    def side(self) -> int:
        """Return the pixels per side of a chunk."""
        return self.cut()[0]

    def cut(self) -> tuple[int, int, int]:
        """Return how a chunk is cut out.

        Returns:
            Pixels per side; the number of the first of its positions that counts, along both axes; and the pixel of the
            chunk at which that begins.
        """
        needed = self.field.pixels(self.block)
        if not any(window.is_padded for window in self.windows):
            return needed, 0, 0
        for side in count(needed):
            positions, start = places(self.windows, side)
            first = -(start // self.field.stride)
            begins = first * self.field.stride + start
            if begins + needed <= side and first + self.block <= positions:
                return side, first, begins
        raise AssertionError("a side that is large enough")

    @property
    def pixels(self) -> int:
        """Return the pixels of all chunks together."""
        return int(np.prod(self.counts)) * self.side**2

    def canvas(self) -> tuple[int, int]:
        """Return (height, width) of the picture with what the last chunks see beyond it and a stride to shift it in."""
        room, step = self.side + self.field.stride - 1, self.block * self.field.stride
        down, across = ((count - 1) * step + room for count in self.counts)
        return down, across


def receptive_field_of(model: Cnn | Part) -> ReceptiveField | None:
    """Return what a position of the output of a part sees of a picture, if it can be slid over one.

    Args:
        model: (batch, height, width, channels) -> (batch, positions down, positions across, maps).
    Returns:
        None if it is not a chain of unpadded square windows and of layers that see one pixel: with padding, or with a
        sum of branches, what a position sees depends on where in the picture it is.
    """
    part = part_of(model)
    return describe_part(part).receptive_field() if is_chain(part) else None


def slid_windows_of(part: Part) -> tuple[Window, ...] | None:
    """Return the windows of the layers of `part` if it can be slid over a large picture, with padding or without."""
    windows = describe_part(part).slid() if is_chain(part) else None
    return None if windows is None else tuple(windows)


def field_of_windows(windows: Sequence[Window]) -> ReceptiveField:
    """Return what a position behind these windows sees, where it sees no padding."""
    return receptive_field(window[:2] for window in windows)


def chunks_of(field: ReceptiveField, height: int, width: int, windows: Sequence[Window] = ()) -> Chunks:
    """Choose the chunks for a picture, of the side that is the least work.

    Args:
        field: of the layer.
        height: pixels of the picture from top to bottom.
        width: pixels of the picture from left to right.
        windows: see `Chunks`.
    Returns:
        Chunks that hold all positions, however the picture is shifted by less than a stride.
    Raises:
        ValueError: the picture is too small for a position in every shift.
    """
    room = field.stride - 1
    positions = field.positions(height - room), field.positions(width - room)
    if min(positions) < 1:
        raise ValueError(
            f"a picture of {height} x {width}: expected at least {field.smallest_picture} pixels per side for a "
            f"receptive field of {field.side} and a stride of {field.stride}"
        )

    def work(block: int) -> int:
        return Chunks(field, block, positions, tuple(windows)).pixels

    return Chunks(field, min(SIDES, key=work), positions, tuple(windows))


def layout(field: ReceptiveField, shape: tuple[int, int], windows: Sequence[Window] = ()) -> tuple[int, Chunks]:
    """Choose the continuation of a picture over its edges and its chunks.

    Args:
        field: of the layer.
        shape: (height, width) of the picture in pixels.
        windows: see `Chunks`.
    Returns:
        By how many mirrored pixels it is continued over each edge, and the chunks of the continued picture.
    Raises:
        ValueError: the picture is too small for a position in every shift.
    """
    margin = min(field.side // 2, min(shape) - 1)
    height, width = (length + 2 * margin for length in shape)
    return margin, chunks_of(field, height, width, windows)
