"""How alike an OIP and real images are in the layers on the way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core.evidence import RealSide, real_side, similarities_to
from pipeline.core.network import convolutions
from pipeline.core.objectives import part_up_to
from pipeline.core.remembered import digest_of, remembered
from pipeline.core.score import features_of

if TYPE_CHECKING:
    import keras

# Of what a layer answers to the images that are compared: bounds the memory.
MOST_FEATURES = 2**28


class EarlyPath(NamedTuple):
    """Fields of the result."""

    path_layers: np.ndarray
    path_similarity: np.ndarray
    path_same: np.ndarray
    path_others: np.ndarray


def early_path(
    model: "keras.Model",
    layer: str,
    saved: np.ndarray,
    top: np.ndarray,
    driving: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> EarlyPath:
    """Return `evidence.similarities` in each of the convolutions up to the layer, of the OIPs.

    Args:
        model, layer: the CNN, and the layer whose maps the OIPs are of.
        saved: (maps, height, width, channels), the OIPs as they are saved.
        top, driving: (maps, count), which of the images drive each map most, and whether they do so at all.
        images, labels: (n, height, width, channels) and (n,).
    """
    names = convolutions(model, up_to=layer)
    if len(saved) == 0 or not names:
        return no_path(len(saved))
    top, driving = (some[:, : images_that_fit(model, names, len(saved))] for some in (top, driving))
    chosen, rows = np.unique(top, return_inverse=True)
    found = []
    for name in names:
        part = part_up_to(model, name)

        def of_images(name: str = name) -> RealSide:
            features = features_of(model, name, images[chosen]).reshape(len(chosen), -1)
            return real_side(features, labels[chosen], rows.reshape(top.shape), driving)

        real = remembered(("path", digest_of(part, top, driving)), (images, labels), of_images)
        found.append(similarities_to(features_of(model, name, saved).reshape(len(saved), -1), real))
    return EarlyPath(np.array(names), *(np.stack(values) for values in zip(*found, strict=True)))


def images_that_fit(model: "keras.Model", names: Sequence[str], maps: int) -> int:
    """Return of how many images for each map the answers of any of these layers are not too large."""
    largest = max(int(np.prod(model.get_layer(name).output.shape[1:])) for name in names)
    return max(MOST_FEATURES // largest // maps, 2)


def no_path(maps: int) -> EarlyPath:
    """Return what is known where nothing is compared."""
    nothing = np.zeros((0, maps))
    return EarlyPath(np.array([], np.str_), nothing, nothing, nothing)
