"""The things that an atlas is made of, and where a map's row lies in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.core.colour import rounded
from pipeline.core.statistics import Neighbours, neighbours
from pipeline.stages.atlas.page.about import About
from pipeline.stages.atlas.page.effects import Group, group
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics

NEIGHBOURS = 6


@dataclass(frozen=True, eq=False)
class Source:
    """The things that `render_atlas` was given."""

    about: About
    oips: OipSweepResult
    statistics: MapStatistics
    atlas: AtlasResult
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    @property
    def words(self) -> Words:
        """Return what the parts of the layer are called."""
        layer = self.oips.layer
        return self.about.words or Words(layer, "map", "maps", "mean activation", f"mean over a map of {layer}")

    @property
    def maps(self) -> int:
        """Return the number of maps of the layer."""
        return len(self.statistics.mean)

    @property
    def side(self) -> int:
        """Return the pixels per side of the images and OIPs."""
        return self.images.shape[1]

    @property
    def classes(self) -> range:
        """Return the numbers of the classes."""
        return range(self.statistics.classes)

    @property
    def dense(self) -> bool:
        """Tell whether a map has a single position, which sees the whole image."""
        return self.statistics.position_means.shape[1:] == (1, 1)

    @cached_property
    def oip_rows(self) -> dict[int, int]:
        """Return map -> its row in `oips`. The whole layer and mixes of maps, -1, are no maps."""
        return {index: row for row, index in enumerate(self.oips.map_indices.tolist()) if index >= 0}

    @cached_property
    def atlas_rows(self) -> dict[int, int]:
        """Return map -> its row in `atlas`."""
        return {index: row for row, index in enumerate(self.atlas.map_indices.tolist()) if index >= 0}

    @cached_property
    def counts(self) -> np.ndarray:
        """Return (classes,), the number of images of each class."""
        return self.statistics.confusion.sum(axis=1)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Return the maps whose activations are most like, and most opposite to, those of each map."""
        return neighbours(self.statistics.correlation, min(NEIGHBOURS, self.maps))

    @cached_property
    def photo(self) -> np.ndarray | None:
        """Return what the maps dreamt of, uint8; None without dreams."""
        return rounded(self.atlas.photo) if len(self.atlas.dreams) else None

    def group(self, classes: Sequence[int]) -> Group:
        """Return what all maps answer to the images of these classes."""
        statistics = self.statistics
        return group(statistics.class_means, statistics.class_deviations, self.counts, np.asarray(classes, np.int64))

    def name(self, label: int) -> str:
        """Return a class in words."""
        return self.class_names[label]

    def map_label(self, index: int) -> str:
        """Return a map in words."""
        return self.words.label(str(index))
