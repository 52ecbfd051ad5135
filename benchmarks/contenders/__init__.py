"""One file per tool. Each knows how that tool is called, and nothing of how it is timed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to make the pictures.

    name: for `--only`; title: for the table; steps: of one map's ascent; objective: "after relu", the mean of the map,
    or "before relu"; starts: "given", the common start images, or "own"; maps: which maps one call makes; run: makes
    them, (maps, size, size, 1), in any range of values.
    """

    name: str
    title: str
    steps: int
    objective: str
    starts: str
    maps: list[int]
    run: Callable[[], np.ndarray]
