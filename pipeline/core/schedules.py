"""The steps of an ascent: their sizes, and after which of them the picture is kept."""

import numpy as np


def step_sizes(first: float, steps: int, schedule: str) -> np.ndarray:
    """Compute the step size of every step.

    constant: first;  linear: first * (1 - step / steps);  cosine: first * (1 + cos(pi * step / steps)) / 2. The last
    two would reach 0 one step after the last.

    Args:
        first: that of step 0.
        steps: how many.
        schedule: "constant", "linear" or "cosine".
    Returns:
        (steps,) float32.
    Raises:
        KeyError: another schedule.
    """
    share = np.arange(steps) / steps
    factors = {"constant": np.ones(steps), "linear": 1.0 - share, "cosine": (1.0 + np.cos(np.pi * share)) / 2.0}
    return (first * factors[schedule]).astype(np.float32)


def snapshot_steps(steps: int, snapshots: int) -> list[int]:
    """Choose the steps whose picture is kept: floor(n / 2^k) * 2^j for j = 0..k-1, with the first and the last.

    With fewer than 2^k steps, where the floor is 0, they are 1, 2, 4 and so on.

    >>> snapshot_steps(600, 6)
    [0, 9, 18, 36, 72, 144, 288, 599]

    Args:
        steps: n.
        snapshots: k.
    Returns:
        Numbers of steps, from 0, in order, each once.
    """
    base = max(steps // 2**snapshots, 1)
    doubled = (base * 2**j for j in range(snapshots))
    return sorted({0, *(step for step in doubled if step < steps), steps - 1})
