"""Carving: shrink a picture, or tiles of it, to the CNN's size, change that, enlarge it, add the lost detail back."""

import tensorflow as tf


def cut_tiles(picture: tf.Tensor, per_side: int) -> tf.Tensor:
    """A square picture (side, side) as (per_side^2, side / per_side, side / per_side, 1), row by row."""
    tile = picture.shape[0] // per_side
    grid = tf.reshape(picture, (per_side, tile, per_side, tile))
    return tf.reshape(tf.transpose(grid, (0, 2, 1, 3)), (per_side**2, tile, tile, 1))


def join_tiles(tiles: tf.Tensor) -> tf.Tensor:
    """The picture whose `cut_tiles` are these."""
    per_side, tile = round(len(tiles) ** 0.5), tiles.shape[1]
    grid = tf.transpose(tf.reshape(tiles, (per_side, per_side, tile, tile)), (0, 2, 1, 3))
    return tf.reshape(grid, (per_side * tile, per_side * tile))


def resize(images: tf.Tensor, size: int) -> tf.Tensor:
    """(batch, height, width, 1) to (batch, size, size, 1): bicubic, with antialiasing when it gets smaller."""
    return tf.image.resize(images, (size, size), method="bicubic", antialias=True)


def lost_detail(tiles: tf.Tensor, size: int) -> tf.Tensor:
    """What shrinking to `size` loses: tiles - enlarge(shrink(tiles)); the correction that carving adds back."""
    return tiles - resize(resize(tiles, size), tiles.shape[1])


def take_out_spread(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Standardized images, and the mean and standard deviation that were taken out: images = z * std + mean.

    The CNN knows standardized input only, and a tile of a standardized picture is not standardized. What an ascent
    makes of an even tile gets its spread of next to nothing back, so that the tile stays even.
    """
    mean, variance = tf.nn.moments(images, axes=(1, 2, 3), keepdims=True)
    std = tf.maximum(tf.sqrt(variance), 1e-6)
    return (images - mean) / std, mean, std
