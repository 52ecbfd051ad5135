"""Numbers to levels 0..255, grey or of each colour: the formulas behind every picture.

Pictures are (..., height, width); what is said of "a picture" holds for each of them by itself. Images are (...,
height, width, channels), as a CNN takes them; their levels are (..., height, width) of one channel and (..., height,
width, 3) of three. Of two channels their mean is shown, of more than three the first three.
"""

import numpy as np

from pipeline.core.preprocessing import WHITE, Preprocessing
from pipeline.settings.shared import ContrastConfig

RGB = 3
# Numbers that are computed together.
AT_ONCE = 1 << 23


def image_levels(images: np.ndarray, pixel_range: np.ndarray | None = None) -> np.ndarray:
    """Compute the levels of images: those that their pixels stand for, or, of standardized ones, stretched levels.

    Of a standardized image these are lost: of all that is shown of it the smallest value becomes 0, the largest 255.

    Args:
        images: (..., height, width, channels).
        pixel_range: (2, channels) or (2, 1), what black and white are in each channel; None, or not numbers, for
            standardized images.
    Returns:
        uint8, see above.
    """
    if _is_large(images):
        return np.stack([image_levels(one, pixel_range) for one in images])
    shown = _shown(images, pixel_range)
    if is_standardized(pixel_range):
        return stretched(shown) if shown.ndim < images.ndim else stretched(shown, axis=(-3, -2, -1))
    return _rounded(WHITE * shown.astype(np.float64))


def image_contrast(images: np.ndarray, contrast: ContrastConfig, pixel_range: np.ndarray | None = None) -> np.ndarray:
    """Compute the levels of images with the mean and spread of `enhanced`, those of all colours together.

    Args:
        images, pixel_range: those of `image_levels`.
        contrast: the settings.
    """
    if _is_large(images):
        return np.stack([image_contrast(one, contrast, pixel_range) for one in images])
    shown = _shown(images, pixel_range)
    return enhanced(shown, contrast, axis=(-2, -1) if shown.ndim < images.ndim else (-3, -2, -1))


def range_of(preprocessing: Preprocessing, channels: int) -> np.ndarray | None:
    """Return what black and white are, (2, channels) float32; None where each picture is standardized."""
    if preprocessing.standardizes:
        return None
    ends = np.array([preprocessing.low, preprocessing.high], np.float32)
    return np.broadcast_to(ends, (2, channels))


def is_standardized(pixel_range: np.ndarray | None) -> bool:
    """Tell whether no range is known, or it is not of numbers: what black was differs from picture to picture."""
    return pixel_range is None or not np.isfinite(pixel_range).all()


def words_of_channels(channels: int) -> str:
    """Say what is shown of so many channels; nothing where that is all."""
    if channels in (1, RGB):
        return ""
    return "the mean of 2 channels" if channels == 2 else f"the first 3 of {channels} channels"


def _is_large(images: np.ndarray) -> bool:
    """Tell whether there are several images and too many numbers for several copies of 64 bits."""
    return images.ndim > 3 and len(images) > 1 and images.size > AT_ONCE


def _shown(images: np.ndarray, pixel_range: np.ndarray | None) -> np.ndarray:
    """Return what is shown of images: of one and of two channels without the last axis; levels 0 to 1 of a range."""
    if pixel_range is not None and not is_standardized(pixel_range):
        images = Preprocessing("", tuple(pixel_range[0].tolist()), tuple(pixel_range[1].tolist())).levels(images)
    if images.shape[-1] == 1:
        return images[..., 0]
    return images.mean(axis=-1) if images.shape[-1] == 2 else images[..., :RGB]


def between(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Compute linear levels: round(255 * (x - low) / (high - low)), clipped to 0..255; 0 everywhere if low = high."""
    span = np.asarray(high, np.float64) - low
    return _rounded(255 * (values - low) / np.where(span == 0, np.inf, span))


def stretched(pictures: np.ndarray, axis: tuple[int, ...] = (-2, -1)) -> np.ndarray:
    """Compute the plain picture: linear, its smallest value becomes 0, its largest 255; an even picture becomes 0.

    Args:
        axis: those of a picture.
    """
    low, high = (bound(axis=axis, keepdims=True) for bound in (pictures.min, pictures.max))
    return between(pictures, low, high)


def enhanced(pictures: np.ndarray, contrast: ContrastConfig, axis: tuple[int, ...] = (-2, -1)) -> np.ndarray:
    """Set a picture's mean and spread: 255 * clip(centre + factor * 0.25 * (x - mean) / std, 0, 1).

    A factor of 1 shows two standard deviations to both sides of a centre of 0.5. An even picture becomes 255 * centre.

    Args:
        contrast: the settings.
        axis: those of a picture.
    """
    return _rounded(255 * (contrast.centre + contrast.factor * 0.25 * deviations(pictures, axis=axis)))


def standardized_levels(values: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """Compute clip((x - mean) / std * 64 + 128, 0, 255), mean and std along `axis`; 128 where all is the same."""
    return _rounded(deviations(values, axis) * 64 + 128)


def deviations(values: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    """Compute (x - mean) / std along `axis`, float64; 0 where all values are the same."""
    values = values.astype(np.float64)
    # not std == 0: the mean of equal numbers may be off in the last digit, which the division would blow up
    even = values.max(axis=axis, keepdims=True) == values.min(axis=axis, keepdims=True)
    std = np.where(even, np.inf, values.std(axis=axis, keepdims=True))
    return (values - values.mean(axis=axis, keepdims=True)) / std


def contrast_limit(photo: np.ndarray) -> float:
    """Compute s = min(|min|, |max|) of a standardized photo (height, width), the unit of `strong_contrast`.

    A photo that is even, and so 0 everywhere when standardized, sets no limit: 1 is taken, a standard deviation.
    """
    return float(min(abs(photo.min()), abs(photo.max()))) if photo.std() > 0.5 else 1.0


def strong_contrast(pictures: np.ndarray, limit: float) -> np.ndarray:
    """Compute clip(1.1 * x, -0.85 * s, 0.85 * s) with s = `limit`, then linear from -0.85 s..0.85 s to 0..255."""
    return between(1.1 * pictures, -0.85 * limit, 0.85 * limit)


def _rounded(levels: np.ndarray) -> np.ndarray:
    # what is not a number is black
    return np.rint(np.clip(np.nan_to_num(levels), 0, 255)).astype(np.uint8)
