"""A Keras model as the calls of its own layers, those of nested models among them.

Nothing is rebuilt and nothing is added to the model: its layers are called with their weights, as they are.
"""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras

from pipeline.core.nodes import Graph, Node, Ref, resized, shape_of

Cnn: TypeAlias = keras.Model | Graph
_KNOWN: "weakref.WeakKeyDictionary[keras.Model, Graph]" = weakref.WeakKeyDictionary()


def graph_of(model: Cnn) -> Graph:
    """Return the graph of a model with one picture as its input and one output; of a graph the graph itself.

    Raises:
        ValueError: see `make_graph`.
    """
    if isinstance(model, Graph):
        return model
    if model not in _KNOWN:
        # it holds the layers, not the model, which may go
        _KNOWN[model] = make_graph(model)
    return _KNOWN[model]


def make_graph(
    model: keras.Model,
    *,
    picture: str | None = None,
    output: str | None = None,
    side: tuple[int, int] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Graph:
    """Return the graph of a model.

    Args:
        model: sequential or functional.
        picture: the name of the input that takes the picture, None for the only one of three axes.
        output: the name of the layer, of those that give the model's outputs, that says what a picture shows; None for
            the only one.
        side: (height, width) of pictures, where the model takes any; None: its own, 0 for any.
        constants: numbers by which other inputs are filled, by their names; 0 for others.
    Raises:
        ValueError: a model whose layers are not known before it is called, or that has not been built; an input or
            output of another name; pictures of a size that it does not take.
    """
    functional = _functional(model)
    nodes: list[Node] = []
    names: dict[str, Ref] = {}
    seen: dict[int, Ref] = {}
    _add_calls(functional, "", nodes, names, seen)
    inputs = [seen[id(tensor)].node for tensor in functional.inputs]
    outputs = [seen[id(tensor)] for tensor in functional.outputs]
    first = _chosen_input(nodes, inputs, picture)
    chosen = _chosen_output(nodes, outputs, output)
    is_first = _maps_first(node.operation for node in nodes)
    given = nodes[first].shapes[0]
    if len(given) != 3:
        raise ValueError(f"expected an input (height, width, channels); received {given}")
    channels = given[0] if is_first else given[-1]
    sides = given[1:] if is_first else given[:2]
    if side is not None:
        if any(own not in (0, wanted) for own, wanted in zip(sides, side, strict=True)):
            raise ValueError(f"expected pictures of {sides[0]} x {sides[1]}; received {side[0]} x {side[1]}")
        given = (channels, *side) if is_first else (*side, channels)
    if 0 not in given and any(0 in shape for node in nodes for shape in node.shapes):
        # nested models that take pictures of any size, too, know theirs by what is around them
        nodes = list(resized(tuple(nodes), first, given))
    by_name = {nodes[number].name: number for number in inputs if number != first}
    unknown = set(constants or {}) - by_name.keys()
    if unknown:
        raise ValueError(f"expected constants of the inputs {sorted(by_name)}; received {sorted(unknown)}")
    filled = {number: float((constants or {}).get(name, 0.0)) for name, number in by_name.items()}
    return Graph(tuple(nodes), first, chosen, names, filled, is_first)


def is_channels_first(model: keras.Model) -> bool:
    """Tell whether a model keeps its maps, and takes its pictures, as (maps, height, width)."""
    return _maps_first(model._flatten_layers())


def _maps_first(operations: Iterable[keras.Operation]) -> bool:
    return any(getattr(operation, "data_format", None) == "channels_first" for operation in operations)


def _functional(model: keras.Model) -> Any:
    """Return the part of Keras that knows the calls of a model's layers."""
    inner = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    if isinstance(model, keras.Sequential) and inner is None:
        raise ValueError("expected a model that has been built; received a Sequential without an input shape")
    if not _is_functional(inner):
        raise ValueError(
            f"expected a Sequential or functional Keras model; received {type(model).__name__}, whose layers are known "
            "only when it is called"
        )
    return inner


def _is_functional(operation: Any) -> bool:
    """Tell whether all that it does is to call its layers in an order that is known."""
    calls = [one for one in type(operation).__mro__ if "call" in vars(one)]
    return hasattr(operation, "_nodes_by_depth") and bool(calls) and calls[0].__module__.startswith("keras.")


def _add_calls(functional: Any, prefix: str, nodes: list[Node], names: dict[str, Ref], seen: dict[int, Ref]) -> None:
    """Add the calls of a functional model, in order.

    Args:
        prefix: of the names.
        nodes, names: are added to.
        seen: id of a symbolic tensor -> the value that it stands for; those of a nested model's inputs are given.
    """
    own = [
        node for depth in sorted(functional._nodes_by_depth, reverse=True) for node in functional._nodes_by_depth[depth]
    ]
    times: dict[int, int] = {}
    for node in own:
        times[id(node.operation)] = times.get(id(node.operation), 0) + 1
    done: dict[int, int] = {}
    for node in own:
        operation = node.operation
        if all(id(tensor) in seen for tensor in node.outputs):
            # an input that the model around gives
            continue
        done[id(operation)] = done.get(id(operation), 0) + 1
        name = prefix + operation.name
        if times[id(operation)] > 1:
            name += f"#{done[id(operation)]}"
        if isinstance(operation, keras.layers.RandomCrop):
            raise ValueError(f"the layer {name} is a RandomCrop, whose output has not the shape that it says")
        sources = tuple(seen[id(tensor)] for tensor in node.arguments.keras_tensors)
        inner = _nested(operation, node)
        if inner is not None:
            within = dict(zip(map(id, inner.inputs), sources, strict=True))
            _add_calls(inner, f"{name}/", nodes, names, within)
            for tensor, given in zip(node.outputs, inner.outputs, strict=True):
                seen[id(tensor)] = within[id(given)]
            names.setdefault(name, seen[id(node.outputs[0])])
            continue
        shapes = tuple(map(shape_of, node.outputs))
        kinds = tuple(tensor.dtype for tensor in node.outputs)
        nodes.append(Node(name, operation, node.arguments, sources, shapes, kinds))
        for number, tensor in enumerate(node.outputs):
            seen[id(tensor)] = Ref(len(nodes) - 1, number)
        names[name] = Ref(len(nodes) - 1)
        for number in range(1, len(node.outputs)):
            names[f"{name}:{number}"] = Ref(len(nodes) - 1, number)


def _nested(operation: keras.Operation, node: Any) -> Any:
    """Return the functional model that a call is of; None for a layer, and for a model that is called as one."""
    inner = getattr(operation, "_functional", None) if isinstance(operation, keras.Sequential) else operation
    if not isinstance(operation, keras.Model) or not _is_functional(inner):
        return None
    assert inner is not None
    given = node.arguments.keras_tensors
    fits = len(inner.inputs) == len(given) and all(
        len(own.shape) == len(other.shape) and own.dtype.startswith(("float", "bfloat"))
        for own, other in zip(inner.inputs, given, strict=True)
    )
    return inner if fits else None


def _chosen_input(nodes: Sequence[Node], inputs: Sequence[int], name: str | None) -> int:
    """Return the number of the input that takes the picture, see `make_graph`."""
    by_name = {nodes[number].name: number for number in inputs}
    if name is not None:
        if name not in by_name:
            raise ValueError(f"expected one of the inputs {', '.join(by_name)}; received {name!r}")
        return by_name[name]
    pictures = [number for number in inputs if len(nodes[number].shapes[0]) == 3]
    if len(pictures) != 1:
        shapes = ", ".join(f"{name} {nodes[number].shapes[0]}" for name, number in by_name.items())
        raise ValueError(f"expected one input (height, width, channels); received the inputs {shapes}")
    return pictures[0]


def _chosen_output(nodes: Sequence[Node], outputs: Sequence[Ref], name: str | None) -> Ref:
    """Return the value that says what a picture shows, see `make_graph`."""
    by_name = {nodes[ref.node].name: ref for ref in outputs}
    if name is not None:
        if name not in by_name:
            raise ValueError(f"expected one of the outputs {', '.join(by_name)}; received {name!r}")
        return by_name[name]
    if len(outputs) != 1:
        raise ValueError(f"expected one output; received the outputs {', '.join(by_name)}")
    return outputs[0]
