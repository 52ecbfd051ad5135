"""Gradient ascent on images: a whole batch, many steps, one compiled program."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core.forward import compiler_of
from pipeline.core.lanes import Lanes
from pipeline.core.matching import Match, joint_part
from pipeline.core.objectives import Target
from pipeline.core.priors import NOTHING_ELSE, Priors
from pipeline.core.program import Form, compiled_segment


class Ascent(NamedTuple):
    """What came of an ascent.

    Attributes:
        images: (batch, height, width, channels) float32, standardized; with `Priors.bounded` from 0 to 1.
        objective: (steps, batch) float32, before each step's change.
        snapshots: (kept, batch, height, width, channels) float32, the images after the kept steps.
        converged_at: (batch,) int, the step or -1.
        likeness: (batch,) float32, of the images and their references where a goal has to be reached; else not a
            number.
    """

    images: np.ndarray
    objective: np.ndarray
    snapshots: np.ndarray
    converged_at: np.ndarray
    likeness: np.ndarray


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


# long: by what is said of its arguments
def ascend(
    target: Target,
    images: np.ndarray,
    step_sizes: np.ndarray,
    *,
    convergence: Convergence,
    zero_steps: int | None = None,
    snapshot_steps: Sequence[int] = (),
    shaped_by: Priors = NOTHING_ELSE,
    match: Match | None = None,
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
        images: (batch, height, width, channels) float32, standardized, with `shaped_by.bounded` from 0 to 1; they are
            not changed.
        step_sizes: (steps,) float32, in standard deviations of an image: without priors the root mean square of what a
            step adds before the image is standardized again. With `shaped_by.bounded` in units of the pixels' range.
        convergence: when an image has converged, and whether it stops there.
        zero_steps: an image is given up when its objective has been exactly 0 for more steps than this; None: never.
        snapshot_steps: the steps, from 0, after which the images are kept.
        shaped_by: what else the picture is asked for; see `priors.Priors`.
        match: what the pictures are drawn to besides; where their score has to reach a goal none stops before the last
            step, and the images are those that `match` keeps.
        xla: whether XLA compiles the whole program; False: nothing; None: nothing on a GPU, while on a CPU, where its
            convolutions are slow, it compiles what surrounds them (see `forward`).
        on_steps: is told how many steps more are done.
    Returns:
        The images after the last step, and what happened on the way.
    Reference:
        Erhan et al., 2009, "Visualizing Higher-Layer Features of a Deep Network"; the normalized gradient: Chollet,
        2017, "Deep Learning with Python".
    """
    extras, is_least = shaped_by.tensors(), match is not None and match.is_least
    part = target.part if match is None else joint_part(target, match)
    segment = compiled_segment(part, compiler_of(xla), _form(target, shaped_by, extras, match))
    if match is not None and not is_least:
        extras["weight"] = tf.constant(match.weight, tf.float32)
    network = part.weights()
    stops = convergence.stop and not is_least
    criterion = tf.constant(convergence.criterion, tf.float32)
    limits = (criterion, tf.constant(convergence.after), tf.constant(convergence.patience), tf.constant(stops))
    batch, steps = len(images), len(step_sizes)
    # pictures of a group have to stay together
    width = shaped_by.group if "diversity" in extras else 1
    lanes = Lanes.of(target, images, extras.pop("transforms", None), width, match)
    final, objective = np.array(images, np.float32), np.zeros((steps, batch), np.float32)
    converged_at, kept = np.full(batch, -1), []
    for first, last in _segments(steps, snapshot_steps):
        if lanes.count:
            moves = {} if lanes.transforms is None else {"transforms": lanes.transforms[first:last]}
            lanes.images, values, lanes.state = segment(
                network, lanes.images, lanes.weights, lanes.offset, lanes.own, tf.constant(step_sizes[first:last]),
                tf.constant(first), lanes.state, *limits, {**extras, **moves},
            )  # fmt: skip
            rows = lanes.rows
            # the picture that is kept is another than the one that goes on
            best = lanes.state[4] if is_least and last == steps else lanes.images
            final[rows] = best.numpy()[: lanes.count]
            objective[first:last, rows] = values.numpy()[:, : lanes.count]
            # what is computed no more stands still
            objective[last:, rows] = objective[last - 1, rows]
            converged_at[rows] = lanes.state[2].numpy()[: lanes.count]
            over = stops & (converged_at >= 0)
            if zero_steps is not None and last > zero_steps and not is_least:
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
        likeness=lanes.state[5].numpy()[: lanes.count] if is_least else np.full(batch, np.nan, np.float32),
    )


def _form(target: Target, shaped_by: Priors, extras: Mapping[str, tf.Tensor], match: Match | None) -> Form:
    """Return what decides the program besides the architecture."""
    form = Form(tuple(sorted(extras)), shaped_by.group if extras else 1, target.squared)
    return form if match is None else form._replace(match=match.kind, is_least=match.is_least)


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
