"""What a CNN says of a picture: which class it is, and how sure it is."""

import keras
import numpy as np

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.units import unit_of

# What the numbers of an output are.
PROBABILITIES, INDEPENDENT, LOGITS = "probabilities", "independent probabilities", "logits"


def kind_of(model: Cnn) -> str:
    """Return what the numbers of a model's output are.

    Returns:
        PROBABILITIES behind a softmax, INDEPENDENT ones behind a sigmoid, else LOGITS.
    """
    graph = graph_of(model)
    unit = unit_of(graph, graph.output_name)
    operation = graph.nodes[unit.after.node].operation
    activation = getattr(operation, "activation", None)
    name = type(operation).__name__
    if isinstance(operation, keras.layers.Softmax) or activation is keras.activations.softmax or name == "Softmax":
        return PROBABILITIES
    if activation is keras.activations.sigmoid or name == "Sigmoid":
        return INDEPENDENT
    return LOGITS


def classes_of(model: Cnn) -> int | None:
    """Return how many classes a model tells apart: as many as its output has numbers, two if that is one; None if its
    output is no row of numbers."""
    shape = graph_of(model).classes
    if len(shape) != 1 or shape[0] == 0:
        return None
    return 2 if shape[0] == 1 else shape[0]


def probabilities(values: np.ndarray, kind: str) -> np.ndarray:
    """Return the probability of each class: (images, classes).

    Args:
        values: what the model says, (images, numbers); of a single number p it is that of the second of two classes.
        kind: see `kind_of`. Of logits it is the softmax, of a single one the sigmoid.
    """
    if values.shape[1] == 1:
        second = values if kind != LOGITS else 0.5 * (1.0 + np.tanh(0.5 * values.astype(np.float64)))
        return np.concatenate([1.0 - second, second], axis=1)
    if kind != LOGITS:
        return values
    powers = np.exp(values.astype(np.float64) - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def predicted(values: np.ndarray, kind: str) -> np.ndarray:
    """Return the class (images,) int64 that the model takes each image for, the first of several that are as likely.

    Args:
        values, kind: see `probabilities`.
    """
    if values.shape[1] == 1:
        return (values[:, 0] > (0.0 if kind == LOGITS else 0.5)).astype(np.int64)
    return values.argmax(axis=1)
