"""Which pixels of a picture a node of a feature map depends on: exactly, also where layers pad or join branches.

`geometry.receptive_field` has the same for chains without padding, where all nodes see equally many pixels.
"""

from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.nodes import Graph, Ref
from pipeline.core.parts import POOLS
from pipeline.core.units import ACTIVATIONS, OPERATIONS, unit_of

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
# What these compute at a position depends on that position of their inputs only.
POINTWISE = (
    *(one for one in ACTIVATIONS),
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.Rescaling,
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)
# Operations that are no layers, by the name of their class.
POINTWISE_OPERATIONS = (*OPERATIONS, "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum")
# What these compute along the maps depends on one position only.
ALONG_MAPS = (keras.layers.BatchNormalization, keras.layers.LayerNormalization, keras.layers.Concatenate)


class Window(NamedTuple):
    """What a position of a layer looks at: p * stride - before + k * dilation, for position p and k = 0 .. size - 1.

    Attributes:
        size: places along an axis.
        stride: between two positions.
        dilation: between two of the places.
        before: places of padding in front.
    """

    size: int
    stride: int
    dilation: int
    before: int

    def places(self, looked_at: np.ndarray, length: int) -> np.ndarray:
        """Return what is looked at of what is before the layer, where it is known what is looked at of the layer.

        Args:
            looked_at: (n, positions) bool.
            length: how many places the axis has before the layer.
        Returns:
            (n, length) bool; places in the padding are none.
        """
        found = np.zeros((len(looked_at), length), bool)
        positions = np.arange(looked_at.shape[1])
        for tap in range(self.size):
            places = positions * self.stride + tap * self.dilation - self.before
            inside = (places >= 0) & (places < length)
            # with a stride of less than a window, two positions look at one place, but never by the same tap
            found[:, places[inside]] |= looked_at[:, inside]
        return found


def crops(model: Cnn, layer: str) -> np.ndarray:
    """Return the pixels that each node of a layer depends on.

    Args:
        model: a CNN.
        layer: the name of a layer with positions.
    Returns:
        (height, width, 4) int64: (top, left, bottom, right) of the smallest rectangle of pixels, bottom and right
        being the first row and column beyond it. It is clipped to the picture: what a layer adds as padding is no
        pixel. A node that depends on no pixel at all has an empty one.
    Raises:
        ValueError: a layer of which it is not known what its positions look at.
    """
    graph = graph_of(model)
    return _boxes(graph, unit_of(graph, layer).after, Ref(graph.picture))


def windows(model: Cnn, layer: str, before: str) -> np.ndarray:
    """Return the positions of an earlier layer that each node of a layer depends on, as `crops` does of pixels.

    Args:
        model: a CNN.
        layer: the name of a layer with positions.
        before: that of a layer through which all that leads to it goes.
    Returns:
        (height, width, 4) int64: (top, left, bottom, right).
    Raises:
        ValueError: a layer of which it is not known what its positions look at, or a way around `before`.
    """
    graph = graph_of(model)
    return _boxes(graph, unit_of(graph, layer).after, unit_of(graph, before).after)


def _boxes(graph: Graph, output: Ref, stop: Ref) -> np.ndarray:
    """Return what of an earlier value each position of a value depends on, (height, width, 4), see `crops`."""
    (top, bottom), (left, right) = (_spans(graph, output, stop, axis).T for axis in (0, 1))
    down, across = np.indices((len(top), len(left)))
    return np.stack([top[down], left[across], bottom[down], right[across]], axis=-1)


def _spans(graph: Graph, output: Ref, stop: Ref, axis: int) -> np.ndarray:
    """Return the first place of an earlier value that each position depends on, and the one after the last.

    Args:
        output: a value with positions.
        stop: the earlier one, such as the picture.
        axis: 0 for rows, 1 for columns.
    Returns:
        (positions, 2) int64.
    Raises:
        ValueError: see `crops` and `windows`; the message is the name of a layer.
    """
    looked_at = {output: np.eye(_sides(graph, output)[axis], dtype=bool)}
    for number in range(output.node, stop.node, -1):
        node, ref = graph.nodes[number], Ref(number)
        if ref not in looked_at:
            continue
        here = looked_at.pop(ref)
        if not node.sources and number not in graph.constants:
            raise ValueError(node.name)
        for source in node.sources:
            window = _window(graph, number, source, axis)
            places = window.places(here, _sides(graph, source)[axis])
            looked_at[source] = looked_at[source] | places if source in looked_at else places
    found = looked_at.pop(stop, np.zeros((_sides(graph, output)[axis], 1), bool))
    around = [ref for ref in looked_at if ref.node not in graph.constants]
    if around:
        raise ValueError(graph.nodes[around[0].node].name)
    first, last = found.argmax(axis=1), found.shape[1] - found[:, ::-1].argmax(axis=1)
    anything = np.asarray(found.any(axis=1))
    return np.where(anything[:, None], np.stack([first, last], axis=1), 0)


def _sides(graph: Graph, ref: Ref) -> tuple[int, int]:
    """Return (height, width) of a value.

    Raises:
        ValueError: it has no positions; the message is the name of its layer.
    """
    shape = graph.shape_of(ref)
    if len(shape) != 3 or 0 in shape[:2] or ref.number > 0:
        raise ValueError(graph.nodes[ref.node].name)
    return shape[0], shape[1]


def _window(graph: Graph, number: int, source: Ref, axis: int) -> Window:
    """Return the window of a layer along an axis.

    Args:
        number: of the node of a convolution, a pool, a padding or what sees one place.
        source: one of the values that it takes.
        axis: 0 for rows, 1 for columns.
    Raises:
        ValueError: any other layer; the message is its name.
    """
    layer = graph.nodes[number].operation
    positions, length = _sides(graph, Ref(number))[axis], _sides(graph, source)[axis]
    if isinstance(layer, (*CONVOLUTIONS, *POOLS)):
        size, dilation = (
            (layer.kernel_size, layer.dilation_rate) if isinstance(layer, CONVOLUTIONS) else (layer.pool_size, (1, 1))
        )
        window = Window(size[axis], layer.strides[axis], dilation[axis], before=0)
        if layer.padding == "valid":
            return window
        # "same": as little as gives every position a whole window, the odd one behind
        padding = (positions - 1) * window.stride + (window.size - 1) * window.dilation + 1 - length
        return window._replace(before=max(padding, 0) // 2)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return Window(1, 1, 1, before=layer.padding[axis][0])
    # a branch of another shape is stretched in a sum: no position of it belongs to one of the sum
    if _is_pointwise(graph, layer) and positions == length:
        return Window(1, 1, 1, before=0)
    raise ValueError(graph.nodes[number].name)


def _is_pointwise(graph: Graph, operation: keras.Operation) -> bool:
    """Tell whether what an operation gives at a position depends on that position of what it takes only."""
    if isinstance(operation, ALONG_MAPS):
        axes = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
        return all(axis in ((1, -3) if graph.channels_first else (-1, 3)) for axis in axes)
    if isinstance(operation, keras.Layer):
        return isinstance(operation, POINTWISE)
    return type(operation).__name__ in POINTWISE_OPERATIONS
