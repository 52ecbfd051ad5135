"""Start images: random cells of several wavelengths, laid over each other."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def random_cells(cells: int, *, seed: int, map_index: int, start: int = 0) -> np.ndarray:
    """A grid (cells, cells) of uniform values in [-1, 1), which depends on nothing but the four arguments.

    So a map's start image is the same whichever maps, wavelengths or batch sizes are asked for beside it.
    """
    # -1 is the whole layer; SeedSequence takes no negative number
    entropy = (seed, map_index + 1, start, cells)
    return np.random.default_rng(entropy).uniform(-1.0, 1.0, (cells, cells)).astype(np.float32)


def multi_wavelength_noise(
    size: int,
    wavelengths: Sequence[int],
    amplitudes: Sequence[float],
    map_indices: Sequence[int],
    *,
    seed: int,
    start: int = 0,
) -> np.ndarray:
    """One start image per map: standardize(sum_i amplitude_i * enlarge(cells_i)).

    cells_i has wavelengths[i] cells per side, few for long waves, `size` for pixel noise; it is enlarged by bicubic
    interpolation with antialiasing.

    Returns:
        (maps, size, size, 1) float32, every image with mean 0 and standard deviation 1.
    """
    total = tf.zeros((len(map_indices), size, size, 1))
    for cells, amplitude in zip(wavelengths, amplitudes, strict=True):
        grids = np.stack([random_cells(cells, seed=seed, map_index=m, start=start) for m in map_indices])
        total += amplitude * tf.image.resize(grids[..., None], (size, size), method="bicubic", antialias=True)
    return tf.image.per_image_standardization(total).numpy()
