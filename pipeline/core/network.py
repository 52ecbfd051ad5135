"""A CNN layer by layer, in words and numbers."""

from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.crops import CONVOLUTIONS, POOLS, crops


class LayerRow(NamedTuple):
    """A layer in words and numbers.

    Attributes:
        name: of the layer.
        kind: in words.
        shape: of the output of one image, in words.
        field: (side, stride): how many pixels per side a node depends on, and how many lie between two nodes; the
            picture's side and 0 where it is all of it, (-1, -1) where it is not known.
        weights: their number.
    """

    name: str
    kind: str
    shape: str
    field: tuple[int, int]
    weights: int


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """Describe all layers in order, but for the input."""
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [
        LayerRow(layer.name, _kind(layer), _shape(layer.output), _field(layer.output, model), layer.count_params())
        for layer in layers
    ]


def convolutions(model: keras.Model, up_to: str | None = None) -> list[str]:
    """Return the names of the convolutions in order.

    Args:
        model: a CNN.
        up_to: the last layer that is looked at; None for all.
    Returns:
        Names of layers.
    Raises:
        ValueError: the model has no layer `up_to`.
    """
    names = [layer.name for layer in model.layers]
    last = len(names) if up_to is None else names.index(up_to) + 1
    return [layer.name for layer in model.layers[:last] if isinstance(layer, CONVOLUTIONS)]


def _kind(layer: keras.Layer) -> str:
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
    activation = getattr(layer, "activation", None)
    if activation is not None:
        words.append(getattr(activation, "__name__", type(activation).__name__))
    return ", ".join(words)


def _sides(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))


def _shape(output: keras.KerasTensor) -> str:
    return " x ".join(str(side) for side in output.shape[1:])


def _field(output: keras.KerasTensor, model: keras.Model) -> tuple[int, int]:
    """Return what a node of a layer sees.

    Args:
        output: of the layer, (batch, height, width, maps) or (batch, units).
        model: the CNN that the layer belongs to.
    Returns:
        (side, stride) in pixels: of rows (batch, units) the picture's side and 0, (-1, -1) where it is not known.
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
