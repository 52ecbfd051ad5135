"""The two methods of dreaming behind one face."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.carve import Carving
from pipeline.stages.dream.course import Course, OnWork
from pipeline.stages.dream.faithful import MapReferences
from pipeline.stages.dream.octaves import Octaves
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


class Dreamer(Protocol):
    """Settings and a CNN, ready to dream into one photo after the other."""

    def work(self, shape: tuple[int, int], mask: np.ndarray | None) -> int:
        """Return how many units of work, whatever they are, a photo of (height, width) takes."""

    def dream(self, original: np.ndarray, mask: np.ndarray | None, *, seed: int, on_work: OnWork) -> Course:
        """Dream into a photo as `Scale.picture` makes it, where the mask, (height, width), is not 0.

        Args:
            seed: of whatever is random.
            on_work: is told how many units of work more are done.
        """


def dreamer_of(config: DreamConfig, model: "Cnn", scale: Scale, references: MapReferences | None = None) -> Dreamer:
    """Return the method of the settings.

    Args:
        scale: in which numbers it works.
        references: what carving draws the tiles to; see `faithful.references_for`.
    """
    if config.method is DreamMethod.carving:
        return Carving(config, model, scale, references)
    return Octaves(config, model, scale)
