"""What pictures cause in a CNN, layer by layer as Keras computes it: the check on the faster program of the ascent."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from pipeline.core.forward import plain_forward_pass
from pipeline.core.graph import Cnn
from pipeline.core.objectives import Target, part_up_to
from pipeline.core.parts import Part
from pipeline.core.preprocessing import STANDARDIZED

BATCH = 256
# What is left over of a batch is filled up to a multiple of this: TensorFlow computes the last few numbers of an array,
# which do not fill a register, by another formula than the others, as the exponentials of elu, sigmoid and tanh.
WHOLE = 8
# Numbers that all layers on the way hand on for all images of a batch: bounds the memory.
MOST_FEATURES = 2**28

# What is left of standardized images in a picture file.
as_saved = STANDARDIZED.as_saved


def scores(target: Target, images: np.ndarray) -> np.ndarray:
    """Compute the value that each image gives to its own target.

    Args:
        target: as many targets as images.
        images: (targets, height, width, channels) float32.
    Returns:
        (targets,) float32: sum(weights * features) + offset.
    """
    values = np.empty(len(images), np.float32)
    for rows, features in _features(target.part, images):
        weights = target.weights[rows]
        values[rows] = (features * weights).sum(axis=tuple(range(1, weights.ndim))) + target.offset[rows]
    return values


def largest_scores(target: Target, images: np.ndarray) -> np.ndarray:
    """Compute the largest value that any of the images gives to each target.

    Args:
        target: any number of targets.
        images: (images, height, width, channels) float32.
    Returns:
        (targets,) float32, -inf without images.
    """
    return top_scores(target, images, 1)[0].max(axis=1, initial=-np.inf)


def top_scores(
    target: Target, images: np.ndarray, count: int, on_images: Callable[[int], None] = lambda done: None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that give each target the largest values.

    Args:
        target: any number of targets.
        images: (images, height, width, channels) float32.
        count: so many images of each target, or all if there are fewer.
        on_images: is told how many images more have been looked at.
    Returns:
        Their values (targets, count) float32, the largest first, and which they are (targets, count) int, of equal ones
        the first before the others.
    """
    weights = target.weights.reshape(len(target.weights), -1)
    # one by one: in a matrix product, the other targets would have a say in the rounding
    used = [(np.flatnonzero(row), row[row != 0]) for row in weights]
    best, which = np.zeros((len(weights), 0), np.float32), np.zeros((len(weights), 0), int)
    for rows, features in _features(target.part, images):
        flat = features.reshape(len(features), -1)
        values = np.array([(np.take(flat, places, axis=1) * row).sum(axis=1) for places, row in used], np.float32)
        best = np.concatenate([best, values.reshape(len(weights), -1) + target.offset[:, None]], axis=1)
        numbers = np.arange(rows.start, rows.start + len(features))
        which = np.concatenate([which, np.broadcast_to(numbers, (len(weights), len(numbers)))], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :count]
        best, which = np.take_along_axis(best, order, axis=1), np.take_along_axis(which, order, axis=1)
        on_images(len(features))
    return best, which


def map_means(model: Cnn, layer: str, images: np.ndarray) -> np.ndarray:
    """Compute the mean over its positions of every map of a layer.

    Args:
        model: a functional model.
        layer: the name of a convolution or pool.
        images: (images, height, width, channels) float32, at least one.
    Returns:
        (images, maps) float32.
    """
    found = _features(part_up_to(model, layer), images)
    return np.concatenate([features.mean(axis=(1, 2)) for _, features in found])


def features_of(model: Cnn, layer: str, images: np.ndarray) -> np.ndarray:
    """Compute the output of a layer, a batch at a time.

    Args:
        model: a functional model.
        layer: the name of one of its layers.
        images: (images, height, width, channels) float32, at least one.
    Returns:
        (images, ...) float32.
    """
    return np.concatenate([features for _, features in _features(part_up_to(model, layer), images)])


def features_per_image(part: Part) -> int:
    """Return how many numbers the layers of a part hand on for one image, all together."""
    shapes = [shape for step in part.steps for shape in step.node.shapes]
    return sum(int(np.prod(shape)) for shape in shapes)


def _features(part: Part, images: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Compute the output of `part`, a batch at a time.

    Args:
        part: a CNN up to a layer.
        images: (images, height, width, channels).
    Returns:
        Of each batch: which of the images, and their features (batch, ...) float32.
    """
    compute, weights = _compiled(part), part.weights()
    batch = max(min(BATCH, MOST_FEATURES // features_per_image(part)) // WHOLE * WHOLE, WHOLE)
    for first in range(0, len(images), batch):
        rows = slice(first, first + batch)
        some = images[rows]
        filled = np.resize(some, (-(-len(some) // WHOLE) * WHOLE, *some.shape[1:]))
        yield rows, compute(weights, tf.constant(filled, tf.float32)).numpy()[: len(some)]


@functools.lru_cache(maxsize=16)
def _compiled(part: Part) -> Callable:
    signature = [part.specs(), tf.TensorSpec([None, *part.input_shape])]
    compute = tf.function(plain_forward_pass(part), input_signature=signature, jit_compile=False, autograph=False)
    # of the concrete function TensorFlow does not warn that there are many of them
    return compute.get_concrete_function()
