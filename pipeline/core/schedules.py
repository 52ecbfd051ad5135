"""What gradient ascent increases, and the steps and snapshots of an ascent."""

from collections.abc import Sequence

import numpy as np


def directions(map_indices: Sequence[int], maps: int) -> np.ndarray:
    """Return a weight per map for each index: 1 for that map; for the index -1 (the whole layer) 1/maps for every map.

    Args:
        map_indices: each in [-1, maps).
        maps: how many the layer has.
    Returns:
        (indices, maps) float32, rows sum to 1.
    """
    rows = np.zeros((len(map_indices), maps), np.float32)
    for row, index in zip(rows, map_indices, strict=True):
        row[slice(None) if index == -1 else index] = 1.0 / maps if index == -1 else 1.0
    return rows


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
