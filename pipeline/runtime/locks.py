"""One process at a time."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

# of file systems without locks, such as some that are mounted over a network
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def exclusive(file: Path, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `file`, which is made for that and removed afterwards; wait for whoever holds it.

    The system gives the lock back when its process ends, however that happens, so nobody waits for a process that was
    killed. On a file system that knows no locks nobody waits.

    Args:
        on_wait: called once if another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = _held(file, on_wait)
    try:
        yield
    finally:
        # before it is given back, so that whoever waits for this one sees that it is not the one with the name
        file.unlink(missing_ok=True)
        lock.close()


def hold(file: Path) -> None:
    """Hold the lock `file`, which is made for that, until this process ends.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be made, or the file system knows no locks.
    """
    lock = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    # else never closed: the system gives the lock back


def is_held(file: Path) -> bool:
    """Tell whether a process holds this lock now."""
    try:
        with file.open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return False


def _held(file: Path, on_wait: Callable[[], None]) -> IO[str]:
    waited = False
    while True:
        lock = file.open("a", encoding="utf-8")
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waited:
                    waited = True
                    on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return lock
            lock.close()
            raise
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), file.stat()):
                return lock
        # its holder has removed it meanwhile: this lock keeps nobody out
        lock.close()
