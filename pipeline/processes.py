"""Which process did something, and whether it is still there."""

import os
import socket
from typing import NamedTuple

import psutil

# The start time of a process is counted from the start of the machine, whose clock may be set meanwhile.
TOLERANCE_S = 2.0


class ProcessId(NamedTuple):
    """A process of any machine. started: seconds since the epoch, as a number is given to another process later."""

    host: str
    pid: int
    started: float


def this_process() -> ProcessId:
    """The running process."""
    return ProcessId(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def is_gone(process: ProcessId) -> bool:
    """Whether a process has certainly ended: it ran on this machine, and none that started then has its number.

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
