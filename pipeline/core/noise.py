"""Start images: random waves laid over each other, or a picture.

Every random number depends on (seed, map_index, start) and on what is asked for, on nothing else: a map's start image
is the same whichever maps, starts or batch sizes are asked for beside it.
"""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.core.priors import frequencies

# A start image is drawn for a map and a number, as a map may have several.
Identity = tuple[int, int]


def random_cells(cells: int, *, seed: int, map_index: int, start: int = 0) -> np.ndarray:
    """Draw a grid of uniform values in [-1, 1).

    Args:
        cells: per side.
        seed: of all start images.
        map_index: of the start image, -1 for the whole layer.
        start: of the start image.
    Returns:
        (cells, cells) float32.
    """
    return _random(seed, map_index, start, cells).uniform(-1.0, 1.0, (cells, cells)).astype(np.float32)


def multi_wavelength_noise(
    size: int, wavelengths: Sequence[int], amplitudes: Sequence[float], identities: Sequence[Identity], *, seed: int
) -> np.ndarray:
    """Make one start image per (map_index, start): standardize(sum_i amplitude_i * enlarge(cells_i)).

    cells_i has wavelengths[i] cells per side, few for long waves, `size` for pixel noise; it is enlarged by bicubic
    interpolation with antialiasing.

    Args:
        size: pixels per side of an image.
        wavelengths: cells per side of each grid.
        amplitudes: one for each grid; 0 switches it off.
        identities: (map_index, start) of each image.
        seed: of all start images.
    Returns:
        (identities, size, size, 1) float32, every image with mean 0 and standard deviation 1.
    Raises:
        ValueError: not one amplitude for each wavelength.
    """
    return standardized(waves(size, wavelengths, amplitudes, identities, seed=seed))


def waves(
    size: int, wavelengths: Sequence[int], amplitudes: Sequence[float], identities: Sequence[Identity], *, seed: int
) -> np.ndarray:
    """Compute the sum of `multi_wavelength_noise` as it is, not standardized.

    Args:
        size: pixels per side of an image.
        wavelengths: cells per side of each grid.
        amplitudes: one for each grid.
        identities: (map_index, start) of each image.
        seed: of all start images.
    Returns:
        (identities, size, size, 1) float32.
    Raises:
        ValueError: not one amplitude for each wavelength.
    """
    total = np.zeros((len(identities), size, size, 1), np.float32)
    for cells, amplitude in zip(wavelengths, amplitudes, strict=True):
        grids = np.stack([random_cells(cells, seed=seed, map_index=m, start=start) for m, start in identities])
        enlarge = _enlarging(cells, size)
        total[..., 0] += amplitude * (enlarge @ grids @ enlarge.T)
    return total


@functools.lru_cache(maxsize=64)
def _enlarging(cells: int, size: int) -> np.ndarray:
    """Compute what bicubic interpolation with antialiasing does along one axis, which is linear.

    Args:
        cells: before.
        size: pixels after.
    Returns:
        (size, cells) float32.
    """
    columns = np.eye(cells, dtype=np.float32)[..., None]
    return tf.image.resize(columns, (size, cells), method="bicubic", antialias=True).numpy()[..., 0]


def fourier_noise(size: int, decay: float, identities: Sequence[Identity], *, seed: int) -> np.ndarray:
    """Make one random Fourier series per (map_index, start), standardized.

    Its coefficients are normally distributed, divided by f^decay for f periods per picture: with 0 all frequencies are
    as strong, with 1 the picture is as rough as photos are, with more it is smoother.

    Args:
        size: pixels per side of an image.
        decay: see above.
        identities: (map_index, start) of each image.
        seed: of all start images.
    Returns:
        (identities, size, size, 1) float32, every image with mean 0 and standard deviation 1.
    """
    shape = (size, size // 2 + 1)
    pictures = np.empty((len(identities), size, size, 1), np.float32)
    for picture, (map_index, start) in zip(pictures, identities, strict=True):
        real, imaginary = _random(seed, map_index, start, 0).standard_normal((2, *shape))
        spectrum = (real + 1j * imaginary) * frequencies(size) ** -decay
        series = np.fft.irfft2(spectrum, (size, size))
        picture[..., 0] = series / series.std()
    return standardized(pictures)


def chosen_pictures(pictures: np.ndarray, identities: Sequence[Identity], *, seed: int) -> np.ndarray:
    """Choose one of the pictures for each (map_index, start) at random, standardized.

    Args:
        pictures: (count, size, size, 1) float32, at least one.
        identities: (map_index, start) of each image.
        seed: of all start images.
    Returns:
        (identities, size, size, 1) float32.
    """
    rows = [int(_random(seed, map_index, start, 1).integers(len(pictures))) for map_index, start in identities]
    return standardized(pictures[rows])


def standardized(pictures: np.ndarray) -> np.ndarray:
    """Compute (x - mean) / max(std, 1 / sqrt(number of pixels)), picture by picture."""
    return tf.image.per_image_standardization(pictures).numpy()


def _random(seed: int, map_index: int, start: int, purpose: int) -> np.random.Generator:
    """Make the generator of one start image.

    Args:
        seed: of all start images.
        map_index: of the start image, -1 for the whole layer.
        start: of the start image.
        purpose: keeps what is drawn for different ends apart.
    Returns:
        A new generator.
    """
    # -1 is the whole layer; SeedSequence takes no negative number
    return np.random.default_rng((seed, map_index + 1, start, purpose))
