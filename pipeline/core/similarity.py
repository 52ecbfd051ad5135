"""How alike two CNNs are: the correlation of their maps, which map is which, and linear CKA of their layers. NumPy."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipeline.core.statistics import ROUNDING

# Features of a layer that are turned to float64 together: bounds the memory.
AT_ONCE = 4096


class Correlations(NamedTuple):
    """What every two maps of two layers have in common.

    Attributes:
        values: (maps, others) float64 between -1 and 1; 0 where one of the two maps is dead.
        dead, other_dead: (maps,) and (others,) bool: the same value everywhere, so that nothing correlates with it.
    """

    values: np.ndarray
    dead: np.ndarray
    other_dead: np.ndarray


class Matching(NamedTuple):
    """Maps of one layer, each with its own map of another.

    Attributes:
        maps, others: (pairs,) int64, indices.
        correlation: (pairs,) float64; 0 where both are dead.
        dead: (pairs,) bool.
    """

    maps: np.ndarray
    others: np.ndarray
    correlation: np.ndarray
    dead: np.ndarray


def correlations_of(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Correlations:
    """Compute Pearson's correlation of every map of a layer with every map of another over the same samples.

    With x_m the values of map m, y_k those of map k, both without their means:
        r[m, k] = sum(x_m * y_k) / sqrt(sum(x_m^2) * sum(y_k^2))
    The sums are float64, of values less the mean of the first batch, so that little is lost of a map with a large mean.
    A map is dead if it has the same value everywhere, to the precision of a float32.

    Args:
        batches: (samples, maps) and (samples, others) of each, of any number of samples of at least 1.
    Raises:
        ValueError: no batch.
    """
    sums = _Sums()
    for x, y in batches:
        sums.add(x, y)
    return sums.correlations()


def matching_of(found: Correlations) -> Matching:
    """Choose for each map another one, no two the same, so that the sum of the correlations is as large as it can be.

    Live maps are matched with live ones; the dead ones of both layers, of which no correlation is known, come last, by
    their indices. Where one layer has more maps of a kind the rest of them stay without.

    Args:
        found: of the maps of both layers.
    Returns:
        The pairs by the index of the first map, those of dead maps last.
    Reference:
        Kuhn, 1955, "The Hungarian method for the assignment problem"; of maps: Li et al., 2016, "Convergent Learning:
        Do different neural networks learn the same representations?".
    """
    live, other_live = np.flatnonzero(~found.dead), np.flatnonzero(~found.other_dead)
    rows, columns = linear_sum_assignment(found.values[np.ix_(live, other_live)], maximize=True)
    dead, other_dead = np.flatnonzero(found.dead), np.flatnonzero(found.other_dead)
    count = min(len(dead), len(other_dead))
    maps = np.concatenate([live[rows], dead[:count]]).astype(np.int64)
    others = np.concatenate([other_live[columns], other_dead[:count]]).astype(np.int64)
    return Matching(maps, others, found.values[maps, others], np.arange(len(maps)) >= len(rows))


def gram_of(features: np.ndarray) -> np.ndarray:
    """Compute how alike the answers of a layer to every two images are: K = X X^T, X without the mean of each feature.

    Args:
        features: (images, ...), of each image what a layer answers.
    Returns:
        (images, images) float64.
    """
    rows = features.reshape(len(features), -1)
    gram = np.zeros((len(rows), len(rows)))
    for first in range(0, rows.shape[1], AT_ONCE):
        some = rows[:, first : first + AT_ONCE].astype(np.float64)
        # of a feature that is the same everywhere exactly nothing is left
        some -= some[:1].copy()
        some -= some.mean(axis=0)
        gram += some @ some.T
    return gram


def linear_cka(grams: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
    """Compute linear CKA (centered kernel alignment) of every layer with every layer of another CNN.

    With K and L, see `gram_of`, of the answers X and Y to the same images:
        CKA = sum(K * L) / sqrt(sum(K^2) * sum(L^2)) = ||Y^T X||^2 / (||X^T X|| * ||Y^T Y||)
    1 where a rotation and a scaling of all features makes one of the other, such as another order of the maps; 0 where
    no feature of one has to do with one of the other.

    Args:
        grams, others: of the layers of both, (images, images) each.
    Returns:
        (layers, other layers) float64 between 0 and 1; not a number for a layer that answers the same to all images.
    Reference:
        Kornblith, Norouzi, Lee, Hinton, 2019, "Similarity of Neural Network Representations Revisited".
    """
    sizes, other_sizes = ([np.sqrt(_inner(one, one)) for one in each] for each in (grams, others))
    found = np.full((len(grams), len(others)), np.nan)
    for row, (gram, size) in enumerate(zip(grams, sizes, strict=True)):
        for column, (other, other_size) in enumerate(zip(others, other_sizes, strict=True)):
            if size > 0 and other_size > 0:
                found[row, column] = min(_inner(gram / size, other / other_size), 1.0)
    return found


def _inner(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.vdot(one, other))


class _Sums:
    """What is kept of all batches."""

    def __init__(self) -> None:
        self._shifts: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Add a batch."""
        if self._shifts is None:
            self._shifts = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
            self._count = 0
            self._totals = [np.zeros_like(shift) for shift in self._shifts]
            self._squares = [np.zeros_like(shift) for shift in self._shifts]
            self._products = np.zeros((x.shape[1], y.shape[1]))
            self._ends = [(each.min(axis=0), each.max(axis=0)) for each in (x, y)]
        moved = [each - shift for each, shift in zip((x, y), self._shifts, strict=True)]
        self._count += len(x)
        for side, (each, values) in enumerate(zip((x, y), moved, strict=True)):
            self._totals[side] += values.sum(axis=0)
            self._squares[side] += np.einsum("ij,ij->j", values, values)
            low, high = self._ends[side]
            self._ends[side] = np.minimum(low, each.min(axis=0)), np.maximum(high, each.max(axis=0))
        self._products += moved[0].T @ moved[1]

    def correlations(self) -> Correlations:
        """Return what the sums say."""
        if self._shifts is None:
            raise ValueError("expected at least one batch; received none")
        totals = self._totals
        spreads = [square - total**2 / self._count for square, total in zip(self._squares, totals, strict=True)]
        dead, other_dead = (
            (high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))) | (spread <= 0)
            for (low, high), spread in zip(self._ends, spreads, strict=True)
        )
        own, other = (np.where(none, np.inf, spread) for none, spread in zip((dead, other_dead), spreads, strict=True))
        common = self._products - np.outer(totals[0], totals[1]) / self._count
        return Correlations(np.clip(common / np.sqrt(np.outer(own, other)), -1.0, 1.0), dead, other_dead)
