"""What two CNNs answer to the same images, of which only sums and means are kept."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core.answers import classes_of
from pipeline.core.forward import joint_forward_pass
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.parts import Part
from pipeline.core.probabilities import probabilities
from pipeline.core.score import MOST_FEATURES, features_per_image
from pipeline.core.similarity import Correlations, correlations_of
from pipeline.core.units import unit_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Progress

BATCH = 512


class Seen(NamedTuple):
    """What is kept of all images. means: of both (images, maps) float64; probabilities: of both (images, classes)."""

    correlations: Correlations
    by_position: bool
    means: tuple[np.ndarray, np.ndarray]
    probabilities: tuple[np.ndarray, np.ndarray]


def look(model: Cnn, layer: str, other: Cnn, other_layer: str, images: np.ndarray, progress: Progress) -> Seen:
    """Look at all images with both, a batch at a time.

    Args:
        model, layer: the first CNN and the name of one of its layers; other, other_layer: those of the second.
        images: (images, height, width, channels).
        progress: is told how many images are done.
    Raises:
        InputError: a layer that is not there, or has neither maps nor units; answers that are no finite numbers.
    """
    own, second = Looking(model, layer, "compare.layer"), Looking(other, other_layer, "compare.other_layer")
    by_position = own.positions == second.positions
    batch = max(min(BATCH, MOST_FEATURES // max(own.features, second.features)), 1)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(images), batch):
            some = tf.constant(images[first : first + batch], tf.float32)
            nodes = own.look(some), second.look(some)
            if by_position:
                yield nodes[0].reshape(-1, own.maps), nodes[1].reshape(-1, second.maps)
            else:
                yield own.means[-1], second.means[-1]
            progress("compare", min(first + batch, len(images)), len(images))

    found = correlations_of(batches())
    outputs = np.concatenate(own.outputs), np.concatenate(second.outputs)
    classes = classes_of(model)
    says = classes is not None and classes == classes_of(other)
    nothing = np.zeros((len(images), 0), np.float32)
    return Seen(
        found,
        by_position,
        (np.concatenate(own.means), np.concatenate(second.means)),
        (probabilities(outputs[0]), probabilities(outputs[1])) if says else (nothing, nothing),
    )


class Looking:
    """A CNN that is shown images: the maps of a layer, and its answers.

    positions: (height, width) of a map; maps: how many; features: numbers that the layers hand on for an image; means:
    of each batch (images, maps) float64, over the positions; outputs: of each batch (images, ...).
    """

    def __init__(self, model: Cnn, layer: str, key: str) -> None:
        graph = graph_of(model)
        try:
            maps = unit_of(graph, layer).after
        except ValueError as error:
            raise InputError.at(key, takes="a layer of the model", got=str(error)) from error
        shape = graph.shape_of(maps)
        if len(shape) not in (1, 3) or 0 in shape:
            takes = "a layer of maps (height, width, maps) or of units"
            raise InputError.at(key, takes=takes, got=f"{layer} with the shape {shape}, 0 for what is not known")
        self.positions, self.maps = (shape[:2] if len(shape) == 3 else (1, 1)), shape[-1]
        self.means: list[np.ndarray] = []
        self.outputs: list[np.ndarray] = []
        part = Part(graph, [maps, graph.output])
        self.features = features_per_image(part)
        self._key, self._layer, self._compute = key, layer, _computation(part)

    def look(self, images: tf.Tensor) -> np.ndarray:
        """Return the activations of every node, (images, positions, maps) float32."""
        features, outputs = (values.numpy() for values in self._compute(images))
        if not (np.isfinite(features).all() and np.isfinite(outputs).all()):
            key = "model" if self._key == "compare.layer" else "compare.other"
            raise InputError.at(key, takes="a CNN whose answers are numbers", got="some that are none")
        nodes: np.ndarray = features.reshape(len(features), -1, self.maps)
        self.means.append(nodes.mean(axis=1, dtype=np.float64))
        self.outputs.append(outputs.reshape(len(outputs), -1))
        return nodes


def _computation(part: Part) -> Callable:
    """Return the program that computes the values of a part of images (batch, height, width, channels)."""
    weights, forward = part.weights(), joint_forward_pass(part, fast=False)

    @tf.function(input_signature=[tf.TensorSpec([None, *part.input_shape])], autograph=False)
    def compute(x: tf.Tensor) -> list[tf.Tensor]:
        return forward(weights, x)

    return compute.get_concrete_function()


def first_images(means: np.ndarray, count: int) -> np.ndarray:
    """Return (maps, count), the images with the largest means (images, maps) of each map, the largest first."""
    return np.argsort(-means, axis=0, kind="stable")[:count].T
