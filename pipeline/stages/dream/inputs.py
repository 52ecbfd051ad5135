"""What all dreams have in common as stages: the photo that is dreamt into, and where; the seed; the tags."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.colour import luma
from pipeline.core.geometry import ReceptiveField
from pipeline.core.layers import Input, Network
from pipeline.data.photos import load_mask, load_photo, photo_size
from pipeline.settings.choices import DreamMethod, Split
from pipeline.stages.dream.fitting import check_references

if TYPE_CHECKING:
    from pipeline.settings.config import Config


def read_photo_and_mask(
    config: "Config", check: Callable[[ReceptiveField | None, tuple[int, int], tuple[int, int]], None]
) -> dict[str, np.ndarray | None]:
    """Return what is dreamt into, and where, checked against each other and against the settings.

    Args:
        check: refuses settings that do not fit what the layer sees, the (height, width) of the photo, and that of the
            CNN's images.
    Raises:
        InputError: a picture that cannot be read, or that is too small; references that this layer does not allow.
    """
    settings, network = config.dream, config.model.network
    check_references(settings, network.receptive_field(settings.layer), network.convolutions())
    photo = load_photo(settings.photo, size=settings.size, fit=settings.fit)
    shape = (photo.shape[0], photo.shape[1])
    check(network.slid_field(settings.layer), shape, _size_of(network))
    mask = None
    if settings.mask is not None:
        mask = load_mask(settings.mask, photo_size=photo_size(settings.photo), shape=shape, fit=settings.fit)
    return {"photo": photo if settings.color else luma(photo), "mask": mask}


def _size_of(network: Network) -> tuple[int, int]:
    """Return (height, width) of the pictures that a network takes; those of a square if it does not say."""
    for layer in network.layers:
        if isinstance(layer, Input) and len(layer.shape) == 3:
            height, width, _ = layer.shape
            if height is not None and width is not None:
                return height, width
    return 1, 1


def seed_of(config: "Config") -> int | None:
    """Return the seed that a dream's result depends on; None by carving, which draws nothing."""
    return config.seed if config.dream.method is DreamMethod.octaves else None


def split_of(config: "Config") -> str | None:
    """Return the half of the data set that a dream looks at: none, but for the references of its tiles."""
    return Split.train.value if config.dream.faithful.references > 0 else None


def tags_of(config: "Config") -> dict[str, str]:
    """Return what the runs of dreams are filtered by."""
    return {"layer": config.dream.layer, "photo": Path(config.dream.photo).name}
