"""Start images: random waves laid over each other, or a picture.

Every random number depends on (seed, map_index, start) and on what is asked for, on nothing else: a map's start image
is the same whichever maps, starts or batch sizes are asked for beside it.
"""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.core.spectra import frequencies

# A start image is drawn for a map and a number, as a map may have several.
Identity = tuple[int, int]
# (height, width, channels) of a picture.
Shape = tuple[int, int, int]


def random_cells(
    cells: int, *, seed: int, map_index: int, start: int = 0, channel: int = 0, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Draw a grid of uniform values in [-1, 1).

    Args:
        cells: per side.
        seed: of all start images.
        map_index: of the start image, -1 for the whole layer.
        start: of the start image.
        channel: of the start image; each has values of its own.
        shape: of the grid, where it is not square: `cells` names it.
    Returns:
        (cells, cells) float32, or `shape`.
    """
    random = _random(seed, map_index, start, cells, channel)
    return random.uniform(-1.0, 1.0, shape or (cells, cells)).astype(np.float32)


def multi_wavelength_noise(
    shape: Shape,
    wavelengths: Sequence[int],
    amplitudes: Sequence[float],
    identities: Sequence[Identity],
    *,
    seed: int,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    """Make one start image per (map_index, start): standardize(sum_i amplitude_i * enlarge(cells_i)).

    cells_i has wavelengths[i] cells along the shorter side, few for long waves, as many as there are pixels for pixel
    noise; along the longer side there are as many more as that is longer. It is enlarged by bicubic interpolation with
    antialiasing. Each channel has cells of its own.

    Args:
        shape: (height, width, channels) of an image.
        wavelengths: cells along the shorter side of each grid.
        amplitudes: one for each grid; 0 switches it off.
        identities: (map_index, start) of each image.
        seed: of all start images.
        colours: (channels, channels), by what the channels of every pixel are multiplied, so that colours vary like
            those of the data; None: they do not depend on each other.
    Returns:
        (identities, height, width, channels) float32, every image with mean 0 and standard deviation 1.
    Raises:
        ValueError: not one amplitude for each wavelength.
    """
    return standardized(waves(shape, wavelengths, amplitudes, identities, seed=seed, colours=colours))


def waves(
    shape: Shape,
    wavelengths: Sequence[int],
    amplitudes: Sequence[float],
    identities: Sequence[Identity],
    *,
    seed: int,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the sum of `multi_wavelength_noise` as it is, not standardized.

    Args:
        shape, wavelengths, amplitudes, identities, seed, colours: those of `multi_wavelength_noise`.
    Returns:
        (identities, height, width, channels) float32.
    Raises:
        ValueError: not one amplitude for each wavelength.
    """
    height, width, channels = shape
    total = np.zeros((len(identities), *shape), np.float32)
    for cells, amplitude in zip(wavelengths, amplitudes, strict=True):
        down, across = (max(round(cells * length / min(height, width)), 1) for length in (height, width))
        enlarge, widen = _enlarging(down, height), _enlarging(across, width)
        for channel in range(channels):
            draw = functools.partial(random_cells, cells, seed=seed, channel=channel, shape=(down, across))
            grids = np.stack([draw(map_index=m, start=start) for m, start in identities])
            total[..., channel] += amplitude * (enlarge @ grids @ widen.T)
    return _mixed(total, colours)


def _mixed(images: np.ndarray, colours: np.ndarray | None) -> np.ndarray:
    """Return images with the channels of every pixel multiplied by a symmetric matrix."""
    return images if colours is None else (images @ colours.astype(np.float32)).astype(np.float32)


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


def fourier_noise(
    shape: Shape, decay: float, identities: Sequence[Identity], *, seed: int, colours: np.ndarray | None = None
) -> np.ndarray:
    """Make one random Fourier series per (map_index, start), standardized.

    Its coefficients are normally distributed, divided by f^decay for f periods per picture: with 0 all frequencies are
    as strong, with 1 the picture is as rough as photos are, with more it is smoother. Each channel has coefficients of
    its own.

    Args:
        shape: (height, width, channels) of an image.
        decay: see above.
        identities: (map_index, start) of each image.
        seed: of all start images.
        colours: see `multi_wavelength_noise`.
    Returns:
        (identities, height, width, channels) float32, every image with mean 0 and standard deviation 1.
    """
    height, width, channels = shape
    pictures = np.empty((len(identities), *shape), np.float32)
    for picture, (map_index, start) in zip(pictures, identities, strict=True):
        for channel in range(channels):
            random = _random(seed, map_index, start, 0, channel)
            real, imaginary = random.standard_normal((2, height, width // 2 + 1))
            spectrum = (real + 1j * imaginary) * frequencies((height, width)) ** -decay
            series = np.fft.irfft2(spectrum, (height, width))
            picture[..., channel] = series / series.std()
    return standardized(_mixed(pictures, colours))


def chosen_pictures(pictures: np.ndarray, identities: Sequence[Identity], *, seed: int) -> np.ndarray:
    """Choose one of the pictures for each (map_index, start) at random.

    Args:
        pictures: (count, height, width, channels), at least one.
        identities: (map_index, start) of each image.
        seed: of all start images.
    Returns:
        (identities, height, width, channels), as they are.
    """
    rows = [int(_random(seed, map_index, start, 1).integers(len(pictures))) for map_index, start in identities]
    return pictures[np.array(rows)]


def standardized(pictures: np.ndarray) -> np.ndarray:
    """Compute (x - mean) / max(std, 1 / sqrt(number of pixels)), picture by picture."""
    return tf.image.per_image_standardization(pictures).numpy()


def _random(seed: int, map_index: int, start: int, purpose: int, channel: int = 0) -> np.random.Generator:
    """Make the generator of one channel of one start image.

    Args:
        seed: of all start images.
        map_index: of the start image, -1 for the whole layer.
        start: of the start image.
        purpose: keeps what is drawn for different ends apart.
        channel: of the start image. The first one of a colour picture is drawn like that of a grey one.
    Returns:
        A new generator.
    """
    # -1 is the whole layer; SeedSequence takes no negative number. 1 behind the purpose 0 is that of movements
    further = (channel + 1,) if channel else ()
    return np.random.default_rng((seed, map_index + 1, start, purpose, *further))
