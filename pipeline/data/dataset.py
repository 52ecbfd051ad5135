"""A data set as arrays."""

from dataclasses import dataclass

import numpy as np


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


@dataclass(frozen=True, eq=False)
class DatasetSplit:
    """The half of a data set that a stage looks at: train or test."""

    dataset: Dataset
    split: str
