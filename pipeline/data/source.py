"""What a data set says of itself before its arrays are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Arrays(NamedTuple):
    """Images and labels as they were found; None where there are no labels, or no test part.

    x_train, x_test: (count, height, width), with a last or a second axis of channels if there are several; of any
    numbers. y_train, y_test: whole numbers from 0 on, also as floats, texts, columns or one-hot rows. class_names: if
    the file has some.
    """

    x_train: "np.ndarray"
    y_train: "np.ndarray | None"
    x_test: "np.ndarray | None"
    y_test: "np.ndarray | None"
    class_names: "np.ndarray | None" = None


@dataclass(frozen=True, kw_only=True)
class DatasetSource:
    """A data set that `data.name` can name.

    class_names: in the order of the labels 0, 1, 2, ...; () where the data say.
    own_arrays: returns the arrays that it has where no path is given; None where one has to be.
    of_pictures: whether `data.path` is a folder of picture files, not a file of arrays.
    pathless: None where `data.path` may say where the arrays are; else why not, such as "comes with scikit-learn".
    digests: the SHA-256 of the bytes of each of the arrays, by which its content is known, as files differ in how they
    pack the same images; None where any content goes by its name.
    white: the number of white, None where the numbers tell.
    """

    class_names: tuple[str, ...] = ()
    own_arrays: Callable[[], Arrays] | None = None
    of_pictures: bool = False
    pathless: str | None = None
    digests: tuple[str, str, str, str] | None = None
    white: float | None = None

    @property
    def classes(self) -> int:
        """Return how many classes there are: labels go from 0 to one less; 0 where the data say."""
        return len(self.class_names)
