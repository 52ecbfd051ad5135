"""The choice of the images that are looked at."""

import numpy as np

from pipeline.runtime.errors import InputError
from pipeline.stages.activations.settings import ActivationsConfig

# Images that are shown where the data have many classes, or none.
MOST, WITHOUT_LABELS = 50, 10


def chosen_indices(config: ActivationsConfig, labels: np.ndarray) -> np.ndarray:
    """Return positions in the data set: those asked for, or the first of every class that occurs, of at most MOST.

    Without labels it is the first few images.

    Args:
        labels: (count,), of the images that `config.split` names.
    Raises:
        InputError: an index that the data set does not have.
    """
    if config.image_indices is None:
        if (labels < 0).all():
            return np.arange(min(len(labels), WITHOUT_LABELS))
        return np.unique(labels, return_index=True)[1][:MOST]
    too_large = [index for index in config.image_indices if index >= len(labels)]
    if too_large:
        takes = f"0 to {len(labels) - 1}, the {config.split.value} images of the data set"
        raise InputError.at("activations.image_indices", takes=takes, got=too_large[0])
    return np.array(config.image_indices)
