"""Stage 2: what the layers answer to real images."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.config import ActivationsConfig, Split
from pipeline.core import cnn
from pipeline.errors import InputError
from pipeline.progress import Progress, no_progress
from pipeline.results import ActivationsResult, Dataset

if TYPE_CHECKING:
    import keras


def extract_activations(
    config: ActivationsConfig,
    model: "keras.Model",
    dataset: Dataset,
    *,
    progress: Progress = no_progress,
) -> ActivationsResult:
    """The outputs of the named layers for the chosen images, or for the first image of every class.

    Raises:
        InputError: an index that the data set does not have.
    """
    images, labels = images_of(dataset, config.split)
    indices = chosen_indices(config, labels)
    chosen = images[indices]
    feature_maps = cnn.layer_outputs(model, config.layers, chosen)
    progress("activations", len(config.layers), len(config.layers))
    return ActivationsResult(images=chosen, labels=labels[indices], indices=indices, feature_maps=feature_maps)


def images_of(dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one half of the data set."""
    if split is Split.train:
        return dataset.train_images, dataset.train_labels
    return dataset.test_images, dataset.test_labels


def chosen_indices(config: ActivationsConfig, labels: np.ndarray) -> np.ndarray:
    """Positions in the data set: those asked for, or the first of every class that occurs."""
    if config.image_indices is None:
        return np.unique(labels, return_index=True)[1]
    too_large = [index for index in config.image_indices if index >= len(labels)]
    if too_large:
        takes = f"0 to {len(labels) - 1}, the {config.split.value} images of the data set"
        raise InputError.at("activations.image_indices", takes=takes, got=too_large[0])
    return np.array(config.image_indices)
