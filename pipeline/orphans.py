"""A worker of a sweep ends when the command that started it has ended, however that happened."""

import multiprocessing
import os
import signal
import threading
import time

NAME = "end-with-parent"
PAUSE_S = 1.0


def end_with_parent() -> None:
    """From now on a worker is terminated when its parent is gone; any other process is left as it is.

    joblib's workers otherwise outlive a command that was killed, and wait for further jobs with all their memory.
    """
    # None in a command itself, whose own parent, such as a shell, may well end before it
    parent = multiprocessing.parent_process()
    if parent is not None and all(thread.name != NAME for thread in threading.enumerate()):
        threading.Thread(target=_watch, args=(parent.pid,), name=NAME, daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PAUSE_S)
    os.kill(os.getpid(), signal.SIGTERM)
