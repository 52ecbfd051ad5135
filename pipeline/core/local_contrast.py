"""Mean and spread of the neighbourhood of every pixel: pictures of any size as the CNN knows them.

A CNN that was trained on standardized images of 28 x 28 pixels knows no picture that is bright at its left and dark
at its right. A tile of a photo is standardized before it is shown; where the CNN slides over a whole photo, so is the
neighbourhood of every pixel, weighted by a Gaussian as wide as such an image.
"""

import numpy as np
import tensorflow as tf

# A neighbourhood is at least this many cells wide, each the mean of a square of pixels: its own mean needs no more.
CELLS = 7
# Of a neighbourhood without any contrast, so that nothing is divided by 0.
LEAST_SPREAD = 0.01


def mean_and_spread(pictures: tf.Tensor, window: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute the mean m and the spread sqrt(mean(x^2) - m^2) around every pixel, of each channel by itself.

    The means are weighted by a Gaussian with a standard deviation of window / 4 pixels. It is applied to means over
    cells of about window / CELLS pixels, and what comes out is interpolated linearly.

    Args:
        pictures: (batch, height, width, channels) float32.
        window: pixels per side of a neighbourhood.
    Returns:
        The mean and the spread, each (batch, height, width, channels) float32.
    Reference:
        Jarrett et al., 2009, "What is the Best Multi-Stage Architecture for Object Recognition?", its local contrast
        normalization, of which this has both parts.
    """
    if pictures.shape[-1] > 1:
        by_channel = [mean_and_spread(pictures[..., k : k + 1], window) for k in range(pictures.shape[-1])]
        means, spreads = zip(*by_channel, strict=True)
        return tf.concat(means, axis=-1), tf.concat(spreads, axis=-1)
    cell = max(window // CELLS, 1)
    height, width = pictures.shape[1:3]
    powers = [tf.nn.avg_pool2d(power, cell, cell, "SAME") for power in (pictures, tf.square(pictures))]
    small = tf.concat(powers, axis=0)
    radius = -(-window // (2 * cell))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) * 4 * cell / window) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis, shape in ((1, (-1, 1, 1, 1)), (2, (1, -1, 1, 1))):
        small = tf.nn.conv2d(_continued(small, radius, axis), weights.reshape(shape), 1, "VALID")
    grid = [length * cell for length in small.shape[1:3]]
    means = tf.image.resize(small, grid, method="bilinear")
    # where the picture fills no whole number of cells, the first ones begin before it
    top, left = (grid[0] - height) // 2, (grid[1] - width) // 2
    mean, square = tf.split(means[:, top : top + height, left : left + width], 2)
    return mean, tf.sqrt(tf.maximum(square - tf.square(mean), 0.0))


def together(mean: tf.Tensor, spread: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and spread over all channels, (batch, height, width, 1), given those of each by itself."""
    if mean.shape[-1] == 1:
        return mean, spread
    over_all = tf.reduce_mean(mean, axis=-1, keepdims=True)
    between = tf.reduce_mean(tf.square(mean - over_all), axis=-1, keepdims=True)
    return over_all, tf.sqrt(tf.square(within(spread)) + between)


def within(spread: tf.Tensor) -> tf.Tensor:
    """Return the spread around the channels' own means, (batch, height, width, 1), given that of each channel."""
    return spread if spread.shape[-1] == 1 else tf.sqrt(tf.reduce_mean(tf.square(spread), axis=-1, keepdims=True))


def levelled(pictures: tf.Tensor, mean: tf.Tensor, most: tf.Tensor, window: int) -> tf.Tensor:
    """Return mean + (x - own mean) / max(own spread / most, 1): neighbourhoods with this mean, and at most this spread.

    Args:
        pictures: (batch, height, width, channels) float32.
        mean: (batch, height, width, channels) float32, that of every neighbourhood afterwards, which keeps its colour.
        most: (batch, height, width, 1) float32, the largest spread `within` the channels.
        window: pixels per side of a neighbourhood.
    Returns:
        (batch, height, width, channels) float32.
    """
    own, spread = mean_and_spread(pictures, window)
    return mean + (pictures - own) / tf.maximum(within(spread) / most, 1.0)


def _continued(small: tf.Tensor, radius: int, axis: int) -> tf.Tensor:
    """Continue pictures over two edges by their mirror image, again and again if they are smaller than `radius`.

    Args:
        small: (batch, height, width, 1) float32.
        radius: by so many places.
        axis: 1 for top and bottom, 2 for left and right.
    Returns:
        (batch, height, width, 1) float32, that axis being longer by 2 * radius.
    """
    while radius > 0:
        width = min(radius, small.shape[axis])
        small = tf.pad(small, [[width, width] if k == axis else [0, 0] for k in range(4)], "SYMMETRIC")
        radius -= width
    return small
