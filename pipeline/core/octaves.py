"""Octaves: the same picture at growing sizes, and one ascent at each, of the CNN slid over all of it."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipeline.core import local_contrast
from pipeline.core.preprocessing import Preprocessing
from pipeline.core.sliding import Slide


def resized(pictures: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return pictures at another size: bicubic, with antialiasing when it gets smaller.

    Args:
        pictures: (batch, height, width) or (batch, height, width, channels) float32.
        shape: (height, width) of what is returned, in pixels.
    Returns:
        (batch, *shape) or (batch, *shape, channels) float32; the pictures themselves if they have that size already.
    """
    if pictures.shape[1:3] == shape:
        return pictures
    # one by one: TensorFlow's memory for it grows with the batch
    one_by_one = (tf.image.resize(each, shape, method="bicubic", antialias=True) for each in _with_channels(pictures))
    return np.stack([each.numpy() for each in one_by_one]).reshape(len(pictures), *shape, *pictures.shape[3:])


def ascend_octave(
    slide: Slide,
    pictures: np.ndarray,
    step_sizes: np.ndarray,
    *,
    window: int,
    least_contrast: float,
    random: np.random.Generator,
    on_pixels: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Change pictures of one octave so that their objective grows, for a CNN of standardized images.

    Mean m and spread s of every neighbourhood are taken out, and put back at the end:
        z = (x - m) / sqrt(s^2 + least_contrast^2)
        at every step: g = dL/dz;  z <- level(z + step_size * g / (sqrt(mean(g^2)) + 1e-7))
    where `level` keeps every neighbourhood's mean as it was, and its spread at 1 at most (or as it was, if that was
    more), see `local_contrast.levelled`; so without a step the picture stays as it is.
    In each step the positions of the map are moved at random, see `Slide.shift`: otherwise the grid of the pools would
    show.

    Args:
        slide: the CNN slid over pictures of this size, and the objective L of each.
        pictures: (batch, height, width) or (batch, height, width, channels) float32, in standard deviations of the
            photo.
        step_sizes: (steps,) float32, in units of z.
        window: pixels per side of a neighbourhood, the size of the CNN's input.
        least_contrast: how much is put back where the photo is even, in its standard deviations.
        random: draws the movements; is advanced.
        on_pixels: is told how many pixels more are computed.
    Returns:
        The pictures, float32, and the objective before each step (steps, batch) float64.
    Reference:
        Mordvintsev et al., 2015, "DeepDream - a code example for visualizing Neural Networks".
    """
    shape, pictures = pictures.shape, _with_channels(pictures)
    mean, spread = (
        each.numpy() for each in local_contrast.together(*local_contrast.mean_and_spread(tf.constant(pictures), window))
    )
    spread = np.maximum(np.hypot(spread, np.float32(least_contrast)), local_contrast.LEAST_SPREAD)
    z = (pictures - mean) / spread
    kept, most = local_contrast.mean_and_spread(tf.constant(z), window)
    most = tf.maximum(local_contrast.within(most), 1.0)
    objective = np.empty((len(step_sizes), len(pictures)))
    for step, size in enumerate(step_sizes):
        objective[step], gradient = slide.gradient(z, slide.shift(random), on_pixels)
        changed = z + size * _of_unit_size(gradient)
        z = local_contrast.levelled(tf.constant(changed), kept, most, window).numpy()
    return (z * spread + mean).reshape(shape), objective


def ascend_levels(
    slide: Slide,
    pictures: np.ndarray,
    step_sizes: np.ndarray,
    *,
    preprocessing: Preprocessing,
    window: int,
    spread: float,
    random: np.random.Generator,
    on_pixels: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Change pictures of one octave so that their objective grows, for a CNN of images of a fixed range.

    At every step: g = dL/dx;  x <- clip(level(x + step_size * g / (sqrt(mean(g^2)) + 1e-7)), 0, 1). No neighbourhood's
    mean and spread are taken out: such a CNN knows bright pictures and dark ones. But each keeps its mean, and its
    spread does not exceed that of the whole photo, unless it did before.

    Args:
        slide: see `ascend_octave`.
        pictures: (batch, height, width) or (batch, height, width, channels) float32, levels from 0 to 1.
        step_sizes: (steps,) float32, in levels.
        preprocessing: what the CNN takes of levels, not standardized.
        window: pixels per side of a neighbourhood, the size of the CNN's input.
        spread: of the photo.
        random: draws the movements; is advanced.
        on_pixels: is told how many pixels more are computed.
    Returns:
        The pictures, float32, and the objective before each step (steps, batch) float64.
    """
    shape, x = pictures.shape, _with_channels(pictures)
    slope = np.subtract(preprocessing.high, preprocessing.low).astype(np.float32)
    kept, most = local_contrast.mean_and_spread(tf.constant(x), window)
    most = tf.maximum(local_contrast.within(most), max(spread, local_contrast.LEAST_SPREAD))
    objective = np.empty((len(step_sizes), len(x)))
    for step, size in enumerate(step_sizes):
        objective[step], gradient = slide.gradient(preprocessing.shown(x), slide.shift(random), on_pixels)
        changed = x + size * _of_unit_size(slope * gradient)
        x = np.clip(local_contrast.levelled(tf.constant(changed), kept, most, window).numpy(), 0, 1)
    return x.reshape(shape), objective


def _with_channels(pictures: np.ndarray) -> np.ndarray:
    """Return pictures (batch, height, width[, channels]) with channels."""
    return pictures.reshape(*pictures.shape[:3], -1)


def _of_unit_size(gradient: np.ndarray) -> np.ndarray:
    """Return g / (sqrt(mean(g^2)) + 1e-7), picture by picture (batch, height, width, channels)."""
    return gradient / (np.sqrt(np.mean(np.square(gradient), axis=(1, 2, 3), keepdims=True)) + 1e-7)
