"""Small random movements of a picture, so small that a digit of 28 x 28 pixels stays what it is."""

import numpy as np
import tensorflow as tf


def random_transforms(
    steps: int,
    shape: tuple[int, int],
    *,
    shift: float,
    rotation: float,
    scale: float,
    seed: int,
    map_index: int,
    start: int,
) -> np.ndarray:
    """Draw one movement per step for `warp`, never a mirror image.

    Each is uniform, and depends on nothing but the arguments.

    Args:
        steps: how many.
        shape: (height, width) of the picture in pixels.
        shift: at most so many pixels to each side.
        rotation: at most so many degrees, about the middle.
        scale: the size changes by at most this share.
        seed: of all maps.
        map_index: of the picture, -1 for the whole layer.
        start: of the picture.
    Returns:
        (steps, 6) float32.
    Reference:
        Olah et al., 2017, "Feature Visualization", transformation robustness.
    """
    # the last number keeps the stream apart from that of the start images
    random = np.random.default_rng((seed, map_index + 1, start, 0, 1))
    down, across, turn, zoom = random.uniform(-1.0, 1.0, (4, steps))
    angle, factor = np.radians(rotation) * turn, 1.0 + scale * zoom
    cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
    row, column = ((length - 1) / 2 for length in shape)
    rows = (cos, -sin, row - cos * row + sin * column + shift * down)
    columns = (sin, cos, column - sin * row - cos * column + shift * across)
    return np.stack([*rows, *columns], axis=1).astype(np.float32)


def warp(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Move the pictures: pixel (i, j) shows what was at (a i + b j + c, d i + e j + f), interpolated linearly.

    What lies outside is the nearest pixel of the border, so nothing is invented. For (a, .., f) = (1, 0, 0, 0, 1, 0)
    nothing moves.

    Args:
        images: (batch, height, width, channels) float32.
        transforms: (batch, 6) float32, (a, .., f) of each picture; c and f in pixels.
    Returns:
        (batch, height, width, channels) float32.
    """
    height, width, channels = images.shape[1:]
    i, j = (tf.cast(index, tf.float32)[None] for index in tf.meshgrid(tf.range(height), tf.range(width), indexing="ij"))
    a, b, c, d, e, f = (column[:, None, None] for column in tf.unstack(transforms, axis=1))
    lowest, rightmost = float(height - 1), float(width - 1)
    down = tf.clip_by_value(a * i + b * j + c, 0.0, lowest)
    across = tf.clip_by_value(d * i + e * j + f, 0.0, rightmost)
    top, left = tf.floor(down), tf.floor(across)
    below, right = tf.minimum(top + 1, lowest), tf.minimum(left + 1, rightmost)
    v, h = down - top, across - left

    def of_channel(picture: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(picture, (-1, height * width))

        def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
            places = tf.reshape(tf.cast(row * width + column, tf.int32), (-1, height * width))
            return tf.reshape(tf.gather(flat, places, batch_dims=1), (-1, height, width))

        upper = at(top, left) * (1 - h) + at(top, right) * h
        lower = at(below, left) * (1 - h) + at(below, right) * h
        return (upper * (1 - v) + lower * v)[..., None]

    moved = [of_channel(images[..., channel]) for channel in range(channels)]
    return moved[0] if channels == 1 else tf.concat(moved, axis=3)
