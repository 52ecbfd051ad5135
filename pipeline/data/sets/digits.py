"""scikit-learn's 1,797 digits of 8 x 8 pixels."""

import numpy as np

from pipeline.data.bundled import load_digits
from pipeline.data.source import Arrays, DatasetSource

SIDE = 8


def _arrays() -> Arrays:
    """Return the digits; every fifth image of each class is a test image."""
    images, labels = load_digits()
    images = images.reshape(-1, SIDE, SIDE)
    order = np.argsort(labels, kind="stable")
    test = np.zeros(len(labels), bool)
    test[order[2::5]] = True
    return Arrays(images[~test], labels[~test], images[test], labels[test])


SOURCE = DatasetSource(
    class_names=tuple("0123456789"), own_arrays=_arrays, pathless="comes with scikit-learn", white=16
)
