"""Pictures side by side: how many in a row, how small, with captions below."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipeline.core.geometry import within
from pipeline.drawing.sheets import GAP, PAPER, Caption, Note, captioned_grid, clipped, enlarge, rgb, with_heading

# The shorter side of a small picture, at least, as far as its longer side is not enlarged by more than that.
SHORTEST, STRETCH = 32, 3


def captioned(pictures: np.ndarray, captions: Sequence[Sequence[Caption]], columns: int) -> np.ndarray:
    """Draw a `captioned_grid` with paper right of pictures that are narrower than a caption.

    The arguments are those of `captioned_grid`.
    """
    width = cell_width(pictures.shape[2], captions)
    wide = np.full((*pictures.shape[:2], width, 3), PAPER, np.uint8)
    wide[:, :, : pictures.shape[2]] = rgb(pictures)
    return captioned_grid(wide, captions, columns)


def cell_width(width: int, captions: Sequence[Sequence[Caption]]) -> int:
    """Return the pixels that a picture of this width and the widest line of all captions take."""
    return max(width, *(line.width for caption in captions for line in caption))


def even_columns(count: int, cell: int, row: int) -> int:
    """Return how many pictures stand in a row: 5 pictures, where 4 fit, are 3 and 2.

    That is as many as fit, or fewer that make no more rows.

    Args:
        count: of the pictures.
        cell: the width of one, in pixels.
        row: the width that there is, in pixels.
    """
    most = max(row // (cell + GAP), 1)
    return math.ceil(count / math.ceil(count / most))


def thumbnail(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return (width, height) of a small picture of one of (height, width); larger where it would be too narrow to see.

    Args:
        shape: (height, width) of the picture.
        longest: pixels of the longer side.
    """
    factor = max(longest / max(shape), min(SHORTEST / min(shape), STRETCH * longest / max(shape)))
    height, width = (max(round(side * min(factor, 1)), 1) for side in shape)
    return width, height


def fitted(pictures: np.ndarray, side: int) -> np.ndarray:
    """Make pictures of (count, height, width) or (count, height, width, 3) smaller whose longer side is above `side`.

    Smaller ones stay what they are.
    """
    height, width = pictures.shape[1:3]
    small = within((height, width), side)
    if small == (height, width) or not len(pictures):
        return pictures
    size = (small[1], small[0])
    return np.stack([resized(one, size) for one in pictures])


def readable(pictures: np.ndarray, *, side: int, largest: int, narrowest: int) -> np.ndarray:
    """Make pictures as large as a person and a caption need them.

    Args:
        pictures: (count, height, width) or (count, height, width, 3).
        side: small ones are enlarged by a whole number, to at most so many pixels for the longer side.
        largest: larger ones are made smaller, to so many.
        narrowest: the width that they get at least, by paper to the right.
    """
    enlarged = enlarge(pictures, max(1, side // max(pictures.shape[1:3])))
    return widened(fitted(enlarged, largest), narrowest)


def heading_alone(title: str, notes: Sequence[Note] = ()) -> np.ndarray:
    """Draw the heading of a sheet on which there is nothing to show."""
    return with_heading(np.full((GAP, GAP, 3), PAPER, np.uint8), title, notes)


def widened(pictures: np.ndarray, width: int) -> np.ndarray:
    """Put paper to the right of pictures (count, height, width[, 3]) that are narrower than so many pixels."""
    missing = width - pictures.shape[2]
    if missing <= 0:
        return pictures
    return np.pad(pictures, [(0, 0), (0, 0), (0, missing)] + [(0, 0)] * (pictures.ndim - 3), constant_values=PAPER[0])


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture with the (width, height) `size`."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def told_apart(names: Sequence[str], width: int) -> list[str]:
    """Return names of at most so many pixels, with their numbers before them if some would be cut to the same."""
    short = [clipped(name, width) for name in names]
    if len(set(short)) == len(set(names)):
        return short
    return [clipped(f"{number} {name}", width) for number, name in enumerate(names)]
