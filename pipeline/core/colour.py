"""The luma of a photo, and a photo with another luma, or with other colours; bands of rows, as photos are large."""

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


def in_channels(photo: np.ndarray, channels: int) -> np.ndarray:
    """Return what a CNN of so many channels is shown of a photo.

    Args:
        photo: (height, width, 3) or (height, width).
        channels: 1 for the luma, 3 for the colours; of a grey photo all three are the same.
    Returns:
        (height, width) or (height, width, 3) float32, new.
    """
    if channels == 1:
        return luma(photo)
    return photo.astype(np.float32) if photo.ndim == 3 else np.repeat(photo[..., None].astype(np.float32), 3, axis=2)


def with_luma(photo: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Return the photo with the luma `grey`:  clip(round(RGB + grey - luma(photo)), 0, 255).

    Of a grey photo clip(round(grey), 0, 255). Each channel moves by the same amount, so that the chroma (Cb, Cr) stays
    wherever nothing is clipped. A photo with its own luma is the same photo, bit for bit. Levels of all three channels
    take the photo's place.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        grey: (height, width), any range; or (height, width, 3).
    Returns:
        uint8, of the photo's shape; (height, width, 3) where levels are.
    """
    if grey.ndim == 3:
        return rounded(grey)
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
        picture: (height, width), a luma in standard deviations above the mean, such as a dream; or (height, width, 3),
            levels of all channels, in standard deviations above the mean over all of them.
    Returns:
        uint8, of the photo's shape; (height, width, 3) where the picture is.
    """
    return with_luma(photo, _levels_of_dream(photo, picture, channels_of(picture)))


def dreamt_grey_levels(photo: np.ndarray, pictures: np.ndarray, channels: int = 1) -> np.ndarray:
    """Return the luma of `dreamt_colours` alone, of one picture or several; they may have another size than the photo.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        pictures: (..., height, width), lumas in standard deviations above the mean.
        channels: with 3 the pictures are (..., height, width, 3), and the levels are all of them.
    Returns:
        uint8, of the pictures' shape.
    """
    return rounded(_levels_of_dream(photo, pictures, channels))


def in_deviations(photo: np.ndarray, levels: np.ndarray, channels: int = 1) -> np.ndarray:
    """Return what `dreamt_grey_levels` makes these levels of.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        levels: (..., height, width), with 3 channels (..., height, width, 3), 0 to 255.
        channels: 1 or 3.
    Returns:
        float32, of the levels' shape: (level - mean) / spread of the photo.
    """
    mean, spread = mean_and_spread_of(photo, channels)
    return ((levels - mean) / spread).astype(np.float32)


def channels_of(picture: np.ndarray) -> int:
    """Return the channels of a picture (height, width) or (height, width, channels)."""
    return 1 if picture.ndim == 2 else picture.shape[-1]


def rounded(levels: np.ndarray) -> np.ndarray:
    """Return clip(round(levels), 0, 255) as uint8."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def mean_and_spread_of(photo: np.ndarray, channels: int) -> tuple[np.float64, float]:
    """Compute mean and standard deviation of a photo's luma, or of all of its channels together.

    Args:
        photo: (height, width, 3) or (height, width).
        channels: 1 for the luma, or 3.
    Returns:
        Both, the latter at least the floor below which no picture is standardized.
    """
    shown = in_channels(photo, channels)
    return shown.mean(dtype=np.float64), max(float(shown.std(dtype=np.float64)), 1 / np.sqrt(shown.size))


def _levels_of_dream(photo: np.ndarray, picture: np.ndarray, channels: int) -> np.ndarray:
    """Compute mean + spread * picture, mean and spread being those of the photo.

    Args:
        photo: (height, width, 3) or (height, width), 0 to 255.
        picture: (..., height, width) float32, with 3 channels (..., height, width, 3), in standard deviations above the
            mean.
        channels: see `mean_and_spread_of`.
    Returns:
        float32, of the picture's shape.
    """
    mean, spread = mean_and_spread_of(photo, channels)
    return np.float32(mean) + np.float32(spread) * picture
