"""How alike an OIP and real images are in the layers on the way."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.core.evidence import RealSide, real_side, similarities_to
from pipeline.core.graph import Cnn
from pipeline.core.network import convolutions
from pipeline.core.objectives import part_up_to
from pipeline.core.remembered import digest_of, remembered
from pipeline.core.score import BATCH, WHOLE, features_of

# Of what a layer answers to the images that are compared: bounds the memory.
MOST_FEATURES = 2**27
# Of what a layer answers to the images that are looked at in one go.
AT_ONCE = 2**26
# So many convolutions on the way are looked at, the first, the last, and as many of those between at equal distances.
MOST_LAYERS = 8


class EarlyPath(NamedTuple):
    """Fields of the result."""

    path_layers: np.ndarray
    path_similarity: np.ndarray
    path_same: np.ndarray
    path_others: np.ndarray


def early_path(
    model: Cnn,
    layer: str,
    saved: np.ndarray,
    top: np.ndarray,
    driving: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> EarlyPath:
    """Return `evidence.similarities` in each of the convolutions up to the layer, of the OIPs.

    Of a deep CNN in some of them, see `on_the_way`; of a layer that answers too much to be held, at some positions.

    Args:
        model, layer: the CNN, and the layer whose maps the OIPs are of.
        saved: (maps, height, width, channels), the OIPs as they are saved.
        top, driving: (maps, count), which of the images drive each map most, and whether they do so at all.
        images, labels: (n, height, width, channels) and (n,).
    """
    names = on_the_way(model, layer)
    if len(saved) == 0 or not names:
        return no_path(len(saved))
    top, driving = (some[:, : images_that_fit(model, names, len(saved))] for some in (top, driving))
    chosen, rows = np.unique(top, return_inverse=True)
    found = []
    for name in names:
        apart = _apart(model, name, max(len(chosen), len(saved)))

        def of_images(name: str = name, apart: int = apart) -> RealSide:
            features = _rows(model, name, images, chosen, apart)
            return real_side(features, labels[chosen], rows.reshape(top.shape), driving)

        key = ("path", digest_of(part_up_to(model, name), top, driving), apart)
        real = remembered(key, (images, labels), of_images)
        found.append(similarities_to(_rows(model, name, saved, np.arange(len(saved)), apart), real))
    return EarlyPath(np.array(names), *(np.stack(values) for values in zip(*found, strict=True)))


def on_the_way(model: Cnn, layer: str) -> list[str]:
    """Return the convolutions up to a layer that are looked at."""
    names = convolutions(model, up_to=layer)
    chosen = np.linspace(0, len(names) - 1, min(len(names), MOST_LAYERS)).round().astype(int)
    return [names[number] for number in chosen]


def _size(model: Cnn, name: str) -> int:
    """Return how many numbers a layer answers to one image."""
    return int(np.prod(part_up_to(model, name).output_shape))


def _apart(model: Cnn, name: str, count: int) -> int:
    """Return how many positions on, down and across, the next one is that stands for those between, of `count` images:
    1, all count, unless their answers are too large."""
    return int(np.ceil(np.sqrt(max(_size(model, name) * count / MOST_FEATURES, 1.0))))


def _rows(model: Cnn, name: str, images: np.ndarray, numbers: np.ndarray, apart: int) -> np.ndarray:
    """Return what a layer answers to some of the images, each as a row.

    Args:
        numbers: (n,), which of the images.
        apart: see `_apart`.
    Returns:
        (n, features) float32.
    """
    some = max(min(AT_ONCE // _size(model, name), BATCH) // WHOLE * WHOLE, WHOLE)
    found = []
    for first in range(0, len(numbers), some):
        features = features_of(model, name, images[numbers[first : first + some]])
        features = features[:, ::apart, ::apart] if features.ndim == 4 else features
        found.append(features.reshape(len(features), -1))
    return np.concatenate(found)


def images_that_fit(model: Cnn, names: Sequence[str], maps: int) -> int:
    """Return of how many images for each map the answers of any of these layers are not too large."""
    return max(MOST_FEATURES // largest_answer(model, names) // maps, 2)


def largest_answer(model: Cnn, names: Sequence[str]) -> int:
    """Return how many numbers the layer that answers most answers to one image."""
    return max(_size(model, name) for name in names)


def no_path(maps: int) -> EarlyPath:
    """Return what is known where nothing is compared."""
    nothing = np.zeros((0, maps))
    return EarlyPath(np.array([], np.str_), nothing, nothing, nothing)
