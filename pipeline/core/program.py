"""The compiled program of an ascent: some steps of a whole batch."""

import functools
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from pipeline.core import jitter, priors
from pipeline.core.convolution import fused
from pipeline.core.forward import ForwardPass, fast_forward_pass, plain_forward_pass, specs_of


@functools.lru_cache(maxsize=16)
def compiled_segment(architecture: str, compiler: str, extras: tuple[str, ...], group: int, squared: bool) -> Callable:
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
    """Return what the program of `compiled_segment` takes.

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
