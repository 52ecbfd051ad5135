"""Square chunks of a picture of any size: what the positions of a layer in each of them see.

The convolutions of a CNN that has no padding slide over a picture of any size. What every position of a map adds to an
objective depends on the pixels that it sees, and on no others. So the positions are dealt out to square chunks, each of
which is cut out with all that its positions see.
"""

from typing import NamedTuple

import numpy as np

from pipeline.core.forward import is_chain
from pipeline.core.geometry import ReceptiveField
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
    """

    field: ReceptiveField
    block: int
    positions: tuple[int, int]

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of chunks (down, across)."""
        down, across = self.positions
        return -(-down // self.block), -(-across // self.block)

    @property
    def side(self) -> int:
        """Return the pixels per side of a chunk."""
        return self.field.pixels(self.block)

    @property
    def pixels(self) -> int:
        """Return the pixels of all chunks together."""
        return int(np.prod(self.counts)) * self.side**2

    def canvas(self) -> tuple[int, int]:
        """Return (height, width) of the picture with what the last chunks see beyond it and a stride to shift it in."""
        down, across = self.counts
        room = self.field.stride - 1
        return self.field.pixels(down * self.block) + room, self.field.pixels(across * self.block) + room


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


def chunks_of(field: ReceptiveField, height: int, width: int) -> Chunks:
    """Choose the chunks for a picture, of the side that is the least work.

    Args:
        field: of the layer.
        height: pixels of the picture from top to bottom.
        width: pixels of the picture from left to right.
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
        return Chunks(field, block, positions).pixels

    return Chunks(field, min(SIDES, key=work), positions)


def layout(field: ReceptiveField, shape: tuple[int, int]) -> tuple[int, Chunks]:
    """Choose the continuation of a picture over its edges and its chunks.

    Args:
        field: of the layer.
        shape: (height, width) of the picture in pixels.
    Returns:
        By how many mirrored pixels it is continued over each edge, and the chunks of the continued picture.
    Raises:
        ValueError: the picture is too small for a position in every shift.
    """
    margin = min(field.side // 2, min(shape) - 1)
    return margin, chunks_of(field, *(length + 2 * margin for length in shape))
