"""A data set as arrays."""

from dataclasses import dataclass

import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.settings.choices import Split


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (count, height, width, channels) float32, as a CNN takes them; labels (count,) int64.

    Without labels there are no class names, and every label is -1. preprocessing: what was made of the pictures.
    """

    name: str
    digest: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    preprocessing: Preprocessing = STANDARDIZED

    @property
    def classes(self) -> int:
        """Return how many classes there are, of which a small data set need not have an image each."""
        return len(self.class_names)

    @property
    def has_labels(self) -> bool:
        """Tell whether it is known what the images show."""
        return bool(self.class_names)

    def split(self, name: Split) -> tuple[np.ndarray, np.ndarray]:
        """Return the training or the test images, and their labels."""
        if name is Split.train:
            return self.train_images, self.train_labels
        return self.test_images, self.test_labels


@dataclass(frozen=True, eq=False)
class DatasetSplit:
    """The half of a data set that a stage looks at: train or test."""

    dataset: Dataset
    split: str
