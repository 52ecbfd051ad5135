"""The luma of a photo, and a photo with another luma; a band of rows at a time, as photos are large."""

from collections.abc import Iterator

import numpy as np

ROWS = 64


def luma(photo: np.ndarray) -> np.ndarray:
    """Compute the luma of a photo:  0.299 R + 0.587 G + 0.114 B.

    Args:
        photo: (height, width, 3); a grey photo (height, width) is taken as it is.
    Returns:
        (height, width) float32, new.
    Reference:
        ITU-R BT.601.
    """
    if photo.ndim == 2:
        return photo.astype(np.float32)
    grey = np.empty(photo.shape[:2], np.float32)
    for rows in _bands(photo):
        red, green, blue = np.moveaxis(photo[rows].astype(np.float32), -1, 0)
        grey[rows] = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey


def with_luma(photo: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Return the photo with the luma `grey`:  clip(round(RGB + grey - luma(photo)), 0, 255).

    Of a grey photo clip(round(grey), 0, 255). Each channel moves by the same amount, so that the chroma (Cb, Cr) stays
    wherever nothing is clipped. A photo with its own luma is the same photo, bit for bit.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        grey: (height, width), any range.
    Returns:
        uint8, of the photo's shape.
    """
    changed = np.empty(photo.shape, np.uint8)
    for rows in _bands(photo):
        wanted = grey[rows]
        if photo.ndim == 3:
            wanted = photo[rows] + (wanted - luma(photo[rows]))[..., None]
        changed[rows] = rounded(wanted)
    return changed


def _bands(photo: np.ndarray) -> Iterator[slice]:
    return (slice(first, first + ROWS) for first in range(0, len(photo), ROWS))


def dreamt_colours(photo: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return the photo with the luma mean + spread * picture, mean and spread being those of its own luma.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        picture: (height, width), a luma in standard deviations above the mean, such as a dream.
    Returns:
        uint8, of the photo's shape.
    """
    return with_luma(photo, _luma_of_dream(photo, picture))


def dreamt_grey_levels(photo: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Return the luma of `dreamt_colours` alone, of one picture or several; they may have another size than the photo.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        pictures: (..., height, width), lumas in standard deviations above the mean.
    Returns:
        uint8, of the pictures' shape.
    """
    return rounded(_luma_of_dream(photo, pictures))


def rounded(levels: np.ndarray) -> np.ndarray:
    """Return clip(round(levels), 0, 255) as uint8."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _luma_of_dream(photo: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Compute mean + spread * picture, mean and spread being those of the photo's luma.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        picture: (..., height, width) float32, in standard deviations above the mean.
    Returns:
        float32, of the picture's shape.
    """
    grey = luma(photo)
    mean, spread = grey.mean(dtype=np.float64), grey.std(dtype=np.float64)
    # the floor below which no photo is standardized
    spread = max(float(spread), 1 / np.sqrt(grey.size))
    return np.float32(mean) + np.float32(spread) * picture
