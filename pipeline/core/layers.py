"""A network as plain numbers: its layers one by one, and what follows from them. Needs neither TensorFlow nor Keras.

Settings say such layers before a model is built (`cnn.build_cnn`), and `keras_layers.describe_model` reads them from a
model that is there: what is asked of a network is answered here for both.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pipeline.core.geometry import ReceptiveField, Window, receptive_field

# Of the output of a layer without the batch: (height, width, maps) or (units,); None for what is not known.
Shape = tuple[int | None, ...]
W = TypeVar("W")
# (down, across)
Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class _Named:
    """after: the names of the layers that it stands on, None for the one before it alone."""

    name: str
    after: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Input(_Named):
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Sliding(_Named):
    """Look through a window that slides over the maps: position p sees p * stride + k * dilation, k = 0 .. size - 1.

    padding: "valid" for none, "same" for as much as it takes for ceil(side / stride) positions.
    """

    size: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: str = "valid"

    def positions(self, length: int | None, axis: int) -> int | None:
        """Return how many positions there are along an axis of so many places; below 1 if the window does not fit."""
        if length is None:
            return None
        if self.padding == "same":
            return math.ceil(length / self.stride[axis])
        return (length - self._reach(axis)) // self.stride[axis] + 1

    def window(self) -> tuple[int, int] | None:
        """Return (size, stride) of a square window without padding, a dilated one as what it reaches over; else None.

        With padding, what a position sees depends on where in the picture it is.
        """
        window = self.slid()
        return (window.size, window.stride) if window is not None and not window.is_padded else None

    def slid(self) -> Window | None:
        """Return a square window, with padding or without; else None."""
        sizes = {self._reach(0), self._reach(1)}
        alike = len(sizes) == len({*self.size}) == len({*self.stride}) == len({*self.dilation}) == 1
        return Window(sizes.pop(), self.stride[0], self.padding == "same") if alike else None

    def _reach(self, axis: int) -> int:
        return (self.size[axis] - 1) * self.dilation[axis] + 1


@dataclass(frozen=True, kw_only=True)
class Convolution(Sliding):
    filters: int
    activation: str


@dataclass(frozen=True, kw_only=True)
class Pool(Sliding):
    """takes: maximum or mean, of what is in the window."""

    takes: str = "maximum"


@dataclass(frozen=True, kw_only=True)
class Pointwise(_Named):
    """What it gives at a position depends on that position only; kind: such as Dropout."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Flatten(_Named):
    pass


@dataclass(frozen=True, kw_only=True)
class Dense(_Named):
    """units: None where the data says how many there are, as of the classes of an output."""

    units: int | None
    activation: str


@dataclass(frozen=True, kw_only=True)
class Other(_Named):
    """A layer of which no more is known than what it is, and the shape of its output; None for not even that."""

    kind: str
    shape: Shape | None
    convolves: bool = False


Layer = Input | Convolution | Pool | Pointwise | Flatten | Dense | Other


@dataclass(frozen=True)
class Network:
    """layers: in an order in which each stands on earlier ones, with names that are all different."""

    layers: tuple[Layer, ...]

    def shapes(self) -> dict[str, Shape | None]:
        """Return the shape of the output of every layer, in order; None where it is not known."""
        shapes: dict[str, Shape | None] = {}
        for layer, sources in self._with_sources():
            shapes[layer.name] = _shape(layer, shapes.get(sources[0]) if len(sources) == 1 else None)
        return shapes

    def side(self, name: str) -> int | None:
        """Return the positions per side of the maps of a layer; None for a row of units, and if it is no square."""
        shape = self.shapes()[name]
        return shape[0] if shape is not None and len(shape) == 3 and shape[0] == shape[1] else None

    def units(self, name: str) -> int | None:
        """Return how many maps or units a layer has; None if it is not known."""
        layer, shape = self.layers[self._names().index(name)], self.shapes()[name]
        if shape is None:
            return layer.units if isinstance(layer, Dense) else None
        return shape[-1]

    def has_maps(self, name: str) -> bool:
        """Tell whether the output of a layer has positions, (height, width, maps), and is no row of units."""
        shape = self.shapes()[name]
        return shape is not None and len(shape) == 3

    def choices(self) -> list[str]:
        """Return the names of the layers whose maps or units can be asked for, in order: no input, no flattening."""
        return [layer.name for layer in self.layers if not isinstance(layer, Input | Flatten)]

    def convolutions(self, up_to: str | None = None) -> list[str]:
        """Return the names of the convolutions in order.

        Args:
            up_to: the last layer that is looked at, None for that of the network.
        Raises:
            ValueError: there is no layer of this name.
        """
        layers = self.layers if up_to is None else self.layers[: self._names().index(up_to) + 1]
        return [layer.name for layer in layers if isinstance(layer, Convolution) or getattr(layer, "convolves", False)]

    def dense(self) -> list[str]:
        """Return the names of the dense layers in order, the output included."""
        return [layer.name for layer in self.layers if isinstance(layer, Dense)]

    def windows(self, up_to: str | None = None) -> list[tuple[int, int]] | None:
        """Return (size, stride) of every window from the input up to a layer, those of a single pixel left out.

        Args:
            up_to: name of a layer, None for the last one.
        Returns:
            None unless the layers are a chain of unpadded square windows and of layers that see one pixel.
        Raises:
            ValueError: there is no layer of this name.
        """
        return self._of_each(Sliding.window, up_to)

    def receptive_field(self, up_to: str | None = None) -> ReceptiveField | None:
        """Return what a position of a layer sees of the picture; None where `windows` is.

        Args:
            up_to: name of a layer, None for the last one.
        Raises:
            ValueError: there is no layer of this name.
        """
        windows = self.windows(up_to)
        return None if windows is None else receptive_field(windows)

    def slid(self, up_to: str | None = None) -> list[Window] | None:
        """Return every window from the input up to a layer, with padding or without: what slides over large pictures.

        Far from the edges of a large picture nobody sees whether it is padded.

        Args:
            up_to: name of a layer, None for the last one.
        Returns:
            None unless the layers are a chain of square windows and of layers that see one pixel.
        Raises:
            ValueError: there is no layer of this name.
        """
        return self._of_each(Sliding.slid, up_to)

    def slid_field(self, up_to: str | None = None) -> ReceptiveField | None:
        """Return what a position of a layer sees of a large picture, far from its edges; None where `slid` is."""
        windows = self.slid(up_to)
        return None if windows is None else receptive_field(window[:2] for window in windows)

    def _of_each(self, window_of: Callable[[Sliding], W | None], up_to: str | None) -> list[W] | None:
        """Return what is said of every window up to a layer; None where it is not said of one, or in another network.

        Args:
            window_of: says it, or None.
            up_to: see `windows`.
        """
        path = self._path(len(self.layers) - 1 if up_to is None else self._names().index(up_to))
        if path is None or not all(isinstance(layer, Sliding | Pointwise) for layer in path):
            return None
        windows = [window_of(layer) for layer in path if isinstance(layer, Sliding)]
        known = [window for window in windows if window is not None]
        return known if len(known) == len(windows) else None

    def _names(self) -> list[str]:
        return [layer.name for layer in self.layers]

    def _with_sources(self) -> Iterator[tuple[Layer, tuple[str, ...]]]:
        """Yield every layer with the names of those that it stands on."""
        before: tuple[str, ...] = ()
        for layer in self.layers:
            yield layer, before if layer.after is None else layer.after
            before = (layer.name,)

    def _path(self, number: int) -> list[Layer] | None:
        """Return the layers behind the input up to this one; None if one of them stands on several, or on none."""
        names, sources = self._names(), [sources for _, sources in self._with_sources()]
        path: list[Layer] = []
        while not isinstance(self.layers[number], Input):
            path.insert(0, self.layers[number])
            if len(sources[number]) != 1 or sources[number][0] not in names[:number]:
                return None
            number = names.index(sources[number][0])
        return path


def with_classes(network: Network, classes: int) -> Network:
    """Return the network with so many units in its last layer, a dense one.

    Raises:
        ValueError: the last layer is not dense.
    """
    last = network.layers[-1]
    if not isinstance(last, Dense):
        raise ValueError(f"{last.name}: expected a dense layer at the end of the network; received {last}")
    return Network((*network.layers[:-1], replace(last, units=classes)))


def _shape(layer: Layer, before: Shape | None) -> Shape | None:
    """Return the shape of a layer's output, given that of the layer that it stands on."""
    match layer:
        case Input() | Other():
            return layer.shape
        case Dense():
            return None if before is None else (*before[:-1], layer.units)
        case Convolution() | Pool():
            height, width, maps = before if before is not None and len(before) == 3 else (None, None, None)
            maps = layer.filters if isinstance(layer, Convolution) else maps
            return layer.positions(height, 0), layer.positions(width, 1), maps
        case Flatten():
            return (None,) if before is None or None in before else (math.prod(length or 0 for length in before),)
        case Pointwise():
            return before
