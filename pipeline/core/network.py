"""A CNN layer by layer, in words and numbers."""

from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.crops import CONVOLUTIONS, crops
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.keras_layers import describe_model, name_of_activation
from pipeline.core.nodes import Graph, Node, Shape
from pipeline.core.parts import POOLS


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


def layer_rows(model: Cnn) -> list[LayerRow]:
    """Describe all layers in the order in which they are called, but for the inputs, for pictures of one size.

    Args:
        model: (batch, height, width, channels) -> anything; its layers may pad or have branches. The weights of a layer
            that is called several times are those of its first call.
    """
    graph = graph_of(model)
    nodes = [node for node in graph.nodes if node.sources]
    firsts = {id(node.operation): node.name for node in reversed(nodes)}
    return [
        LayerRow(
            node.name,
            _kind(node.operation),
            _shape(graph.shape(node.name)),
            _field(graph, node),
            node.operation.count_params()
            if isinstance(node.operation, keras.Layer) and firsts[id(node.operation)] == node.name
            else 0,
        )
        for node in nodes
    ]


def convolutions(model: Cnn, up_to: str | None = None) -> list[str]:
    """Return the names of the convolutions of a model in order, also of those that work depthwise or separably.

    Args:
        model: any; the order is that in which they are called.
        up_to: the last layer that is looked at, None for all.
    Raises:
        ValueError: the model has no layer of the name `up_to`.
    """
    return describe_model(model).convolutions(up_to)


def _kind(layer: keras.Operation) -> str:
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


def _shape(shape: Shape) -> str:
    """Write the shape without the batch, such as 26 x 26 x 32."""
    return " x ".join(str(side) for side in shape)


def _field(graph: Graph, node: Node) -> tuple[int, int]:
    """Return (side, stride) in pixels, downwards, of what the positions of a call depend on.

    A unit of a row, (batch, units), sees the whole picture, with a stride of 0.
    """
    if len(node.shapes[0]) == 1:
        return graph.input_shape[0], 0
    try:
        rows = crops(graph, node.name)[:, 0]
    except ValueError:
        return -1, -1
    # those at a border are clipped where layers pad
    side = int((rows[:, 2] - rows[:, 0]).max())
    stride = int(np.diff(rows[:, 0]).max()) if len(rows) > 1 else 0
    return side, stride
