"""The verdict on each map, in one word."""

import numpy as np

from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, UNSTEADY


def verdicts(activation: np.ndarray, converged_at: np.ndarray, objective: np.ndarray) -> np.ndarray:
    """Return in one word what became of each map; a map whose picture leaves it silent was never triggered.

    Nor was one whose activation is not a number, as a CNN has that was trained to nothing. A map that has not converged
    is still rising if its objective (steps, maps) was never higher than at the last step; else more steps need not
    take it higher, as where a term for the looks of the picture gains on it.
    """
    rising = objective[-1] >= objective.max(axis=0)
    unfinished = np.where(rising, RISING, UNSTEADY)
    return np.where(~(activation > 0), NEVER, np.where(converged_at >= 0, CONVERGED, unfinished))


def reached(words: np.ndarray, activation: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return the verdicts where pictures have to reach a score: whether they do; the others' stay.

    Args:
        words: (maps,), see `verdicts`.
        activation: (maps,), the score of the picture as it is saved.
        goal: (maps,), the score that it has to reach, 0 or less, or not a number, if there is none.
    """
    triggered = (words != NEVER) & (goal > 0)
    return np.where(triggered, np.where(activation >= goal, REACHED, BELOW), words)
