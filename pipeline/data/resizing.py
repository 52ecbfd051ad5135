"""Pictures of any size and colours to those that a CNN takes."""

import numpy as np

from pipeline.core.colour import luma
from pipeline.data.images import ChosenPixels
from pipeline.data.preprocessing import batches
from pipeline.settings.data import FITS

CROP, STRETCH = FITS


def framed(width: int, height: int, target: tuple[int, int], fit: str) -> tuple[float, float, float, float]:
    """Return the part of a picture that is resized: all of it, or the largest in its middle of the proportions.

    Args:
        target: (height, width).
        fit: crop or stretch.
    Returns:
        Left, top, right, bottom, in pixels.
    """
    if fit == STRETCH:
        return 0, 0, width, height
    scale = min(width / target[1], height / target[0])
    wide, high = scale * target[1], scale * target[0]
    left, top = (width - wide) / 2, (height - high) / 2
    if scale == 1:
        # whole pixels, as nothing is resized
        left, top = left // 1, top // 1
    return left, top, left + wide, top + high


def in_channels(pictures: np.ndarray, channels: int) -> np.ndarray:
    """Return pictures with as many channels: the luma of colours, or grey for each of three.

    Args:
        pictures: (count, height, width, 1 or 3), or any number if it is `channels`.
    Returns:
        (count, height, width, channels) of the same type; bytes are rounded.
    """
    if pictures.shape[-1] == channels:
        return pictures
    if channels == 1:
        grey = np.empty(pictures.shape[:-1], pictures.dtype)
        for place, picture in enumerate(pictures):
            grey[place] = np.rint(luma(picture)) if pictures.dtype == np.uint8 else luma(picture)
        return grey[..., None]
    return np.repeat(pictures, channels, axis=-1)


def resized(pictures: np.ndarray, size: tuple[int, int], fit: str, bounds: tuple[float, float]) -> np.ndarray:
    """Resize pictures bicubically; what overshoots the range of their numbers is cut off.

    Args:
        pictures: (count, height, width, channels), bytes or float32.
        size: (height, width).
        fit: crop or stretch.
        bounds: the range of floats.
    Returns:
        (count, *size, channels) of the same type.
    """
    height, width = pictures.shape[1:3]
    if (height, width) == size:
        return pictures
    from PIL import Image

    box = framed(width, height, size, fit)
    result = np.empty((len(pictures), *size, pictures.shape[-1]), pictures.dtype)
    for place, picture in enumerate(pictures):
        for channel in range(pictures.shape[-1]):
            numbers = np.ascontiguousarray(picture[..., channel])
            small = np.asarray(Image.fromarray(numbers).resize(size[::-1], Image.Resampling.BICUBIC, box))
            # Pillow does that to bytes
            result[place, ..., channel] = small if small.dtype == np.uint8 else np.clip(small, *bounds)
    return result


def prepared(
    pictures: np.ndarray | ChosenPixels, size: tuple[int, int], channels: int, fit: str, bounds: tuple[float, float]
) -> np.ndarray | ChosenPixels:
    """Return pictures of a size and of as many channels, a part at a time.

    Args:
        pictures: (count, height, width, channels) of numbers; bytes stay bytes, all others become float32.
        size, fit, bounds: see `resized`.
        channels: see `in_channels`.
    Returns:
        (count, *size, channels); the same array if there is nothing to do.
    """
    kind = np.uint8 if pictures.dtype == np.uint8 else np.float32
    if pictures.shape[1:] == (*size, channels) and pictures.dtype == kind:
        return pictures
    result = np.empty((len(pictures), *size, channels), kind)
    for rows in batches(len(pictures)):
        result[rows] = resized(in_channels(pictures[rows].astype(kind), channels), size, fit, bounds)
    return result
