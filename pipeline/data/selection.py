"""Which images of a data set are looked at."""

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Split
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.oip.settings import OipConfig


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


def images_of_class(dataset: Dataset, label: int | None) -> np.ndarray:
    """The test images of one class, or all of them.

    Raises:
        InputError: there is none.
    """
    if label is None:
        return dataset.test_images
    if label not in dataset.test_labels:
        takes = f"a class of the test images: {', '.join(map(str, np.unique(dataset.test_labels)))}"
        raise InputError.at("noise.label", takes=takes, got=label)
    return dataset.test_images[dataset.test_labels == label]


def check_classes(config: OipConfig, classes: int) -> None:
    """Raise an InputError for a class that the data set does not have: of the last layer only the data knows."""
    if config.layer != "Output":
        return
    for index in config.map_indices or []:
        if index >= classes:
            takes = f"0 to {classes - 1}, the classes of the data set, or -1 for the whole layer"
            raise InputError.at("oip.map_indices", takes=takes, got=index)
