"""Many pictures, kept as bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.preprocessing import Conversion, batches

# Of the float32 of all pictures of a data set: from here on they are kept as bytes.
LARGE = 512 * 2**20


@dataclass(frozen=True)
class StoredPixels:
    """Rows of an array of bytes in an .npy file, which is opened for each answer, so that no memory stays with it."""

    file: Path
    rows: slice
    shape: tuple[int, ...]
    dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.array(np.load(self.file, mmap_mode="r", allow_pickle=False)[self.rows][index])


@dataclass(frozen=True)
class ChosenPixels:
    """Pictures of an array by their numbers, which are not copied before they are asked for."""

    pixels: np.ndarray
    numbers: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Return what an array of them has."""
        return (len(self.numbers), *self.pixels.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return that of the array."""
        return self.pixels.dtype

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> np.ndarray:
        return self.pixels[self.numbers[index]]


Pixels = np.ndarray | StoredPixels | ChosenPixels


def is_large(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell whether images of all these shapes are too many to be kept as float32."""
    return sum(int(np.prod(shape)) for shape in shapes) * np.dtype(np.float32).itemsize >= LARGE


class LazyImages:
    """Images (count, height, width, channels) float32 as a CNN takes them, which are bytes until they are asked for.

    What is taken of them by a number, a slice, numbers or truth values is a NumPy array; `np.asarray` takes all.
    """

    ndim = 4
    dtype = np.dtype(np.float32)

    def __init__(self, pixels: Pixels, conversion: Conversion) -> None:
        self._pixels, self._conversion = pixels, conversion
        self.shape: tuple[int, ...] = tuple(pixels.shape)

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """Return the bytes of all images as float32."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        rows, *inside = index if isinstance(index, tuple) else (index,)
        if isinstance(rows, list):
            rows = np.array(rows, dtype=None if rows else int)
        if rows is Ellipsis or rows is None or (isinstance(rows, np.ndarray) and rows.ndim != 1):
            raise IndexError("images are taken by a number, a slice or one axis of numbers or truth values")
        if isinstance(rows, slice | np.ndarray):
            numbers = np.arange(len(self))[rows]
            images = np.empty((len(numbers), *self.shape[1:]), np.float32)
            for part in batches(len(numbers)):
                images[part] = self._conversion(self._pixels[_as_slice(numbers[part])])
            return images[(slice(None), *inside)] if inside else images
        number = range(len(self))[rows]
        image: np.ndarray = self._conversion(self._pixels[number : number + 1])[0]
        return image[tuple(inside)] if inside else image

    def __iter__(self) -> Iterator[np.ndarray]:
        for rows in batches(len(self)):
            yield from self[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("these images are no array before they are asked for")
        return self[:].astype(dtype or self.dtype, copy=False)

    def batches(self) -> Iterator[np.ndarray]:
        """Yield all images, a part at a time."""
        for rows in batches(len(self)):
            yield self[rows]


def _as_slice(numbers: np.ndarray) -> slice | np.ndarray:
    """Return neighbours as a slice, which is read in one go."""
    first = int(numbers[0])
    if (np.diff(numbers) == 1).all():
        return slice(first, first + len(numbers))
    return numbers


def bounds_of(pixels: Pixels) -> tuple[float, float]:
    """Return the smallest and the largest number of pictures, looked at a part at a time."""
    found = [(part.min(), part.max()) for rows in batches(len(pixels)) for part in [pixels[rows]]]
    return float(min(low for low, _ in found)), float(max(high for _, high in found))
