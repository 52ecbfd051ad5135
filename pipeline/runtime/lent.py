"""Settings of a process that is somebody else's: what is changed of them is put back when no call needs it any more.

A command is its own process; what it changes there stays.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_IS_GUEST: ContextVar[bool] = ContextVar("is_guest", default=False)


class _Changes:
    """What the calls that are under way have changed; several may be, in threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._calls = 0
        self._back = contextlib.ExitStack()

    def begin(self) -> None:
        with self._lock:
            self._calls += 1

    def end(self) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0:
                self._back.close()

    def enter(self, context: contextlib.AbstractContextManager[Any]) -> None:
        with self._lock:
            if self._calls:
                self._back.enter_context(context)

    def change(self, read: Callable[[], T], write: Callable[[T], object], wanted: T) -> None:
        with self._lock:
            before = read()
            if before != wanted:
                write(wanted)
                if self._calls and _IS_GUEST.get():
                    self._back.callback(write, before)


_changes = _Changes()


def is_guest() -> bool:
    """Tell whether this is a call in somebody else's process."""
    return _IS_GUEST.get()


@contextlib.contextmanager
def lent() -> Iterator[None]:
    """Put back, after the block and all others like it that are under way, what `change` changes in them."""
    _changes.begin()
    try:
        with guest():
            yield
    finally:
        _changes.end()


@contextlib.contextmanager
def guest() -> Iterator[None]:
    """Let this thread, for the block, be one that works for a call in somebody else's process."""
    token = _IS_GUEST.set(True)
    try:
        yield
    finally:
        _IS_GUEST.reset(token)


def change(read: Callable[[], T], write: Callable[[T], object], wanted: T) -> None:
    """Set a setting of the process; in somebody else's it is put back in the end.

    Args:
        read, write: return and set it, in whichever thread.
    """
    _changes.change(read, write, wanted)


def enter(context: contextlib.AbstractContextManager[Any]) -> None:
    """Begin a context that is left when no call needs it any more; in a process of one's own it is not begun."""
    if is_guest():
        _changes.enter(context)


def change_variable(name: str, value: str | None) -> None:
    """Set a variable of the environment, or remove it, see `change`."""

    def write(value: str | None) -> None:
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    change(lambda: os.environ.get(name), write, value)
