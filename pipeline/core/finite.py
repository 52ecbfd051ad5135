"""A CNN that has come to what is no number, by its weights or by its answers: nothing made with it shows anything.

Answers alone do not tell: some activation functions and pools make a number of what is none.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.graph import Cnn
from pipeline.core.nodes import Graph
from pipeline.runtime.errors import InputError

# Images that are looked at together: bounds the memory.
SOME = 4096
NAN, INFINITY = "NaN (not a number)", "infinity"


def broken_weight(model: Cnn) -> str | None:
    """Return what a CNN has among its weights that is no finite number, in words; None if there is nothing."""
    for weight in _weights(model):
        values = tf.convert_to_tensor(weight)
        if values.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(values))):
            found = NAN if bool(tf.reduce_any(tf.math.is_nan(values))) else INFINITY
            return f"{found} in {weight.path}"
    return None


def check_weights(model: Cnn) -> None:
    """Refuse a CNN whose weights are not all finite numbers.

    Raises:
        InputError: there is one that is none.
    """
    if (found := broken_weight(model)) is not None:
        raise InputError.at("model", takes="a CNN whose weights are finite numbers", got=found)


def check_answers(layer: str, *arrays: np.ndarray) -> None:
    """Refuse a CNN whose answers are no numbers, such as one whose large weights overflow.

    Args:
        layer: up to which it was asked.
        arrays: what it has answered, or what was made of that.
    Raises:
        InputError: there is infinity among them, or what is not a number.
    """
    for array in arrays:
        if not np.isfinite(array).all():
            found = NAN if np.isnan(array).any() else INFINITY
            raise InputError.at("model", takes=f"a CNN whose answers are numbers up to {layer}", got=found)


def check_images(name: str, images: np.ndarray) -> None:
    """Refuse images that are no finite numbers.

    Args:
        name: what they are called in the message.
    Raises:
        InputError: there are some.
    """
    is_number = images.dtype.kind in "buif"
    firsts = range(0, len(images), SOME)
    if not is_number or not all(np.isfinite(images[first : first + SOME]).all() for first in firsts):
        raise InputError.at(name, takes="finite numbers", got=f"some of {images.dtype} that are none")


def _weights(model: Cnn) -> Iterator[Any]:
    """Yield the weights of the layers, each once."""
    if isinstance(model, Graph):
        layers = [node.operation for node in model.nodes if isinstance(node.operation, keras.Layer)]
        yield from {id(weight): weight for layer in layers for weight in layer.weights}.values()
    else:
        yield from model.weights
