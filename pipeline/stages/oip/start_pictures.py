"""The pictures that start images are chosen from."""

import numpy as np

from pipeline.core.colour import luma
from pipeline.core.preprocessing import WHITE
from pipeline.data.dataset import Dataset
from pipeline.data.photos import load_photo
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Fit, StartImage
from pipeline.stages.oip.classes import images_of_class
from pipeline.stages.oip.noise_settings import NoiseConfig


def read_start_pictures(noise: NoiseConfig, dataset: Dataset) -> np.ndarray | None:
    """Return what start images are chosen from: (count, height, width, channels); None where they are no pictures.

    Args:
        dataset: whose images are taken where they are of a class; their shape is that of the CNN's images.
    Raises:
        InputError: a picture that cannot be read, or has one grey level, or colour, all over.
    """
    if noise.kind is StartImage.digit:
        return images_of_class(dataset, noise.label)
    if noise.kind is not StartImage.picture:
        return None
    assert noise.picture is not None
    height, width, channels = dataset.test_images.shape[1:]
    photo = load_photo(noise.picture, size=max(height, width), fit=Fit.crop, setting="noise.picture")
    top, left = ((max(height, width) - length) // 2 for length in (height, width))
    photo = photo[top : top + height, left : left + width]
    # of another number of channels than 3 each one shows the luma
    picture = photo.astype(np.float32) if channels == 3 else np.repeat(luma(photo)[..., None], channels, axis=2)
    if np.ptp(picture, axis=(0, 1)).max() == 0:
        takes = "a picture that is not of one grey level all over"
        raise InputError.at("noise.picture", takes=takes, got=noise.picture)
    preprocessing = dataset.preprocessing
    return picture[None] if preprocessing.standardizes else preprocessing.shown(picture[None] / WHITE)
