"""The course of a dream, which both methods hand back, and how they say how far they are."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.core.geometry import within
from pipeline.core.octaves import resized
from pipeline.stages.dream.settings import DreamConfig


class Course(NamedTuple):
    """One dream or several of the same photo, each towards something else.

    pictures: (dreams, height, width), with colours (dreams, height, width, 3), in the numbers of their `Scale`; frames:
    (rounds, small height, small width[, 3]), the first of them after every level
    of every turn, or every octave; objective: (rounds, steps, dreams); tile_maps: (tiles of all levels, maps),
    the maps that every tile is driven towards, (0, 0) for octaves.
    """

    pictures: np.ndarray
    frames: np.ndarray
    objective: np.ndarray
    tile_maps: np.ndarray


OnWork = Callable[[int], None]


def as_frame(picture: np.ndarray, config: DreamConfig) -> np.ndarray:
    """Return a picture (height, width[, 3]) as it is kept of every round."""
    return resized(picture[None], within((picture.shape[0], picture.shape[1]), config.frame_size))[0]
