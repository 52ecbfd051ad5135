"""Which pixels of a picture a node of a feature map depends on: exactly, also where layers pad or join branches.

`geometry.receptive_field` has the same for chains without padding, where all nodes see equally many pixels.
"""

from typing import NamedTuple

import keras
import numpy as np

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
# What these compute at a position depends on that position of their inputs only.
POINTWISE = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.Rescaling,
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Multiply,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
)


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

    def places(self, positions: np.ndarray, length: int) -> np.ndarray:
        """Return what these positions look at.

        Args:
            positions: (n,) int.
            length: how many places the axis has.
        Returns:
            (m,) int: places, sorted, each once, without those in the padding.
        """
        taps = np.arange(self.size) * self.dilation - self.before
        places = np.unique(np.add.outer(positions * self.stride, taps))
        return places[(places >= 0) & (places < length)]


def crops(output: keras.KerasTensor) -> np.ndarray:
    """Return the pixels that each node of a layer depends on.

    Args:
        output: of a layer, (batch, height, width, maps).
    Returns:
        (height, width, 4) int64: (top, left, bottom, right) of the smallest rectangle of pixels, bottom and right
        being the first row and column beyond it. It is clipped to the picture: what a layer adds as padding is no
        pixel. A node that depends on no pixel at all has an empty one.
    Raises:
        ValueError: a layer of which it is not known what its positions look at.
    """
    (top, bottom), (left, right) = (_spans(output, axis).T for axis in (1, 2))
    down, across = np.indices((len(top), len(left)))
    return np.stack([top[down], left[across], bottom[down], right[across]], axis=-1)


def windows(output: keras.KerasTensor, before: keras.KerasTensor) -> np.ndarray:
    """Return the positions of an earlier layer that each node of a layer depends on, as `crops` does of pixels.

    Args:
        output: of a layer, (batch, height, width, maps).
        before: of a layer through which all that leads to it goes.
    Returns:
        (height, width, 4) int64: (top, left, bottom, right).
    Raises:
        ValueError: a layer of which it is not known what its positions look at, or a way around `before`.
    """
    (top, bottom), (left, right) = (_spans(output, axis, before).T for axis in (1, 2))
    down, across = np.indices((len(top), len(left)))
    return np.stack([top[down], left[across], bottom[down], right[across]], axis=-1)


def _spans(output: keras.KerasTensor, axis: int, before: keras.KerasTensor | None = None) -> np.ndarray:
    """Return the first pixel along an axis that each position depends on, and the one after the last.

    Args:
        output: of a layer, (batch, height, width, maps).
        axis: 1 for rows, 2 for columns.
        before: of a layer whose positions stand for pixels; None: the input.
    Returns:
        (positions, 2) int64.
    """
    seen = [_pixels(output, np.array([position]), axis, before) for position in range(output.shape[axis])]
    return np.array([(pixels[0], pixels[-1] + 1) if len(pixels) else (0, 0) for pixels in seen])


def _pixels(
    tensor: keras.KerasTensor, positions: np.ndarray, axis: int, stop: keras.KerasTensor | None = None
) -> np.ndarray:
    """Return the pixels along an axis that these positions of a tensor depend on, from the tensor back to the input.

    Args:
        tensor: (batch, height, width, maps), of a functional model.
        positions: (n,) int, along the axis.
        axis: 1 for rows, 2 for columns.
        stop: a tensor on the way whose positions stand for pixels; None: the input.
    Returns:
        (m,) int: pixels, sorted, each once.
    Raises:
        ValueError: a layer of which it is not known what its positions look at; the message is its name.
    """
    operation, number, _ = tensor._keras_history
    if tensor is stop:
        return positions
    inputs = operation._inbound_nodes[number].input_tensors
    if not inputs:
        if stop is not None:
            raise ValueError(operation.name)
        return positions
    # a branch of another shape is stretched in a sum: no position of it belongs to one of the sum
    if isinstance(operation, POINTWISE) and any(before.shape[1:3] != tensor.shape[1:3] for before in inputs):
        raise ValueError(operation.name)
    window = _window(operation, inputs[0].shape[axis], tensor.shape[axis], axis)
    seen = [_pixels(before, window.places(positions, before.shape[axis]), axis, stop) for before in inputs]
    return np.unique(np.concatenate(seen))


def _window(layer: keras.Layer, length: int, positions: int, axis: int) -> Window:
    """Return the window of a layer along an axis.

    Args:
        layer: a convolution, a pool, a padding or what sees one place.
        length: places of its input along the axis.
        positions: those of its output along the axis.
        axis: 1 for rows, 2 for columns.
    Returns:
        The window.
    Raises:
        ValueError: any other layer; the message is its name.
    """
    if isinstance(layer, (*CONVOLUTIONS, *POOLS)) and layer.data_format == "channels_last":
        size, dilation = (
            (layer.kernel_size, layer.dilation_rate) if isinstance(layer, CONVOLUTIONS) else (layer.pool_size, (1, 1))
        )
        window = Window(size[axis - 1], layer.strides[axis - 1], dilation[axis - 1], before=0)
        if layer.padding == "valid":
            return window
        # "same": as little as gives every position a whole window, the odd one behind
        padding = (positions - 1) * window.stride + (window.size - 1) * window.dilation + 1 - length
        return window._replace(before=max(padding, 0) // 2)
    if isinstance(layer, keras.layers.ZeroPadding2D) and layer.data_format == "channels_last":
        return Window(1, 1, 1, before=layer.padding[axis - 1][0])
    last_axis = isinstance(layer, keras.layers.BatchNormalization | keras.layers.Concatenate) and layer.axis in (-1, 3)
    if isinstance(layer, POINTWISE) or last_axis:
        return Window(1, 1, 1, before=0)
    raise ValueError(layer.name)
