"""Drawing a picture's activations to those of the real images that drive its map, in the layers on the way.

In a layer the features F of a picture, as a row with mean 0 and length 1, u(F), are compared with the pattern of its
references, p = mean(u(F_reference)):  likeness = sum(u(F) * p),  the mean over the layers. It is the mean correlation
with the references, what `evidence.similarities` measures of other images. Of kind "distributions" the features of each
channel are sorted first, so that only their values count, not their places.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core.graph import Cnn
from pipeline.core.objectives import Target
from pipeline.core.parts import Part
from pipeline.core.priors import safe_root
from pipeline.core.score import features_of
from pipeline.core.units import unit_of

MAPS, DISTRIBUTIONS = "maps", "distributions"
# The weight of the score follows it towards so many times the goal, and a picture is kept from so many times on: a
# little above 1, as saving it with 256 grey levels changes its score.
AIM, ENOUGH = 1.03, 1.01
# In one step the weight changes by a factor between exp(-RATE) and exp(RATE).
RATE = 0.25


class Match(NamedTuple):
    """What the pictures of an ascent are drawn to besides their objective.

    Each step ascends  likeness + weight * objective / unit.

    Attributes:
        kind: MAPS or DISTRIBUTIONS.
        layers: names of layers on the way to that of the objective, at least one.
        patterns: of each layer (targets, features) float32, see `patterns_of`.
        scored: the score of each target, by which `goal` is reached or not.
        goal: (targets,) float32 above 0.
        unit: (targets,) float32 above 0, of the objective.
        weight: of the objective; with `is_least` at the beginning.
        is_least: the weight of each picture follows its score: it grows by  exp(RATE * clip(2 * (AIM - score / goal),
            -1, 1))  in every step; and of all pictures on the way whose score reaches the goal the one of the largest
            likeness is kept, of those of which none does the one of the largest score.
    """

    kind: str
    layers: tuple[str, ...]
    patterns: tuple[np.ndarray, ...]
    scored: Target
    goal: np.ndarray
    unit: np.ndarray
    weight: float
    is_least: bool

    def chunk(self, rows: slice | np.ndarray) -> "Match":
        """Return the same for some of the targets."""
        patterns = tuple(pattern[rows] for pattern in self.patterns)
        return self._replace(
            patterns=patterns, scored=self.scored.chunk(rows), goal=self.goal[rows], unit=self.unit[rows]
        )

    def tensors(self) -> dict[str, np.ndarray]:
        """Return what the program takes for each picture, by name."""
        patterns = {f"pattern_{number}": pattern for number, pattern in enumerate(self.patterns)}
        return {
            "goal": self.goal,
            "unit": self.unit,
            "scored": self.scored.weights,
            "scored_offset": self.scored.offset,
            **patterns,
        }


def joint_part(target: Target, match: Match) -> Part:
    """Return a part of the outputs of the objective's part and the score's part, then those of the layers to match."""
    scored = match.scored.part
    matched = [unit_of(scored.graph, name).after for name in match.layers]
    return Part(scored.graph, [*target.part.outputs, *scored.outputs, *matched])


def patterns_of(
    model: Cnn, layers: Sequence[str], kind: str, images: np.ndarray, chosen: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Compute the pattern of the references of each target: the mean of their features, each with mean 0 and length 1.

    Args:
        model: a functional model; layers: names of some of its layers.
        kind: MAPS or DISTRIBUTIONS.
        images: (images, height, width, channels) float32.
        chosen: (targets, count) int, which of the images each target is drawn to.
        valid: (targets, count) bool, whether it is.
    Returns:
        Of each layer (targets, features) float32; 0 for a target without any.
    """
    used, rows = np.unique(chosen, return_inverse=True)
    rows = rows.reshape(chosen.shape)
    found = []
    for layer in layers:
        units = unit_rows(tf.constant(features_of(model, layer, images[used])), kind).numpy()
        means = [
            units[own[does]].mean(axis=0) if does.any() else 0 * units[0] for own, does in zip(rows, valid, strict=True)
        ]
        found.append(np.stack(means))
    return tuple(found)


def likeness_to(features: Sequence[tf.Tensor], patterns: Sequence[tf.Tensor], kind: str) -> tf.Tensor:
    """Compute how alike pictures and their patterns are: the mean over the layers of sum(u(F) * pattern).

    Args:
        features: of each layer (batch, ...) float32.
        patterns: of each layer (batch, features) float32.
        kind: MAPS or DISTRIBUTIONS.
    Returns:
        (batch,) float32.
    """
    pairs = zip(features, patterns, strict=True)
    return tf.add_n([tf.reduce_sum(unit_rows(own, kind) * pattern, axis=1) for own, pattern in pairs]) / len(patterns)


def unit_rows(features: tf.Tensor, kind: str) -> tf.Tensor:
    """Return features as rows with mean 0 and length 1; 0 where they are the same everywhere.

    Args:
        features: (batch, ..., channels) float32.
        kind: of DISTRIBUTIONS the values of each channel are sorted, the smallest first.
    Returns:
        (batch, features) float32.
    """
    if kind == DISTRIBUTIONS and features.shape.rank > 2:
        places = tf.reshape(features, (-1, np.prod(features.shape[1:-1], dtype=int), features.shape[-1]))
        features = tf.sort(places, axis=1)
    rows = tf.reshape(features, (-1, np.prod(features.shape[1:], dtype=int)))
    rows -= tf.reduce_mean(rows, axis=1, keepdims=True)
    return rows / safe_root(tf.reduce_sum(tf.square(rows), axis=1, keepdims=True) + 1e-12)
