"""What the extraction of activations returns."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ActivationsResult:
    """What the named layers answer to some images.

    images: (n, size, size, 1); labels and indices (in the data set): (n,);
    feature_maps: layer -> (n, height, width, maps), or (n, units) for a dense layer.
    """

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    feature_maps: dict[str, np.ndarray]
