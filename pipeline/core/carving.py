"""Carving: shrink tiles of a picture to the CNN's size, change that, enlarge it, add the lost detail back."""

import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from pipeline.core.tiles import Tiling

# How many pixels of tiles are resized at a time: bounds the memory.
PIXELS_AT_A_TIME = 2**22


def resize(images: np.ndarray, shape: tuple[int, int], *, enlargement: str = "bicubic") -> np.ndarray:
    """Return images at another size: along a side that gets smaller bicubic (Keys, a = -1/2), antialiased.

    TensorFlow's own weights as matrices: images' = D @ images @ A^T, channel by channel. Its resize of a batch takes
    many times as long.

    Args:
        images: (batch, height, width, channels) float32.
        shape: (height, width) of what is returned, in pixels.
        enlargement: what is done along a side that gets larger. "bicubic" goes through the old pixels, whose grid shows
            as ripples where they alternate; "bspline" does not, and smooths them away.
    Returns:
        (batch, *shape, channels) float32.
    Reference:
        Keys, 1981, "Cubic Convolution Interpolation for Digital Image Processing".
    """
    batch, height, width, channels = images.shape
    down, across = (
        (_bspline_weights if enlargement == "bspline" and size > side else _bicubic_weights)(side, size)[None]
        for side, size in zip((height, width), shape, strict=True)
    )
    planes = np.moveaxis(images, -1, 1).reshape(batch * channels, height, width)
    # not NumPy's product, whose own threads would get in the way of TensorFlow's
    rows = tf.matmul(down, tf.constant(planes))
    resized = tf.matmul(rows, across, transpose_b=True).numpy()
    return np.moveaxis(resized.reshape(batch, channels, *shape), 1, -1)


@functools.lru_cache(maxsize=64)
def _bicubic_weights(side: int, size: int) -> np.ndarray:
    """Compute how much every pixel counts in each new one.

    Args:
        side: pixels before.
        size: pixels after.
    Returns:
        (size, side) float32.
    """
    rows = np.eye(side, dtype=np.float32)[..., None]
    return tf.image.resize(rows, (size, side), method="bicubic", antialias=True).numpy()[..., 0]


@functools.lru_cache(maxsize=64)
def _bspline_weights(side: int, size: int) -> np.ndarray:
    """Compute the cubic B-spline at the distance t, in old pixels, of a new pixel's centre from an old one's.

    (4 - 6 t^2 + 3 t^3) / 6 for t < 1, (2 - t)^3 / 6 for t < 2; what falls outside is left out, and rows sum to 1.

    Args:
        side: pixels before.
        size: pixels after.
    Returns:
        (size, side) float32.
    Reference:
        Mitchell and Netravali, 1988, "Reconstruction Filters in Computer Graphics" (B = 1, C = 0).
    """
    centres = (np.arange(size) + 0.5) * side / size
    t = np.abs(np.arange(side) + 0.5 - centres[:, None])
    weights = np.where(t < 1, 4 - 6 * t**2 + 3 * t**3, np.maximum(2 - t, 0) ** 3)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def shrink_tiles(picture: np.ndarray, tiling: Tiling, tiles: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    """Return the chosen tiles of a picture at the CNN's size.

    Args:
        picture: (height, width) or (height, width, channels) float32.
        tiling: where its tiles are.
        tiles: the numbers of the chosen ones, at least one.
        shape: (height, width) of what is returned, in pixels.
    Returns:
        (tiles, *shape, channels) float32, with one channel of a picture without them.
    """
    parts = []
    for some in _batches(tiling, tiles):
        cut = np.stack([picture[tiling.place(tile)] for tile in some])
        parts.append(resize(cut.reshape(*cut.shape[:3], -1), shape))
    return np.concatenate(parts)


def carve_tiles(
    picture: np.ndarray,
    original: np.ndarray,
    tiling: Tiling,
    tiles: Sequence[int],
    changes: np.ndarray,
    *,
    onto: np.ndarray,
    strength: float = 1.0,
    enlargement: str = "bicubic",
) -> None:
    """Replace the chosen tiles of `onto`, each by that of the original plus its change, enlarged.

    Enlarging the whole changed tile and adding the detail that shrinking the original one lost comes to the same:
    enlarge(new) + original - enlarge(shrink(original)) = original + enlarge(new - shrink(original)).
    Where tiles overlap, they fade into each other with the weights of the tiling; and with a strength below 1 into what
    the picture shows before:  onto += strength * weight * (original + enlarge(change) - picture).

    Args:
        picture: (height, width) or (height, width, channels) float32, as it is before.
        original: of the same shape, float32, whose detail is added.
        tiling: where the tiles are.
        tiles: the numbers of the chosen ones.
        changes: (tiles, small height, small width, channels) float32, new - shrink(original).
        onto: of the picture's shape, float32, a copy of the picture at first; is changed.
        strength: the share of the change, 1 for all of it.
        enlargement: see `resize`.
    """
    done = 0
    for some in _batches(tiling, tiles):
        enlarged = resize(changes[done : done + len(some)], tiling.shape, enlargement=enlargement)
        done += len(some)
        for tile, change in zip(some, enlarged, strict=True):
            place = tiling.place(tile)
            weights = beside_channels(tiling.weights(tile), picture)
            difference = original[place] + change.reshape(original[place].shape) - picture[place]
            onto[place] += strength * weights * difference


def beside_channels(plane: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return a number for every pixel, (height, width), as a factor of a picture with or without channels."""
    return plane if picture.ndim == 2 else plane[..., None]


def _batches(tiling: Tiling, tiles: Sequence[int]) -> Iterator[Sequence[int]]:
    """Deal the tiles out to batches of at most `PIXELS_AT_A_TIME` pixels, but of one tile at least.

    Args:
        tiling: how large a tile is.
        tiles: their numbers.
    Returns:
        The batches, in order.
    """
    at_a_time = max(1, PIXELS_AT_A_TIME // math.prod(tiling.shape))
    yield from (tiles[first : first + at_a_time] for first in range(0, len(tiles), at_a_time))


def take_out_spread(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardize images, and return what was taken out: images = z * std + mean.

    The CNN knows standardized input only, and a tile of a standardized picture is not standardized. What an ascent
    makes of an even tile gets its spread of next to nothing back, so that the tile stays even.

    Args:
        images: (batch, height, width, channels) float32.
    Returns:
        z, of the same shape; the mean and the standard deviation, at least 1e-6, each (batch, 1, 1, 1).
    """
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    std = np.maximum(images.std(axis=(1, 2, 3), keepdims=True), np.float32(1e-6))
    return (images - mean) / std, mean, std
