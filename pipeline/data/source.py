"""What a data set says of itself before its arrays are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Arrays(NamedTuple):
    """Grey images (count, side, side) of any numbers; labels (count,), whole numbers from 0 on."""

    x_train: "np.ndarray"
    y_train: "np.ndarray"
    x_test: "np.ndarray"
    y_test: "np.ndarray"


@dataclass(frozen=True, kw_only=True)
class DatasetSource:
    """A data set that `data.name` can name.

    class_names: in the order of the labels 0, 1, 2, ...
    own_arrays: returns the arrays that it has where no path is given.
    pathless: None where `data.path` may say where the arrays are; else why not, such as "comes with scikit-learn".
    digests: the SHA-256 of the bytes of each of the arrays, by which its content is known, as files differ in how they
    pack the same images; None where any content goes by its name.
    """

    class_names: tuple[str, ...]
    own_arrays: Callable[[], Arrays]
    pathless: str | None = None
    digests: tuple[str, str, str, str] | None = None

    @property
    def classes(self) -> int:
        """Return how many classes there are: labels go from 0 to one less."""
        return len(self.class_names)
