"""The digits and photos that come with scikit-learn.

To import that takes longer than all else of a run whose stages are in the store, so its files are read, where they are.
"""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return what `sklearn.datasets.load_digits` does: (1797, 64) and (1797,)."""
    file = _file("data", "digits.csv.gz")
    if file is None:
        from sklearn import datasets

        return datasets.load_digits(return_X_y=True)
    table = np.loadtxt(file, delimiter=",")
    return table[:, :-1], table[:, -1].astype(int)


def load_sample_image(name: str) -> np.ndarray:
    """Return what `sklearn.datasets.load_sample_image` does for flower.jpg and china.jpg: (427, 640, 3) uint8."""
    file = _file("images", name)
    if file is None:
        from sklearn import datasets

        return datasets.load_sample_image(name)
    with Image.open(file) as picture:
        return np.asarray(picture)


def _file(*path: str) -> Path | None:
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        return None
    file = Path(package.origin).parent.joinpath("datasets", *path)
    return file if file.is_file() else None
