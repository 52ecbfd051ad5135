"""Data sets as a CNN takes them."""

from pathlib import Path

import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.data.array_set import load_array_set
from pipeline.data.dataset import Dataset
from pipeline.data.picture_set import load_picture_set
from pipeline.data.preprocessing import preprocessing_from
from pipeline.data.sets import source_of
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.data import DataConfig


def load_dataset(
    config: DataConfig,
    *,
    size: int | tuple[int, int],
    channels: int = 1,
    preprocessing: Preprocessing | None = None,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> Dataset:
    """Load the data set of the settings: every image resized, in the CNN's colours, and with its preprocessing.

    `name` says what the content is, not what it was asked for as: arrays under data=mnist that are not MNIST's get
    the name "mnist (other content)". `digest` is one of the content and of all that is made of it.

    Args:
        size: in pixels, of the images that are returned: a side, or (height, width).
        channels: of the images that are returned: 1, the luma of colours; 3, grey repeated; any number that the data
            have.
        preprocessing: what is made of the levels of a picture; None for what `config.preprocessing` says, and if it
            does not, for standardized pictures.
        cache: a folder in which read pictures are kept for the next time; None for none.
        progress: is told how many picture files have been read.
    Raises:
        InputError: a file that is missing, broken or of another layout.
    """
    height_width = (size, size) if isinstance(size, int | np.integer) else (int(size[0]), int(size[1]))
    wanted = preprocessing or preprocessing_from(config.preprocessing) or STANDARDIZED
    source = source_of(config.name)
    if source.of_pictures:
        return load_picture_set(config, height_width, channels, wanted, cache, progress)
    return load_array_set(config, source, height_width, channels, wanted)
