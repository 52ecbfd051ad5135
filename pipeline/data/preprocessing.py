"""Images as a CNN takes them: all of one size and of its channels, each standardized or in the CNN's own range."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.preprocessing import NONE, WHITE, Preprocessing, by_mean_and_std, preprocessing_of
from pipeline.data.numbers import Numbers
from pipeline.runtime.errors import InputError
from pipeline.settings.data import MEAN, STD, numbers_of

# So many pictures are converted at once.
BATCH = 256


def preprocessing_from(setting: Any) -> Preprocessing | None:
    """Return what `data.preprocessing` says; None where it is null.

    The bounds of `none` are those of the training pictures, and are not there yet.
    """
    if setting is None:
        return None
    if isinstance(setting, str):
        return Preprocessing(NONE) if setting == NONE else preprocessing_of(setting)
    mean, std = numbers_of(setting[MEAN]), numbers_of(setting[STD])
    if mean is None or std is None:
        raise InputError.at("data.preprocessing", takes="numbers for mean and std", got=setting)
    return by_mean_and_std(mean, std)


def standardize(images: np.ndarray) -> np.ndarray:
    """Give every image (count, height, width) or (count, height, width, channels) the mean 0 and the standard
    deviation 1, over all its pixels and channels; an even one becomes 0.

    Returns:
        (count, height, width, channels) float32.
    """
    images = images.astype(np.float32)
    if images.ndim == 3:
        images = images[..., None]
    centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
    # the same floor as tf.image.per_image_standardization
    spread = np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1 / np.sqrt(images[0].size))
    return (centred / spread).astype(np.float32)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Enlarge (count, side, side) bicubically to (count, size, size); larger images are shrunk."""
    if images.shape[1:] == (size, size):
        return images
    from PIL import Image

    pictures = (Image.fromarray(image.astype(np.float32)) for image in images)
    return np.stack([np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC)) for picture in pictures])


@dataclass(frozen=True)
class Conversion:
    """How the numbers of pictures (count, height, width, channels) become what the CNN takes: float32.

    white: the number of white, 1 for levels; None where that is not known, and not needed.
    """

    preprocessing: Preprocessing
    white: float | None

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Convert pictures; of each picture it is the same whatever others are beside it."""
        if self.preprocessing.standardizes:
            # levels as the bytes of the same picture, which the floor of the spread is meant for
            return standardize(pictures.astype(np.float32) * np.float32(WHITE) if self.white == 1 else pictures)
        if self.preprocessing.kind == NONE:
            return pictures.astype(np.float32)
        assert self.white is not None
        low, high = np.array(self.preprocessing.low), np.array(self.preprocessing.high)
        if pictures.dtype == np.uint8:
            # exact, and fast: every byte that there may be, for every channel
            table = (low + np.arange(256)[:, None] / self.white * (high - low)).astype(np.float32)
            return table[:, 0][pictures] if len(low) == 1 else table[pictures, np.arange(len(low))]
        return (low + pictures / self.white * (high - low)).astype(np.float32)

    def all(self, pictures: np.ndarray, on_images: Callable[[int], None] = lambda done: None) -> np.ndarray:
        """Convert pictures a part at a time, which takes little more memory than the result."""
        images = np.empty(pictures.shape, np.float32)
        for rows in batches(len(pictures)):
            images[rows] = self(pictures[rows])
            on_images(rows.stop - rows.start)
        return images


def conversion_of(
    preprocessing: Preprocessing,
    numbers: Numbers,
    channels: int,
    training_bounds: Callable[[], tuple[float, float]],
) -> Conversion:
    """Return how pictures are converted.

    Args:
        preprocessing: what is to be made of the pictures; without bounds, `none` gets those of the training pictures.
        numbers: what the numbers of the pictures are.
        channels: of the CNN.
        training_bounds: returns the smallest and the largest number of the training pictures.
    Raises:
        InputError: the numbers, or the channels, do not go with that.
    """
    bounds = len(preprocessing.low)
    if bounds not in (0, 1, channels):
        takes = f"one number, or one for each of the {channels} channels"
        raise InputError.at("data.preprocessing", takes=takes, got=f"{bounds} numbers")
    if preprocessing.standardizes:
        numbers.check_standardizes()
    elif preprocessing.kind == NONE:
        numbers.check_fits_float32()
        if not bounds:
            low, high = training_bounds()
            if low == high:
                takes = "training pictures of more than one number, or another preprocessing"
                raise InputError.at("data.preprocessing", takes=takes, got=f"none, and {low:g} in all of them")
            preprocessing = Preprocessing(NONE, (low,), (high,))
    else:
        numbers.check_levels(preprocessing.kind)
    return Conversion(preprocessing, numbers.white)


def batches(count: int, size: int = BATCH) -> Iterator[slice]:
    """Yield the rows of each batch."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
