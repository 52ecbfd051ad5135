"""The classes that the settings name, of which only the data set knows how many there are."""

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError
from pipeline.stages.oip.settings import OipConfig


def images_of_class(dataset: Dataset, label: int | None) -> np.ndarray:
    """Return the test images of one class, or all of them.

    Args:
        label: `noise.label`; None for all classes.
    Raises:
        InputError: there is none.
    """
    if label is None:
        return dataset.test_images
    if not dataset.has_labels:
        raise InputError.at("noise.label", takes="null for pictures of which no class is known", got=label)
    if label not in dataset.test_labels:
        takes = f"a class of the test images: {', '.join(map(str, np.unique(dataset.test_labels)))}"
        raise InputError.at("noise.label", takes=takes, got=label)
    return dataset.test_images[np.flatnonzero(dataset.test_labels == label)]


def check_classes(config: OipConfig, classes: int) -> None:
    """Refuse OIPs of classes that the data set does not have.

    Args:
        classes: how many it has, 0 if that is not known.
    Raises:
        InputError: there is one.
    """
    if config.layer != "Output" or classes == 0:
        return
    for index in config.map_indices or []:
        if index >= classes:
            takes = f"0 to {classes - 1}, the classes of the data set, or -1 for the whole layer"
            raise InputError.at("oip.map_indices", takes=takes, got=index)
