"""VITAL's matching of feature distributions, written plainly for a small CNN (Görgün et al., 2025).

A picture of a map is not ascended: in every convolution before the layer its features, weighted by how much they matter
to the map, get the distribution that they have in the images that drive the map most. For every channel
    loss = importance * mean((sort(R * F) - mean over references(sort(R * F)))^2)
with the relevance R of a feature for the map, from 0 to 1 over the places of a channel; their mean, in units of what is
aimed at. The relevance is gradient times feature, which layer-wise relevance propagation is in a net of relus.
Reference:
    Görgün, Schiele and Fischer, 2025, "VITAL: More Understandable Feature Visualization through Distribution Alignment
    and Relevant Information Flow".
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from benchmarks.case import Case
from benchmarks.contenders.adam import Adam
from benchmarks.contenders.pictures import Painter
from benchmarks.network import linear_part
from benchmarks.task import Task
from pipeline.core.priors import levels_of
from pipeline.core.references import layers_before

# Steps, the first step size in units of black to white, and the weight of the total variation.
STEPS, STEP_SIZE, VARIATION = 600, 0.05, 0.5


class Weighted(NamedTuple):
    """Hold features of one layer.

    Attributes:
        values: (batch, channels, places), relevance * feature.
        importance: (batch, channels), from 0 to 1.
    """

    values: tf.Tensor
    importance: tf.Tensor


def painters(case: Case) -> list[Painter]:
    """Return it with its relevance, without any term for the activation, as published for inner units."""
    return [Painter(name="vital", title="VITAL, plain", run=_runner(case), maps=list(range(case.maps)))]


def _runner(case: Case) -> Callable[[int], np.ndarray]:
    part = _part(case)
    weigh = tf.function(_weighing(part))
    targets: list[Weighted] = []

    @tf.function
    def gradient_of(x: tf.Tensor, wanted: tf.Tensor, towards: Sequence[Weighted]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.add_n([_distance(own, aim) for own, aim in zip(weigh(x, wanted), towards, strict=True)])
            loss += VARIATION * tf.image.total_variation(x) / x.shape[1]
        return tape.gradient(loss, x)

    def run(seed: int) -> np.ndarray:
        # once: which images drive a map is known before as well
        if not targets:
            targets.extend(_targets(case, weigh))
        wanted = tf.one_hot(range(case.maps), case.maps)
        x, adam = tf.constant(levels_of(case.starts(seed))), Adam(STEP_SIZE, STEPS, first=0.5, second=0.9)
        for _ in range(STEPS):
            x = tf.clip_by_value(x - adam.step(gradient_of(x, wanted, targets)), 0.0, 1.0)
        return np.asarray(x.numpy())

    return run


def _part(case: Case) -> keras.Model:
    """Return the CNN up to the layer, before its activation, and the convolutions before it."""
    linear = linear_part(Task(case.model, case.layer, case.config, case.starts(0), after=False))
    before = [linear.get_layer(name).output for name in layers_before(case.model, case.layer)]
    return keras.Model(linear.inputs[0], [*before, linear.outputs[0]])


def _weighing(part: keras.Model) -> Callable[[tf.Tensor, tf.Tensor], list[Weighted]]:
    """Return the function: pictures (batch, size, size, 1), which map each is of (batch, maps) -> features by layer."""

    def weigh(x: tf.Tensor, wanted: tf.Tensor) -> list[Weighted]:
        with tf.GradientTape() as tape:
            *features, maps = part(tf.image.per_image_standardization(x))
            score = tf.reduce_sum(tf.reduce_mean(maps, axis=(1, 2)) * wanted)
        found = []
        for own, slope in zip(features, tape.gradient(score, features), strict=True):
            relevance = tf.stop_gradient(slope * own)
            importance = _to_range(tf.reduce_max(relevance, axis=(1, 2)), (1,))
            flat = tf.reshape(_to_range(relevance, (1, 2)) * own, (-1, own.shape[1] * own.shape[2], own.shape[3]))
            found.append(Weighted(tf.transpose(flat, (0, 2, 1)), importance))
        return found

    return weigh


def _targets(case: Case, weigh: Callable) -> list[Weighted]:
    """Return the means over the references of every map, the smallest value of each channel first."""
    chosen, drives = case.references.chosen, case.references.drives
    by_map = []
    for index, (own, does) in enumerate(zip(chosen, drives, strict=True)):
        # of a map that none drives the picture is not looked at; always of one number, so that there is one program
        images = case.dataset.train_images[np.resize(own[does] if does.any() else own, len(own))]
        layers = weigh(tf.constant(images), tf.one_hot([index] * len(images), case.maps))
        by_map.append([(np.sort(layer.values).mean(axis=0), layer.importance.numpy().mean(axis=0)) for layer in layers])
    return [
        Weighted(*(tf.constant(np.stack(some)) for some in zip(*layer, strict=True)))
        for layer in zip(*by_map, strict=True)
    ]


def _distance(own: Weighted, aim: Weighted) -> tf.Tensor:
    """Compute the loss (batch,) of one layer: each value against the one of its rank.

    Args:
        aim: with values (batch, channels, places), the smallest of each channel first.
    """
    ranked = tf.ensure_shape(tf.numpy_function(_in_place, [own.values, aim.values], tf.float32), own.values.shape)
    weights = aim.importance[:, :, None]
    differ, size = (tf.reduce_mean(weights * tf.square(x), axis=(1, 2)) for x in (own.values - ranked, aim.values))
    return differ / (size + 1e-6)


def _in_place(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Return the ordered values each in the place of the value that has its rank (NumPy sorts faster)."""
    placed = np.empty_like(values)
    np.put_along_axis(placed, np.argsort(values, axis=-1), ordered, axis=-1)
    return placed


def _to_range(x: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """Return x from 0, its smallest value along the axes, to 1."""
    low = tf.reduce_min(x, axis=axes, keepdims=True)
    return (x - low) / (tf.reduce_max(x, axis=axes, keepdims=True) - low + 1e-6)
