"""Pictures in the language of the data: pixels in a range, drawn to what real images look like inside a CNN."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.cnn import without_activation
from pipeline.core.forward import (
    FEWEST_IMAGES,
    architecture_of,
    plain_forward_pass,
    specs_of,
    variables_of,
)
from pipeline.core.references import inside

# The factor on the activation at first, how fast it follows, and how far above the goal it aims.
FIRST_FACTOR, RATE, AIM = 0.3, 0.4, 1.03
# Steps between two words of progress.
SEGMENT = 25


class Wanted(NamedTuple):
    """What each picture of a batch is drawn to.

    Attributes:
        features: of each of `references.inside`, (batch, values) float32, see `References`.
        weights: (batch, height, width, maps) float32, of the layer's output in the activation of a picture.
        goal: (batch,) float32, the activation that is asked for; below 0 none is known, and 1 stands for it.
        shaping: (pixels, pixels) float32, which every gradient is multiplied by.
    """

    features: list[np.ndarray]
    weights: np.ndarray
    goal: np.ndarray
    shaping: np.ndarray


def part_of(model: keras.Model, layer: str) -> keras.Model:
    """Return the layers up to a convolution, with what is `inside` and its pre-activation as outputs.

    Args:
        model: a chain of layers up to `layer`.
        layer: the name of a convolution that is not the first.
    """
    insides = [model.get_layer(name).output for name in inside(model, layer)]
    # the name is part of the architecture by which compiled programs are found again
    return keras.Model(model.inputs[0], [*insides, without_activation(model, layer).output], name="part")


def draw_strokes(
    part: keras.Model,
    activation: Callable[[tf.Tensor], tf.Tensor],
    pixels: np.ndarray,
    step_sizes: np.ndarray,
    wanted: Wanted,
    *,
    on_steps: Callable[[int], None] = lambda done: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Change every picture so that it looks like real images inside the CNN, and activates its map as they do.

    For a picture x, z = standardize(x), at every step:
        r = mean over the layers inside of corr(F(z), features), where features have mean 0 and a length of at most 1
        g = C d/dx (r + f S / goal),  f <- f exp(RATE clip(2 (AIM - s / goal), -1, 1))
        x <- clip(x + step_size g / (sqrt(mean(g^2)) + 1e-9), 0, 1)
    with the activation s, and S the same before the activation function. So f grows until the map is activated as by
    the image that activates it most, and then only holds that.

    Args:
        part: see `part_of`.
        activation: the activation function of its last layer.
        pixels: (batch, height, width, 1) float32, from 0 to 1; not changed.
        step_sizes: (steps,) float32, the root mean square of what a step adds, before what is beyond 0 or 1 is cut.
        wanted: of each picture.
        on_steps: is told how many steps more are done.
    Returns:
        The pictures, and r before every step: (steps, batch) float32.
    """
    # a single image is convolved in another order than one of several
    batch, filled = len(pixels), max(len(pixels), FEWEST_IMAGES)
    fill = functools.partial(_filled, count=filled)
    segment = _compiled(architecture_of(part), activation)
    network = [tf.convert_to_tensor(variable) for variable in variables_of(part)]
    goal = fill(np.where(wanted.goal > 0, wanted.goal, 1).astype(np.float32))
    fixed = ([fill(rows) for rows in wanted.features], fill(wanted.weights), goal, tf.constant(wanted.shaping))
    x, factor, values = fill(pixels), tf.fill([filled], FIRST_FACTOR), []
    for first in range(0, len(step_sizes), SEGMENT):
        sizes = step_sizes[first : first + SEGMENT]
        x, factor, likeness = segment(network, x, factor, tf.constant(sizes), *fixed)
        values.append(likeness.numpy()[:, :batch])
        on_steps(len(sizes))
    return x.numpy()[:batch], np.concatenate(values)


def _filled(rows: np.ndarray, count: int) -> tf.Tensor:
    """Return the rows as a tensor, the last one again and again where there are fewer than `count`."""
    return tf.constant(rows[np.minimum(np.arange(max(count, len(rows))), len(rows) - 1)], tf.float32)


@functools.lru_cache(maxsize=16)
def _compiled(architecture: str, activation: Callable[[tf.Tensor], tf.Tensor]) -> Callable:
    """Return the compiled loop over steps for one architecture.

    Args:
        architecture: see `forward.architecture_of`.
        activation: the activation function of its last layer.
    Returns:
        The program: the weights of the CNN, pictures, factors, step sizes, and the fields of `Wanted` -> pictures,
        factors, and r before each step (steps, batch).
    """
    part = keras.models.model_from_json(architecture)
    forward = plain_forward_pass(part)

    @tf.function(input_signature=_signature(part), jit_compile=False, autograph=False)
    def segment(network, x, factor, sizes, features, weights, goal, shaping):  # type: ignore[no-untyped-def]
        def step(i, x, factor, values):  # type: ignore[no-untyped-def]
            with tf.GradientTape() as tape:
                tape.watch(x)
                *insides, linear = forward(network, tf.image.per_image_standardization(x))
                likeness = _likeness(insides, features)
                before = tf.reduce_sum(linear * weights, axis=(1, 2, 3))
                objective = likeness + factor * before / goal
            gradient = tape.gradient(objective, x)
            reached = tf.reduce_sum(activation(linear) * weights, axis=(1, 2, 3)) / goal
            factor = factor * tf.exp(RATE * tf.clip_by_value(2 * (AIM - reached), -1.0, 1.0))
            way = _shaped(gradient, shaping)
            size = tf.sqrt(tf.reduce_mean(tf.square(way), axis=(1, 2, 3), keepdims=True)) + 1e-9
            return i + 1, tf.clip_by_value(x + sizes[i] * way / size, 0.0, 1.0), factor, values.write(i, likeness)

        steps = tf.shape(sizes)[0]
        values = tf.TensorArray(tf.float32, size=steps, element_shape=[None])
        _, x, factor, values = tf.while_loop(
            lambda i, *_: i < steps, step, (0, x, factor, values), parallel_iterations=1
        )
        return x, factor, values.stack()

    return segment


def _likeness(insides: list[tf.Tensor], features: list[tf.Tensor]) -> tf.Tensor:
    """Compute the mean over layers of the correlation with the features that are wanted.

    Args:
        insides: of each layer (batch, height, width, maps).
        features: of each layer (batch, values), with mean 0.
    Returns:
        (batch,) float32.
    """
    found = []
    for values, wanted in zip(insides, features, strict=True):
        flat = tf.reshape(values, tf.shape(wanted))
        centred = flat - tf.reduce_mean(flat, axis=1, keepdims=True)
        # the root of 0 has no slope
        length = tf.sqrt(tf.reduce_sum(tf.square(centred), axis=1) + 1e-12)
        found.append(tf.reduce_sum(centred * wanted, axis=1) / length)
    return tf.add_n(found) / len(found)


def _shaped(gradient: tf.Tensor, shaping: tf.Tensor) -> tf.Tensor:
    """Multiply a gradient by a matrix over pixels, picture by picture: as a convolution, see `forward`.

    Args:
        gradient: (batch, height, width, 1) float32.
        shaping: (pixels, pixels) float32.
    Returns:
        (batch, height, width, 1) float32.
    """
    rows = tf.reshape(gradient, [-1, 1, 1, shaping.shape[0]])
    return tf.reshape(tf.nn.conv2d(rows, shaping[None, None], strides=1, padding="VALID"), tf.shape(gradient))


def _signature(part: keras.Model) -> list:
    """Return a specification of each argument of the program of `_compiled`."""
    height, width, channels = part.inputs[0].shape[1:]
    *insides, last = (output.shape[1:] for output in part.outputs)
    pixels, per_picture = height * width * channels, tf.TensorSpec([None])
    return [
        specs_of(part), tf.TensorSpec([None, height, width, channels]), per_picture, per_picture,
        [tf.TensorSpec([None, int(np.prod(shape))]) for shape in insides], tf.TensorSpec([None, *last]), per_picture,
        tf.TensorSpec([pixels, pixels]),
    ]  # fmt: skip
