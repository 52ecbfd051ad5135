"""The thread that tells a record, in order: a stage does not wait for the record of the one before."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """A thread that does what it is given, one after the other; must not be given anything by what it does."""

    def __init__(self) -> None:
        # it starts its thread when the first action comes
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="record")

    def soon(self, action: Callable[[], T]) -> "Future[T]":
        """Let `action` be done when what was given before is done."""
        return self._executor.submit(action)

    def now(self, action: Callable[[], T]) -> T:
        """Return what `action` returns, when what was given before is done."""
        return self.soon(action).result()
