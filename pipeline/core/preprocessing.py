"""What a CNN takes of a picture: its levels, from 0, black, to 1, white, as other numbers."""

from dataclasses import dataclass

import numpy as np

STANDARDIZE, UNIT, BYTES, SYMMETRIC, NONE, MEAN_STD = "standardize", "unit", "bytes", "symmetric", "none", "mean_std"
# Of a picture file.
WHITE = 255


@dataclass(frozen=True)
class Preprocessing:
    """How levels become what a CNN takes:  low + level * (high - low),  channel by channel; or each picture
    standardized, (x - mean) / std over all of its pixels and channels.

    Attributes:
        kind: standardize; unit, 0 to 1; bytes, 0 to 255; symmetric, -1 to 1; none, the numbers of the data as they
            are; mean_std, (level - mean) / std of each channel.
        low, high: what black and white become, one number for all channels or one for each; none to standardize.
    """

    kind: str
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def standardizes(self) -> bool:
        """Tell whether each picture is standardized by itself."""
        return self.kind == STANDARDIZE

    def shown(self, levels: np.ndarray) -> np.ndarray:
        """Return what the CNN takes of pictures (count, height, width, channels) of levels from 0 to 1: float32."""
        if self.standardizes:
            from pipeline.core.noise import standardized

            return standardized(levels)
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return (low + levels * (high - low)).astype(np.float32)

    def levels(self, images: np.ndarray) -> np.ndarray:
        """Return the levels of pictures (count, height, width, channels) that the CNN takes, float32.

        Of a standardized picture they are lost: its smallest value becomes 0, its largest 1; an even one is 0.
        """
        if self.standardizes:
            low, high = (bound(axis=(1, 2, 3), keepdims=True) for bound in (images.min, images.max))
            return (images - low) / np.where(high > low, high - low, np.inf).astype(images.dtype)
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return np.clip((images - low) / (high - low), 0.0, 1.0).astype(np.float32)

    def as_saved(self, images: np.ndarray) -> np.ndarray:
        """Return what is left of such pictures in a file of 256 levels: (count, height, width, channels) float32."""
        levels = np.rint(WHITE * self.levels(images).astype(np.float64))
        return self.shown(levels.astype(np.float32) if self.standardizes else (levels / WHITE).astype(np.float32))

    def agrees(self, other: "Preprocessing") -> bool:
        """Tell whether black and white become the same numbers."""
        if self.standardizes or other.standardizes:
            return self.kind == other.kind
        bounds = [np.broadcast_arrays(one, two) for one, two in ((self.low, other.low), (self.high, other.high))]
        return all(np.allclose(one, two) for one, two in bounds)

    def words(self) -> str:
        """Say which numbers the CNN takes, such as "bytes, 0 to 255"."""
        if self.standardizes:
            return "standardize, each picture with mean 0 and standard deviation 1"
        return f"{self.kind}, {min(self.low):g} to {max(self.high):g}"


STANDARDIZED = Preprocessing(STANDARDIZE)


def preprocessing_of(kind: str) -> Preprocessing:
    """Return the preprocessing of a word that needs no further numbers.

    Args:
        kind: standardize, unit, bytes or symmetric.
    Raises:
        ValueError: another word.
    """
    ranges = {UNIT: (0.0, 1.0), BYTES: (0.0, 255.0), SYMMETRIC: (-1.0, 1.0)}
    if kind == STANDARDIZE:
        return STANDARDIZED
    if kind not in ranges:
        raise ValueError(f"expected standardize, {', '.join(ranges)}; received {kind!r}")
    low, high = ranges[kind]
    return Preprocessing(kind, (low,), (high,))


def by_mean_and_std(mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocessing:
    """Return (level - mean) / std of each channel.

    Args:
        mean, std: one number for all channels or one for each, std above 0.
    Raises:
        ValueError: numbers that are not finite, a std of 0 or below, not as many of both.
    """
    means, stds = np.array(mean, float), np.array(std, float)
    if means.shape != stds.shape or means.ndim != 1 or not np.isfinite([means, stds]).all() or (stds <= 0).any():
        raise ValueError(f"expected as many finite means as stds above 0; received {mean} and {std}")
    return Preprocessing(MEAN_STD, tuple((-means / stds).tolist()), tuple(((1 - means) / stds).tolist()))
