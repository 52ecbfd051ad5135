"""The public functions, as somebody else's program calls them: what that has switched on is neither used nor disturbed.

Each call computes in a thread of its own. So all that belongs to the caller's thread stays there: the scopes of
TensorFlow and Keras (devices, strategies, gradient tapes, functions that are being traced, names, `dtype_policy`,
numbers that are checked), an active run of MLflow, NumPy's `errstate`, an event loop. What belongs to the whole
process is set as the commands have it, and put back, see `lent`. The caller waits; his own functions are called, and
interrupted, in his thread.
"""

import ctypes
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context
from queue import SimpleQueue
from typing import Any, TypeVar

from pipeline.runtime.lent import guest, is_guest, lent
from pipeline.runtime.numerics import settle_imported

T = TypeVar("T")

# The name under which every public function is told how far it is.
PROGRESS = "progress"

_Asked = tuple[Callable[[], Any], "Future[Any]"]


def as_guest(function: Callable[..., T], *, package: str, name: str) -> Callable[..., T]:
    """Return the function as the package offers it to other programs.

    Args:
        package, name: where it is found, also by `pickle`.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> T:
        if is_guest():
            return function(*args, **kwargs)
        with lent():
            return _Call(function, args, kwargs).result()

    called.__module__, called.__name__, called.__qualname__ = package, name, name
    return called


class _Call:
    """One call, computed in a thread of its own."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._stop: BaseException | None = None
        self._result: Future[Any] = Future()
        own = {**kwargs, PROGRESS: self._there(kwargs[PROGRESS])} if PROGRESS in kwargs else kwargs
        # nothing of the caller's context, which some of NumPy's settings are part of
        compute = functools.partial(Context().run, self._compute, functools.partial(function, *args, **own))
        self._thread = threading.Thread(target=compute, name=f"pipeline.{function.__name__}", daemon=True)

    def result(self) -> Any:
        """Return what the function returns, or raise what it, or a signal in this thread, raises."""
        try:
            self._thread.start()
            while (asked := self._asked.get()) is not None:
                _answer(*asked)
        except BaseException as stop:
            self._end(stop)
            raise
        self._thread.join()
        return self._result.result()

    def _compute(self, function: Callable[[], Any]) -> None:
        try:
            with guest():
                settle_imported()
                self._result.set_result(function())
        except BaseException as error:
            self._result.set_exception(error)
        finally:
            self._asked.put(None)

    def _there(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what calls a function of the caller's in his thread."""

        def called(*args: Any, **kwargs: Any) -> Any:
            answer: Future[Any] = Future()
            self._asked.put((functools.partial(function, *args, **kwargs), answer))
            if self._stop is not None:
                raise self._stop
            return answer.result()

        return called

    def _end(self, stop: BaseException) -> None:
        """End the thread, as a signal in the caller's would have ended the computation there, and wait for that."""
        self._stop = stop
        while self._thread.is_alive():
            while not self._asked.empty():
                if (asked := self._asked.get()) is not None:
                    asked[1].set_exception(stop)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(type(stop))
            )
            try:
                # what runs may drop an exception, as a destructor does
                self._thread.join(1)
            except BaseException as again:
                # Ctrl-C once more
                self._stop = stop = again


def _answer(function: Callable[[], Any], answer: "Future[Any]") -> None:
    try:
        answer.set_result(function())
    except BaseException as error:
        answer.set_exception(error)
        if not isinstance(error, Exception):
            raise
