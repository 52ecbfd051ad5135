"""What is said of the maps of a layer, given what each of them answers to many images. NumPy, in float64."""

from typing import NamedTuple

import numpy as np

# Numbers that come of float32 computations and differ by less than this share of themselves count as equal.
ROUNDING = float(np.finfo(np.float32).eps)


class Moments(NamedTuple):
    """Mean and standard deviation of every map over the images of every class.

    Attributes:
        means: (maps, classes) float64, not a number for a class without images.
        deviations: (maps, classes) float64, in the same way.
    """

    means: np.ndarray
    deviations: np.ndarray


class Preference(NamedTuple):
    """Which class every map prefers, and how much.

    Attributes:
        classes: (maps,) int64, the preferred class, or -1.
        selectivity: (maps,) float64 between 0 and 1, or not a number.
    """

    classes: np.ndarray
    selectivity: np.ndarray


class Neighbours(NamedTuple):
    """The maps that answer like a map, and unlike it.

    Attributes:
        similar: (maps, count) int64, indices of maps, the most similar first; -1 where there are no more.
        opposite: (maps, count) int64, the most opposite first.
    """

    similar: np.ndarray
    opposite: np.ndarray


def class_moments(activations: np.ndarray, labels: np.ndarray, classes: int) -> Moments:
    """Compute mean and standard deviation of every map over the images of each class.

    For map m and the n_c images i of class c:
        mean[m, c] = 1/n_c * sum_i a[i, m];   deviation[m, c] = sqrt(1/n_c * sum_i (a[i, m] - mean[m, c])^2)

    Args:
        activations: (images, maps) float64.
        labels: (images,) in [0, classes).
        classes: how many.
    Returns:
        Both, not a number for a class without images.
    """
    belongs = (labels[:, None] == np.arange(classes)).astype(np.float64)
    counts = belongs.sum(axis=0)
    means = shares(activations.T @ belongs, counts)
    squares = (activations - means.T[labels]) ** 2
    return Moments(means, np.sqrt(shares(squares.T @ belongs, counts)))


def preference(class_means: np.ndarray) -> Preference:
    """Compute which class activates a map most, and how much more than the others.

    With mu_max, the largest mean of a class, and mu_rest, the mean of the means of the other classes:
        selectivity = (mu_max - mu_rest) / (mu_max + mu_rest)
    0 is a map that all classes activate alike, 1 one that a single class activates. The index is made for activations
    that are not negative: it is not a number where the mean of a class is below 0, where all are 0, and where there is
    only one class to look at. A map that all classes activate alike, to the precision of a float32, prefers none: -1.
    Of several classes that share the largest mean the first is preferred.

    Args:
        class_means: (maps, classes); not a number for a class without images, which has no say.
    Returns:
        Both of every map.
    Reference:
        Morcos et al., 2018, "On the importance of single directions for generalization".
    """
    known = ~np.isnan(class_means)
    largest = np.where(known, class_means, -np.inf).max(axis=1)
    smallest = np.where(known, class_means, np.inf).min(axis=1)
    preferred = np.where(known, class_means, -np.inf).argmax(axis=1)
    others = known & (np.arange(class_means.shape[1]) != preferred[:, None])
    rest = shares(np.where(others, class_means, 0.0).sum(axis=1), others.sum(axis=1))
    sensible = others.any(axis=1) & (smallest >= 0) & (largest > 0)
    # where a class is missing altogether there is no difference to be taken of infinities
    top = np.where(sensible, largest, np.nan)
    index = (top - rest) / (top + rest)
    differs = others.any(axis=1) & (smallest < largest - ROUNDING * np.abs(largest))
    return Preference(np.where(differs, preferred, -1), index)


def correlation_of(activations: np.ndarray) -> np.ndarray:
    """Compute Pearson's correlation of every two maps over the images, between -1 and 1.

    With z_m = a[:, m] - its mean:   r[m, k] = sum(z_m * z_k) / sqrt(sum(z_m^2) * sum(z_k^2))
    Not a number for a map that answers the same to all images, to the precision of a float32.

    Args:
        activations: (images, maps) float64.
    Returns:
        (maps, maps) float64.
    """
    low, high = activations.min(axis=0), activations.max(axis=0)
    constant = high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))
    centred = activations - activations.mean(axis=0)
    units = shares(centred, np.where(constant, 0.0, np.sqrt((centred**2).sum(axis=0))))
    correlation = np.clip(units.T @ units, -1.0, 1.0)
    np.fill_diagonal(correlation, np.where(constant, np.nan, 1.0))
    return correlation


def neighbours(correlation: np.ndarray, count: int) -> Neighbours:
    """Choose the maps that answer most like each map, and those that answer most unlike it.

    similar: the largest correlations, the largest first; opposite: the smallest, the smallest first, be they negative
    or not. A map is no neighbour of itself; one that is constant has no neighbours and is nobody's. Of equal ones the
    map with the smaller index comes first.

    Args:
        correlation: (maps, maps), see `correlation_of`.
        count: how many of either.
    Returns:
        Indices of maps, -1 where there are no more.
    """
    others = correlation.copy()
    np.fill_diagonal(others, np.nan)
    return Neighbours(_smallest(-others, count), _smallest(others, count))


def confusion_of(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count how many images of the class of the row were taken for the class of the column.

    Args:
        labels: (images,) int64 in [0, classes), the true classes.
        predicted: (images,) int64 in [0, classes).
        classes: how many.
    Returns:
        (classes, classes) int64.
    """
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Compute parts / wholes, without a warning not a number where the whole is 0.

    Args:
        parts: numbers of any shape.
        wholes: of a shape that broadcasts to it.
    Returns:
        float64, of that shape.
    """
    return parts / np.where(wholes == 0, np.nan, wholes)


def _smallest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of the smallest values of each row, the smallest first.

    Args:
        values: (rows, columns).
        count: how many of each row.
    Returns:
        (rows, count) int64, -1 for those that are not a number, and where there are no more.
    """
    order = np.argsort(values, axis=1, kind="stable")[:, :count]
    found = np.where(np.isnan(np.take_along_axis(values, order, axis=1)), -1, order)
    return np.pad(found, [(0, 0), (0, count - found.shape[1])], constant_values=-1)
