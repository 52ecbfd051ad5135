"""How alike an OIP and real images are in what the strongest node of its map sees: empty margins do not count."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.crops import windows
from pipeline.core.evidence import Similarities, similarities
from pipeline.core.network import convolutions
from pipeline.core.score import as_saved, features_of
from pipeline.stages.oip.path import MOST_FEATURES

if TYPE_CHECKING:
    import keras

# With so many further real images at the most those of a map are compared, where they are of another class.
MOST_STRANGERS = 16


def similarities_in_field(
    model: "keras.Model",
    layer: str,
    oips: np.ndarray,
    maps: np.ndarray,
    top: np.ndarray,
    driving: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> list[Similarities]:
    """Return `evidence.similarities` in each of the convolutions before the layer, of what one node of the map sees.

    Of every picture it is the node of the map that the picture activates most; what it sees of an earlier layer are the
    features that it depends on.

    Args:
        model, layer: the CNN, and the layer whose maps the OIPs are of.
        oips: (maps, size, size, 1).
        maps: (maps,), their indices, -1 for what is no single map, of which nothing is known.
        top, driving: (maps, count), which of the images drive each map most, and whether they do so at all.
        images, labels: (n, size, size, 1) and (n,).
    Returns:
        One for each convolution; none where nodes see different amounts, or it is not known what they see.
    """
    target = model.get_layer(layer).output
    names = [name for name in convolutions(model, up_to=layer) if name != layer]
    if len(target.shape) != 4 or not names or len(oips) == 0:
        return []
    try:
        seen = [windows(target, model.get_layer(name).output) for name in names]
    except ValueError:
        return []
    if any(len(np.unique((boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2), axis=0)) > 1 for boxes in seen):
        return []
    # as many of each map's images as fit
    largest = max(int(np.prod(model.get_layer(name).output.shape[1:])) for name in names)
    count = max(MOST_FEATURES // largest // len(oips), 2)
    top, driving = top[:, :count], driving[:, :count]
    chosen, rows = np.unique(top, return_inverse=True)
    rows = rows.reshape(top.shape)
    pictures = np.concatenate([as_saved(oips), images[chosen]])
    answers = features_of(model, layer, pictures)
    found = []
    for name, boxes in zip(names, seen, strict=True):
        features = features_of(model, name, pictures)
        each = [
            _of_map(features, boxes, answers[..., index], row, rows[row][driving[row]], labels[chosen], len(oips))
            if index >= 0
            else (np.nan,) * 3
            for row, index in enumerate(maps.tolist())
        ]
        found.append(Similarities(*np.array(each, np.float64).reshape(len(oips), 3).T))
    return found


def _of_map(
    features: np.ndarray,
    boxes: np.ndarray,
    answers: np.ndarray,
    row: int,
    own: np.ndarray,
    labels: np.ndarray,
    oips: int,
) -> tuple[float, float, float]:
    """Return the three similarities of one map.

    Args:
        features: (pictures, height, width, channels), of the OIPs, then of the images.
        boxes: (rows, columns, 4), what each node sees of them.
        answers: (pictures, rows, columns), those of the map.
        row: which of the pictures is its OIP.
        own: which of the images drive it.
        labels: of the images.
        oips: how many of the pictures are OIPs.
    """
    if len(own) == 0:
        return np.nan, np.nan, np.nan
    others = np.setdiff1d(np.arange(len(labels)), own)
    compared = np.concatenate([own, others[:MOST_STRANGERS]])
    seen = [_window(features[one], boxes, answers[one]) for one in (row, *(oips + compared))]
    rows = np.stack(seen)
    top = np.arange(len(own))[None]
    one = similarities(rows[:1], rows[1:], labels[compared], top, np.ones_like(top, bool))
    return float(one.similarity[0]), float(one.same[0]), float(one.others[0])


def _window(features: np.ndarray, boxes: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return the features that the strongest node sees, as a row."""
    top, left, bottom, right = boxes[np.unravel_index(answers.argmax(), answers.shape)]
    return features[top:bottom, left:right].ravel()
