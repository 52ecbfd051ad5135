"""The time that a backend is waited for: no more than so many seconds in all, whatever it does."""

import contextvars
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# An answer within this time is work, not waiting: a few hundred files to a server that is well are not held against it.
PROMPT_S = 0.2
# Before a call that failed is made once more: a server behind a proxy may be gone for a moment.
PAUSE_S = 1.0
# of those that blame the client: request timeout, too many requests
LATER = (408, 429)


class Deadline:
    """The time that may be waited.

    seconds: in all, None for as long as it takes. left: what is left of them.

    MLflow's own limits do not sum up: they hold for one attempt of one request, and start anew with every byte that
    arrives. Here each call runs in a thread that is left to itself when the time is over.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.left = seconds

    def call(self, action: Callable[[], T], *, repeatable: bool = True) -> T:
        """Return what `action` returns; it is called once more if it fails on the side of the backend.

        Args:
            repeatable: whether it may be done twice, as when only the answer was lost.
        Raises:
            TimeoutError: no answer, and no time left.
            Exception: that of the action.
        """
        if self.left is None:
            return action()
        try:
            return self._wait(action)
        except Exception as error:
            if not repeatable or is_refusal(error) or self.left <= PAUSE_S:
                raise
        self.left -= PAUSE_S
        time.sleep(PAUSE_S)
        return self._wait(action)

    def _wait(self, action: Callable[[], T]) -> T:
        assert self.left is not None
        answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put((action(), None))
            except BaseException as error:
                answers.put((None, error))

        begun = time.monotonic()
        # a daemon: the process does not wait at its end for what it has given up
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        try:
            value, error = answers.get(timeout=PROMPT_S + self.left)
        except queue.Empty:
            raise TimeoutError(f"no answer, or only slow ones: {self.seconds:.0f} s were waited in all") from None
        finally:
            waited = time.monotonic() - begun - PROMPT_S
            self.left = max(0.0, self.left - max(0.0, waited))
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


class WithDeadline:
    """A stand-in for a client of MLflow: each of its methods is called with `deadline`."""

    def __init__(self, target: Any, deadline: Deadline) -> None:
        self._target = target
        self.deadline = deadline

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def called(*arguments: Any, **named: Any) -> Any:
            # what is created twice is there twice; everything else that is said twice is said
            repeatable = not name.startswith("create")
            return self.deadline.call(lambda: method(*arguments, **named), repeatable=repeatable)

        return called


def is_refusal(error: Exception) -> bool:
    """Tell whether MLflow answered that it does not do this, so that it will not the next time: a status of 4xx."""
    status = getattr(error, "get_http_status_code", None)
    return status is not None and status() < 500 and status() not in LATER
