"""The progress of a stage, told by calling a function; what becomes of that is not the stage's business."""

import contextlib
import multiprocessing
import os
import stat
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self


class Progress(Protocol):
    """A function that is told how far a task is."""

    def __call__(self, task: str, done: int, total: int, **values: float) -> None:
        """Tell that `done` of `total` units of `task` are finished; `values`: the newest figures, such as a loss."""


def no_progress(task: str, done: int, total: int, **values: float) -> None:
    """Tell nobody."""


class Advance:
    """The work that is done, added up and told: as many units as there will be are known from the start."""

    def __init__(self, task: str, progress: Progress, total: int) -> None:
        self._task, self._progress, self._total, self._done = task, progress, total, 0

    def __call__(self, units: int) -> None:
        self._done += units
        self._progress(self._task, self._done, self._total)


# The tasks of writing a stage's files, and of waiting until all is recorded: their bars vanish when that is done, which
# mostly is at once.
SAVING, RECORDING = "saving", "recording"
# From so many units on, a bar shows the percentage that is done instead of their number.
MANY = 1000
# So many seconds of a wait are not worth a line.
PATIENCE = 2.0


@contextlib.contextmanager
def recording(*, patience: float = PATIENCE) -> Iterator[None]:
    """Show on a terminal, as long as the block lasts, that it is about the record; in a log after some seconds."""
    late = threading.Timer(patience, say_waiting, ["recording in MLflow"])
    late.daemon = True
    with Bars() as bars:
        if not bars.is_visible:
            late.start()
        bars(RECORDING, 0, 1)
        try:
            yield
        finally:
            late.cancel()
            bars(RECORDING, 1, 1)


def say_waiting(what: str) -> None:
    """Say in a line on standard error what takes seconds, if that is a terminal or a file: another program that reads
    it does not wait."""
    if _is_worker():
        return
    try:
        is_watched = sys.stderr.isatty() or stat.S_ISREG(os.fstat(sys.stderr.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):
        # none, or closed, or of a program that replaces it
        return
    if is_watched:
        print(f"mnist-dream: {what} ...", file=sys.stderr, flush=True)


def _is_worker() -> bool:
    """Tell whether this is one of several processes of a sweep that share standard error."""
    return multiprocessing.parent_process() is not None


class Bars:
    """A bar for every task, with the newest figures and the time left, on a terminal; silent elsewhere.

    Worker processes of a sweep share one terminal and would write over each other: they are silent too.
    """

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty() and not _is_worker()
        self._tasks: dict[str, int] = {}

    @property
    def is_visible(self) -> bool:
        """Tell whether anybody sees them."""
        return self._visible

    def __enter__(self) -> Self:
        if self._visible:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description:<11}"),
                BarColumn(),
                TextColumn("{task.fields[share]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                TextColumn("{task.fields[figures]}"),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._visible:
            self._bars.stop()

    def __call__(self, task: str, done: int, total: int, **values: float) -> None:
        """Show how far a task is, see `Progress`; `done` = 0 makes the bar appear before the first unit is finished."""
        if not self._visible:
            return
        if task not in self._tasks:
            self._tasks[task] = self._bars.add_task(task, figures="", share="")
        figures = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in values.items())
        # epochs are counted; pixels are not what anyone wants to read
        share = f"{done}/{total}" if total < MANY else f"{done / total:4.0%}"
        shown: dict[str, Any] = {
            "figures": figures,
            "share": share,
            "visible": task not in (SAVING, RECORDING) or done < total,
        }
        self._bars.update(self._tasks[task], completed=done, total=total, **shown)  # type: ignore[arg-type]


@contextlib.contextmanager
def late_bars() -> Iterator[Progress]:
    """Give a function that shows bars from the first time on that it is told something; none for what another thread
    does meanwhile, as the bars of that moment have the terminal."""
    is_main = threading.current_thread() is threading.main_thread()
    with contextlib.ExitStack() as stack:
        bars: list[Bars] = []

        def progress(task: str, done: int, total: int, **values: float) -> None:
            if is_main and not bars:
                bars.append(stack.enter_context(Bars()))
            if bars:
                bars[0](task, done, total, **values)

        yield progress
