"""What the numbers of pictures are: bytes, levels from 0 to 1, or others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.data.refusal import refused
from pipeline.runtime.errors import InputError

BYTE = 255
# Whole numbers are taken for those of the smallest of these ranges; cameras have 10, 12 and 14 bits too.
WHOLE = (1, BYTE, *(2**bits - 1 for bits in (10, 12, 14, 16, 32, 64)))
# Floats up to 255 of which none is as large as that are no bytes, but of a range that is not known.
LEAST_BYTE = 100
# By how much levels may be outside of 0 to 1, as computing leaves them.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Numbers:
    """low, high: the smallest and the largest of all pictures. white: the number that is white, None if that is not
    known. pixels: numbers in a picture. path: where they are from."""

    low: float
    high: float
    white: float | None
    pixels: int
    path: Path | None

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the range of the numbers: from black to white where that is known, else of those that there are."""
        return (self.low, self.high) if self.white is None else (0.0, self.white)

    def check_fits_float32(self) -> None:
        """Refuse numbers that a float32 cannot hold."""
        self._check(float(np.finfo(np.float32).max), "a float32 holds")

    def check_resizes(self) -> None:
        """Refuse numbers that a float32 holds, but not what swings over beside an edge when a picture is resized."""
        self._check(float(np.finfo(np.float32).max) / 4, "can be resized")

    def check_standardizes(self) -> None:
        """Refuse numbers whose squares, summed over a picture, a float32 cannot hold."""
        self._check(float(np.sqrt(np.finfo(np.float32).max / self.pixels)) / 2, "can be standardized")

    def _check(self, most: float, words: str) -> None:
        largest = max(abs(self.low), abs(self.high))
        if largest > most:
            raise refused(self.path, f"numbers that {words}, up to {most:.1g}", f"with {largest:g}")

    def check_levels(self, kind: str) -> None:
        """Refuse numbers of which it is not known which one is white, where that has to be known."""
        if self.white is None:
            takes = "standardize or none for pictures that are neither whole numbers from 0 on nor floats 0 to 1 or 255"
            raise InputError.at("data.preprocessing", takes=takes, got=f"{kind}, and {self.low:g} to {self.high:g}")


def numbers_of(arrays: Sequence[np.ndarray], white: float | None, path: Path | None) -> Numbers:
    """Return what the numbers of pictures are.

    Args:
        arrays: of the parts of the data, (count, height, width, channels); those without pictures have no say.
        white: the number of white, where it is known.
    """
    filled = [array for array in arrays if array.size]
    low, high = float(min(array.min() for array in filled)), float(max(array.max() for array in filled))
    if white is None and low >= 0 and all(array.dtype.kind in "bui" for array in filled):
        white = next((float(most) for most in WHOLE if high <= most), None)
    elif white is None and low >= -TOLERANCE and high <= 1 + TOLERANCE:
        white = 1.0
    elif white is None and low >= 0 and LEAST_BYTE <= high <= BYTE:
        white = float(BYTE)
    return Numbers(low, high, white, int(np.prod(filled[0].shape[1:])), path)
