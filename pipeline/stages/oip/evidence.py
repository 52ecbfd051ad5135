"""The evidence on the pictures of a sweep: how alike they and the real images are inside, and whose class they have."""

from typing import NamedTuple

import numpy as np

from pipeline.core import answers
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.references import References
from pipeline.core.score import features_of
from pipeline.stages.oip.field import similarities_in_field
from pipeline.stages.oip.path import EarlyPath, early_path, no_path

# Of the real images so many that drive a map most are compared with its picture.
EVIDENCE_IMAGES = 10


class Evidence(NamedTuple):
    """Fields of the result."""

    path_layers: np.ndarray
    path_similarity: np.ndarray
    path_same: np.ndarray
    path_others: np.ndarray
    field_similarity: np.ndarray
    field_same: np.ndarray
    field_others: np.ndarray
    top_class: np.ndarray
    taken_for: np.ndarray


def evidence_of(
    model: Cnn,
    layer: str,
    oips: np.ndarray,
    maps: np.ndarray,
    real: References | None,
    images: np.ndarray | None,
    labels: np.ndarray | None,
    preprocessing: Preprocessing = STANDARDIZED,
    classes: int | None = None,
) -> Evidence:
    """Return what comes of comparing pictures with the real images that drive their maps most.

    Args:
        model, layer: the CNN, and the layer whose maps the pictures are of.
        oips: (maps, height, width, channels); maps: (maps,), their indices, -1 for what is no single map.
        real: which of the images drive each map.
        images, labels: (n, height, width, channels) and (n,), None if there are none: then nothing is known. Where all
            labels are -1, nothing is known of classes.
        preprocessing: what the CNN takes of levels.
        classes: how many the labels tell apart, None for as many as the CNN does.
    """
    if real is None or images is None or labels is None:
        nothing = np.full(len(oips), -1)
        none = no_path(len(oips))
        return Evidence(*none, none.path_similarity, none.path_same, none.path_others, nothing, nothing)
    saved = preprocessing.as_saved(oips)
    path: EarlyPath = early_path(model, layer, saved, real.chosen, real.drives, images, labels)
    inside = similarities_in_field(model, layer, saved, maps, real.chosen, real.drives, images, labels)
    similarity, same, others = map(np.stack, zip(*inside, strict=True)) if inside else no_path(len(oips))[1:]
    if (labels < 0).all():
        unknown = np.full(len(oips), -1)
        return Evidence(*path, similarity, same, others, unknown, unknown)
    tops = zip(labels[real.chosen], real.drives, strict=True)
    most = [int(np.bincount(own[does]).argmax()) if does.any() else -1 for own, does in tops]
    taken_for = classes_of(model, oips, preprocessing, classes)
    return Evidence(*path, similarity, same, others, np.array(most, int), taken_for)


def classes_of(
    model: Cnn, oips: np.ndarray, preprocessing: Preprocessing = STANDARDIZED, classes: int | None = None
) -> np.ndarray:
    """Return the class (maps,) that the CNN takes each picture for, as it is saved; -1 where it says nothing.

    Args:
        classes: how many there are, None for as many as the CNN tells apart. Of another number it says nothing.
    """
    told = answers.classes_of(model)
    if told is None or classes not in (None, told):
        return np.full(len(oips), -1)
    said = predictions(model, oips, preprocessing)
    return np.where(np.isnan(said).any(axis=1), -1, answers.predicted(said, answers.kind_of(model)))


def predictions(model: Cnn, oips: np.ndarray, preprocessing: Preprocessing = STANDARDIZED) -> np.ndarray:
    """Return what the CNN makes of pictures as they are saved: (maps, classes)."""
    if len(oips) == 0:
        return np.zeros((0, graph_of(model).classes[-1]), np.float32)
    return features_of(model, graph_of(model).output_name, preprocessing.as_saved(oips))
