"""The layers of a Keras model as plain numbers. Keras comes with the model; here it is not imported."""

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import keras

POOLS = {"MaxPooling2D": "maximum", "AveragePooling2D": "mean"}
# Convolutions that are no Conv2D.
CONVOLUTIONS = ("DepthwiseConv2D", "SeparableConv2D")
POINTWISE = ("Activation", "ReLU", "Dropout")


def describe_model(model: "keras.Model") -> Network:
    """Return the layers of a model, in its order, as far as they are known here.

    Layers may stand on several others, or be used several times: `Network` then says what it cannot say of them.

    Args:
        model: functional, or sequential and built.
    """
    layers: list[Layer] = []
    # a sequential model keeps its input to itself
    hidden = [tensor._keras_history.operation for tensor in getattr(model, "inputs", None) or []]
    for layer in dict.fromkeys([*(one for one in hidden if one not in model.layers), *model.layers]):
        sources = _sources(layer)
        in_line = not sources if not layers else sources == (layers[-1].name,)
        layers.append(_described(layer, None if in_line else sources))
    return Network(tuple(layers))


def name_of_activation(layer: "keras.Layer") -> str | None:
    """Return the name of a layer's activation function; None if it has none."""
    activation = getattr(layer, "activation", None)
    return None if activation is None else getattr(activation, "__name__", type(activation).__name__)


def _described(layer: "keras.Layer", after: tuple[str, ...] | None) -> Layer:
    """Return what is known of a layer.

    Args:
        after: see `layers.Layer`.
    """
    name, shape, classes = layer.name, _shape(layer), _keras_classes(layer)
    activation = name_of_activation(layer) or "linear"
    maps_last = getattr(layer, "data_format", "channels_last") == "channels_last"
    if "InputLayer" in classes:
        return Input(name=name, after=after, shape=shape or ())
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
    if classes & {*POINTWISE} or ("BatchNormalization" in classes and layer.axis in (-1, 3)):
        return Pointwise(name=name, after=after, kind=type(layer).__name__)
    convolves = bool(classes & {"Conv2D", *CONVOLUTIONS})
    return Other(name=name, after=after, kind=type(layer).__name__, shape=shape, convolves=convolves)


def _keras_classes(layer: "keras.Layer") -> set[str]:
    """Return the names of the classes of Keras that a layer is of."""
    return {one.__name__ for one in type(layer).__mro__ if one.__module__.split(".")[0] == "keras"}


def _sources(layer: "keras.Layer") -> tuple[str, ...]:
    """Return the names of the layers that a layer stands on: once if it is used several times behind the same ones."""
    inputs = [node.input_tensors for node in layer._inbound_nodes]
    uses = dict.fromkeys(tuple(tensor._keras_history.operation.name for tensor in tensors) for tensors in inputs)
    return tuple(name for use in uses for name in use)


def _shape(layer: "keras.Layer") -> Shape | None:
    """Return the shape of the output without the batch; None if there are several, or none."""
    shapes = {tuple(tensor.shape[1:]) for node in layer._inbound_nodes for tensor in node.output_tensors}
    return shapes.pop() if len(shapes) == 1 else None
