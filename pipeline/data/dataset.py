"""A data set as arrays."""

from dataclasses import dataclass

import numpy as np

from pipeline.settings.choices import Split


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (count, size, size, 1) float32, each with mean 0 and standard deviation 1; labels (count,) int64."""

    name: str
    digest: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Return how many classes there are, of which a small data set need not have an image each."""
        return len(self.class_names)

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
