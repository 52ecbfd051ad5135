"""Gradient ascent on images: a whole batch, many steps, one compiled program."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core import jitter, priors
from pipeline.core.convolution import fused
from pipeline.core.forward import (
    ForwardPass,
    architecture_of,
    compiler_of,
    fast_forward_pass,
    plain_forward_pass,
    specs_of,
    variables_of,
)
from pipeline.core.lanes import Lanes
from pipeline.core.objectives import Target
from pipeline.core.priors import NOTHING_ELSE, Priors


class Ascent(NamedTuple):
    """What came of an ascent.

    Attributes:
        images: (batch, height, width, 1) float32, standardized.
        objective: (steps, batch) float32, before each step's change.
        snapshots: (kept, batch, height, width, 1) float32, the images after the kept steps.
        converged_at: (batch,) int, the step or -1.
    """

    images: np.ndarray
    objective: np.ndarray
    snapshots: np.ndarray
    converged_at: np.ndarray


class Convergence(NamedTuple):
    """When an image has converged: the relative change of its objective stays small in successive steps.

    Attributes:
        criterion: |L - L of the step before| < criterion * |L| is a small change.
        after: steps up to this number are not looked at.
        patience: in so many successive steps the change has to be small.
        stop: an image is not changed any more from the step on at which it has converged, and soon is not computed any
            more.
    """

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
    shaped_by: Priors = NOTHING_ELSE,
    xla: bool | None = None,
    on_steps: Callable[[int], None] = lambda done: None,
) -> Ascent:
    """Change every image so that its objective grows.

    For image x with the objective L, at every step:
        g = dL/dx;  x <- standardize(x + step_size * g / (sqrt(mean(g^2)) + 1e-7))
    An image without a gradient, one that does not trigger its map at all, stays as it is. The gradient is scaled image
    by image, so that the images of a batch do not influence each other.

    Args:
        target: what grows, one objective for each image.
        images: (batch, height, width, 1) float32, standardized; not changed.
        step_sizes: (steps,) float32, in standard deviations of an image: without priors the root mean square of what a
            step adds before the image is standardized again.
        convergence: when an image has converged, and whether it stops there.
        zero_steps: an image is given up when its objective has been exactly 0 for more steps than this; None: never.
        snapshot_steps: the steps, from 0, after which the images are kept.
        shaped_by: what else the picture is asked for; see `priors.Priors`.
        xla: whether XLA compiles the whole program; None: on a GPU, while on a CPU, where its convolutions are slow,
            it compiles what surrounds them (see `forward`); False: nothing.
        on_steps: is told how many steps more are done.
    Returns:
        The images after the last step, and what happened on the way.
    Reference:
        Erhan et al., 2009, "Visualizing Higher-Layer Features of a Deep Network"; the normalized gradient: Chollet,
        2017, "Deep Learning with Python".
    """
    # long by what is said of its arguments
    extras = shaped_by.tensors()
    segment = _compiled_segment(
        architecture_of(target.part), compiler_of(xla), tuple(sorted(extras)), shaped_by.group if extras else 1,
        target.squared,
    )  # fmt: skip
    network = [tf.convert_to_tensor(variable) for variable in variables_of(target.part)]
    limits = (
        tf.constant(convergence.criterion, tf.float32), tf.constant(convergence.after),
        tf.constant(convergence.patience), tf.constant(convergence.stop),
    )  # fmt: skip
    batch, steps = len(images), len(step_sizes)
    # pictures of a group have to stay together
    width = shaped_by.group if "diversity" in extras else 1
    lanes = Lanes.of(target, images, extras.pop("transforms", None), width)
    final, objective = np.array(images, np.float32), np.zeros((steps, batch), np.float32)
    converged_at, kept = np.full(batch, -1), []
    for first, last in _segments(steps, snapshot_steps):
        if lanes.count:
            moves = {} if lanes.transforms is None else {"transforms": lanes.transforms[first:last]}
            lanes.images, values, *lanes.state = segment(
                network, lanes.images, lanes.weights, lanes.offset, tf.constant(step_sizes[first:last]),
                tf.constant(first), *lanes.state, *limits, {**extras, **moves},
            )  # fmt: skip
            rows = lanes.rows
            final[rows] = lanes.images.numpy()[: lanes.count]
            objective[first:last, rows] = values.numpy()[:, : lanes.count]
            # what is computed no more stands still
            objective[last:, rows] = objective[last - 1, rows]
            converged_at[rows] = lanes.state[2].numpy()[: lanes.count]
            over = convergence.stop & (converged_at >= 0)
            if zero_steps is not None and last > zero_steps:
                over |= (objective[last - zero_steps - 1 : last] == 0).all(axis=0)
            lanes = lanes.without(over)
        if last - 1 in snapshot_steps:
            kept.append(final.copy())
        on_steps(last - first)
    return Ascent(
        images=final,
        objective=objective,
        snapshots=np.stack(kept) if kept else np.zeros((0, *images.shape), np.float32),
        converged_at=converged_at,
    )


def _segments(steps: int, snapshot_steps: Sequence[int], longest: int = 25) -> list[tuple[int, int]]:
    """Return the stretches between two snapshots, none longer than what a progress bar may wait for.

    Args:
        steps: of the whole ascent.
        snapshot_steps: the steps, from 0, after which the images are kept.
        longest: steps of a stretch.
    Returns:
        (first step, first step beyond) of each, in order.
    """
    ends = sorted({step + 1 for step in snapshot_steps} | {*range(longest, steps, longest)} | {steps})
    return list(zip([0, *ends[:-1]], ends, strict=True))


@functools.lru_cache(maxsize=16)
def _compiled_segment(architecture: str, compiler: str, extras: tuple[str, ...], group: int, squared: bool) -> Callable:
    """Return the compiled loop over steps for one architecture.

    Weights, batch size, steps and step sizes are arguments of the program, so it is traced once for an architecture,
    not once per map, model or sweep of settings.

    Args:
        architecture: see `architecture_of`.
        compiler: see `compiler_of`.
        extras: the names of the `priors.Priors` that are switched on.
        group: pictures in succession that `Priors.diversity` keeps apart.
        squared: see `Target`.
    Returns:
        The program: the weights of the CNN, what `Lanes` holds, the step sizes, the number of the first step, the
        state, the four figures of `Convergence` and the tensors of the extras -> the images, the objective before each
        step (steps, lanes), and the state.
    """
    part = keras.models.model_from_json(architecture)
    # also for the whole: the gradient of a pool has no deterministic form in XLA on a GPU, that of a maximum has
    forward = plain_forward_pass(part) if compiler == "none" else fast_forward_pass(part)
    direction = _direction_of(
        forward, extras, group, squared, fused if compiler == "parts" else lambda product: product
    )

    @tf.function(jit_compile=compiler == "whole", input_signature=_signature(part, extras), autograph=False)
    def segment(  # type: ignore[no-untyped-def]
        network, x, wanted, offset, sizes, first, previous, calm_steps, converged_at, criterion, after, patience, stop,
        options,
    ):  # fmt: skip
        steps = tf.shape(sizes)[0]
        values = tf.TensorArray(tf.float32, size=steps, element_shape=[None])

        def body(i, x, values, previous, calm_steps, converged_at):  # type: ignore[no-untyped-def]
            value, gradient, way = direction(network, x, wanted, offset, i, options)
            changed = x + sizes[i] * way
            if "magnitudes" in extras:
                changed = priors.with_magnitudes(changed, options["magnitudes"])
            changed = tf.image.per_image_standardization(changed)

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


def _signature(part: keras.Model, extras: Sequence[str]) -> list:
    """Return what the program of `_compiled_segment` takes.

    Args:
        part: the CNN up to the layer of the objective.
        extras: the names of the `priors.Priors` that are switched on.
    Returns:
        A specification of each argument.
    """
    side = part.inputs[0].shape[1]
    per_image, integers = tf.TensorSpec([None]), tf.TensorSpec([None], tf.int32)
    number, whole = tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
    spectrum = tf.TensorSpec([side, side // 2 + 1])
    shapes = {"frequency_filter": spectrum, "magnitudes": spectrum, "transforms": tf.TensorSpec([None, None, 6])}
    return [
        specs_of(part),
        tf.TensorSpec([None, *part.inputs[0].shape[1:]]), tf.TensorSpec([None, *part.outputs[0].shape[1:]]), per_image,
        tf.TensorSpec([None]), whole, per_image, integers, integers, number, whole, whole, tf.TensorSpec([], tf.bool),
        {name: shapes.get(name, number) for name in extras},
    ]  # fmt: skip


def _direction_of(
    forward: ForwardPass,
    extras: Sequence[str],
    group: int,
    squared: bool,
    compiled: Callable[[Callable], Callable],
) -> Callable:
    """Return the function that says which way each image is to go in a step.

    Args:
        forward: the CNN up to the layer of the objective.
        extras: the names of the `priors.Priors` that are switched on.
        group: pictures in succession that `Priors.diversity` keeps apart.
        squared: see `Target`.
        compiled: see `priors.likeness`.
    Returns:
        The function: the weights of the CNN, images (lanes, size, size, 1), weights and offset of the objective, the
        number of the step and the tensors of the extras -> the objective (lanes,), its gradient, and the way.
    """

    def direction(network, x, wanted, offset, i, options):  # type: ignore[no-untyped-def]
        """Compute the objective, its gradient, and the way that each image is to go."""
        with tf.GradientTape(persistent="diversity" in extras) as tape:
            tape.watch(x)
            shown = jitter.warp(x, options["transforms"][i]) if "transforms" in extras else x
            features = forward(network, shown)
            weighted = (tf.square(features) if squared else features) * wanted
            value = tf.reduce_sum(weighted, axis=range(1, features.shape.rank)) + offset
            alike = priors.likeness(features, group, compiled) if "diversity" in extras else None
        gradient = tape.gradient(value, x)
        way = priors.filtered(gradient, options["frequency_filter"]) if "frequency_filter" in extras else gradient
        way = _of_unit_size(way)
        if alike is not None:
            likeness = (options["diversity"] * alike)[:, None, None, None]
            way -= likeness * _of_unit_size(tape.gradient(alike, x))
        if "total_variation" in extras or "l2" in extras:
            way -= priors.roughness_gradient(x, options)
        return value, gradient, way

    return direction


def _of_unit_size(gradient: tf.Tensor) -> tf.Tensor:
    """Return g / (sqrt(mean(g^2)) + 1e-7), image by image."""
    return gradient / (tf.sqrt(tf.reduce_mean(tf.square(gradient), axis=(1, 2, 3), keepdims=True)) + 1e-7)
