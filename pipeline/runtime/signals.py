"""Ctrl-C and `kill` end a command, whatever becomes of the exception that they raise.

An exception that a signal raises reaches whatever runs at that moment. Native code makes another one of it (an import
that is interrupted may fail as an ImportError), or drops it, as a destructor does. So the signal is remembered, too,
by the handler that the process has for it.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from pipeline.runtime.progress import Progress


class StopHandler:
    """A handler that raises what ends a command, and remembers it.

    KeyboardInterrupt for SIGINT, else SystemExit(128 + number).
    """

    def __init__(self) -> None:
        self.raised: BaseException | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.raised = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        raise self.raised


def listen() -> None:
    """Let SIGTERM and SIGINT end this process by an exception; SIGINT only where it is not ignored, as by nohup."""
    handler = StopHandler()
    told = sys.unraisablehook

    def tell(dropped: "sys.UnraisableHookArgs") -> None:
        # it is raised again
        if dropped.exc_value is not handler.raised:
            told(dropped)

    sys.unraisablehook = tell
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def lost_stop() -> BaseException | None:
    """Return what a signal has raised in this process and nobody has seen yet, once; None if there is nothing."""
    handler = signal.getsignal(signal.SIGTERM)
    if not isinstance(handler, StopHandler) or threading.current_thread() is not threading.main_thread():
        # no signal raises anything in another thread
        return None
    stop, handler.raised = handler.raised, None
    return stop


@contextlib.contextmanager
def stopped_is_stopped() -> Iterator[None]:
    """Raise the signal's exception in place of an error that a signal has caused in the block."""
    try:
        yield
    except Exception as error:
        if (stop := lost_stop()) is not None:
            raise stop from error
        raise
    except BaseException:
        # it is on its way
        lost_stop()
        raise


def raise_lost_stop() -> None:
    """Raise again what a signal has raised and nobody has seen."""
    if (stop := lost_stop()) is not None:
        raise stop


def stoppable(progress: Progress) -> Progress:
    """Return a function that calls `progress`, and raises a signal's exception again where it was dropped."""

    def told(task: str, done: int, total: int, **values: float) -> None:
        raise_lost_stop()
        progress(task, done, total, **values)

    return told
