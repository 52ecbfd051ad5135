"""The result of the statistics."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.result import OneFileResult


@dataclass(frozen=True, eq=False)
class MapStatistics(OneFileResult):
    """The answers of every map of a layer to labelled images. An image's activation: the mean over the map.

    The units of a dense layer are maps of one position, which sees the whole image.

    mean, deviation: (maps,), of the activation over the images; active_share: (maps,), the share of images that bring
    a node of the map above 0; class_means, class_deviations: (maps, classes), over the images of a class, not a
    number if it has none; class_positions: (classes, maps, height, width), the mean of every node over the images of
    a class, the articles' FCP of that class; preferred_class: (maps,), the class with the largest mean, -1 if none is
    above the others; selectivity: (maps,), 0 (no class more than another) to 1 (one class only), not a number where a
    class mean is negative or all are 0, see `core.statistics.preference`; position_means: (maps, height, width), over
    the images; correlation: (maps, maps), Pearson's, of the activations over the images, not a number for a map that
    is constant; accuracy: (classes,), share of the images of a class that the model gets right; confusion: (classes,
    classes) int64, numbers of images, rows the true class, columns the predicted one; ablated_accuracy: (maps,
    classes), the accuracy when this map's output is set to zero and everything else stays.

    Of the images that activate a map most, most first, of equal ones the first, (maps, top) or as many as there are
    images: top_indices, among the images; top_activations; top_rows, top_columns, of the strongest node, the first of
    several; top_nodes, the activation of that node. top_crops: (maps, top, 4) int64, (top, left, bottom, right) of the
    pixels that this node depends on, bottom and right being the first beyond; clipped at the borders, so that
    image[top:bottom, left:right] is what the node sees, though smaller where the convolutions pad.

    All floating point numbers are float64.
    """

    FILE = "statistics.npz"

    layer: str
    classes: int
    mean: np.ndarray
    deviation: np.ndarray
    active_share: np.ndarray
    class_means: np.ndarray
    class_deviations: np.ndarray
    class_positions: np.ndarray
    preferred_class: np.ndarray
    selectivity: np.ndarray
    top_indices: np.ndarray
    top_activations: np.ndarray
    top_rows: np.ndarray
    top_columns: np.ndarray
    top_nodes: np.ndarray
    top_crops: np.ndarray
    position_means: np.ndarray
    correlation: np.ndarray
    accuracy: np.ndarray
    confusion: np.ndarray
    ablated_accuracy: np.ndarray
