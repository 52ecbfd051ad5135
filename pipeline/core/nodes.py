"""The calls of a model's layers, one after the other: what there is to be asked of them without computing anything."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import keras
import tensorflow as tf

# Of the output of a layer without the batch: (height, width, maps) or (units,); 0 for what is not known.
Shape = tuple[int, ...]


class Ref(NamedTuple):
    """One of the values that a node gives.

    Attributes:
        node: its number in `Graph.nodes`.
        number: of the value, as some layers have several.
        linear: without the node's own activation function; of a pool: over such a value.
    """

    node: int
    number: int = 0
    linear: bool = False


class Node(NamedTuple):
    """One call of a layer, or of an operation that is no layer.

    Attributes:
        name: such as `block_2_conv`; of a layer in a nested model `backbone/block_2_conv`; of one that is called
            several times `shared#1`, `shared#2`.
        operation: what is called; an input layer is not.
        arguments: with which it is called, symbolically.
        sources: what stands for each of the symbolic tensors in them.
        shapes: of each of its values, without the batch, as the layer has it; dtypes: the kinds of its numbers.
    """

    name: str
    operation: keras.Operation
    arguments: Any
    sources: tuple[Ref, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """The calls of a model's layers, in an order in which each stands on earlier ones.

    Attributes:
        nodes: the calls.
        picture: the number of the input that takes the picture.
        output: the value that gives the classes.
        names: what can be asked for by name.
        constants: the numbers that the other inputs are filled with, by the number of their node.
        channels_first: whether the model keeps its maps as (maps, height, width). Shapes are told, and values are
            given, with the maps last all the same.
    """

    nodes: tuple[Node, ...]
    picture: int
    output: Ref
    names: Mapping[str, Ref]
    constants: Mapping[int, float] = field(default_factory=dict)
    channels_first: bool = False

    @property
    def input_shape(self) -> Shape:
        """Return (height, width, channels) of the pictures that it takes."""
        return self.maps_last(self.nodes[self.picture].shapes[0])

    @property
    def classes(self) -> Shape:
        """Return the shape of what it says of a picture, such as (10,)."""
        return self.shape_of(self.output)

    @functools.cached_property
    def output_name(self) -> str:
        """Return the name of the call that says what a picture shows."""
        return self.nodes[self.output.node].name

    def ref(self, name: str) -> Ref:
        """Return what a name stands for.

        Raises:
            ValueError: there is no such name; or it is that of a layer that is called several times, whose calls have
                names of their own.
        """
        if name in self.names:
            return self.names[name]
        several = [other for other in self.names if other.startswith(f"{name}#")]
        if several:
            raise ValueError(f"the layer {name} is called several times: expected {' or '.join(several)}")
        raise ValueError(f"no layer {name!r}: expected one of {', '.join(self.names)}")

    def node(self, name: str) -> Node:
        """Return the call of this name, see `ref`."""
        return self.nodes[self.ref(name).node]

    def shape(self, name: str) -> Shape:
        """Return the shape of the value of a name, see `shape_of`."""
        return self.shape_of(self.ref(name))

    def shape_of(self, ref: Ref) -> Shape:
        """Return the shape of a value without the batch, of maps (height, width, maps)."""
        return self.maps_last(self.nodes[ref.node].shapes[ref.number])

    def maps_last(self, shape: Shape) -> Shape:
        """Return a shape that a layer has with the maps behind the positions."""
        return (*shape[1:], shape[0]) if self.channels_first and len(shape) == 3 else shape

    @functools.cached_property
    def users(self) -> tuple[tuple[int, ...], ...]:
        """Return of every node the numbers of those that use a value of it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for source in dict.fromkeys(source.node for source in node.sources):
                found[source].append(number)
        return tuple(map(tuple, found))

    def at_size(self, height: int, width: int) -> "Graph":
        """Return the same calls for pictures of another size.

        Raises:
            ValueError: a layer that does not take it.
        """
        given = self.nodes[self.picture].shapes[0]
        channels = given[0] if self.channels_first else given[-1]
        size = (channels, height, width) if self.channels_first else (height, width, channels)
        return replace(self, nodes=resized(self.nodes, self.picture, size))


def resized(nodes: tuple[Node, ...], picture: int, size: Shape) -> tuple[Node, ...]:
    """Return the calls with the shapes that they have for pictures of another size.

    Args:
        size: of the picture, as the model has it.
    Raises:
        ValueError: a layer that does not take it.
    """
    given: list[list[keras.KerasTensor]] = []
    found = []
    for number, node in enumerate(nodes):
        if not node.sources:
            own = node.operation.output
            tensors = [keras.KerasTensor((None, *(size if number == picture else node.shapes[0])), dtype=own.dtype)]
        else:
            here = {
                id(tensor): given[source.node][source.number]
                for tensor, source in zip(node.arguments.keras_tensors, node.sources, strict=True)
            }
            args, kwargs = node.arguments.fill_in(here)
            tensors = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
        given.append(tensors)
        found.append(node._replace(shapes=tuple(map(shape_of, tensors))))
    return tuple(found)


def shape_of(tensor: keras.KerasTensor) -> Shape:
    """Return the shape of a symbolic value without the batch."""
    return tuple(int(side or 0) for side in tensor.shape[1:])


def transposed(x: tf.Tensor, *, to_first: bool) -> tf.Tensor:
    """Return maps (batch, height, width, maps) as (batch, maps, height, width), or the other way round."""
    if x.shape.rank != 4:
        return x
    return tf.transpose(x, (0, 3, 1, 2) if to_first else (0, 2, 3, 1))
