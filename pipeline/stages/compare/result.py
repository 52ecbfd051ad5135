"""The result of comparing two CNNs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.core.evaluation import Evaluation, evaluate
from pipeline.engine.result import OneFileResult
from pipeline.engine.storage import SNAPSHOTS

# The copies of the files that are looked at besides the CNN that the stage stands on.
OTHER, OTHER_SNAPSHOTS, CUSTOM = "other", "other_snapshots.npz", "other_custom.py"


@dataclass(frozen=True, eq=False)
class CompareResult(OneFileResult):
    """Two CNNs, the own one and the other one, and what they make of the same images.

    Of a layer of each, layer and other_layer: correlation: (maps, others) float64, of the activations of every two maps
    over all images, and over all positions where both layers have as many, by_position, else of the means over the
    positions; 0 where one of them is dead; dead: (maps,) and other_dead: (others,) bool, the maps that have one value
    everywhere. Matched one to one so that the sum of correlations is as large as it can be, pairs of dead maps last:
    maps, others: (pairs,), indices; matched: (pairs,), their correlation, 0 where both are dead. largest,
    other_largest: (maps,) and (others,), the largest mean over the positions by an image; top_indices: (pairs, top) and
    other_top_indices: the images with the largest such mean, the largest first, of equal ones the first.

    Of all layers: layers, other_layers: names of the convolutions and dense layers; cka: (layers, other layers), see
    `core.similarity.linear_cka`, over so many of the images: cka_images.

    What they take the images for: labels: (images,), their classes, -1 where these are not known; probabilities,
    other_probabilities: (images, classes), of none if the CNNs tell different numbers of classes apart.

    OIPs of the pairs that are shown, which are of live maps: shown: (pictures,), numbers of pairs; oips, other_oips:
    (pictures, height, width, channels), as the CNNs take them; activation, other_activation: (pictures,), the mean
    activation that each causes in its map.

    copies: the files that are kept, byte for byte, by the names that they get.
    """

    FILE = "compare.npz"

    layer: str
    other_layer: str
    correlation: np.ndarray
    by_position: bool
    dead: np.ndarray
    other_dead: np.ndarray
    maps: np.ndarray
    others: np.ndarray
    matched: np.ndarray
    largest: np.ndarray
    other_largest: np.ndarray
    top_indices: np.ndarray
    other_top_indices: np.ndarray
    layers: np.ndarray
    other_layers: np.ndarray
    cka: np.ndarray
    cka_images: int
    labels: np.ndarray
    probabilities: np.ndarray
    other_probabilities: np.ndarray
    shown: np.ndarray
    oips: np.ndarray
    other_oips: np.ndarray
    activation: np.ndarray
    other_activation: np.ndarray
    copies: Mapping[str, Path] = field(default_factory=dict)

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return all but the copies, which are files."""
        names = [one.name for one in dataclasses.fields(self) if one.name != "copies"]
        return {self.FILE: {name: np.asarray(getattr(self, name)) for name in names}}

    @property
    def live(self) -> np.ndarray:
        """Return (pairs,) bool: the maps of the pair are not dead."""
        return ~self.dead[self.maps]

    @property
    def mean_correlation(self) -> float:
        """Return the mean over the pairs of live maps; not a number without any."""
        return float(self.matched[self.live].mean()) if self.live.any() else float("nan")

    @property
    def layer_cka(self) -> float:
        """Return CKA of the two layers; not a number where it is not known."""
        row, column = self.layers.tolist(), self.other_layers.tolist()
        if self.layer not in row or self.other_layer not in column:
            return float("nan")
        return float(self.cka[row.index(self.layer), column.index(self.other_layer)])

    @property
    def shown_order(self) -> list[int]:
        """Return the numbers of the pictures, those of the pairs first that correlate most."""
        order: list[int] = np.argsort(-self.matched[self.shown], kind="stable").tolist()
        return order

    @property
    def classifies(self) -> bool:
        """Tell whether it is known what both take the images for."""
        return self.probabilities.shape[1] > 0

    @property
    def predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the class (images,) that each takes the images for, the first of several that are as likely."""
        return self.probabilities.argmax(axis=1), self.other_probabilities.argmax(axis=1)

    @property
    def changed(self) -> np.ndarray:
        """Return the images that the two take for different classes, those first of which both are most sure."""
        if not self.classifies:
            return np.zeros(0, np.int64)
        own, other = self.predicted
        found = np.flatnonzero(own != other)
        sure = self.probabilities[found].max(axis=1) + self.other_probabilities[found].max(axis=1)
        return found[np.argsort(-sure, kind="stable")]

    @property
    def evaluations(self) -> tuple[Evaluation, Evaluation] | None:
        """Return how well each tells the classes apart; None where classes or answers are not known."""
        if not self.classifies or (self.labels < 0).any() or self.labels.max() >= self.probabilities.shape[1]:
            return None
        return evaluate(self.probabilities, self.labels), evaluate(self.other_probabilities, self.labels)


def kept_files(folder: Path) -> dict[str, Path]:
    """Return the copies of files that a folder of this stage keeps, by the settings that named them.

    That of the user's own file with layers is left out: what comes out of a record is not to be run.
    """
    others = [place for place in sorted(folder.glob(f"{OTHER}.*")) if place.suffix in (".keras", ".h5")]
    found = {
        "compare.other": others[:1],
        "compare.snapshots": [folder / SNAPSHOTS],
        "compare.other_snapshots": [folder / OTHER_SNAPSHOTS],
    }
    return {name: places[0] for name, places in found.items() if places and places[0].is_file()}
