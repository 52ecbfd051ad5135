"""The verdict on each map, in one word."""

import numpy as np

from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, UNSTEADY

# Of all that the objective gained: so little more of it does not count.
LITTLE = 0.05
# Of the steps, at the end and anywhere before: their mean is compared, as a single step may show a picture moved.
STRETCH = 1 / 8


def is_silent(activation: np.ndarray, *, linear: bool = False) -> np.ndarray:
    """Tell of each map (maps,) whether its picture leaves it silent: at 0 or below, or at what is not a number.

    Args:
        activation: (maps,), the score of the picture as it is saved.
        linear: the maps have no activation function, and below 0 they are not silent, only at 0.
    """
    return ~(np.abs(activation) > 0 if linear else activation > 0)


def verdicts(
    activation: np.ndarray,
    objective: np.ndarray,
    moves: np.ndarray,
    stopped_at: np.ndarray,
    begun: int = 0,
    *,
    linear: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Tell in one word what became of each map, and at which step it converged.

    A map whose picture leaves it silent was never triggered; nor was one whose activation is not a number, as a CNN has
    that was trained to nothing. One that the ascent stopped has converged. One whose objective ends lower than it was,
    the mean of the last steps by more than `LITTLE` of the gain, has not converged. Of the others, one that twice the
    steps would hardly take higher has, see `gain_of_twice_the_steps`; the rest is still rising.

    Args:
        activation: (maps,), the score of the picture as it is saved.
        objective: (steps, maps), before each step's change.
        moves: (steps, maps), how far each step moves the picture, in standard deviations of a picture.
        stopped_at: (maps,) int, the step at which `oip.convergence.stop` ended the ascent, or -1.
        begun: the first step of the last stage. What is asked is asked of that stage: the next step size is large
            again, and the picture is another one.
        linear: see `is_silent`.
    Returns:
        (maps,) the words, and (maps,) int: for a converged map the step at which it was stopped, or from which on it
        gained no more than `LITTLE` of the gain; -1 for the others.
    """
    objective = objective.astype(np.float64)
    first, last_stage = objective[0], objective[begun:]
    gain = last_stage.max(axis=0) - first
    means = _means(last_stage)
    fallen = means.max(axis=0) - means[-1] > LITTLE * gain
    words = np.where(gain_of_twice_the_steps(objective, moves, begun) <= LITTLE * gain, CONVERGED, RISING)
    words = np.where(fallen, UNSTEADY, words)
    words = np.where(stopped_at >= 0, CONVERGED, words)
    words = np.where(is_silent(activation, linear=linear), NEVER, words)
    at = begun + (last_stage - first >= (1.0 - LITTLE) * gain).argmax(axis=0)
    return words, np.where(words == CONVERGED, np.where(stopped_at >= 0, stopped_at, at), -1)


def gain_of_twice_the_steps(objective: np.ndarray, moves: np.ndarray, begun: int = 0) -> np.ndarray:
    """Compute about how much higher an ascent of twice the steps, by the same schedule, would take the objective.

    gain in the second half / sum of the moves in the second half: as much as another standard deviation of the
    picture, moved as profitably as in the second half, would gain. The slope at the very end would not tell: where the
    step size falls to 0 every ascent ends alike, however short it is. The second half of a longer ascent gains the same
    share too, but over a longer way. That it is one standard deviation was measured: docs/oip.md has the figures.

    Args:
        objective, moves, begun: see `verdicts`.
    Returns:
        (maps,), in units of the objective; not a number after a single step, which says nothing.
    """
    middle = begun + (len(objective) - begun - 1) // 2
    way = moves[middle:-1].sum(axis=0, dtype=np.float64)
    return (objective[-1] - objective[middle]) / np.where(way > 0, way, np.nan)


def reached(words: np.ndarray, activation: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return the verdicts where pictures have to reach a score: whether they do; the others' stay.

    Args:
        words: (maps,), see `verdicts`.
        activation: (maps,), the score of the picture as it is saved.
        goal: (maps,), the score that it has to reach, 0 or less, or not a number, if there is none.
    """
    triggered = (words != NEVER) & (goal > 0)
    return np.where(triggered, np.where(activation >= goal, REACHED, BELOW), words)


def _means(objective: np.ndarray) -> np.ndarray:
    """Return the means of all stretches of successive steps, (stretches, maps), the last ones' last."""
    length = max(int(STRETCH * len(objective)), 1)
    return np.lib.stride_tricks.sliding_window_view(objective, length, axis=0).mean(axis=-1)
