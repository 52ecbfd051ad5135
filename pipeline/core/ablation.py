"""What a CNN predicts when one map of a layer is set to zero and everything else stays."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.core import answers
from pipeline.core.finite import check_answers
from pipeline.core.nodes import Graph, Ref
from pipeline.core.parts import Part, Step, call


class Downstream:
    """What leads from the maps of a layer to what a CNN says.

    Args:
        graph: of the CNN.
        maps: the value whose maps are set to zero.
    Attributes:
        needed: the values that it takes: the maps, then those of branches around them.
        steps: what has to be computed.
    """

    def __init__(self, graph: Graph, maps: Ref) -> None:
        self._whole = Part(graph, [graph.output])
        depends = {(maps.node, maps.linear)}
        self.steps: list[Step] = []
        needed = {maps: None}
        for step in self._whole.steps:
            inputs = [(ref.node, ref.linear) for ref in step.inputs]
            if step.key not in depends and not depends.isdisjoint(inputs):
                depends.add(step.key)
                self.steps.append(step)
        for step in self.steps:
            needed |= {ref: None for ref in step.inputs if (ref.node, ref.linear) not in depends}
        self.needed = tuple(needed)

    def compute(self, weights: Sequence[tf.Tensor], values: Sequence[tf.Tensor]) -> tf.Tensor:
        """Compute the output from the values that are needed.

        Args:
            weights: of the whole CNN, see `Part.variables`.
            values: in the order of `needed`, as the layers have them.
        Returns:
            (batch, numbers) float32.
        """
        found: dict[tuple[int, bool], list[tf.Tensor]] = {}
        for ref, value in zip(self.needed, values, strict=True):
            held = found.setdefault((ref.node, ref.linear), [])
            held += [value] * (ref.number + 1 - len(held))
            held[ref.number] = value
        for step in self.steps:
            inputs = [found[ref.node, ref.linear][ref.number] for ref in step.inputs]
            found[step.key] = call(self._whole, step, weights, inputs)
        return self._whole.given(found)[0]

    def weights(self) -> list[tf.Tensor]:
        """Return the weights of the whole CNN as they are now."""
        return self._whole.weights()


class DownstreamClassifier:
    """The part of a CNN behind a layer, from the layer's features to the predicted classes.

    Its weights are those that the layers have when it is made.

    Args:
        graph: of the CNN.
        maps: the value whose maps are set to zero.
    """

    def __init__(self, graph: Graph, maps: Ref) -> None:
        self._downstream = Downstream(graph, maps)
        self._kind, self._name = answers.kind_of(graph), graph.output_name
        self._maps = graph.shape_of(maps)[-1]
        weights = self._downstream.weights()
        nodes = [(graph.nodes[ref.node], ref) for ref in self._downstream.needed]
        shapes = [tf.TensorSpec([None, *node.shapes[ref.number]], node.dtypes[ref.number]) for node, ref in nodes]
        axis = 1 if graph.channels_first and len(graph.shape_of(maps)) == 3 else -1
        along = [1] * (len(graph.shape_of(maps)) + 1)
        along[axis] = self._maps

        # the map is a tensor, so that the program is made once and not once for each map
        @tf.function(input_signature=[shapes, tf.TensorSpec([], tf.int32)], autograph=False)
        def predict(values: list[tf.Tensor], silent: tf.Tensor) -> tf.Tensor:
            # not a product with 0, which an infinite activation would survive; no map has the index -1
            is_silent = tf.reshape(tf.range(self._maps) == silent, along)
            first = tf.where(is_silent, tf.zeros((), values[0].dtype), values[0])
            return self._downstream.compute(weights, [first, *values[1:]])

        # of the concrete function TensorFlow does not warn that there are many of them
        self._predict = predict.get_concrete_function()

    @property
    def needed(self) -> tuple[Ref, ...]:
        """Return the values that it takes, the maps first."""
        return self._downstream.needed

    def predict(self, values: Sequence[tf.Tensor]) -> np.ndarray:
        """Return the class that the CNN as it is gives to each image, the first one of several.

        Args:
            values: (images, ...), in the order of `needed`, as the layers have them.
        Returns:
            (images,) int64.
        Raises:
            InputError: what it says are no numbers, of which none is the largest.
        """
        said = self._said(values, -1)
        check_answers(self._name, said)
        return answers.predicted(said, self._kind)

    def predict_ablated(self, values: Sequence[tf.Tensor]) -> np.ndarray:
        """Return the class that the CNN gives to each image with each map in turn set to zero.

        Args:
            values: as for `predict`.
        Returns:
            (maps, images) int64.
        Reference:
            Morcos et al., 2018, "On the importance of single directions for generalization".
        """
        said = (self._said(values, index) for index in range(self._maps))
        return np.stack([answers.predicted(each, self._kind) for each in said])

    def _said(self, values: Sequence[tf.Tensor], silent: int) -> np.ndarray:
        found: np.ndarray = self._predict(list(values), tf.constant(silent)).numpy()
        return found
