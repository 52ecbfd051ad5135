"""What a CNN predicts when one map of a layer is set to zero and everything else stays."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


def downstream_layers(model: keras.Model, layer: keras.Layer) -> list[keras.Layer] | None:
    """Return the layers that lead from the output of `layer` to the model's, in order.

    Args:
        model: a functional model with one output.
        layer: one of its layers, used once.
    Returns:
        The layers, none if `layer` makes the output itself. None if the model's output is not a function of the layer's
        output alone: with a branch around the layer, or with operations behind it that are no layers with one input and
        one output.
    """
    downstream: list[keras.Layer] = []
    tensor = model.outputs[0]
    while True:
        operation, number, _ = tensor._keras_history
        if operation is layer:
            return downstream[::-1]
        node = operation._inbound_nodes[number]
        # one tensor, and nothing beside it, such as training=True; what Keras adds of itself is None or False
        arguments = (*node.arguments.args, *node.arguments.kwargs.values())
        given = [value for value in arguments if value is not None and value is not False]
        if not isinstance(operation, keras.Layer) or len(given) != 1 or len(node.input_tensors) != 1:
            return None
        if len(node.outputs) != 1:
            return None
        downstream.append(operation)
        tensor = node.input_tensors[0]


class DownstreamClassifier:
    """The part of a CNN behind a layer, from the layer's features to the predicted classes.

    Its weights are those that the layers have when it is made.

    Args:
        features: (height, width, maps) or (units,), the shape of the features of one image.
        layers: those behind the layer, see `downstream_layers`.
    """

    def __init__(self, features: Sequence[int | None], layers: Sequence[keras.Layer]) -> None:
        weights = [
            [[tf.convert_to_tensor(variable) for variable in variables]
             for variables in (layer.trainable_variables, layer.non_trainable_variables)]
            for layer in layers
        ]  # fmt: skip

        # the map is a tensor, so that the program is made once and not once for each map
        @tf.function(
            input_signature=[tf.TensorSpec([None, *features]), tf.TensorSpec([], tf.int32)],
            autograph=False,
        )
        def predict(x: tf.Tensor, silent: tf.Tensor) -> tf.Tensor:
            # not a product with 0, which an infinite activation would survive; no map has the index -1
            x = tf.where(tf.range(features[-1]) == silent, 0.0, x)
            for layer, (trainable, other) in zip(layers, weights, strict=True):
                x, _ = layer.stateless_call(trainable, other, x)
            return tf.argmax(x, axis=1)

        self._maps = int(features[-1] or 0)
        # of the concrete function TensorFlow does not warn that there are many of them
        self._predict = predict.get_concrete_function()

    def predict(self, features: tf.Tensor) -> np.ndarray:
        """Return the class that the CNN as it is gives to each image, the first one of several.

        Args:
            features: (images, height, width, maps) or (images, units) float32, the output of the layer.
        Returns:
            (images,) int64.
        """
        return self._predict(features, tf.constant(-1)).numpy()

    def predict_ablated(self, features: tf.Tensor) -> np.ndarray:
        """Return the class that the CNN gives to each image with each map in turn set to zero.

        Args:
            features: (images, height, width, maps) or (images, units) float32, the output of the layer.
        Returns:
            (maps, images) int64.
        Reference:
            Morcos et al., 2018, "On the importance of single directions for generalization".
        """
        return np.stack([self._predict(features, tf.constant(index)).numpy() for index in range(self._maps)])
