"""A CNN layer by layer, in words and numbers."""

from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.crops import CONVOLUTIONS, POOLS, crops
from pipeline.core.keras_layers import describe_model, name_of_activation


class LayerRow(NamedTuple):
    """What is said of a layer: kind and shape in words; weights: how many there are.

    field: how many pixels per side a node depends on, and how many further on its neighbour's begin, 0 if it has none;
    (-1, -1) if it is not known.
    """

    name: str
    kind: str
    shape: str
    field: tuple[int, int]
    weights: int


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """Describe all layers in order, but for the input, for pictures of one size that are squares.

    Args:
        model: (batch, side, side, channels) -> anything; its layers may pad or have branches.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [
        LayerRow(layer.name, _kind(layer), _shape(layer.output), _field(layer.output, model), layer.count_params())
        for layer in layers
    ]


def convolutions(model: keras.Model, up_to: str | None = None) -> list[str]:
    """Return the names of the convolutions of a model in order, also of those that work depthwise or separably.

    Args:
        model: any; the order is that of its layers.
        up_to: the last layer that is looked at, None for all.
    Raises:
        ValueError: the model has no layer of the name `up_to`.
    """
    return describe_model(model).convolutions(up_to)


def _kind(layer: keras.Layer) -> str:
    """Say in words what a layer is: its window where it slides, and its activation function if it has one."""
    words = [type(layer).__name__]
    if isinstance(layer, CONVOLUTIONS):
        words = [f"convolution {_sides(layer.kernel_size)}"]
        if tuple(layer.strides) != (1, 1):
            words.append(f"stride {_sides(layer.strides)}")
        if layer.padding != "valid":
            words.append(f"padding {layer.padding}")
    elif isinstance(layer, POOLS):
        what = "maximum" if isinstance(layer, keras.layers.MaxPooling2D) else "mean"
        words = [f"{what} of {_sides(layer.pool_size)}"]
    elif isinstance(layer, keras.layers.Dense):
        words = ["dense"]
    elif isinstance(layer, keras.layers.Flatten):
        words = ["all maps as one row"]
    activation = name_of_activation(layer)
    if activation is not None:
        words.append(activation)
    return ", ".join(words)


def _sides(sides: tuple[int, ...]) -> str:
    """Write the sides of a window, such as 3 x 3."""
    return " x ".join(map(str, sides))


def _shape(output: keras.KerasTensor) -> str:
    """Write the shape without the batch, such as 26 x 26 x 32."""
    return " x ".join(str(side) for side in output.shape[1:])


def _field(output: keras.KerasTensor, model: keras.Model) -> tuple[int, int]:
    """Return (side, stride) in pixels, downwards, of what the nodes of an output depend on.

    Args:
        output: of a layer of `model`; a unit of a row, (batch, units), sees the whole picture, with a stride of 0.
    """
    picture = model.inputs[0].shape[1]
    if len(output.shape) == 2:
        return int(picture), 0
    try:
        rows = crops(output)[:, 0]
    except ValueError:
        return -1, -1
    # those at a border are clipped where layers pad
    side = int((rows[:, 2] - rows[:, 0]).max())
    stride = int(np.diff(rows[:, 0]).max()) if len(rows) > 1 else 0
    return side, stride
