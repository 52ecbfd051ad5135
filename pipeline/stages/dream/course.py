"""The course of a dream, which both methods hand back, and how they say how far they are."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.core.geometry import within
from pipeline.core.noise import standardized
from pipeline.core.octaves import resized
from pipeline.stages.dream.settings import DreamConfig


class Course(NamedTuple):
    """One dream or several of the same photo, each towards something else.

    pictures: (dreams, height, width); frames: (rounds, small height, small width), the first of them after every level
    of every turn, or every octave; objective: (rounds, steps, dreams); tile_maps: (tiles of all levels, maps),
    the maps that every tile is driven towards, (0, 0) for octaves.
    """

    pictures: np.ndarray
    frames: np.ndarray
    objective: np.ndarray
    tile_maps: np.ndarray


OnWork = Callable[[int], None]


def as_frame(picture: np.ndarray, config: DreamConfig) -> np.ndarray:
    """Return a picture (height, width) as it is kept of every round."""
    return resized(picture[None], within((picture.shape[0], picture.shape[1]), config.frame_size))[0]


def standardized_picture(picture: np.ndarray) -> np.ndarray:
    """Return `noise.standardized` of one picture (height, width)."""
    return standardized(picture[None, ..., None])[0, ..., 0]
