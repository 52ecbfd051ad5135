"""Picture files to bytes."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from pipeline.data.listing import Found
from pipeline.data.photos import in_rgb, opened, stand_upright
from pipeline.data.preprocessing import batches
from pipeline.data.resizing import framed, in_channels
from pipeline.runtime.progress import Advance, Progress

TAKES = "pictures that Pillow reads"
TASK = "pictures"
# So many are read before the bar moves.
PART = 64


def read_picture(file: str, size: tuple[int, int], fit: str) -> np.ndarray:
    """Read a picture as it stands upright, in the colours of sRGB, on white where it is transparent.

    Args:
        size: (height, width) to which it is resized, bicubically.
        fit: crop, to the proportions of `size`, or stretch.
    Returns:
        (*size, 3) uint8.
    Raises:
        InputError: it cannot be read, or is too large.
    """
    with opened(file, "data.path", TAKES) as picture:
        stand_upright(picture)
        colours = in_rgb(picture, "white")
        box = framed(*colours.size, size, fit)
        if colours.size == size[::-1]:
            return np.asarray(colours)
        return np.asarray(colours.resize(size[::-1], Image.Resampling.BICUBIC, box))


def read_pictures(
    files: Sequence[Found], size: tuple[int, int], channels: int, fit: str, progress: Progress
) -> Iterator[np.ndarray]:
    """Yield all pictures, some at a time.

    Args:
        size, fit: see `read_picture`.
        channels: 1 or 3.
    Returns:
        (count, *size, channels) uint8.
    Raises:
        InputError: one of them cannot be read; it is named.
    """
    advance = Advance(TASK, progress, len(files))
    advance(0)
    for rows in batches(len(files), PART):
        yield in_channels(np.stack([read_picture(one.file, size, fit) for one in files[rows]]), channels)
        advance(rows.stop - rows.start)
