"""How far an OIP is to be believed: whether other noise leads to the same, and whether real images look alike inside.

Both are correlations, between -1 and 1: of two pictures or two rows of activations a and b, with z = (x - mean) / std,
    r = 1/n * sum(z_a * z_b)
What is the same everywhere has no correlation with anything: not a number.
"""

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

# Pixels by which two OIPs may lie apart and still show the same: a mean over a map does not say where.
SHIFT = 2


class Similarities(NamedTuple):
    """How alike activations are in one layer, of every map; see `similarities`.

    Attributes:
        similarity: (maps,) float64, of the OIP and the images that drive the map.
        same: (maps,) float64, of those images among themselves.
        others: (maps,) float64, of those images and images of other classes.
    """

    similarity: np.ndarray
    same: np.ndarray
    others: np.ndarray


def agreement(images: np.ndarray, shift: int = SHIFT) -> np.ndarray:
    """Compute how alike the OIPs of a map are that grew out of different noise.

    For every two of them the largest correlation of what they have in common when one is moved by up to `shift`
    pixels; the mean over all pairs. 1: always the same picture.

    Args:
        images: (starts, maps, height, width).
        shift: in pixels, down and across.
    Returns:
        (maps,) float64, not a number with a single start.
    """
    pairs = list(combinations(range(len(images)), 2))
    if not pairs:
        return np.full(images.shape[1], np.nan)
    return np.mean([_moved(images[one], images[other], shift) for one, other in pairs], axis=0)


class RealSide(NamedTuple):
    """What `similarities` needs of the real images of every map.

    Attributes:
        units: (maps, features) float32, the mean of the images' activations, each with mean 0 and length 1; not a
            number for a map that none drives.
        same, others: see `Similarities`.
    """

    units: np.ndarray
    same: np.ndarray
    others: np.ndarray


def similarities(
    oips: np.ndarray, images: np.ndarray, labels: np.ndarray, top: np.ndarray, driving: np.ndarray
) -> Similarities:
    """Compute how alike activations of a layer are, for OIPs and for the real images that drive the same map.

    similarity: of the OIP and each of the map's images, the mean; same: of every two of the map's images, the mean,
    which is what to expect; others: of each of the map's images and every image of another class than its own, the
    mean, which is what to expect of images that have nothing in common.

    Args:
        oips: (maps, features) float32, what the layer answers to each OIP.
        images: (images, features) float32, what it answers to real images.
        labels: (images,), their classes.
        top: (maps, count), which of the images drive each map most.
        driving: (maps, count) bool, whether they do so at all. Of a map that none drives nothing is known.
    Returns:
        The three means of every map, between -1 and 1; not a number where there is nothing to take a mean of.
    Reference:
        Geirhos et al., 2023, "Don't trust your eyes: on the (un)reliability of feature visualizations".
    """
    return similarities_to(oips, real_side(images, labels, top, driving))


def similarities_to(oips: np.ndarray, real: RealSide) -> Similarities:
    """Compute the same as `similarities`, of images that were looked at before.

    Args:
        oips: (maps, features) float32, what the layer answers to each OIP.
        real: what is known of the images.
    """
    similarity = (_units(oips) * real.units).sum(axis=1, dtype=np.float64)
    return Similarities(similarity, real.same, real.others)


def real_side(images: np.ndarray, labels: np.ndarray, top: np.ndarray, driving: np.ndarray) -> RealSide:
    """Compute what `similarities` needs of real images.

    Args:
        images, labels, top, driving: see `similarities`.
    """
    images = _units(images)
    between = images @ images.T
    stranger = labels[:, None] != labels
    strangers = stranger.sum(axis=1)
    with_strangers = np.where(stranger, between, 0).sum(axis=1) / np.where(strangers, strangers, np.nan)
    units = np.full((len(top), images.shape[1]), np.nan, np.float32)
    same, others = np.full((2, len(top)), np.nan)
    for row, (chosen, does) in enumerate(zip(top, driving, strict=True)):
        own = chosen[does]
        if len(own):
            units[row] = images[own].mean(axis=0)
        # every two of them: what lies above the diagonal
        same[row] = _mean(between[np.ix_(own, own)][np.triu_indices(len(own), 1)])
        others[row] = _mean(with_strangers[own])
    return RealSide(units, same, others)


def _mean(values: Sequence[float] | np.ndarray) -> float:
    """Return the mean in float64, not a number for none."""
    return float(np.mean(values, dtype=np.float64)) if len(values) else float("nan")


def _moved(one: np.ndarray, other: np.ndarray, shift: int) -> np.ndarray:
    """Return the largest correlation of pictures with others, moved.

    Args:
        one: (maps, height, width).
        other: (maps, height, width).
        shift: by up to so many pixels, down and across, to either side.
    Returns:
        (maps,) float64.
    """
    height, width = one.shape[1:]
    found = []
    for down, right in product(range(-shift, shift + 1), repeat=2):
        # what both have: rows max(0, down) .. of the one are rows max(0, -down) .. of the other
        rows, columns = height - abs(down), width - abs(right)
        here = one[:, max(down, 0) : max(down, 0) + rows, max(right, 0) : max(right, 0) + columns]
        there = other[:, max(-down, 0) : max(-down, 0) + rows, max(-right, 0) : max(-right, 0) + columns]
        units = [_units(part.reshape(len(part), rows * columns)) for part in (here, there)]
        found.append((units[0] * units[1]).sum(axis=1, dtype=np.float64))
    return np.max(found, axis=0)


def _units(rows: np.ndarray) -> np.ndarray:
    """Return each row with mean 0 and length 1; not a number where it is the same everywhere."""
    # numpy adds up pairs of pairs along a row, so that float32 is enough
    centred = rows - rows.mean(axis=1, keepdims=True)
    even = (rows == rows[:, :1]).all(axis=1, keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
    centred /= np.where(even, np.nan, lengths).astype(rows.dtype)
    return centred
