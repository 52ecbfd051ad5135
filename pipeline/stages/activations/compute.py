"""Stage 2: what the layers answer to real images."""

from typing import TYPE_CHECKING

from pipeline.core.finite import check_answers, check_images, check_weights
from pipeline.core.score import features_of
from pipeline.data.dataset import Dataset
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.selection import chosen_indices
from pipeline.stages.activations.settings import ActivationsConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


def extract_activations(
    config: ActivationsConfig,
    model: "Cnn",
    dataset: Dataset,
    *,
    progress: Progress = no_progress,
) -> ActivationsResult:
    """Compute the outputs of the named layers for the chosen images, or for the first image of every class.

    Args:
        config: which layers, and which images of which split.
        model: a CNN that has these layers.
        dataset: its images are (count, height, width, channels) float32, as the model takes them.
        progress: is told when the layers are done.
    Returns:
        The images, and of every layer (images, height, width, maps) float32, or (images, units) of a dense one.
    Raises:
        InputError: an index that the data set does not have; weights or outputs that are no finite numbers; a Keras
            that is set to something else, see `check_keras`.
        ValueError: the model has no layer of that name.
    """
    check_keras()
    check_weights(model)
    images, labels = dataset.split(config.split)
    indices = chosen_indices(config, labels)
    chosen = images[indices]
    check_images(f"dataset.{config.split.value}_images", chosen)
    feature_maps = {name: features_of(model, name, chosen) for name in config.layers}
    for name, maps in feature_maps.items():
        check_answers(name, maps)
    progress("activations", len(config.layers), len(config.layers))
    return ActivationsResult(images=chosen, labels=labels[indices], indices=indices, feature_maps=feature_maps)
