"""How alike an OIP and real images are in what the strongest node of its map sees: empty margins do not count."""

import functools
from itertools import repeat

import numpy as np

from pipeline.core.crops import windows
from pipeline.core.evidence import RealSide, Similarities, real_side, similarities_to
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.objectives import part_up_to
from pipeline.core.remembered import digest_of, remembered
from pipeline.core.score import features_of
from pipeline.stages.oip.path import MOST_FEATURES, images_that_fit, largest_answer, on_the_way

# With so many further real images at the most those of a map are compared, where they are of another class.
MOST_STRANGERS = 16


def similarities_in_field(
    model: Cnn,
    layer: str,
    saved: np.ndarray,
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
        saved: (maps, height, width, channels), the OIPs as they are saved.
        maps: (maps,), their indices, -1 for what is no single map, of which nothing is known.
        top, driving: (maps, count), which of the images drive each map most, and whether they do so at all.
        images, labels: (n, height, width, channels) and (n,).
    Returns:
        One for each convolution; none where nodes see different amounts, or it is not known what they see.
    """
    graph = graph_of(model)
    names = [name for name in on_the_way(model, layer) if name != layer]
    if len(graph.shape(layer)) != 3 or not names or len(saved) == 0:
        return []
    count = images_that_fit(model, names, len(saved))
    if count * len(saved) * largest_answer(model, names) > MOST_FEATURES:
        # even of the fewest images of each map
        return []
    try:
        seen = [windows(graph, layer, name) for name in names]
    except ValueError:
        return []
    if any(len(np.unique((boxes[..., 2:] - boxes[..., :2]).reshape(-1, 2), axis=0)) > 1 for boxes in seen):
        return []
    top, driving = (some[:, :count] for some in (top, driving))
    key = digest_of(part_up_to(model, layer), top, driving, maps)
    found = []
    answers = _answers(features_of(model, layer, saved), maps)
    # asked for by the first of the convolutions that is not remembered
    every = functools.cache(lambda: features_of(model, layer, images[np.unique(top)]))
    for name, boxes in zip(names, seen, strict=True):

        def of_images(name: str = name, boxes: np.ndarray = boxes) -> RealSide:
            return _real_side(model, name, boxes, maps, top, driving, images, labels, every())

        real = remembered(("field", name, key), (images, labels), of_images)
        features = features_of(model, name, saved)
        rows = np.stack([_window(*of_one) for of_one in zip(features, repeat(boxes), answers, strict=False)])
        similar = similarities_to(rows, real)
        # of what is no single map nothing is known
        found.append(Similarities(*(np.where(maps >= 0, values, np.nan) for values in similar)))
    return found


def _real_side(
    model: Cnn,
    name: str,
    boxes: np.ndarray,
    maps: np.ndarray,
    top: np.ndarray,
    driving: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    every: np.ndarray,
) -> RealSide:
    """Return what is known of the real images in one of the convolutions.

    Args:
        name: of the convolution.
        boxes: (rows, columns, 4), what each node of the layer sees of it.
        every: what that layer answers to each of the images in `top`, in order.
    """
    chosen, places = np.unique(top, return_inverse=True)
    places = places.reshape(top.shape)
    features = features_of(model, name, images[chosen])
    found = []
    for row, index in enumerate(maps.tolist()):
        own = places[row][driving[row]]
        compared = np.concatenate([own, np.setdiff1d(np.arange(len(chosen)), own)[:MOST_STRANGERS]])
        rows = np.stack([_window(features[one], boxes, every[one, ..., max(index, 0)]) for one in compared])
        ranks = np.arange(len(own))[None]
        found.append(real_side(rows, labels[chosen][compared], ranks, np.ones_like(ranks, bool)))
    return RealSide(*(np.concatenate(values) for values in zip(*found, strict=True)))


def _answers(features: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Return what each picture causes in its own map: (maps, rows, columns)."""
    return features[np.arange(len(maps)), ..., np.maximum(maps, 0)]


def _window(features: np.ndarray, boxes: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return the features that the strongest node sees, as a row."""
    top, left, bottom, right = boxes[np.unravel_index(answers.argmax(), answers.shape)]
    return features[top:bottom, left:right].ravel()
