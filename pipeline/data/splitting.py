"""Which images are for testing, where the data do not say."""

import numpy as np


def chosen_for_testing(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the test images: of every class the share of its images, at random, at least one to train with.

    Args:
        labels: (count,), all alike where there are no classes; at least 2.
        share: of the test images.
        seed: of the choice.
    Returns:
        (count,) bool, with at least one image of either kind.
    """
    drawn = np.random.default_rng(seed).random(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        count = min(max(round(share * len(of_class)), 1), len(of_class) - 1)
        chosen[of_class[np.argsort(drawn[of_class], kind="stable")[:count]]] = True
    if not chosen.any():
        # no class has two images
        chosen[np.argsort(drawn, kind="stable")[: min(max(round(share * len(labels)), 1), len(labels) - 1)]] = True
    return chosen
