"""Data sets to arrays."""

import hashlib
from pathlib import Path

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.data.files import read_arrays
from pipeline.data.preprocessing import resize, standardize
from pipeline.data.sets import source_of
from pipeline.data.source import Arrays
from pipeline.settings.data import DataConfig


def load_dataset(config: DataConfig, *, size: int) -> Dataset:
    """Load the data set of the settings: every image resized to `size` x `size`, and standardized.

    `name` says what the content is, not what it was asked for as: arrays under data=mnist that are not MNIST's get
    the name "mnist (other content)".

    Args:
        size: in pixels, of the images that are returned.
    Raises:
        InputError: a file that is missing, broken or of another layout.
    """
    source = source_of(config.name)
    arrays = read_arrays(Path(config.path), classes=source.classes) if config.path else source.own_arrays()
    digests = tuple(hashlib.sha256(array.tobytes()).hexdigest() for array in arrays)
    known = source.digests is None or digests == source.digests
    arrays = Arrays(*(array[: config.limit] for array in arrays))
    return Dataset(
        name=config.name if known else f"{config.name} (other content)",
        digest=hashlib.sha256(":".join([*digests, str(config.limit), str(size)]).encode()).hexdigest(),
        train_images=standardize(resize(arrays.x_train, size)),
        train_labels=arrays.y_train.astype(np.int64),
        test_images=standardize(resize(arrays.x_test, size)),
        test_labels=arrays.y_test.astype(np.int64),
        class_names=source.class_names,
    )
