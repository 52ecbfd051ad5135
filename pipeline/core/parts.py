"""Parts of a CNN: what leads from the picture to some of its values, as a function of the picture and the weights."""

import functools
import hashlib
import inspect
import itertools
import json
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.nodes import Graph, Node, Ref, Shape, transposed

# Layers that do the same whenever their settings and their weights are the same.
PLAIN = (
    *("InputLayer", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten", "Dense", "Dropout", "ReLU", "LeakyReLU", "ELU"),
    *("Softmax", "Activation", "BatchNormalization", "LayerNormalization", "GroupNormalization", "Add"),
    *("Concatenate", "Multiply", "ZeroPadding2D", "Rescaling", "Reshape", "PReLU"),
)
POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
_TOKENS: "weakref.WeakKeyDictionary[keras.Operation, int]" = weakref.WeakKeyDictionary()
_COUNT = itertools.count()


class Step(NamedTuple):
    """One call on the way to the values of a part.

    Attributes:
        key: the number of its node, and whether it is without its activation.
        node: the call; inputs: the values that it takes, in the order of its arguments.
    """

    key: tuple[int, bool]
    node: Node
    inputs: tuple[Ref, ...]


class Part:
    """What leads from the picture to some values of a graph. Parts of the same layers with the same settings are equal:
    the weights are arguments of the program that is made of one.

    Args:
        graph: that it is of.
        outputs: the values.
    """

    def __init__(self, graph: Graph, outputs: Sequence[Ref]) -> None:
        self.graph, self.outputs = graph, tuple(outputs)
        self.steps = _steps(graph, self.outputs)

    @property
    def input_shape(self) -> Shape:
        """Return (height, width, channels) of a picture."""
        return self.graph.input_shape

    @property
    def output_shapes(self) -> list[Shape]:
        """Return the shape of each value, without the batch, the maps last."""
        return [self.graph.shape_of(ref) for ref in self.outputs]

    @property
    def output_shape(self) -> Shape:
        """Return the shape of the first value."""
        return self.output_shapes[0]

    @functools.cached_property
    def variables(self) -> list[keras.Variable]:
        """Return the weights, layer by layer, those that are trained first."""
        operations = dict.fromkeys(step.node.operation for step in self.steps)
        return [variable for operation in operations for variable in variables_of(operation)]

    @functools.cached_property
    def positions(self) -> dict[int, int]:
        """Return the place of every weight among `variables`, by its id."""
        return {id(variable): number for number, variable in enumerate(self.variables)}

    def specs(self) -> list[tf.TensorSpec]:
        """Return what a program takes as the weights."""
        return [tf.TensorSpec(variable.shape, variable.dtype) for variable in self.variables]

    def weights(self) -> list[tf.Tensor]:
        """Return the weights as they are now."""
        return [tf.convert_to_tensor(variable) for variable in self.variables]

    def chosen(self, weights: Sequence[tf.Tensor], variables: Iterable[keras.Variable]) -> list[tf.Tensor]:
        """Return those of `weights` that stand for some of the variables."""
        return [weights[self.positions[id(variable)]] for variable in variables]

    @functools.cached_property
    def fingerprint(self) -> str:
        """Return what tells it from parts that compute something else, or in another order.

        Layers of which not all is known are told apart one by one, with their weights: they may keep copies of them.
        """
        numbers = {step.key: number for number, step in enumerate(self.steps)}

        def place(ref: Ref) -> tuple[int, int]:
            return numbers[ref.node, ref.linear], ref.number

        said = [
            (_described(step.node.operation), step.key[1], [place(ref) for ref in step.inputs], _call(step.node))
            for step in self.steps
        ]
        constants = {
            numbers[number, False]: value
            for number, value in self.graph.constants.items()
            if (number, False) in numbers
        }
        outputs = [place(ref) for ref in self.outputs]
        return repr((self.graph.channels_first, self.input_shape, constants, said, outputs))

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.fingerprint == other.fingerprint

    def compute(
        self,
        weights: Sequence[tf.Tensor],
        found: dict[tuple[int, bool], list[tf.Tensor]],
        call: Callable[["Part", Step, Sequence[tf.Tensor], list[tf.Tensor]], list[tf.Tensor]],
    ) -> None:
        """Compute every step whose values are not there yet.

        Args:
            weights: in the order of `variables`.
            found: the values of steps, as the layers have them; is added to.
            call: computes a step: part, step, weights, its inputs -> its values.
        """
        for step in self.steps:
            if step.key not in found:
                inputs = [found[ref.node, ref.linear][ref.number] for ref in step.inputs]
                found[step.key] = call(self, step, weights, inputs)

    def begun(self, x: tf.Tensor) -> dict[tuple[int, bool], list[tf.Tensor]]:
        """Return the values of the inputs for pictures (batch, height, width, channels)."""
        graph = self.graph
        shown = transposed(x, to_first=True) if graph.channels_first else x
        found = {(graph.picture, False): [shown]}
        for number, value in graph.constants.items():
            shape = [tf.shape(x)[0], *(side or 1 for side in graph.nodes[number].shapes[0])]
            found[number, False] = [tf.fill(shape, value)]
        return found

    def given(self, found: dict[tuple[int, bool], list[tf.Tensor]]) -> list[tf.Tensor]:
        """Return the outputs, float32, maps behind the positions."""
        values = self.raw(found)
        values = [transposed(value, to_first=False) if self.graph.channels_first else value for value in values]
        return [value if value.dtype == tf.float32 else tf.cast(value, tf.float32) for value in values]

    def raw(self, found: dict[tuple[int, bool], list[tf.Tensor]]) -> list[tf.Tensor]:
        """Return the outputs as the layers have them."""
        return [found[ref.node, ref.linear][ref.number] for ref in self.outputs]


def part_of(model: "Cnn | Part", *names: str) -> Part:
    """Return the part that leads to the outputs of layers, or to that of the model.

    Args:
        model: a CNN; a part is returned as it is.
        names: of its layers; none for the output of the model.
    Raises:
        ValueError: there is no layer of a name.
    """
    if isinstance(model, Part):
        return model
    graph = graph_of(model)
    return Part(graph, [graph.ref(name) for name in names] or [graph.output])


def variables_of(operation: Any) -> list[keras.Variable]:
    """Return the weights of a layer, those that are trained first; none of an operation that is no layer."""
    if not isinstance(operation, keras.Layer):
        return []
    return [*operation.trainable_variables, *operation.non_trainable_variables]


def call(part: Part, step: Step, weights: Sequence[tf.Tensor], inputs: list[tf.Tensor]) -> list[tf.Tensor]:
    """Compute a step as Keras does where nothing is trained: nothing in it is random.

    Args:
        part: that it is of.
        weights: of the part, in the order of its variables.
        inputs: the values that it takes.
    Returns:
        The values that it gives.
    """
    operation = step.node.operation
    here = {id(tensor): value for tensor, value in zip(step.node.arguments.keras_tensors, inputs, strict=True)}
    args, kwargs = step.node.arguments.fill_in(here)
    if not isinstance(operation, keras.Layer):
        return keras.tree.flatten(operation(*args, **kwargs))
    bound = inspect.signature(operation.call).bind(*args, **kwargs)
    if "training" in bound.signature.parameters:
        bound.arguments["training"] = False
    if step.key[1] and own_activation(operation) is not None:
        operation = _without_activation(operation)
    trained, others = operation.trainable_variables, operation.non_trainable_variables
    values, _ = operation.stateless_call(part.chosen(weights, trained), part.chosen(weights, others), *args, **kwargs)
    return keras.tree.flatten(values)


def own_activation(operation: Any) -> Callable | None:
    """Return the activation function that a layer with weights applies at its end; None for none, or a linear one."""
    if isinstance(operation, keras.layers.Activation) or not variables_of(operation):
        return None
    activation = getattr(operation, "activation", None)
    return activation if callable(activation) and activation is not keras.activations.linear else None


def _without_activation(layer: keras.Layer) -> keras.Layer:
    """Return the same layer, with the same weights, and a linear activation."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    twin.__dict__["activation"] = keras.activations.linear
    return twin


def _steps(graph: Graph, outputs: Sequence[Ref]) -> tuple[Step, ...]:
    """Return what has to be computed for some values, in order."""
    needed: dict[tuple[int, bool], tuple[Ref, ...]] = {}
    todo = list(outputs)
    while todo:
        ref = todo.pop()
        key = ref.node, ref.linear
        if key in needed:
            continue
        node = graph.nodes[ref.node]
        over = ref.linear and isinstance(node.operation, POOLS)
        needed[key] = tuple(source._replace(linear=True) if over else source for source in node.sources)
        todo += needed[key]
    # the picture may not be asked for at all
    needed.setdefault((graph.picture, False), ())
    return tuple(Step(key, graph.nodes[key[0]], needed[key]) for key in sorted(needed))


def _described(operation: keras.Operation) -> str:
    """Return the kind and the settings of an operation; of one whose settings do not say all, which one it is."""
    kind = type(operation)
    if kind.__module__.startswith("keras.src.layers") and kind.__name__ in PLAIN and "call" not in vars(operation):
        config = {
            key: value
            for key, value in operation.get_config().items()
            if key != "name" and not key.endswith(("_initializer", "_regularizer", "_constraint")) and key != "seed"
        }
        policy = config.pop("dtype", None)
        config |= {"dtype": [operation.compute_dtype, operation.variable_dtype], "trainable": operation.trainable}
        activation = getattr(operation, "activation", None)
        # another function may have the name of one of Keras'
        is_known = activation is None or activation in vars(keras.activations).values()
        if is_known and _is_plain(config) and (policy is None or not operation.quantization_mode):
            weights = [(tuple(one.shape), one.dtype) for one in variables_of(operation)]
            return f"{kind.__name__} {json.dumps(config, sort_keys=True, default=str)} {weights}"
    token = _TOKENS.setdefault(operation, next(_COUNT))
    digest = hashlib.sha256()
    for variable in variables_of(operation):
        digest.update(np.ascontiguousarray(variable).tobytes())
    return f"{kind.__module__}.{kind.__name__} {token} {digest.hexdigest()}"


def _is_plain(value: Any) -> bool:
    """Tell whether settings are numbers, words and lists of them, and no serialized object."""
    if isinstance(value, dict):
        return "class_name" not in value and all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _call(node: Node) -> str:
    """Return how a call is made besides its tensors."""
    args, kwargs = node.arguments.convert(lambda value: "tensor" if isinstance(value, keras.KerasTensor) else value)
    return "" if args == ("tensor",) and not kwargs else repr((args, sorted(kwargs.items(), key=str)))
