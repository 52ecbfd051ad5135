"""Gradient ascent on images: a whole batch, many steps, one compiled program."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.target import Target


class Ascent(NamedTuple):
    """What came of an ascent.

    images: (batch, height, width, 1); snapshots: (kept, batch, height, width, 1), the images after the kept steps;
    objective: (steps, batch), before each step's change; converged_at: (batch,), the step or -1.
    """

    images: np.ndarray
    objective: np.ndarray
    snapshots: np.ndarray
    converged_at: np.ndarray


class Convergence(NamedTuple):
    """Converged: the relative change of the objective stays below `criterion` in `patience` successive steps, looked
    at in the steps after number `after`. With `stop`, an image is not changed any more from the step on at which it
    has converged."""

    criterion: float
    after: int
    patience: int
    stop: bool


def ascend(
    target: Target,
    images: np.ndarray,
    step_sizes: np.ndarray,
    *,
    convergence: Convergence,
    zero_steps: int | None = None,
    snapshot_steps: Sequence[int] = (),
    on_steps: Callable[[int], None] = lambda done: None,
) -> Ascent:
    """Change every image so that its objective grows.

    For image x with the objective L, at every step:
        g = dL/dx;  x <- standardize(x + step_size * g / (sqrt(mean(g^2)) + 1e-7))
    An image without a gradient, one that does not trigger its map at all, stays as it is. The gradient is scaled image
    by image, so that the images of a batch do not influence each other.

    Args:
        target: what grows, one objective for each image.
        images: (batch, height, width, 1) float32, standardized.
        step_sizes: (steps,).
        zero_steps: the ascent ends early when every image has converged (with `convergence.stop`) or has had an
            objective of exactly 0 for more steps than this.
        snapshot_steps: the steps after which the images are kept.
        on_steps: is told how many steps more are done.
    """
    segment = _compiled_segment(architecture_of(target.part))
    network = [tf.convert_to_tensor(variable) for variable in variables_of(target.part)]
    x = tf.constant(images, tf.float32)
    wanted, offset = tf.constant(target.weights, tf.float32), tf.constant(target.offset, tf.float32)
    batch = len(images)
    state = (tf.fill((batch,), np.float32(0)), tf.zeros((batch,), tf.int32), tf.fill((batch,), -1))
    objective: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    for first, last in _segments(len(step_sizes), snapshot_steps):
        if objective and _finished(np.concatenate(objective), state[2].numpy(), convergence.stop, zero_steps):
            objective.append(np.repeat(objective[-1][-1:], last - first, axis=0))
        else:
            x, values, *state = segment(
                network, x, wanted, offset, tf.constant(step_sizes[first:last]), tf.constant(first), *state,
                tf.constant(convergence.criterion, tf.float32), tf.constant(convergence.after),
                tf.constant(convergence.patience), tf.constant(convergence.stop),
            )  # fmt: skip
            objective.append(values.numpy())
        if last - 1 in snapshot_steps:
            kept.append(x.numpy())
        on_steps(last - first)
    return Ascent(
        images=x.numpy(),
        objective=np.concatenate(objective),
        snapshots=np.stack(kept) if kept else np.zeros((0, *images.shape), np.float32),
        converged_at=state[2].numpy(),
    )


def _finished(objective: np.ndarray, converged_at: np.ndarray, stop: bool, zero_steps: int | None) -> bool:
    """Whether no image of the batch will change any more: all have converged, or do not react at all."""
    silent = np.zeros(len(converged_at), bool)
    if zero_steps is not None and len(objective) > zero_steps:
        silent = (objective[-zero_steps - 1 :] == 0).all(axis=0)
    return bool((silent | (stop & (converged_at >= 0))).all())


def _segments(steps: int, snapshot_steps: Sequence[int], longest: int = 25) -> list[tuple[int, int]]:
    """(first, end) of the stretches between two snapshots, none longer than what a progress bar may wait for."""
    ends = sorted({step + 1 for step in snapshot_steps} | {*range(longest, steps, longest)} | {steps})
    return list(zip([0, *ends[:-1]], ends, strict=True))


def variables_of(part: keras.Model) -> list[keras.Variable]:
    """The weights of `part` in the order in which `stateless_call` takes them."""
    return [*part.trainable_variables, *part.non_trainable_variables]


def architecture_of(part: keras.Model) -> str:
    """The layers of `part` as JSON, without the seeds from which their first weights were once drawn."""
    return re.sub(r'"seed": \d+', '"seed": 0', part.to_json())


@functools.lru_cache(maxsize=16)
def _compiled_segment(architecture: str) -> Callable:
    """The compiled loop over steps for one architecture.

    Weights, batch size, steps and step sizes are arguments of the program, so it is traced once for an architecture,
    not once per map, model or sweep of settings.

    Args:
        architecture: see `architecture_of`.
    """
    part = keras.models.model_from_json(architecture)
    trainable = len(part.trainable_variables)
    per_image, integers = tf.TensorSpec([None]), tf.TensorSpec([None], tf.int32)
    number, whole = tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
    signature = [
        [tf.TensorSpec(variable.shape) for variable in variables_of(part)],
        tf.TensorSpec([None, *part.inputs[0].shape[1:]]), tf.TensorSpec([None, *part.outputs[0].shape[1:]]), per_image,
        tf.TensorSpec([None]), whole, per_image, integers, integers, number, whole, whole, tf.TensorSpec([], tf.bool),
    ]  # fmt: skip

    @tf.function(jit_compile=False, input_signature=signature)
    def segment(  # type: ignore[no-untyped-def]
        network, x, wanted, offset, sizes, first, previous, calm_steps, converged_at, criterion, after, patience, stop
    ):
        steps = tf.shape(sizes)[0]
        values = tf.TensorArray(tf.float32, size=steps, element_shape=[None])

        def body(i, x, values, previous, calm_steps, converged_at):  # type: ignore[no-untyped-def]
            with tf.GradientTape() as tape:
                tape.watch(x)
                features, _ = part.stateless_call(network[:trainable], network[trainable:], x)
                value = tf.reduce_sum(features * wanted, axis=range(1, features.shape.rank)) + offset
            gradient = tape.gradient(value, x)
            scale = tf.sqrt(tf.reduce_mean(tf.square(gradient), axis=(1, 2, 3), keepdims=True)) + 1e-7
            changed = tf.image.per_image_standardization(x + sizes[i] * gradient / scale)

            step = first + i
            # never of a map that does not react at all: it stands still too, but 0 < 0 is false
            calm = tf.abs(value - previous) < criterion * tf.abs(value)
            calm_steps = tf.where(calm & (step > after), calm_steps + 1, 0)
            newly = (calm_steps >= patience) & (converged_at < 0)
            converged_at = tf.where(newly, step, converged_at)
            still = (stop & (converged_at >= 0)) | tf.reduce_all(gradient == 0, axis=(1, 2, 3))
            x = tf.where(still[:, None, None, None], x, changed)
            return i + 1, x, values.write(i, value), value, calm_steps, converged_at

        _, x, values, previous, calm_steps, converged_at = tf.while_loop(
            lambda i, *_: i < steps,
            body,
            (0, x, values, previous, calm_steps, converged_at),
            parallel_iterations=1,
        )
        return x, values.stack(), previous, calm_steps, converged_at

    return segment
