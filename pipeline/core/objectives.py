"""The objective of an ascent as a weighted sum of the features of a layer."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.cnn import without_activation

AFFINE = (keras.layers.Conv2D, keras.layers.Dense)


class Target(NamedTuple):
    """What grows in an ascent.

    For image b and the features F of `part`:  objective_b = sum(weights[b] * F[b]) + offset[b].

    Attributes:
        part: the CNN from its input to the layer whose output is weighted.
        weights: (targets, ...) float32, behind the first axis the shape of that output.
        offset: (targets,) float32.
        squared: F^2 stands instead of F.
    """

    part: keras.Model
    weights: np.ndarray
    offset: np.ndarray
    squared: bool = False

    def chunk(self, rows: slice | np.ndarray) -> "Target":
        """Return the same objective for some of the targets."""
        return self._replace(weights=self.weights[rows], offset=self.offset[rows])


# Makes the target of some weights of a layer: (model, layer, weights).
ObjectiveFunction = Callable[[keras.Model, str, np.ndarray], Target]
# Those of this file, by their words.
OBJECTIVES: dict[str, ObjectiveFunction] = {}


def directions(map_indices: Sequence[int], maps: int) -> np.ndarray:
    """Return a weight per map for each index: 1 for that map; for the index -1 (the whole layer) 1/maps for every map.

    Args:
        map_indices: each in [-1, maps).
        maps: how many the layer has.
    Returns:
        (indices, maps) float32, rows sum to 1.
    """
    rows = np.zeros((len(map_indices), maps), np.float32)
    for row, index in zip(rows, map_indices, strict=True):
        row[slice(None) if index == -1 else index] = 1.0 / maps if index == -1 else 1.0
    return rows


def weights_of(direction: np.ndarray, shape: tuple[int, ...], position: tuple[int, int] | None = None) -> np.ndarray:
    """Compute the weight of every feature of a layer in the objective.

    For a convolution or pool (height, width, maps) the mean over the positions of the maps weighted by `direction`, or
    with a position what they are there:  direction[b, m] / (height * width),  or direction[b, m] at the position and 0
    elsewhere. For a dense layer (units,) its units weighted by `direction`.

    Args:
        direction: (targets, maps or units) float32, see `directions`.
        shape: of the layer's output for one image.
        position: (row, column) in the map; None: all of them.
    Returns:
        (targets, *shape) float32.
    """
    if len(shape) == 1:
        return direction
    height, width, _ = shape
    places = np.zeros((height, width, 1), np.float32)
    if position is None:
        places[:] = 1.0 / (height * width)
    else:
        places[position] = 1.0
    return (direction[:, None, None, :] * places).astype(np.float32)


def objective(word: str) -> Callable[[ObjectiveFunction], ObjectiveFunction]:
    """Add a function to OBJECTIVES under the word by which settings name it."""

    def add(function: ObjectiveFunction) -> ObjectiveFunction:
        OBJECTIVES[word] = function
        return function

    return add


@objective("activation")
def after_activation(model: keras.Model, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of the layer's output.

    Args:
        model: a functional model.
        layer: the name of one of its layers.
        weights: (targets, ...) float32, see `weights_of`.
    Returns:
        One objective for each row of weights.
    Raises:
        ValueError: the model has no layer of that name.
    Reference:
        Erhan et al., 2009, "Visualizing Higher-Layer Features of a Deep Network".
    """
    return Target(part_up_to(model, layer), weights, np.zeros(len(weights), np.float32))


@objective("pre_activation")
def before_activation(model: keras.Model, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of what the layer's output is before the activation function.

    A convolution or dense layer is affine in its input before its activation, so the objective is already decided by
    the features of the layer before: with w = dL/dF, which is the same for every image, L = sum(w * F) + L(0). The
    layer itself, most of whose maps nobody asked for, is not computed. A pool is taken over the pre-activation of the
    convolution before it. What has no activation function of its own, such as a sum of layers, is taken as it is.

    Args:
        model: a functional model.
        layer: the name of one of its layers.
        weights: (targets, ...) float32, see `weights_of`.
    Returns:
        One objective for each row of weights.
    Raises:
        ValueError: the model has no layer of that name.
    """
    last = model.get_layer(layer)
    before = last.input._keras_history.operation if isinstance(last.input, keras.KerasTensor) else None
    if isinstance(last, keras.layers.MaxPooling2D) and isinstance(before, AFFINE):
        convolution = without_activation(model, before.name)
        # of another name, as both may be parts of one model
        pooled = last.__class__.from_config({**last.get_config(), "name": f"{layer}_linear"})(convolution.output)
        return Target(_part(model, pooled), weights, np.zeros(len(weights), np.float32))
    if not isinstance(last, AFFINE):
        return after_activation(model, layer, weights)
    linear, weights = _affine(last, weights)
    with tf.GradientTape() as tape:
        nothing = tf.zeros((len(weights), *last.input.shape[1:]))
        tape.watch(nothing)
        offset = tf.reduce_sum(linear(nothing) * weights, axis=range(1, weights.ndim))
    return Target(_part(model, last.input), tape.gradient(offset, nothing).numpy(), offset.numpy())


def _affine(last: keras.Layer, weights: np.ndarray) -> tuple[keras.Layer, np.ndarray]:
    """Return a convolution or dense layer without its activation and without the maps or units that no target asks for.

    Args:
        last: the layer, in its model.
        weights: (targets, ..., maps or units) float32.
    Returns:
        A new layer with copies of the weights, and the targets' weights of the maps or units that it has.
    """
    used = np.flatnonzero(weights.any(axis=tuple(range(weights.ndim - 1))))
    config = last.get_config()
    if config.get("groups", 1) > 1:
        used = np.arange(weights.shape[-1])
    size = "units" if isinstance(last, keras.layers.Dense) else "filters"
    linear = last.__class__.from_config({**config, "activation": "linear", size: len(used)})
    linear(last.input)
    linear.set_weights([weight[..., used] for weight in last.get_weights()])
    return linear, weights[..., used]


@objective("l2")
def squares(model: keras.Model, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of the squares of the layer's output: grows most where there is much already.

    Args:
        model: a functional model.
        layer: the name of one of its layers.
        weights: (targets, ...) float32, see `weights_of`.
    Returns:
        One objective for each row of weights.
    Raises:
        ValueError: the model has no layer of that name.
    Reference:
        Mordvintsev et al., 2015, "Inceptionism: Going Deeper into Neural Networks".
    """
    return after_activation(model, layer, weights)._replace(squared=True)


def part_up_to(model: keras.Model, layer: str) -> keras.Model:
    """Return the layers up to this one.

    Args:
        model: a functional model.
        layer: the name of one of its layers.
    Returns:
        A model from the same input to the layer's output, with the same weights.
    Raises:
        ValueError: the model has no layer of that name.
    """
    return _part(model, model.get_layer(layer).output)


def _part(model: keras.Model, output: keras.KerasTensor) -> keras.Model:
    """Return the layers that lead to an output, as a model of the name that all parts have.

    Args:
        model: a functional model.
        output: of one of its layers, or of a layer put on one of them.
    Returns:
        A model from the same input, with the same weights.
    """
    # the name is part of the architecture by which compiled programs are found again
    return keras.Model(model.inputs[0], output, name="part")
