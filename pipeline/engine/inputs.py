"""What the stages read from outside: data, photos, weights. All of it is read before anything is computed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.engine.dependencies import DREAMS
from pipeline.engine.provenance import array_digest
from pipeline.settings.choices import Stage


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """Of one execution; None for what its stages do not read.

    photo: (height, width) or (height, width, 3) uint8, what is dreamt into; mask: (height, width), where; atlas_photo:
    the photo as small as the atlas dreams into it; start_pictures: (count, size, size, 1), what start images are
    chosen from; initial_weights: by name, where a training begins.
    """

    dataset: Dataset
    photo: np.ndarray | None = None
    mask: np.ndarray | None = None
    atlas_photo: np.ndarray | None = None
    start_pictures: np.ndarray | None = None
    initial_weights: dict[str, np.ndarray] | None = None

    def digests(self, stage: Stage) -> dict[str, Any]:
        """Name -> digest of what a stage reads."""
        if stage in DREAMS:
            return _digests(photo=self.photo, mask=self.mask)
        data = {"data": self.dataset.digest}
        if stage is Stage.oip:
            return data | _digests(start_pictures=self.start_pictures)
        if stage is Stage.atlas:
            return data | _digests(photo=self.atlas_photo, start_pictures=self.start_pictures)
        if stage is Stage.train and self.initial_weights is not None:
            return {**data, "initial_weights": _digests(**self.initial_weights)}
        return data


def _digests(**arrays: np.ndarray | None) -> dict[str, str]:
    return {name: array_digest(array) for name, array in arrays.items() if array is not None}
