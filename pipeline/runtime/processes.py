"""The identity of a process, whether it is still there, and workers that end with the command that started them."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from typing import NamedTuple

import psutil

# The start time of a process is counted from the start of the machine, whose clock may be set meanwhile.
TOLERANCE_S = 2.0
# Of the thread that looks for the parent of a worker, and how often it does.
NAME = "end-with-parent"
PAUSE_S = 1.0


class ProcessId(NamedTuple):
    """A process of any machine. started: seconds since the epoch, as a number is given to another process later."""

    host: str
    pid: int
    started: float


def this_process() -> ProcessId:
    """Return the running process."""
    return ProcessId(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def is_gone(process: ProcessId) -> bool:
    """Tell whether a process has certainly ended: it ran on this machine, and none that started then has its number.

    Of a process of another machine nothing is known: False.
    """
    if process.host != socket.gethostname():
        return False
    try:
        found = psutil.Process(process.pid)
        return found.status() == psutil.STATUS_ZOMBIE or abs(found.create_time() - process.started) > TOLERANCE_S
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def end_with_parent() -> None:
    """Let a worker be terminated when its parent is gone; any other process is left as it is.

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
