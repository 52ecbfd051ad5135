"""The layers of a Keras model as plain numbers."""

from collections.abc import Iterable

import keras

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.layers import (
    Convolution,
    Dense,
    Flatten,
    Input,
    Layer,
    Network,
    Other,
    Pointwise,
    Pool,
    Shape,
)
from pipeline.core.nodes import Graph
from pipeline.core.parts import Part

# Axes of a value that has maps.
MAPS = 3
POOLS = {"MaxPooling2D": "maximum", "AveragePooling2D": "mean"}
# Convolutions that are no Conv2D.
CONVOLUTIONS = ("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "ConvLSTM2D")
POINTWISE = (
    "Activation",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "Rescaling",
)


def describe_model(model: Cnn) -> Network:
    """Return the layers of a model, in the order in which they are called, as far as they are known here.

    Layers may stand on several others: `Network` then says what it cannot say of them.

    Args:
        model: functional, or sequential and built; layers of nested models are among its own.
    """
    graph = graph_of(model)
    return _described_all(graph, range(len(graph.nodes)))


def describe_part(part: Part) -> Network:
    """Return the same of the layers of a part."""
    return _described_all(part.graph, sorted({step.key[0] for step in part.steps}))


def _described_all(graph: Graph, numbers: Iterable[int]) -> Network:
    """Return what is known of some nodes, in order."""
    layers: list[Layer] = []
    for number in numbers:
        node = graph.nodes[number]
        sources = tuple(dict.fromkeys(graph.nodes[source.node].name for source in node.sources))
        in_line = not sources if not layers else sources == (layers[-1].name,)
        shape = tuple(side or None for side in graph.shape_of(graph.names[node.name]))
        layers.append(_described(node.name, node.operation, shape, None if in_line else sources))
    return Network(tuple(layers))


def name_of_activation(layer: keras.Operation) -> str | None:
    """Return the name of a layer's activation function; None if it has none."""
    activation = getattr(layer, "activation", None)
    return None if activation is None else getattr(activation, "__name__", type(activation).__name__)


def _described(name: str, layer: keras.Operation, shape: Shape, after: tuple[str, ...] | None) -> Layer:
    """Return what is known of a call of a layer.

    Args:
        name: of the call.
        layer: what is called.
        shape: of its output.
        after: see `layers.Layer`.
    """
    classes = _keras_classes(layer)
    activation = name_of_activation(layer) or "linear"
    maps_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    if "InputLayer" in classes:
        return Input(name=name, after=after, shape=shape)
    if "Conv2D" in classes and maps_last:
        return Convolution(
            name=name,
            after=after,
            filters=layer.filters,
            size=tuple(layer.kernel_size),
            stride=tuple(layer.strides),
            dilation=tuple(layer.dilation_rate),
            padding=layer.padding,
            activation=activation,
        )
    for pool in classes & POOLS.keys():
        if maps_last:
            size, stride = tuple(layer.pool_size), tuple(layer.strides)
            return Pool(name=name, after=after, size=size, stride=stride, padding=layer.padding, takes=POOLS[pool])
    if "Dense" in classes:
        return Dense(name=name, after=after, units=layer.units, activation=activation)
    if "Flatten" in classes:
        return Flatten(name=name, after=after)
    if classes & {*POINTWISE} or (("BatchNormalization" in classes and layer.axis in (-1, 3)) and maps_last):
        return Pointwise(name=name, after=after, kind=type(layer).__name__)
    # a wrapper, as for the normalization of its weights, has the layer inside
    inside = classes | _keras_classes(getattr(layer, "layer", None))
    convolves = bool(inside & {"Conv2D", *CONVOLUTIONS}) and len(shape) == MAPS
    return Other(name=name, after=after, kind=type(layer).__name__, shape=shape, convolves=convolves)


def _keras_classes(layer: keras.Operation | None) -> set[str]:
    """Return the names of the classes of Keras that a layer is of."""
    return {one.__name__ for one in type(layer).__mro__ if one.__module__.split(".")[0] == "keras"}
