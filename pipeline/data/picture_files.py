"""Picture files to bytes."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import ExifTags, Image

from pipeline.data.listing import Found
from pipeline.data.photos import in_rgb, opened, stand_upright
from pipeline.data.preprocessing import batches
from pipeline.data.resizing import framed, in_channels
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Advance, Progress

TAKES = "pictures that Pillow reads"
TASK = "pictures"
# The largest whole number of so many bits.
MOST_12_BITS, MOST_16_BITS = 2**12 - 1, 2**16 - 1
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
        InputError: it cannot be read, or is too large; it has numbers of which nobody says which one is white.
    """
    with opened(file, "data.path", TAKES) as picture:
        stand_upright(picture)
        _check_white(picture, file)
        colours = in_rgb(picture, "white")
        box = framed(*colours.size, size, fit)
        if colours.size == size[::-1]:
            return np.asarray(colours)
        return np.asarray(colours.resize(size[::-1], Image.Resampling.BICUBIC, box))


def _check_white(picture: Image.Image, file: str) -> None:
    """Refuse a picture of which it is not known which number is white.

    Stretched by itself, or nearly black, it would be another one beside the others.

    Raises:
        InputError: floats, or more than 16 bits; 16 bits of which only the lowest 12 are used, as cameras save them.
    """
    if not picture.mode.startswith(("I", "F")):
        return
    low, high = float(np.asarray(picture).min()), float(np.asarray(picture).max())
    is_12_bits = getattr(picture, "tag_v2", {}).get(ExifTags.Base.BitsPerSample) == (12,)
    is_dark = 0 < high <= MOST_12_BITS and not is_12_bits
    if picture.mode == "F" or low < 0 or high > MOST_16_BITS or is_dark:
        kind = "floats" if picture.mode == "F" else "16 bits or more"
        takes = "pictures of 8 or 16 bits from black to white; data=npz takes arrays of any numbers"
        raise InputError.at("data.path", takes=takes, got=f"{file} of {kind}, {low:g} to {high:g}")


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
