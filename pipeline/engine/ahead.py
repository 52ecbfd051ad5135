"""A result that is computed before its turn, in a thread, while the one before it is drawn, saved and recorded.

A stage is a pure function, so it does not matter when it is computed, nor beside what. An error is not told here: who
asks for the result computes it again, and meets it.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from pipeline.engine.plan import Next
    from pipeline.runtime.progress import Progress

# Seconds between two looks at how far it is.
PATIENCE = 0.1


class Computed(NamedTuple):
    """A stage's result, and what the stages that it stands on have handed on."""

    result: Any
    upstream: Mapping[str, Any]


class _GivenUpError(Exception):
    """Ends a computation that nobody will ask for."""


class _Task:
    """One computation: what it is of, and how far it is."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.begun = int(time.time() * 1000)
        # that it is known which result it is, or that there is none
        self.known = Event()
        self.given_up = Event()
        self.told: tuple[str, int, int, dict[str, float]] | None = None

    def tell(self, task: str, done: int, total: int, **values: float) -> None:
        if self.given_up.is_set():
            raise _GivenUpError
        self.told = (task, done, total, values)


class Ahead:
    """A thread that computes one result ahead; on leaving the block what it is at is given up."""

    def __init__(self, *, enabled: bool = True) -> None:
        """Begin nothing yet.

        Args:
            enabled: False where a second thread would only take time from the first.
        """
        self._enabled = enabled
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._task: _Task | None = None
        self._result: Future[Computed | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.given_up.set()
        self._executor.shutdown(cancel_futures=True)

    @property
    def is_busy(self) -> bool:
        """Tell whether it is computing something."""
        return self._result is not None and not self._result.done()

    def begin(self, find: "Callable[[], Next | None]") -> None:
        """Begin what `find`, which is called in the thread, says is next, unless a result is not taken yet."""
        if not self._enabled or (self._task is not None and not self._is_void()):
            return
        task = self._task = _Task()

        def compute() -> Computed | None:
            try:
                following = find()
                if following is None:
                    return None
                task.key = following.key
                task.known.set()
                return following.compute(task.tell)
            finally:
                task.known.set()

        self._result = self._executor.submit(compute)

    def _is_void(self) -> bool:
        """Tell whether the last computation has ended without a result."""
        result = self._result
        return result is not None and result.done() and (result.exception() is not None or result.result() is None)

    def begun(self, key: str) -> int | None:
        """Return when the computation of this result began, in ms; None if it is not computed here."""
        if self._task is None:
            return None
        self._task.known.wait()
        return self._task.begun if self._task.key == key else None

    def take(self, key: str, progress: "Progress") -> Computed | None:
        """Return the result of this key, waiting for it if it is being computed; None if it is not, or failed.

        Args:
            progress: is told, in this thread, how far it is.
        """
        task, result = self._task, self._result
        if task is None or result is None or self.begun(key) is None:
            return None
        shown = None
        while not result.done():
            wait([result], timeout=PATIENCE)
            if task.told is not None and task.told != shown:
                shown = task.told
                name, done, total, values = shown
                progress(name, done, total, **values)
        self._task = self._result = None
        return None if result.exception() is not None else result.result()
