"""The things that an atlas is made of, and where a map's row lies in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.core.colour import rounded
from pipeline.core.probabilities import are_probabilities, probabilities
from pipeline.core.statistics import Neighbours, neighbours
from pipeline.stages.atlas.page.about import About
from pipeline.stages.atlas.page.effects import Group, group
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics

NEIGHBOURS = 6
NO_IMAGES = "the data has no image of this class"
OTHER_CLASSES = "the CNN does not tell these classes apart"
# Of a class's name, in letters.
LONGEST_NAME = 60
# What is said of classes grows with their number, or its square: of more of them less is said. Classes that are
# compared with each other; rows of a map's table, and how many of them where there are more; mean patterns.
MOST_COMPARED, MOST_ROWS, FIRST_ROWS, MOST_PATTERNS = 100, 100, 30, 30_000


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
    def sides(self) -> tuple[int, int]:
        """Return (height, width) of the images and OIPs, in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def labelled(self) -> bool:
        """Tell whether it is known what the images show."""
        return bool(self.class_names)

    @property
    def classes(self) -> range:
        """Return the numbers of the classes; none where the data has no labels."""
        return range(len(self.class_names))

    @property
    def classifies(self) -> bool:
        """Tell whether the CNN tells the classes of the data apart, and not others."""
        return bool(self.statistics.confusion.any())

    @property
    def no_accuracy(self) -> str:
        """Return why an accuracy on a class is not known."""
        return NO_IMAGES if self.classifies else OTHER_CLASSES

    @property
    def compares(self) -> bool:
        """Tell whether any two classes are compared."""
        return 1 < len(self.class_names) <= MOST_COMPARED

    @property
    def has_patterns(self) -> bool:
        """Tell whether the mean pattern of every map is shown for every class."""
        return len(self.class_names) * self.maps <= MOST_PATTERNS

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the classes in words, the end of long ones left out."""
        return tuple(
            name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…" for name in self.class_names
        )

    @property
    def dense(self) -> bool:
        """Tell whether a map has a single position, which sees the whole image."""
        return self.statistics.position_means.shape[1:] == (1, 1)

    @property
    def sees_all(self) -> bool:
        """Tell whether every position that drives a map sees the whole image."""
        return bool((self.statistics.top_crops == (0, 0, *self.sides)).all())

    @cached_property
    def predictions(self) -> np.ndarray:
        """Return (rows of `atlas`, classes), the probabilities that the CNN gives the OIPs; not numbers without any."""
        given, classes = self.atlas.predictions, len(self.class_names)
        # the only output of a single class is that class's
        found = probabilities(given)[:, 1:] if given.shape[1] == classes == 1 else probabilities(given)
        return found if found.shape[1] == classes else np.full((len(given), classes), np.nan)

    @property
    def gives_logits(self) -> bool:
        """Tell whether the CNN's outputs are no probabilities by themselves."""
        return not are_probabilities(self.atlas.predictions)

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
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))

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
        """Return a class in words; nothing for a label that is none."""
        return self.names[label] if 0 <= label < len(self.names) else ""

    def map_label(self, index: int) -> str:
        """Return a map in words."""
        return self.words.label(str(index))
