"""The checks of what `dream` is given from Python: the photo, the CNN, and the layer and maps of the settings."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.finite import check_weights
from pipeline.core.graph import graph_of
from pipeline.core.keras_layers import describe_model
from pipeline.runtime.errors import InputError
from pipeline.settings.ranges import choice, number
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


def check_inputs(config: DreamConfig, model: "Cnn", photo: np.ndarray, mask: np.ndarray | None) -> None:
    """Raise an InputError in place of whatever NumPy or Keras would say of what does not fit.

    Args:
        config, model, photo, mask: see `compute.dream`.
    """
    shape = graph_of(model).input_shape
    if len(shape) != 3 or 0 in shape or shape[-1] not in (1, 3):
        takes = "a CNN for pictures (height, width, channels) of 1 channel or 3"
        raise InputError.at("model", takes=takes, got=f"one for {shape}")
    _check_pixels("photo", photo, "(height, width, 3) or (height, width)")
    if photo.ndim not in (2, 3) or (photo.ndim == 3 and photo.shape[2] != 3):
        raise InputError.at("photo", takes="pixels (height, width, 3) or (height, width)", got=f"{photo.shape}")
    if mask is not None:
        _check_pixels("mask", mask, f"{photo.shape[:2]}")
        if mask.shape != photo.shape[:2]:
            raise InputError.at("mask", takes=f"numbers {photo.shape[:2]}, as many as the photo", got=f"{mask.shape}")
    _check_layer(config, model)
    check_weights(model)


def _check_pixels(name: str, pixels: np.ndarray, shape: str) -> None:
    """Raise an InputError if these are no finite numbers."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype.kind not in "buif":
        got = f"{pixels.dtype}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise InputError.at(name, takes=f"an array of numbers {shape}", got=got)
    if pixels.size == 0 or not np.isfinite(pixels).all():
        got = "not a number among them" if pixels.size else f"nothing: {pixels.shape}"
        raise InputError.at(name, takes=f"finite numbers {shape}", got=got)


def _check_layer(config: DreamConfig, model: "Cnn") -> None:
    network = describe_model(model)
    layers = [name for name in network.choices() if network.has_maps(name)]
    choice("dream.layer", config.layer, layers, "a layer of the model that has maps")
    maps = network.units(config.layer)
    if maps is None:
        return
    listed = [config.map_indices or [], *(config.tile_maps or [])]
    for name, index in [
        *(("dream.map_indices", index) for index in listed[0]),
        *(("dream.tile_maps", index) for indices in listed[1:] for index in indices),
    ]:
        if not -1 <= index < maps:
            takes = f"maps 0 to {maps - 1} of {config.layer}, or -1 for the whole layer"
            raise InputError.at(name, takes=takes, got=index)
    if config.auto_maps is not None:
        number("dream.auto_maps", config.auto_maps, least=1, most=maps)
