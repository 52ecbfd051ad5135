"""The objective of an ascent as a weighted sum of the features of a layer."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.parts import Part, own_activation
from pipeline.core.units import unit_of


class Target(NamedTuple):
    """What grows in an ascent.

    For image b and the features F of `part`:  objective_b = sum(weights[b] * F[b]) + offset[b].

    Attributes:
        part: the CNN from its input to the layer whose output is weighted.
        weights: (targets, ...) float32, behind the first axis the shape of that output.
        offset: (targets,) float32.
        squared: F^2 stands instead of F.
    """

    part: Part
    weights: np.ndarray
    offset: np.ndarray
    squared: bool = False

    def chunk(self, rows: slice | np.ndarray) -> "Target":
        """Return the same objective for some of the targets."""
        return self._replace(weights=self.weights[rows], offset=self.offset[rows])


# Makes the target of some weights of a layer: (model, layer, weights).
ObjectiveFunction = Callable[[Cnn, str, np.ndarray], Target]
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
def after_activation(model: Cnn, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of what a layer hands on, see `units.unit_of`.

    Args:
        model: a CNN.
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
def before_activation(model: Cnn, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of what a layer hands on as it is before the activation function.

    A convolution or dense layer is affine in its input before its activation, so the objective is already decided by
    the features of the layer before: with w = dL/dF, which is the same for every image, L = sum(w * F) + L(0). The
    layer itself, most of whose maps nobody asked for, is not computed. A pool is taken over the pre-activation of the
    convolution before it. What has no activation function of its own, such as a sum of layers, is taken as it is.

    Args:
        model: a CNN.
        layer: the name of one of its layers.
        weights: (targets, ...) float32, see `weights_of`.
    Returns:
        One objective for each row of weights.
    Raises:
        ValueError: the model has no layer of that name.
    """
    graph = graph_of(model)
    unit = unit_of(graph, layer)
    node = graph.nodes[unit.before.node]
    if not _folds(node.operation) or (own_activation(node.operation) is not None and not unit.before.linear):
        return Target(Part(graph, [unit.before]), weights, np.zeros(len(weights), np.float32))
    weights, tensors = _used(node.operation, weights)
    with tf.GradientTape() as tape:
        nothing = tf.zeros((len(weights), *graph.shape_of(node.sources[0])))
        tape.watch(nothing)
        offset = tf.reduce_sum(_affine(node.operation, nothing, tensors) * weights, axis=range(1, weights.ndim))
    return Target(Part(graph, node.sources[:1]), tape.gradient(offset, nothing).numpy(), offset.numpy())


def _folds(operation: keras.Operation) -> bool:
    """Tell whether a layer is a convolution or a dense layer of Keras, maps last, in float32."""
    if type(operation) not in (keras.layers.Conv2D, keras.layers.Dense):
        return False
    if getattr(operation, "lora_enabled", False) or operation.quantization_mode:
        return False
    floats = (operation.compute_dtype, operation.variable_dtype) == ("float32", "float32")
    return floats and getattr(operation, "data_format", "channels_last") == "channels_last"


def _used(layer: keras.Layer, weights: np.ndarray) -> tuple[np.ndarray, list[tf.Tensor]]:
    """Return the weights of targets, and those of a layer, without the maps or units that no target asks for.

    Args:
        layer: see `_folds`.
        weights: (targets, ..., maps or units) float32.
    """
    used = np.flatnonzero(weights.any(axis=tuple(range(weights.ndim - 1))))
    if getattr(layer, "groups", 1) > 1:
        used = np.arange(weights.shape[-1])
    own = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]
    return weights[..., used], [tf.constant(np.array(one)[..., used]) for one in own]


def _affine(layer: keras.Layer, x: tf.Tensor, weights: Sequence[tf.Tensor]) -> tf.Tensor:
    """Compute what a convolution or dense layer does before its activation function, with some of its weights."""
    kernel, *bias = weights
    if isinstance(layer, keras.layers.Dense):
        product = keras.ops.matmul(x, kernel)
    else:
        product = keras.ops.conv(
            x, kernel, strides=list(layer.strides), padding=layer.padding, data_format="channels_last",
            dilation_rate=layer.dilation_rate,
        )  # fmt: skip
    return sum(bias, product)


@objective("l2")
def squares(model: Cnn, layer: str, weights: np.ndarray) -> Target:
    """Return a weighted sum of the squares of what a layer hands on: grows most where there is much already.

    Args:
        model: a CNN.
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


def part_up_to(model: Cnn, layer: str) -> Part:
    """Return what leads from the picture to what a layer hands on, see `units.unit_of`.

    Args:
        model: a CNN.
        layer: the name of one of its layers.
    Raises:
        ValueError: the model has no layer of that name.
    """
    graph = graph_of(model)
    return Part(graph, [unit_of(graph, layer).after])
