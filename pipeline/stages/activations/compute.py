"""Stage 2: what the layers answer to real images."""

from typing import TYPE_CHECKING

from pipeline.core import cnn
from pipeline.data.dataset import Dataset
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.selection import chosen_indices
from pipeline.stages.activations.settings import ActivationsConfig

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
    check_keras()
    images, labels = dataset.split(config.split)
    indices = chosen_indices(config, labels)
    chosen = images[indices]
    feature_maps = cnn.layer_outputs(model, config.layers, chosen)
    progress("activations", len(config.layers), len(config.layers))
    return ActivationsResult(images=chosen, labels=labels[indices], indices=indices, feature_maps=feature_maps)
