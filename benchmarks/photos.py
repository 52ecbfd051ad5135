"""A photo of any number of megapixels."""

import numpy as np
from PIL import Image

from pipeline import load_photo
from pipeline.settings.choices import Fit


def photo_of(megapixels: float) -> np.ndarray:
    """The included photo in that size, with its own proportions: (height, width, 3) uint8."""
    photo = load_photo("china", size=4000, fit=Fit.keep)
    side = (megapixels * 1e6 / (photo.shape[0] * photo.shape[1])) ** 0.5
    size = round(photo.shape[1] * side), round(photo.shape[0] * side)
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
