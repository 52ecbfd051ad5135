"""One bar for several parts of a task."""

from collections.abc import Sequence
from itertools import accumulate

from pipeline.runtime.progress import Progress


class JointProgress:
    """One bar for parts that take about so long each, in units of their own.

    task: its name; progress: is told how far all of it is; weights: how long each part takes, in order.
    """

    def __init__(self, task: str, progress: Progress, weights: Sequence[int]) -> None:
        self._task, self._progress, self._total = task, progress, sum(weights)
        self._parts = zip(accumulate(weights, initial=0), weights, strict=False)

    def next(self) -> Progress:
        """Return how the next part tells how far it is."""
        before, weight = next(self._parts)

        def tell(task: str, done: int, total: int, **values: float) -> None:
            del task, values
            share = before + weight * done / max(total, 1)
            self._progress(self._task, round(1000 * share), 1000 * self._total)

        return tell
