"""The compiled program of an ascent: some steps of a whole batch."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from pipeline.core import jitter, matching, priors, spectra
from pipeline.core.convolution import fused
from pipeline.core.forward import fast_forward_pass, joint_forward_pass, plain_forward_pass
from pipeline.core.parts import Part

# float32 numbers that the widest register of a CPU holds, and a multiple of what narrower ones do.
REGISTER = 16


class Form(NamedTuple):
    """What decides the program of an ascent besides its architecture.

    Attributes:
        extras: the names of the `priors.Priors` that are switched on, sorted.
        group: pictures in succession that `Priors.diversity` keeps apart.
        squared: see `Target`.
        match: the kind of `matching.Match`, None without one.
        is_least: see `matching.Match`.
    """

    extras: tuple[str, ...] = ()
    group: int = 1
    squared: bool = False
    match: str | None = None
    is_least: bool = False


class Way(NamedTuple):
    """Which way each image goes in a step, and what that was found from.

    Attributes:
        value: (lanes,), the objective.
        gradient: (lanes, height, width, channels), of what ascends: the objective, or that and the likeness.
        direction: (lanes, height, width, channels), where the image goes.
        likeness, score: (lanes,), see `matching.Match`; None without one.
    """

    value: tf.Tensor
    gradient: tf.Tensor
    direction: tf.Tensor
    likeness: tf.Tensor | None
    score: tf.Tensor | None


@functools.lru_cache(maxsize=16)
def compiled_segment(part: Part, compiler: str, form: Form) -> Callable:
    """Return the compiled loop over steps for one architecture.

    Weights, batch size, steps and step sizes are arguments of the program, so it is traced once for an architecture,
    not once per map, model or sweep of settings.

    Args:
        part: the objective's part, or that of `matching.joint_part`; equal ones have one program.
        compiler: see `compiler_of`.
        form: what else the program depends on.
    Returns:
        The program: the weights of the CNN, what `Lanes` holds, the step sizes, the number of the first step, the
        state, the four figures of `Convergence` and the tensors of the extras -> the images, the objective before each
        step (steps, lanes), and the state.
    """
    # also for the whole: the gradient of a pool has no deterministic form in XLA on a GPU, that of a maximum has
    plain = plain_forward_pass if compiler == "none" else fast_forward_pass
    forward = joint_forward_pass(part, fast=compiler != "none") if form.match else plain(part)
    way_of = _way_of(forward, form, fused if compiler == "parts" else lambda product: product)
    extras = form.extras

    @tf.function(jit_compile=compiler == "whole", input_signature=_signature(part, form), autograph=False)
    def segment(  # type: ignore[no-untyped-def]
        network, x, wanted, offset, own, sizes, first, state, criterion, after, patience, stop, options
    ):
        steps = tf.shape(sizes)[0]
        values = tf.TensorArray(tf.float32, size=steps, element_shape=[None])

        def body(i, x, values, state):  # type: ignore[no-untyped-def]
            previous, calm_steps, converged_at, *course = state
            # the weight of an objective, where it follows the score
            weight = course[0] if form.is_least else options.get("weight")
            way = way_of(network, x, wanted, offset, own, weight, i, options)
            changed = x + sizes[i] * way.direction
            if "magnitudes" in extras:
                changed = spectra.with_magnitudes(changed, options["magnitudes"])
            if "bounded" in extras:
                changed = tf.clip_by_value(changed, 0.0, 1.0)
            else:
                changed = tf.image.per_image_standardization(changed)

            step = first + i
            # never of a map that does not react at all: it stands still too, but 0 < 0 is false
            calm = tf.abs(way.value - previous) < criterion * tf.abs(way.value)
            calm_steps = tf.where(calm & (step > after), calm_steps + 1, 0)
            newly = (calm_steps >= patience) & (converged_at < 0)
            converged_at = tf.where(newly, step, converged_at)
            if form.is_least:
                course = _followed(course, x, way, own["goal"])
            still = (stop & (converged_at >= 0)) | tf.reduce_all(way.gradient == 0, axis=(1, 2, 3))
            x = tf.where(still[:, None, None, None], x, changed)
            return i + 1, x, values.write(i, way.value), [way.value, calm_steps, converged_at, *course]

        _, x, values, state = tf.while_loop(
            lambda i, *_: i < steps, body, (0, x, values, state), parallel_iterations=1
        )  # fmt: skip
        return x, values.stack(), state

    return segment


def _followed(course: Sequence[tf.Tensor], x: tf.Tensor, way: Way, goal: tf.Tensor) -> list[tf.Tensor]:
    """Return weight, kept image, its likeness and its score after another step, see `matching.Match`.

    Args:
        course: the same before it.
        x: the images (lanes, height, width, channels) as they were shown.
    """
    weight, kept, likeness, score = course
    # the score of a kept picture that does not reach the goal counts, the likeness of one that does
    reaches, did = way.score >= matching.ENOUGH * goal, score >= matching.ENOUGH * goal
    better = tf.where(reaches, ~did | (way.likeness > likeness), ~did & (way.score > score))
    lacking = tf.clip_by_value(2.0 * (matching.AIM - way.score / goal), -1.0, 1.0)
    return [
        weight * _exponential(matching.RATE * lacking),
        tf.where(better[:, None, None, None], x, kept),
        tf.where(better, way.likeness, likeness),
        tf.where(better, way.score, score),
    ]


def _exponential(numbers: tf.Tensor) -> tf.Tensor:
    """Compute exp(x) of numbers (lanes,) so that it does not depend on the place of x among them.

    TensorFlow has another formula for the last few, which do not fill a register: none is left over here.
    """
    return tf.exp(tf.repeat(numbers[:, None], REGISTER, axis=1))[:, 0]


def _signature(part: Part, form: Form) -> list:
    """Return what the program of `compiled_segment` takes.

    Args:
        part: the CNN up to the layer of the objective, or what `matching.joint_part` makes.
        form: that of the program.
    Returns:
        A specification of each argument.
    """
    height, width, channels = part.input_shape
    pixels = tf.TensorSpec([None, height, width, channels])
    per_image, integers = tf.TensorSpec([None]), tf.TensorSpec([None], tf.int32)
    number, whole = tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
    spectrum = [height, width // 2 + 1]
    shapes = {
        "frequency_filter": tf.TensorSpec(spectrum),
        "magnitudes": tf.TensorSpec(spectrum if channels == 1 else [channels, *spectrum]),
        "transforms": tf.TensorSpec([None, None, 6]),
        "covariance": tf.TensorSpec([height * width * channels] * 2),
        "colours": tf.TensorSpec([channels, channels]),
        "ends": tf.TensorSpec([2, channels]),
    }
    own = {}
    if form.match:
        scored, matched = part.output_shapes[1], part.output_shapes[2:]
        patterns = {f"pattern_{k}": tf.TensorSpec([None, None]) for k in range(len(matched))}
        numbers = dict.fromkeys(("goal", "unit", "scored_offset"), per_image)
        own = {**numbers, "scored": tf.TensorSpec([None, *scored]), **patterns}
    extras: dict[str, Any] = {name: shapes.get(name, number) for name in form.extras}
    return [
        part.specs(),
        pixels, tf.TensorSpec([None, *part.output_shape]), per_image, own,
        tf.TensorSpec([None]), whole,
        [per_image, integers, integers, *([per_image, pixels, per_image, per_image] if form.is_least else [])],
        number, whole, whole, tf.TensorSpec([], tf.bool),
        {**extras, **({"weight": number} if form.match and not form.is_least else {})},
    ]  # fmt: skip


def _way_of(forward: Callable, form: Form, compiled: Callable[[Callable], Callable]) -> Callable[..., Way]:
    """Return the function that says which way each image is to go in a step.

    Args:
        forward: the CNN up to the layer of the objective, or all outputs of `matching.joint_part`.
        form: that of the program.
        compiled: see `priors.likeness`.
    Returns:
        The function: the weights of the CNN, images (lanes, height, width, channels), weights and offset of the
        objective, what is each image's own, the weight of the objective beside the likeness, the number of the step
        and the tensors of the extras -> the way of each image.
    """
    extras = form.extras

    def way_of(network, x, wanted, offset, own, weight, i, options):  # type: ignore[no-untyped-def]
        """Compute the objective, its gradient, and the way that each image is to go."""
        likeness = score = None
        with tf.GradientTape(persistent="diversity" in extras) as tape:
            tape.watch(x)
            if "ends" in extras:
                shown = priors.between(x, options["ends"])
            else:
                shown = priors.standardized_by_root(x) if "bounded" in extras else x
            shown = jitter.warp(shown, options["transforms"][i]) if "transforms" in extras else shown
            if form.match:
                features, scored, *matched = forward(network, shown)
            else:
                features, scored, matched = forward(network, shown), None, []
            value = _weighted(tf.square(features) if form.squared else features, wanted, offset)
            ascended = value
            if form.match:
                patterns = [own[f"pattern_{number}"] for number in range(len(matched))]
                likeness = matching.likeness_to(matched, patterns, form.match)
                ascended = likeness + weight * value / own["unit"]
            alike = priors.likeness(features, form.group, compiled) if "diversity" in extras else None
        gradient = tape.gradient(ascended, x)
        way = spectra.filtered(gradient, options["frequency_filter"]) if "frequency_filter" in extras else gradient
        way = priors.shaped(way, options["covariance"]) if "covariance" in extras else way
        way = priors.mixed(way, options["colours"]) if "colours" in extras else way
        way = _of_unit_size(way)
        if alike is not None:
            alike_gradient = _of_unit_size(tape.gradient(alike, x))
            way -= (options["diversity"] * alike)[:, None, None, None] * alike_gradient
        if "total_variation" in extras or "l2" in extras:
            way -= priors.roughness_gradient(x, options)
        if scored is not None:
            score = _weighted(scored, own["scored"], own["scored_offset"])
        return Way(value, gradient, way, likeness, score)

    return way_of


def _weighted(features: tf.Tensor, weights: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
    """Return sum(weights * features) + offset of each image, (lanes,)."""
    return tf.reduce_sum(features * weights, axis=range(1, features.shape.rank)) + offset


def _of_unit_size(gradient: tf.Tensor) -> tf.Tensor:
    """Return g / (sqrt(mean(g^2)) + 1e-7), image by image."""
    return gradient / (tf.sqrt(tf.reduce_mean(tf.square(gradient), axis=(1, 2, 3), keepdims=True)) + 1e-7)
