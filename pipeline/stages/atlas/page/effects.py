"""The distance of the classes in what a map answers to them."""

from typing import NamedTuple

import numpy as np


class Group(NamedTuple):
    """Images of one or several classes: means, deviations: (maps,), not a number without any; images: how many."""

    means: np.ndarray
    deviations: np.ndarray
    images: int


def group(class_means: np.ndarray, class_deviations: np.ndarray, counts: np.ndarray, classes: np.ndarray) -> Group:
    """Join all images of some classes to one group.

    With n_c images of class c of mean m_c and deviation s_c, and n = sum n_c:
        mean = 1/n * sum_c n_c m_c;   deviation = sqrt(1/n * sum_c n_c (s_c^2 + (m_c - mean)^2))

    Args:
        class_means, class_deviations: (maps, all classes); counts: (all classes,) images; classes: which ones.
    """
    classes = classes[counts[classes] > 0]
    weights, total = counts[classes].astype(np.float64), int(counts[classes].sum())
    if total == 0:
        nothing = np.full(len(class_means), np.nan)
        return Group(nothing, nothing, 0)
    means = class_means[:, classes] @ weights / total
    squares = class_deviations[:, classes] ** 2 + (class_means[:, classes] - means[:, None]) ** 2
    return Group(means, np.sqrt(squares @ weights / total), total)


def cohens_d(one: Group, other: Group) -> np.ndarray:
    """Compute (maps,), the difference of the means in pooled standard deviations; positive where `one` activates more.

    With deviations s that were divided by n, as those of `MapStatistics` are:
        d = (m_1 - m_2) / sqrt((n_1 s_1^2 + n_2 s_2^2) / (n_1 + n_2 - 2))
    Not a number for a group without images, and where no image differs from the mean of its group.

    Reference:
        Cohen, 1988, "Statistical Power Analysis for the Behavioral Sciences", 2nd edition, section 2.5.
    """
    freedom = one.images + other.images - 2
    if min(one.images, other.images) == 0 or freedom <= 0:
        return np.full(len(one.means), np.nan)
    pooled = np.sqrt((one.images * one.deviations**2 + other.images * other.deviations**2) / freedom)
    return (one.means - other.means) / np.where(pooled > 0, pooled, np.nan)


def farthest(effects: np.ndarray, count: int) -> np.ndarray:
    """Return the maps with the largest effects above 0, the largest first, at most `count`; of equal ones the first.

    Args:
        effects: (maps,).
    """
    order = np.argsort(np.where(np.isnan(effects), np.inf, -effects), kind="stable")
    return order[effects[order] > 0][:count]
