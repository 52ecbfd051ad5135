"""What every map of a layer answers to real images: the numbers of a page about each map."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core import crops, statistics
from pipeline.core.ablation import DownstreamClassifier, downstream_layers
from pipeline.core.forward import plain_forward_pass, variables_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.ranges import number
from pipeline.stages.statistics.result import MapStatistics

# What may be looked at.
LAYERS = (*crops.CONVOLUTIONS, *crops.POOLS, keras.layers.Dense)


def map_statistics(
    model: keras.Model,
    layer: str,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    top: int = 9,
    batch_size: int = 512,
    progress: Progress = no_progress,
) -> MapStatistics:
    """Look at all images, and say of every map of a layer what activates it and what it is good for.

    The units of a dense layer count as maps of a single position, which sees the whole image.

    The images are looked at in batches; of each image and map only three numbers are kept (16 bytes), never the
    activations of all positions. The layers up to `layer` are computed once for a batch, those behind it once more
    for every map, which is set to zero for that. Sums are float64: `batch_size` matters for speed and memory only.

    Args:
        model: up to `layer` any functional model whose convolutions, pools and pointwise layers may have branches;
            from there on a chain of layers, to one value for each class.
        layer: the name of a convolution, pool or dense layer.
        images: (images, height, width, channels), as the model takes them.
        labels: (images,) whole numbers in [0, classes).
        classes: how many there are.
        top: how many of the images that activate a map most are named; fewer if there are fewer images.
        batch_size: images that are computed together.
        progress: is told how many images are done.
    Returns:
        The figures of every map, and the accuracy of the model.
    Raises:
        InputError: a layer that is no convolution, pool or dense layer of the model, a model that is not as above,
            images that it does not take, labels that do not belong to the images, no image at all, top, classes or
            batch_size below 1; a Keras that is set to something else, see `check_keras`.
    Reference:
        Morcos et al., 2018, "On the importance of single directions for generalization" (selectivity, ablation).
    """
    check_keras()
    images, labels = np.asarray(images), np.asarray(labels)
    for key, value in {"classes": classes, "top": top, "batch_size": batch_size}.items():
        number(key, value, least=1)
    output, downstream = _cut(model, layer, classes)
    _check_images(model, images, labels, classes)
    # products of labels do not fit into the bytes that data sets keep them in
    labels = labels.astype(np.int64)
    views = _crops(layer, output, images.shape[1:3])
    classifier = DownstreamClassifier(output.shape[1:], downstream)
    seen = _look(keras.Model(model.inputs[0], output), classifier, images, labels, classes, batch_size, progress)

    counts = np.bincount(labels, minlength=classes)
    moments = statistics.class_moments(seen.means, labels, classes)
    preference = statistics.preference(moments.means)
    confusion = statistics.confusion_of(labels, seen.predicted, classes)
    best = np.argsort(-seen.means, axis=0, kind="stable")[:top].T
    maps = np.arange(len(best))[:, None]
    rows, columns = np.divmod(seen.strongest[best, maps].astype(np.int64), _grid(output)[1])
    return MapStatistics(
        layer=layer,
        classes=classes,
        mean=seen.means.mean(axis=0),
        deviation=seen.means.std(axis=0),
        active_share=(seen.largest > 0).mean(axis=0),
        class_means=moments.means,
        class_deviations=moments.deviations,
        class_positions=np.moveaxis(statistics.shares(seen.position_sums, counts[:, None, None, None]), -1, 1),
        preferred_class=preference.classes,
        selectivity=preference.selectivity,
        top_indices=best,
        top_activations=seen.means[best, maps],
        top_rows=rows,
        top_columns=columns,
        top_nodes=seen.largest[best, maps].astype(np.float64),
        top_crops=views[rows, columns],
        position_means=np.moveaxis(seen.position_sums.sum(axis=0) / len(images), -1, 0),
        correlation=statistics.correlation_of(seen.means),
        accuracy=statistics.shares(confusion.diagonal(), counts),
        confusion=confusion,
        ablated_accuracy=statistics.shares(seen.ablated_hits, counts),
    )


class _Seen(NamedTuple):
    """What is kept of all images.

    means, largest: (images, maps), over the positions; strongest: (images, maps), the number of the position that has
    the largest; position_sums: (classes, height, width, maps), over the images of a class; predicted: (images,), the
    class; ablated_hits: (maps, classes), how many images of a class are predicted right without the map.
    """

    means: np.ndarray
    largest: np.ndarray
    strongest: np.ndarray
    position_sums: np.ndarray
    predicted: np.ndarray
    ablated_hits: np.ndarray


def _look(
    part: keras.Model,
    classifier: DownstreamClassifier,
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    batch_size: int,
    progress: Progress,
) -> _Seen:
    """Look at a batch at a time."""
    count, (height, width, maps) = len(images), _grid(part.outputs[0])
    seen = _Seen(
        means=np.zeros((count, maps)),
        largest=np.zeros((count, maps), np.float32),
        strongest=np.zeros((count, maps), np.int32),
        position_sums=np.zeros((classes, height, width, maps)),
        predicted=np.zeros(count, np.int64),
        ablated_hits=np.zeros((maps, classes), np.int64),
    )
    weights = [tf.convert_to_tensor(variable) for variable in variables_of(part)]
    forward = plain_forward_pass(part)
    compute = tf.function(
        lambda x: forward(weights, x), input_signature=[tf.TensorSpec([None, *part.inputs[0].shape[1:]])],
        autograph=False,
    ).get_concrete_function()  # fmt: skip
    belongs = labels[:, None] == np.arange(classes)
    progress("statistics", 0, count)
    for first in range(0, count, batch_size):
        rows = slice(first, first + batch_size)
        features = compute(tf.constant(images[rows], tf.float32))
        nodes = features.numpy().reshape(-1, height * width, maps)
        seen.means[rows] = nodes.mean(axis=1, dtype=np.float64)
        seen.largest[rows] = nodes.max(axis=1)
        seen.strongest[rows] = nodes.argmax(axis=1)
        sums = belongs[rows].T.astype(np.float64) @ nodes.reshape(len(nodes), -1).astype(np.float64)
        seen.position_sums[:] += sums.reshape(seen.position_sums.shape)
        seen.predicted[rows] = classifier.predict(features)
        hits = classifier.predict_ablated(features) == labels[rows]
        seen.ablated_hits[:] += hits.astype(np.int64) @ belongs[rows]
        progress("statistics", min(first + batch_size, count), count)
    return seen


def _grid(output: keras.KerasTensor) -> tuple[int, int, int]:
    """Return (height, width, maps) of a layer; of a dense one (1, 1, units)."""
    shape = tuple(output.shape[1:])
    return shape if len(shape) == 3 else (1, 1, shape[0])


def _cut(model: keras.Model, name: str, classes: int) -> tuple[keras.KerasTensor, list[keras.Layer]]:
    """Return the output of the layer, and the layers behind it."""
    # a model whose layers are known only when it is called has neither
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise InputError.at("model", takes="a functional Keras model", got=type(model).__name__)
    layers = [each.name for each in model.layers if isinstance(each, LAYERS) and len(each.output.shape) in (2, 4)]
    if name not in layers:
        there = ", ".join(layers) if layers else "which has none"
        raise InputError.at("layer", takes=f"a convolution, pool or dense layer of the model: {there}", got=repr(name))
    if len(model.inputs) != 1 or [tuple(tensor.shape[1:]) for tensor in model.outputs] != [(classes,)]:
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in [*model.inputs, *model.outputs])
        takes = f"one input, and one output with a value for each of the {classes} classes"
        raise InputError.at("model", takes=takes, got=f"the shapes {shapes}")
    layer = model.get_layer(name)
    downstream = downstream_layers(model, layer) if len(layer._inbound_nodes) == 1 else None
    if downstream is None:
        takes = f"layers one behind the other from {name}, used once, to the output"
        raise InputError.at("model", takes=takes, got="a branch around it, or an operation that is no plain layer")
    return layer.output, downstream


def _crops(name: str, output: keras.KerasTensor, sides: tuple[int, ...]) -> np.ndarray:
    if len(output.shape) == 2:
        # a unit sees the whole image
        return np.array([[[0, 0, *sides]]])
    try:
        return crops.crops(output)
    except ValueError as error:
        takes = f"convolutions, pools and layers that see one pixel up to {name}, maps in the last axis"
        raise InputError.at("model", takes=takes, got=str(error)) from error


def _check_images(model: keras.Model, images: np.ndarray, labels: np.ndarray, classes: int) -> None:
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise InputError.at("model", takes="pictures of one size", got=f"an input of the shape {shape}")
    if images.shape[1:] != shape or len(images) == 0:
        takes = f"at least one image, as an array (images, {', '.join(map(str, shape))})"
        raise InputError.at("images", takes=takes, got=f"the shape {images.shape}")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        takes = f"a whole number for each of the {len(images)} images"
        raise InputError.at("labels", takes=takes, got=f"the shape {labels.shape} of {labels.dtype}")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise InputError.at("labels", takes=f"0 to {classes - 1}", got=int(wrong[0]))
