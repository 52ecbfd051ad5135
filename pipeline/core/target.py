"""The objective of an ascent as a weighted sum of the features of a layer."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.cnn import without_activation


class Target(NamedTuple):
    """For image b and the features F of `part`:  objective_b = sum(weights[b] * F[b]) + offset[b].

    part: the CNN from its input to the layer whose output is weighted; weights: (targets, ...), the shape of that
    output; offset: (targets,).
    """

    part: keras.Model
    weights: np.ndarray
    offset: np.ndarray

    def chunk(self, rows: slice | np.ndarray) -> "Target":
        """The same objective for some of the targets."""
        return Target(self.part, self.weights[rows], self.offset[rows])


def mean_of_maps(model: keras.Model, layer: str, direction: np.ndarray, *, pre_activation: bool) -> Target:
    """The mean over a layer's positions of its maps, weighted by a direction (see `objective.directions`).

    Before its activation function the layer is affine in its input, so the objective is already decided by the features
    of the layer before: with w = dL/dF, which is the same for every image, L = sum(w * F) + L(0). The layer itself,
    most of whose maps nobody asked for, is not computed.
    """
    last = model.get_layer(layer)
    shape = last.output.shape[1:]
    weights = np.broadcast_to(direction[:, None, None, :] / (shape[0] * shape[1]), (len(direction), *shape))
    if not pre_activation:
        return Target(_part(model, last.output), weights, np.zeros(len(direction), np.float32))
    linear = without_activation(model, layer).layers[-1]
    with tf.GradientTape() as tape:
        nothing = tf.zeros((len(direction), *last.input.shape[1:]))
        tape.watch(nothing)
        offset = tf.reduce_sum(linear(nothing) * weights, axis=(1, 2, 3))
    return Target(_part(model, last.input), tape.gradient(offset, nothing).numpy(), offset.numpy())


def _part(model: keras.Model, output: keras.KerasTensor) -> keras.Model:
    # the name is part of the architecture by which compiled programs are found again
    return keras.Model(model.inputs[0], output, name="part")
