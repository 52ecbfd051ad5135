"""How alike an OIP and real images are in the layers on the way."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core.evidence import similarities
from pipeline.core.network import convolutions
from pipeline.core.score import as_saved, features_of

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
    oips: np.ndarray,
    top: np.ndarray,
    driving: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> EarlyPath:
    """Return `evidence.similarities` in each of the convolutions up to the layer, of the OIPs as they are saved.

    Args:
        model, layer: the CNN, and the layer whose maps the OIPs are of.
        oips: (maps, size, size, 1).
        top, driving: (maps, count), which of the images drive each map most, and whether they do so at all.
        images, labels: (n, size, size, 1) and (n,).
    """
    names = convolutions(model, up_to=layer)
    if len(oips) == 0 or not names:
        return no_path(len(oips))
    largest = max(int(np.prod(model.get_layer(name).output.shape[1:])) for name in names)
    # as many of each map's images as fit
    top = top[:, : max(MOST_FEATURES // largest // len(oips), 2)]
    chosen, rows = np.unique(top, return_inverse=True)
    found = []
    for name in names:
        of_oips, of_images = (
            features_of(model, name, some).reshape(len(some), -1) for some in (as_saved(oips), images[chosen])
        )
        drives = driving[:, : top.shape[1]]
        found.append(similarities(of_oips, of_images, labels[chosen], rows.reshape(top.shape), drives))
    return EarlyPath(np.array(names), *(np.stack(values) for values in zip(*found, strict=True)))


def no_path(maps: int) -> EarlyPath:
    """Return what is known where nothing is compared."""
    nothing = np.zeros((0, maps))
    return EarlyPath(np.array([], np.str_), nothing, nothing, nothing)
