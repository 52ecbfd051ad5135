"""Numbers to grey levels 0..255: the formulas behind every picture.

Pictures are (..., height, width); what is said of "a picture" holds for each of them by itself.
"""

import numpy as np

from pipeline.settings.shared import ContrastConfig


def between(values: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Compute linear levels: round(255 * (x - low) / (high - low)), clipped to 0..255; 0 everywhere if low = high."""
    span = np.asarray(high, np.float64) - low
    return _rounded(255 * (values - low) / np.where(span == 0, np.inf, span))


def stretched(pictures: np.ndarray) -> np.ndarray:
    """Compute the plain picture: linear, its smallest value becomes 0, its largest 255; an even picture becomes 0."""
    low, high = (bound(axis=(-2, -1), keepdims=True) for bound in (pictures.min, pictures.max))
    return between(pictures, low, high)


def enhanced(pictures: np.ndarray, contrast: ContrastConfig) -> np.ndarray:
    """Set a picture's mean and spread: 255 * clip(centre + factor * 0.25 * (x - mean) / std, 0, 1).

    A factor of 1 shows two standard deviations to both sides of a centre of 0.5. An even picture becomes 255 * centre.
    """
    return _rounded(255 * (contrast.centre + contrast.factor * 0.25 * deviations(pictures, axis=(-2, -1))))


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
