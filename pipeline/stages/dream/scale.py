"""In which numbers a photo is worked on: standardized, or as levels, in one channel or in three, as a CNN takes it."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core.colour import dreamt_grey_levels, in_channels, in_deviations
from pipeline.core.graph import graph_of
from pipeline.core.noise import standardized
from pipeline.core.preprocessing import Preprocessing
from pipeline.core.priors import NOTHING_ELSE, Priors

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn

# Of a photo.
WHITE = 255


class Scale(NamedTuple):
    """The numbers that the picture in work is made of.

    With a CNN of standardized images they are standard deviations of the photo above its mean; the tiles of such a
    picture are standardized once more before they are shown. With any other CNN they are levels from 0 to 1, of which
    the CNN takes  low + level * (high - low).

    Attributes:
        size: (height, width) of the CNN's images.
        channels: of them: 1 for the luma, (height, width); 3 for all colours, (height, width, 3).
        preprocessing: what the CNN takes of a picture.
    """

    size: tuple[int, int]
    channels: int
    preprocessing: Preprocessing

    @classmethod
    def of(cls, model: "Cnn", preprocessing: Preprocessing) -> "Scale":
        """Return that of a CNN."""
        height, width, channels = graph_of(model).input_shape
        return cls((height, width), channels, preprocessing)

    @property
    def standardizes(self) -> bool:
        """Tell whether the CNN takes standardized images."""
        return self.preprocessing.standardizes

    def picture(self, photo: np.ndarray) -> np.ndarray:
        """Return a photo (height, width[, 3]), 0 to 255, as it is worked on: float32."""
        shown = in_channels(photo, self.channels)
        return standardized_picture(shown) if self.standardizes else np.clip(shown / np.float32(WHITE), 0, 1)

    def settled(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture that has been changed, in the range of all pictures: standardized, or clipped."""
        return standardized_picture(picture) if self.standardizes else np.clip(picture, 0, 1)

    def step_sizes(self, sizes: np.ndarray, original: np.ndarray) -> np.ndarray:
        """Return steps in standard deviations of the photo as steps of its numbers, float32."""
        return sizes if self.standardizes else sizes * np.float32(self.spread(original))

    def spread(self, original: np.ndarray) -> float:
        """Return the standard deviation of a photo in its numbers."""
        return 1.0 if self.standardizes else float(original.std(dtype=np.float64))

    def in_deviations(self, photo: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """Return pictures in standard deviations of the photo above its mean, float32; they may have another size."""
        return pictures if self.standardizes else in_deviations(photo, WHITE * pictures, self.channels)

    def levels(self, photo: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """Return pictures as levels from 0 to 255, uint8, with the mean and the spread of the photo."""
        return dreamt_grey_levels(photo, self.in_deviations(photo, pictures), self.channels)

    def priors(self) -> Priors:
        """Return what an ascent asks a tile for: nothing, or levels between 0 and 1."""
        return NOTHING_ELSE if self.standardizes else Priors(bounded=True, ends=self.ends())

    def ends(self) -> np.ndarray | None:
        """Return what the CNN takes of the levels 0 and 1, (2, channels) float32; None of standardized images."""
        if self.standardizes:
            return None
        ends = (self.preprocessing.low, self.preprocessing.high)
        return np.stack([np.broadcast_to(np.array(end, np.float32), self.channels) for end in ends])


def standardized_picture(picture: np.ndarray) -> np.ndarray:
    """Return `noise.standardized` of one picture (height, width) or (height, width, channels)."""
    return standardized(picture.reshape(1, *picture.shape[:2], -1))[0].reshape(picture.shape)
