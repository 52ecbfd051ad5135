"""Octaves: the same picture at growing sizes, and one ascent at each, of the CNN slid over all of it."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipeline.core import local_contrast
from pipeline.core.sliding import Slide


def resized(pictures: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return pictures at another size: bicubic, with antialiasing when it gets smaller.

    Args:
        pictures: (batch, height, width) float32.
        shape: (height, width) of what is returned, in pixels.
    Returns:
        (batch, *shape) float32; the pictures themselves if they have that size already.
    """
    if pictures.shape[1:] == shape:
        return pictures
    # one by one: TensorFlow's memory for it grows with the batch
    one_by_one = (tf.image.resize(each[..., None], shape, method="bicubic", antialias=True) for each in pictures)
    return np.stack([each.numpy()[..., 0] for each in one_by_one])


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
    """Change pictures of one octave so that their objective grows.

    Mean m and spread s of every neighbourhood are taken out, and put back at the end:
        z = (x - m) / sqrt(s^2 + least_contrast^2)
        at every step: g = dL/dz;  z <- level(z + step_size * g / (sqrt(mean(g^2)) + 1e-7))
    where `level` keeps every neighbourhood's mean as it was, and its spread at 1 at most (or as it was, if that was
    more), see `local_contrast.levelled`; so without a step the picture stays as it is.
    In each step the positions of the map are moved by fewer pixels than its stride, at random: otherwise the grid of
    the pools would show.

    Args:
        slide: the CNN slid over pictures of this size, and the objective L of each.
        pictures: (batch, height, width) float32, in standard deviations of the photo.
        step_sizes: (steps,) float32, in units of z.
        window: pixels per side of a neighbourhood, the size of the CNN's input.
        least_contrast: how much is put back where the photo is even, in its standard deviations.
        random: draws the movements; is advanced.
        on_pixels: is told how many pixels more are computed.
    Returns:
        The pictures (batch, height, width) float32, and the objective before each step (steps, batch) float64.
    Reference:
        Mordvintsev et al., 2015, "DeepDream - a code example for visualizing Neural Networks".
    """
    mean, spread = (each.numpy() for each in local_contrast.mean_and_spread(tf.constant(pictures[..., None]), window))
    spread = np.maximum(np.hypot(spread[..., 0], np.float32(least_contrast)), local_contrast.LEAST_SPREAD)
    z = (pictures - mean[..., 0]) / spread
    kept, most = local_contrast.mean_and_spread(tf.constant(z[..., None]), window)
    most = tf.maximum(most, 1.0)
    objective = np.empty((len(step_sizes), len(pictures)))
    for step, size in enumerate(step_sizes):
        down, across = random.integers(slide.chunks.field.stride, size=2).tolist()
        objective[step], gradient = slide.gradient(z, (down, across), on_pixels)
        scale = np.sqrt(np.mean(np.square(gradient), axis=(1, 2), keepdims=True)) + 1e-7
        changed = z + size * (gradient / scale)
        z = local_contrast.levelled(tf.constant(changed[..., None]), kept, most, window).numpy()[..., 0]
    return z * spread + mean[..., 0], objective
