"""What every map of a layer answers to real images: the numbers of a page about each map."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core import answers, crops, statistics
from pipeline.core.ablation import DownstreamClassifier
from pipeline.core.finite import check_answers, check_images, check_weights
from pipeline.core.forward import value_pass
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.nodes import Graph, Ref, Shape
from pipeline.core.parts import Part
from pipeline.core.score import MOST_FEATURES, features_per_image
from pipeline.core.units import unit_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.ranges import number
from pipeline.stages.statistics.result import MapStatistics


def map_statistics(
    model: Cnn,
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

    The maps are those that the layer hands on: behind its normalization and its activation function, see
    `units.unit_of`. The units of a dense layer count as maps of a single position, which sees the whole image.

    The images are looked at in batches; of each image and map only three numbers are kept (16 bytes), never the
    activations of all positions. The layers up to `layer` are computed once for a batch, those behind it once more
    for every map, which is set to zero for that. Sums are float64: `batch_size` matters for speed and memory only.

    Args:
        model: any whose layers are known; where a position's view of the picture is not known, it is all of it. Of a
            model whose output has not one value for each class it is not said what it takes images for.
        layer: the name of a layer that has maps or units.
        images: (images, height, width, channels), as the model takes them.
        labels: (images,) whole numbers in [0, classes); without labels any, and nothing is said of classes.
        classes: how many there are, 0 without labels.
        top: how many of the images that activate a map most are named; fewer if there are fewer images.
        batch_size: images that are computed together; fewer where they would not fit the memory.
        progress: is told how many images are done.
    Returns:
        The figures of every map, and the accuracy of the model.
    Raises:
        InputError: a layer that has neither maps nor units, images that the model does not take, labels that do not
            belong to the images, no image at all, top or batch_size below 1, classes below 0; weights or answers that
            are no finite numbers; a Keras that is set to something else, see `check_keras`.
    Reference:
        Morcos et al., 2018, "On the importance of single directions for generalization" (selectivity, ablation).
    """
    check_keras()
    labels = np.asarray(labels)
    for key, value, least in (("classes", classes, 0), ("top", top, 1), ("batch_size", batch_size, 1)):
        number(key, value, least=least)
    graph, maps_of_layer = _value_of(model, layer)
    _check_images(graph, images, labels, classes)
    check_weights(model)
    # products of labels do not fit into the bytes that data sets keep them in
    labels = labels.astype(np.int64)
    views = _crops(graph, layer, maps_of_layer)
    seen = _look(graph, maps_of_layer, images, labels, classes, batch_size, progress)
    by_class = _by_class(seen, labels, classes, classifies=answers.classes_of(graph) == classes)
    best = np.argsort(-seen.means, axis=0, kind="stable")[:top].T
    maps = np.arange(len(best))[:, None]
    rows, columns = np.divmod(seen.strongest[best, maps].astype(np.int64), _grid(graph.shape_of(maps_of_layer))[1])
    return MapStatistics(
        layer=layer,
        classes=classes,
        mean=seen.means.mean(axis=0),
        deviation=seen.means.std(axis=0),
        active_share=(seen.largest > 0).mean(axis=0),
        top_indices=best,
        top_activations=seen.means[best, maps],
        top_rows=rows,
        top_columns=columns,
        top_nodes=seen.largest[best, maps].astype(np.float64),
        top_crops=views[rows, columns],
        position_means=np.moveaxis(seen.position_sums.sum(axis=0) / len(images), -1, 0),
        correlation=statistics.correlation_of(seen.means),
        **by_class,
    )


def _by_class(seen: "_Seen", labels: np.ndarray, classes: int, *, classifies: bool) -> dict[str, np.ndarray]:
    """Return the fields of the result that are about classes; without labels they have no classes.

    Args:
        classifies: whether the model says which of the classes a picture is; if not, all it takes them for is unknown.
    """
    maps = seen.means.shape[1]
    if classes == 0:
        nothing = np.zeros((maps, 0))
        return {
            "class_means": nothing,
            "class_deviations": nothing,
            "class_positions": np.zeros((0, maps, *seen.position_sums.shape[1:3])),
            "preferred_class": np.full(maps, -1),
            "selectivity": np.full(maps, np.nan),
            "accuracy": np.zeros(0),
            "confusion": np.zeros((0, 0), np.int64),
            "ablated_accuracy": nothing,
        }
    counts = np.bincount(labels, minlength=classes)
    moments = statistics.class_moments(seen.means, labels, classes)
    preference = statistics.preference(moments.means)
    confusion = statistics.confusion_of(labels, seen.predicted, classes)
    unknown = np.nan if not classifies else 0.0
    return {
        "class_means": moments.means,
        "class_deviations": moments.deviations,
        "class_positions": np.moveaxis(statistics.shares(seen.position_sums, counts[:, None, None, None]), -1, 1),
        "preferred_class": preference.classes,
        "selectivity": preference.selectivity,
        "accuracy": statistics.shares(confusion.diagonal(), counts) + unknown,
        "confusion": confusion if classifies else np.diag(counts) * 0,
        "ablated_accuracy": statistics.shares(seen.ablated_hits, counts) + unknown,
    }


class _Seen(NamedTuple):
    """What is kept of all images.

    means, largest: (images, maps), over the positions; strongest: (images, maps), the number of the position that has
    the largest; position_sums: (groups, height, width, maps), over the images of a class, or over all in one group
    where they have none; predicted: (images,), the class; ablated_hits: (maps, classes), how many images of a class
    are predicted right without the map.
    """

    means: np.ndarray
    largest: np.ndarray
    strongest: np.ndarray
    position_sums: np.ndarray
    predicted: np.ndarray
    ablated_hits: np.ndarray


def _look(
    graph: Graph,
    maps: Ref,
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    batch_size: int,
    progress: Progress,
) -> _Seen:
    """Look at a batch at a time.

    Args:
        maps: the value of the layer.
        classes: 0 without labels.
    """
    count, (height, width, units) = len(images), _grid(graph.shape_of(maps))
    groups = np.zeros(count, int) if classes == 0 else labels
    seen = _Seen(
        means=np.zeros((count, units)),
        largest=np.zeros((count, units), np.float32),
        strongest=np.zeros((count, units), np.int32),
        position_sums=np.zeros((max(classes, 1), height, width, units)),
        predicted=np.zeros(count, np.int64),
        ablated_hits=np.zeros((units, classes), np.int64),
    )
    classifier = DownstreamClassifier(graph, maps) if classes and answers.classes_of(graph) == classes else None
    compute = _computation(graph, maps, classifier)
    belongs = groups[:, None] == np.arange(max(classes, 1))
    batch_size = max(min(batch_size, MOST_FEATURES // features_per_image(Part(graph, [graph.output]))), 1)
    progress("statistics", 0, count)
    for first in range(0, count, batch_size):
        rows = slice(first, first + batch_size)
        features, values = compute(tf.constant(images[rows], tf.float32))
        nodes = features.numpy().reshape(-1, height * width, units)
        check_answers(graph.nodes[maps.node].name, nodes)
        seen.means[rows] = nodes.mean(axis=1, dtype=np.float64)
        seen.largest[rows] = nodes.max(axis=1)
        seen.strongest[rows] = nodes.argmax(axis=1)
        sums = belongs[rows].T.astype(np.float64) @ nodes.reshape(len(nodes), -1).astype(np.float64)
        seen.position_sums[:] += sums.reshape(seen.position_sums.shape)
        if classifier is not None:
            seen.predicted[rows] = classifier.predict(values)
            hits = classifier.predict_ablated(values) == labels[rows]
            seen.ablated_hits[:] += hits.astype(np.int64) @ belongs[rows]
        progress("statistics", min(first + batch_size, count), count)
    return seen


def _computation(graph: Graph, maps: Ref, classifier: DownstreamClassifier | None) -> Callable:
    """Return the program that computes the maps of a layer, and what the layers behind it need.

    Args:
        classifier: what needs it, None for nothing.
    Returns:
        Images (batch, height, width, channels) -> the features (batch, ...) float32, and the values as layers have
        them.
    """
    needed = () if classifier is None else classifier.needed
    part = Part(graph, [maps, *needed])
    weights, forward = part.weights(), value_pass(part)

    @tf.function(input_signature=[tf.TensorSpec([None, *part.input_shape])], autograph=False)
    def compute(x: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        found = forward(weights, x)
        return part.given(found)[0], part.raw(found)[1:]

    return compute.get_concrete_function()


def _grid(shape: Shape) -> tuple[int, int, int]:
    """Return (height, width, maps) of a layer; of a dense one (1, 1, units)."""
    height, width, units = shape if len(shape) == 3 else (1, 1, shape[0])
    return height, width, units


def _value_of(model: Cnn, name: str) -> tuple[Graph, Ref]:
    """Return the graph of a model, and what the maps of a layer hand on.

    Raises:
        InputError: a model whose layers are not known, or that takes pictures of any size; a layer that it does not
            have, or that has neither maps nor units.
    """
    try:
        graph = graph_of(model)
    except ValueError as error:
        raise InputError.at("model", takes="a CNN that Keras knows the layers of", got=str(error)) from error
    if 0 in graph.input_shape:
        raise InputError.at("model", takes="pictures of one size", got=f"an input of the shape {graph.input_shape}")
    try:
        maps = unit_of(graph, name).after
    except ValueError as error:
        raise InputError.at("layer", takes="a layer of the model", got=str(error)) from error
    shape = graph.shape_of(maps)
    if len(shape) not in (1, 3) or 0 in shape:
        takes = "a layer of maps (height, width, maps) or of units"
        raise InputError.at("layer", takes=takes, got=f"{name} with the shape {shape}, 0 for what is not known")
    return graph, maps


def _crops(graph: Graph, name: str, maps: Ref) -> np.ndarray:
    """Return the pixels that each position sees: (height, width, 4); where that is not known it is all of them."""
    height, width, _ = _grid(graph.shape_of(maps))
    everything = np.broadcast_to(np.array([0, 0, *graph.input_shape[:2]]), (height, width, 4))
    if len(graph.shape_of(maps)) == 1:
        return everything
    try:
        return crops.crops(graph, name)
    except ValueError:
        return everything


def _check_images(graph: Graph, images: np.ndarray, labels: np.ndarray, classes: int) -> None:
    shape = graph.input_shape
    if tuple(images.shape[1:]) != shape or len(images) == 0:
        takes = f"at least one image, as an array (images, {', '.join(map(str, shape))})"
        raise InputError.at("images", takes=takes, got=f"the shape {images.shape}")
    if isinstance(images, np.ndarray):
        check_images("images", images)
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        takes = f"a whole number for each of the {len(images)} images"
        raise InputError.at("labels", takes=takes, got=f"the shape {labels.shape} of {labels.dtype}")
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong) and classes > 0:
        raise InputError.at("labels", takes=f"0 to {classes - 1}", got=int(wrong[0]))
