"""How the pictures of the data vary: their levels, their colours, which pixels change together. NumPy, in float64.

Images may be any array-like that knows its length and shape and gives arrays for slices: of many, or large ones, some
are looked at, a batch at a time.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.remembered import remembered
from pipeline.core.spectra import SOME, magnitudes_of

# Numbers of a picture, pixels times channels, up to which the covariance matrix of all of them fits; beyond it, the
# spectrum stands for it, with the covariance of the channels.
MOST_PIXELS = 64 * 64
# So many of the images, the first, say how pixels change together, and what the mean image is.
MOST_IMAGES = 10_000


class Variation(NamedTuple):
    """How levels, from 0 to 1, vary.

    Attributes:
        mean: of all pixels and channels of all images.
        std: of one image, the root of the mean variance over its pixels and channels.
        colours: (channels, channels) float64, the covariance of the channels over all pixels of all images, divided by
            the mean of their variances; None if there is a single channel, or if nothing varies.
    """

    mean: float
    std: float
    colours: np.ndarray | None


# What varies by less does not vary, but for rounding.
LITTLE = 1e-9
# Of pictures of which nothing is known.
UNKNOWN = Variation(0.5, 0.25, None)


def variation_of(images: np.ndarray, preprocessing: Preprocessing = STANDARDIZED) -> Variation:
    """Return how the levels of images vary, found once in a process.

    Args:
        images: (count, height, width, channels), at least one, as the CNN takes them.
        preprocessing: what was made of their levels.
    """

    def found() -> Variation:
        count, variances, channels = 0, 0.0, images.shape[3]
        total, squares = np.zeros(channels), np.zeros((channels, channels))
        for levels in batches(images, preprocessing):
            # about the middle, so that little is lost to rounding
            pixels = levels.astype(np.float64) - 0.5
            variances += pixels.var(axis=(1, 2, 3)).sum()
            rows = pixels.reshape(-1, pixels.shape[3])
            count, total, squares = count + len(pixels), total + rows.sum(axis=0), squares + rows.T @ rows
        pixels_each = np.prod(images.shape[1:3]) * count
        means = total / pixels_each
        covariance = squares / pixels_each - np.outer(means, means)
        spread = float(np.trace(covariance)) / channels
        knows_colours = channels > 1 and spread > LITTLE
        std = float(np.sqrt(variances / count))
        # pictures of one level each say nothing of what a picture's spread is
        return Variation(
            float(means.mean() + 0.5),
            std if std > LITTLE else UNKNOWN.std,
            covariance / spread if knows_colours else None,
        )

    return remembered(("variation", preprocessing), (images,), found)


def root_of(covariance: np.ndarray, power: float = 0.5) -> np.ndarray:
    """Return a power of a symmetric matrix that is nowhere negative, float64."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.clip(values, 0.0, None) ** power) @ vectors.T


def batches(
    images: np.ndarray, preprocessing: Preprocessing = STANDARDIZED, most: int = MOST_IMAGES
) -> Iterator[np.ndarray]:
    """Yield the levels of the first images, some at a time: fewer of large ones, and fewer in all.

    Args:
        images: (count, height, width, channels); preprocessing: what was made of their levels.
        most: so many of small images.
    """
    size = int(np.prod(images.shape[1:]))
    some = max(min(SOME, SOME * MOST_PIXELS // size), 1)
    last = min(len(images), max(min(most, most * MOST_PIXELS // size), SOME))
    for first in range(0, last, some):
        yield preprocessing.levels(np.asarray(images[first : min(first + some, last)]))


def mean_magnitudes(images: np.ndarray, preprocessing: Preprocessing = STANDARDIZED) -> np.ndarray:
    """Compute the mean over the images of the magnitudes of their spectra.

    Of standardized images the mean's is set to 0. Of others the spectra are those of their levels.

    Args:
        images: (count, height, width, channels).
        preprocessing: what was made of their levels.
    Returns:
        (height, width // 2 + 1) float32, of several channels with these before it.
    """
    if preprocessing.standardizes and images.shape[3] == 1:
        some: Iterator[np.ndarray] = (images[first : first + SOME] for first in range(0, len(images), SOME))
    elif preprocessing.standardizes:
        some = (preprocessing.shown(levels) for levels in batches(images, preprocessing))
    else:
        some = batches(images, preprocessing)
    total, count = np.zeros(()), 0
    for part in some:
        total, count = total + magnitudes_of(part).sum(axis=0), count + len(part)
    if preprocessing.standardizes:
        total[..., 0, 0] = 0
    return (total / count).astype(np.float32)


def covariance_power(images: np.ndarray, power: float, preprocessing: Preprocessing = STANDARDIZED) -> np.ndarray:
    """Compute C^power of the covariance C of the pixels of images, scaled so that its largest eigenvalue is 1.

    A gradient that is multiplied by it changes pixels together that change together in the data: strokes, not grain.

    Args:
        images: (count, height, width, channels), at least 2.
        power: 0 leaves every gradient as it is, as far as the data change at all.
        preprocessing: what was made of their levels.
    Returns:
        (pixels, pixels) float32, symmetric; the channels of a pixel follow each other.
    """
    if images.shape[3] == 1:
        levels = preprocessing.levels(np.asarray(images[:MOST_IMAGES]))
        covariance = np.cov(levels.reshape(len(levels), -1).astype(np.float64).T)
    else:
        covariance = _covariance(lambda: batches(images, preprocessing))
    values, vectors = np.linalg.eigh(covariance)
    values = np.clip(values / values.max(), 0.0, None) ** power
    return ((vectors * values) @ vectors.T).astype(np.float32)


def _covariance(parts: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
    """Return the covariance of the pixels of images that come a batch at a time, twice."""
    mean = _mean(parts())
    count, total = 0, np.zeros((mean.size, mean.size))
    for levels in parts():
        rows = levels.reshape(len(levels), -1) - mean.ravel()
        count, total = count + len(rows), total + rows.T @ rows
    return total / (count - 1)


def _mean(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the mean of images that come a batch at a time, float64."""
    count, total = 0, np.zeros(())
    for levels in parts:
        count, total = count + len(levels), total + levels.sum(axis=0, dtype=np.float64)
    return total / count


def spectrum_power(images: np.ndarray, power: float, preprocessing: Preprocessing = STANDARDIZED) -> np.ndarray:
    """Compute the mean squared magnitudes of the spectra of images to a power, the largest 1: `covariance_power` of
    data that look alike everywhere, for pictures of which the matrix would be too large.

    Args:
        images: (count, height, width, channels); the mean is also over the channels.
        power: 0 leaves every gradient as it is.
        preprocessing: what was made of their levels.
    Returns:
        (height, width // 2 + 1) float32, what a gradient's spectrum is multiplied by.
    """
    mean = _mean(batches(images, preprocessing))
    total = np.zeros(())
    for levels in batches(images, preprocessing):
        squares = (magnitudes_of(levels - mean) ** 2).sum(axis=0)
        total = total + (squares if squares.ndim == 2 else squares.mean(axis=0))
    return ((total / total.max()) ** power).astype(np.float32)


def mean_image(images: np.ndarray, preprocessing: Preprocessing = STANDARDIZED) -> np.ndarray:
    """Return the mean of the levels of images, from 0 to 1: (height, width, channels) float32."""
    if np.prod(images.shape[1:]) <= MOST_PIXELS and images.shape[3] == 1:
        levels = preprocessing.levels(np.asarray(images[:MOST_IMAGES]))
        return levels.mean(axis=0, dtype=np.float64).astype(np.float32)
    return _mean(batches(images, preprocessing)).astype(np.float32)
