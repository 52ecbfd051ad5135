"""The numbers that a CNN takes for black and white, as far as its own layers show them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from pipeline.core import answers
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.preprocessing import BYTES, STANDARDIZED, SYMMETRIC, UNIT, Preprocessing, preprocessing_of
from pipeline.core.score import features_of
from pipeline.runtime.errors import InputError

# What a first layer makes of pictures is one of these, by the CNNs that there are.
USUAL = ((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 255.0))
WORDS = (BYTES, UNIT, SYMMETRIC)
# Of layers that change nothing of the numbers, when a CNN is asked.
SAME_NUMBERS = (
    *("ZeroPadding2D", "Cropping2D", "CenterCrop", "Resizing"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"),
)
# Operations with a number, that are written as x / 255.
ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")
# Means and spreads of pictures of levels from 0 to 1, and of bytes; others say nothing.
MEANS = {UNIT: (0.02, 0.98), BYTES: (2.0, 253.0)}
SPREADS = {UNIT: (0.02, 0.6), BYTES: (2.0, 160.0)}
# Of a CNN that is built here, see `cnn.build_cnn`.
OURS = ("cnn", "Input", "Output")


class Affine(NamedTuple):
    """scale * x + offset, of one number for all channels or one for each."""

    scale: np.ndarray
    offset: np.ndarray


SAME = Affine(np.ones(1), np.zeros(1))


class Seen(NamedTuple):
    """What a CNN shows of the pictures that it takes, and by what, in words."""

    preprocessing: Preprocessing
    why: str


def shown_preprocessing(model: keras.Model, picture: str | None = None) -> Seen | None:
    """Return what a CNN takes, where its first layers show it; None where they do not.

    Args:
        model: sequential or functional; a nested model that the picture goes into first is looked into.
        picture: the name of the input that takes the picture, None for the first one of three axes.
    """
    names = [layer.name for layer in model._flatten_layers(include_self=False, recursive=False)]
    if model.name == OURS[0] and names[:1] + names[-1:] == list(OURS[1:]):
        return Seen(STANDARDIZED, "it was trained by this program")
    named = ((one._keras_history.operation.name, one) for one in model.inputs)
    tensor = next((one for name, one in named if name == picture or (picture is None and len(one.shape) == 4)), None)
    if tensor is None:
        return None
    if "int" in str(tensor.dtype):
        return Seen(preprocessing_of(BYTES), f"its input is of the type {tensor.dtype}")
    return _first_shown(_functional(model), tensor)


def check_range(model: Cnn, preprocessing: Preprocessing) -> None:
    """Refuse numbers for black and white that are not those which a CNN shows that it takes.

    Args:
        model: a graph was made by who knows that, and is not looked at.
    """
    seen = shown_preprocessing(model) if isinstance(model, keras.Model) else None
    if seen is not None and not seen.preprocessing.agrees(preprocessing):
        takes = f"{seen.preprocessing.words()}, as {seen.why}"
        raise InputError.at("preprocessing", takes=takes, got=preprocessing.words())


def _functional(model: Any) -> Any:
    return getattr(model, "_functional", None) or model


def _first_shown(model: Any, tensor: Any, so_far: Affine = SAME) -> Seen | None:
    """Look behind layers that change the numbers of a picture only, for one that shows what they are.

    Args:
        tensor: the symbolic tensor that is followed.
        so_far: what was made of the picture's numbers on the way to it.
    """
    while True:
        users = [
            (node, operation)
            for operation in model.operations
            for node in operation._inbound_nodes
            if id(node) in _own_nodes(model) and any(one is tensor for one in node.input_tensors)
        ]
        if len(users) != 1:
            return None
        node, operation = users[0]
        if isinstance(operation, keras.Model):
            inner = _functional(operation)
            position = next(number for number, one in enumerate(node.input_tensors) if one is tensor)
            return _first_shown(inner, inner.inputs[position], so_far) if hasattr(inner, "_nodes_by_depth") else None
        found = _shown_by(operation, so_far)
        if found is not None:
            return found
        step = _affine(operation, node)
        if step is None or len(node.output_tensors) != 1:
            return None
        so_far = Affine(so_far.scale * step.scale, so_far.offset * step.scale + step.offset)
        found = _of_rescaling(so_far, operation.name)
        if found is not None:
            return found
        (tensor,) = node.output_tensors


def _own_nodes(model: Any) -> set[int]:
    """Return the ids of the nodes of a model, as a layer may have been called elsewhere too."""
    return {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}


def _affine(operation: Any, node: Any) -> Affine | None:
    """Return what an operation makes of every number by itself, as scale and offset; None if it does more."""
    kind = type(operation).__name__
    if kind in SAME_NUMBERS or kind.startswith("Random"):
        return SAME
    if kind == "Rescaling":
        return Affine(np.ravel(operation.scale), np.ravel(operation.offset))
    if kind not in ARITHMETIC:
        return None
    given = [*node.arguments.args, *node.arguments.kwargs.values()]
    numbers = [one for one in given if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(given) != 2 or len(numbers) != 1:
        return None
    number, is_first = float(numbers[0]), given[0] is numbers[0]
    if kind == "Add":
        return Affine(np.ones(1), np.array([number]))
    if kind == "Subtract":
        return Affine(np.array([-1.0 if is_first else 1.0]), np.array([number if is_first else -number]))
    if kind == "Multiply":
        return Affine(np.array([number]), np.zeros(1))
    return None if is_first or number == 0 else Affine(np.array([1 / number]), np.zeros(1))


def _shown_by(operation: Any, so_far: Affine) -> Seen | None:
    """Return what the means show by which a layer normalizes."""
    kind, name = type(operation).__name__, operation.name
    if kind == "Normalization" and operation.mean is not None:
        means, variances = operation.mean, operation.variance
    elif kind == "BatchNormalization":
        means, variances = operation.moving_mean, operation.moving_variance
    else:
        return None
    if (so_far.scale == 0).any():
        return None
    taken = (np.ravel(means) - so_far.offset) / so_far.scale
    return _of_means(taken, np.sqrt(np.ravel(variances)) / np.abs(so_far.scale), name)


def _of_rescaling(made: Affine, name: str) -> Seen | None:
    """Return the range that becomes one of the usual ones."""
    for word in WORDS:
        given = preprocessing_of(word)
        low, high = (float((bound[0] * made.scale + made.offset).mean()) for bound in (given.low, given.high))
        same = np.allclose((low, high), (given.low[0], given.high[0]))
        if not same and any(np.allclose((low, high), usual, atol=0.02 * (usual[1] - usual[0])) for usual in USUAL):
            of = f"{given.low[0]:g} to {given.high[0]:g}"
            return Seen(given, f"its layer {name} makes {low:.3g} to {high:.3g} of {of}")
    return None


def _of_means(means: np.ndarray, spreads: np.ndarray, name: str) -> Seen | None:
    """Return the range in which pictures have such means and spreads."""
    for word in MEANS:
        (least, most), (narrow, wide) = MEANS[word], SPREADS[word]
        if ((least <= means) & (means <= most) & (narrow <= spreads) & (spreads <= wide)).all():
            return Seen(preprocessing_of(word), f"its layer {name} has a mean of {means.mean():.3g}")
    return None


def accuracies(model: Cnn, levels: np.ndarray, labels: np.ndarray, words: tuple[str, ...]) -> Mapping[str, float]:
    """Return by word which share of pictures a CNN names rightly if it gets them like that.

    Args:
        model: (batch, height, width, channels) -> (batch, classes), or (batch, 1) for two classes.
        levels: (count, height, width, channels) from 0 to 1.
        labels: (count,).
    """
    graph = graph_of(model)
    kind, found = answers.kind_of(graph), {}
    for word in words:
        said = features_of(graph, graph.output_name, preprocessing_of(word).shown(levels))
        right = answers.predicted(said, kind) == labels
        found[word] = float(right.mean()) if np.isfinite(said).all() else 0.0
    return found
