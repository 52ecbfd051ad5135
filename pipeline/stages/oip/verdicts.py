"""The verdict on each map, in one word."""

import numpy as np

from pipeline.stages.oip.result import CONVERGED, NEVER, RISING, UNSTEADY


def verdicts(activation: np.ndarray, converged_at: np.ndarray, objective: np.ndarray) -> np.ndarray:
    """Return in one word what became of each map; a map whose picture leaves it silent was never triggered.

    Nor was one whose activation is not a number, as a CNN has that was trained to nothing. A map that has not converged
    is still rising if its objective (steps, maps) was never higher than at the last step; else more steps need not
    take it higher, as where a term for the looks of the picture gains on it.
    """
    rising = objective[-1] >= objective.max(axis=0)
    unfinished = np.where(rising, RISING, UNSTEADY)
    return np.where(~(activation > 0), NEVER, np.where(converged_at >= 0, CONVERGED, unfinished))
