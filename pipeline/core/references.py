"""What real images that trigger a map most look like inside a CNN: what a picture can be drawn to."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.crops import CONVOLUTIONS
from pipeline.core.objectives import part_up_to
from pipeline.core.score import features_of, map_means

# How many images are looked at between two words of progress, and how many the covariance of pixels is taken of.
IMAGES_AT_A_TIME, IMAGES_OF_COVARIANCE = 4096, 20000


class References(NamedTuple):
    """The images that trigger every map of a layer most, as a CNN sees them.

    Attributes:
        features: for each name of `inside`, (maps, values) float32: the mean of the images' features, each with mean 0
            and length 1; 0 of a map that no image triggers.
        largest: (maps,) float32, the largest mean of a map over its positions that any image causes.
        shaping: (pixels, pixels) float32, a power of the covariance of the images' pixels.
    """

    features: list[np.ndarray]
    largest: np.ndarray
    shaping: np.ndarray

    def of(self, maps: list[list[int]]) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the features, (rows, values) each, and the largest mean, (rows,), of rows of maps: their means.

        Args:
            maps: of each row; -1 stands for all of the layer.
        """
        chosen = [slice(None) if -1 in row else row for row in maps]
        features = [np.stack([values[row].mean(axis=0) for row in chosen]) for values in self.features]
        return features, np.array([self.largest[row].mean() for row in chosen], np.float32)


def inside(model: keras.Model, layer: str) -> list[str]:
    """Return the layers that hand on to a convolution what an earlier one made, up to a layer, which is one.

    Args:
        model: a chain of layers up to `layer`.
        layer: the name of a convolution.
    Returns:
        Their names, in order; none for the first convolution.
    """
    layers = part_up_to(model, layer).layers
    first = next(number for number, one in enumerate(layers) if isinstance(one, CONVOLUTIONS))
    return [before.name for before, one in pairwise(layers[first:]) if isinstance(one, CONVOLUTIONS)]


def references_of(
    model: keras.Model,
    layer: str,
    images: np.ndarray,
    *,
    count: int,
    power: float,
    on_images: Callable[[int], None] = lambda done: None,
) -> References:
    """Look for the images that trigger every map of a layer most.

    Args:
        model: a chain of layers up to `layer`.
        layer: the name of a convolution that is not the first.
        images: (images, height, width, 1) float32, standardized.
        count: how many images of each map; those that do not trigger it do not count.
        power: of the covariance, see `shaping_of`.
        on_images: is told how many images more have been looked at.
    Returns:
        What a picture is drawn to, for every map.
    """
    parts = []
    for first in range(0, len(images), IMAGES_AT_A_TIME):
        parts.append(map_means(model, layer, images[first : first + IMAGES_AT_A_TIME]))
        on_images(len(parts[-1]))
    means = np.concatenate(parts)
    top = np.argsort(-means, axis=0, kind="stable")[:count].T
    driving = np.take_along_axis(means.T, top, axis=1) > 0
    chosen, rows = np.unique(top, return_inverse=True)
    features = []
    for name in inside(model, layer):
        units = unit_rows(features_of(model, name, images[chosen]).reshape(len(chosen), -1))
        of_maps = zip(rows.reshape(top.shape), driving, strict=True)
        features.append(np.stack([units[row[does]].sum(axis=0) / max(does.sum(), 1) for row, does in of_maps]))
    return References(features, means.max(axis=0), shaping_of(images, power))


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return each row with mean 0 and length 1; 0 where it is the same everywhere.

    Args:
        rows: (rows, values) float32.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-8))


def shaping_of(images: np.ndarray, power: float) -> np.ndarray:
    """Compute C^power, where C is the covariance of pixels over images, its largest eigenvalue being 1.

    A gradient times C^power has more of what the images differ by, such as strokes, and less of what none of them has,
    such as single pixels.

    Args:
        images: (images, height, width, 1) float32, of which as many are taken as `IMAGES_OF_COVARIANCE` says; each
            counts with a range from 0 to 1.
        power: 0 leaves a gradient as it is, 1 is the covariance itself.
    Returns:
        (pixels, pixels) float32.
    """
    pixels = images[:IMAGES_OF_COVARIANCE].reshape(len(images[:IMAGES_OF_COVARIANCE]), -1)
    if power == 0:
        return np.eye(pixels.shape[1], dtype=np.float32)
    low, high = pixels.min(axis=1, keepdims=True), pixels.max(axis=1, keepdims=True)
    pixels = ((pixels - low) / np.where(high > low, high - low, 1)).astype(np.float64)
    centred = pixels - pixels.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(pixels))
    shares = np.maximum(values, 0) / max(values[-1], 1e-12)
    return ((vectors * shares**power) @ vectors.T).astype(np.float32)
