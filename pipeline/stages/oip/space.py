"""What the pictures of a sweep are: their shape, what the CNN takes of them, and how those of the data vary."""

from typing import NamedTuple

import numpy as np

from pipeline.core.noise import Shape, standardized
from pipeline.core.preprocessing import Preprocessing
from pipeline.core.variation import UNKNOWN, root_of, variation_of
from pipeline.settings.choices import Colour


class Space(NamedTuple):
    """Where ascents move: among standardized pictures, or among levels from 0 to 1 that the CNN is shown otherwise.

    Attributes:
        shape: (height, width, channels) of a picture.
        preprocessing: what the CNN takes of levels.
        mean, std: of the levels of the data, see `variation.Variation`; used of levels alone.
        colours: (channels, channels), how those of the data vary; None: they do not depend on each other.
    """

    shape: Shape
    preprocessing: Preprocessing
    mean: float
    std: float
    colours: np.ndarray | None

    @property
    def of_levels(self) -> bool:
        """Tell whether ascents move among levels."""
        return not self.preprocessing.standardizes

    @property
    def spread(self) -> float:
        """Return the standard deviation of a picture."""
        return self.std if self.of_levels else 1.0

    @property
    def ends(self) -> np.ndarray | None:
        """Return (2, channels) float32, what the CNN takes of black and white; None where it depends on the picture."""
        if not self.of_levels:
            return None
        ends = (self.preprocessing.low, self.preprocessing.high)
        return np.stack([np.broadcast_to(np.array(end, np.float32), self.shape[2:]) for end in ends])

    @property
    def root(self) -> np.ndarray | None:
        """Return (channels, channels), by what channels that do not depend on each other are multiplied."""
        return None if self.colours is None else root_of(self.colours)

    def of_noise(self, noise: np.ndarray) -> np.ndarray:
        """Return standardized noise about the mean of the data, as a picture here."""
        return np.clip(self.mean + self.std * noise, 0.0, 1.0).astype(np.float32) if self.of_levels else noise

    def added(self, pictures: np.ndarray, fluctuation: np.ndarray) -> np.ndarray:
        """Return pictures with something added to them that is given in standard deviations of one."""
        if not self.of_levels:
            return standardized(pictures + fluctuation)
        return np.clip(pictures + self.std * fluctuation, 0.0, 1.0).astype(np.float32)

    def taken(self, pictures: np.ndarray) -> np.ndarray:
        """Return pictures (..., height, width, channels) from here as the CNN takes them."""
        return self.preprocessing.shown(pictures) if self.of_levels else pictures


def space_of(shape: Shape, preprocessing: Preprocessing, colour: Colour, reference_images: np.ndarray | None) -> Space:
    """Return the space of the pictures of a CNN.

    Args:
        shape: (height, width, channels) of its input.
        preprocessing: what it takes of levels.
        colour: data: colours vary as in the reference images, if there are any.
        reference_images: real images, as the CNN takes them.
    """
    needed = shape[2] > 1 or not preprocessing.standardizes
    known = UNKNOWN if reference_images is None or not needed else variation_of(reference_images, preprocessing)
    return Space(shape, preprocessing, known.mean, known.std, known.colours if colour is Colour.data else None)
