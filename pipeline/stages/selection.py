"""Which images of a data set are looked at."""

import numpy as np

from pipeline.config import ActivationsConfig, Split
from pipeline.errors import InputError
from pipeline.results import Dataset


def images_of(dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one half of the data set."""
    if split is Split.train:
        return dataset.train_images, dataset.train_labels
    return dataset.test_images, dataset.test_labels


def chosen_indices(config: ActivationsConfig, labels: np.ndarray) -> np.ndarray:
    """Positions in the data set: those asked for, or the first of every class that occurs.

    Raises:
        InputError: an index that the data set does not have.
    """
    if config.image_indices is None:
        return np.unique(labels, return_index=True)[1]
    too_large = [index for index in config.image_indices if index >= len(labels)]
    if too_large:
        takes = f"0 to {len(labels) - 1}, the {config.split.value} images of the data set"
        raise InputError.at("activations.image_indices", takes=takes, got=too_large[0])
    return np.array(config.image_indices)
