"""The pictures that start images are chosen from."""

import numpy as np

from pipeline.core.colour import luma
from pipeline.data.dataset import Dataset
from pipeline.data.photos import load_photo
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Fit, StartImage
from pipeline.stages.oip.classes import images_of_class
from pipeline.stages.oip.noise_settings import NoiseConfig


def read_start_pictures(noise: NoiseConfig, dataset: Dataset, *, size: int) -> np.ndarray | None:
    """Return what start images are chosen from: (count, size, size, 1); None where they are no pictures.

    Args:
        dataset: whose images are taken where they are of a class.
        size: the side of the CNN's images.
    Raises:
        InputError: a picture that cannot be read, or has one grey level all over.
    """
    if noise.kind is StartImage.digit:
        return images_of_class(dataset, noise.label)
    if noise.kind is not StartImage.picture:
        return None
    assert noise.picture is not None
    grey = luma(load_photo(noise.picture, size=size, fit=Fit.crop, setting="noise.picture"))
    if np.ptp(grey) == 0:
        takes = "a picture that is not of one grey level all over"
        raise InputError.at("noise.picture", takes=takes, got=noise.picture)
    return grey[None, ..., None]
