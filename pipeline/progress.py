"""How a stage says how far it is: it calls a function; what becomes of that is not the stage's business."""

from typing import Protocol


class Progress(Protocol):
    def __call__(self, task: str, done: int, total: int, **values: float) -> None:
        """`done` of `total` units of `task` are finished; `values` are the newest figures, such as a loss."""


def no_progress(task: str, done: int, total: int, **values: float) -> None:
    """Tells nobody."""
