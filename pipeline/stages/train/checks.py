"""The check of what `train` is given from Python: images and labels that cannot be trained on, in one line."""

import numpy as np

from pipeline.core.finite import check_images
from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Split
from pipeline.stages.train.preconditions import check_labels


def check_dataset(dataset: Dataset) -> None:
    """Refuse images that are no finite numbers, and labels that are not one class for each of them.

    Args:
        dataset: its images may be what gives an array for a slice; what is read from files are bytes.
    Raises:
        InputError: there are some.
    """
    check_labels(dataset)
    for split in Split:
        images, labels = dataset.split(split)
        name, count = f"dataset.{split.value}_images", len(images)
        if len(images.shape) != 4 or count == 0:
            takes = "images (count, height, width, channels), one at least"
            raise InputError.at(name, takes=takes, got=f"{tuple(images.shape)}")
        if isinstance(images, np.ndarray):
            check_images(name, images)
        name, labels = f"dataset.{split.value}_labels", np.asarray(labels)
        takes = f"a whole number from 0 to {dataset.classes - 1} for each of the {count} images"
        if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
            raise InputError.at(name, takes=takes, got=f"{labels.shape} of {labels.dtype}")
        if not ((labels >= 0) & (labels < dataset.classes)).all():
            raise InputError.at(name, takes=takes, got=f"{labels.min()} to {labels.max()}")
