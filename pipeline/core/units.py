"""What a user means by a map of a layer: a convolution with its normalization and its activation function."""

from typing import NamedTuple

import keras

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.nodes import Graph, Ref
from pipeline.core.parts import POOLS, own_activation, variables_of

# What may stand between a convolution and its activation function.
NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
)
ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
# Operations that are no layers, by the name of their class.
OPERATIONS = ("Relu", "Relu6", "Gelu", "Silu", "Elu", "Selu", "LeakyRelu", "HardSilu", "HardSwish", "Sigmoid", "Tanh",
              "Softmax", "Mish", "Softplus")  # fmt: skip


class Unit(NamedTuple):
    """The values of a layer's maps.

    Attributes:
        after: what they hand on: behind the layer's normalization and activation function.
        before: the same before the activation function; `after` where there is none.
    """

    after: Ref
    before: Ref


def unit_of(graph: Graph, name: str) -> Unit:
    """Return what the maps of a layer hand on, and what that is before its activation function.

    Of a layer that applies an activation function at its end it is its output. Of another one, a convolution, a dense
    layer, a normalization or a sum of branches, what normalizations and an activation function make of it, as long as
    nothing else uses it. Of a pool before the activation function it is the pool over the convolution before that.

    Args:
        name: of a layer.
    Raises:
        ValueError: there is no layer of this name, see `Graph.ref`.
    """
    ref = graph.ref(name)
    operation = graph.nodes[ref.node].operation
    if is_activation(operation):
        return Unit(ref, graph.nodes[ref.node].sources[0])
    if isinstance(operation, POOLS):
        return Unit(ref, _pooled_before(graph, ref))
    if own_activation(operation) is not None:
        return Unit(ref, ref._replace(linear=True))
    return _followed(graph, ref)


def is_linear(model: Cnn, name: str) -> bool:
    """Tell whether what a layer hands on has passed no activation function, so that below 0 it is not silent."""
    graph = graph_of(model)
    unit = unit_of(graph, name)
    return unit.after == unit.before and not isinstance(graph.nodes[unit.after.node].operation, POOLS)


def is_activation(operation: keras.Operation) -> bool:
    """Tell whether all that a layer does is to apply a function to every number, or to the maps of every position."""
    if isinstance(operation, keras.layers.Activation):
        return operation.activation is not keras.activations.linear
    return isinstance(operation, ACTIVATIONS) or (
        type(operation).__name__ in OPERATIONS and not isinstance(operation, keras.Layer)
    )


def _followed(graph: Graph, ref: Ref) -> Unit:
    """Return the unit of a layer without an activation function of its own."""
    operation, end = graph.nodes[ref.node].operation, ref
    begins = bool(variables_of(operation)) or isinstance(
        operation, keras.layers.Add | keras.layers.Concatenate | keras.layers.Average
    )
    while begins and end.number == 0 and end != graph.output and len(graph.users[end.node]) == 1:
        user = graph.nodes[graph.users[end.node][0]]
        if len(user.sources) != 1 or graph.shape_of(Ref(graph.users[end.node][0])) != graph.shape_of(end):
            break
        following = Ref(graph.users[end.node][0])
        if is_activation(user.operation):
            return Unit(following, end)
        if not isinstance(user.operation, NORMALIZATIONS):
            break
        end = following
    return Unit(end, end)


def _pooled_before(graph: Graph, ref: Ref) -> Ref:
    """Return the pool over what the convolution before it gives without its activation; without one the pool itself."""
    source = graph.nodes[ref.node].sources[0]
    operation = graph.nodes[source.node].operation
    is_maximum = isinstance(graph.nodes[ref.node].operation, keras.layers.MaxPooling2D)
    return ref._replace(linear=True) if is_maximum and own_activation(operation) is not None else ref
