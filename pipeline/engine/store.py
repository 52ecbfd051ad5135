"""The store of results: one folder for each stage and key, whole or not there.

python -m pipeline.store list | verify | prune     what is in it; whether it is what it was; what may go
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.runtime.locks import exclusive, is_held

# The names of results, and hidden ones of what is made on the way.
_DIGEST = "[0-9a-f]{64}"
KEY, DRAFT, LOCK = (re.compile(pattern) for pattern in (_DIGEST, rf"[.]({_DIGEST})-.+", rf"[.]{_DIGEST}[.]lock"))
# What a computation had reached when it was ended; and of such a file, what was being written.
CHECKPOINT = re.compile(rf"[.]+({_DIGEST})[.]checkpoint([.]draft-.+)?")


@dataclass(frozen=True)
class Store:
    """The results under `root`/STAGE/KEY. stages: the names of all stages; what else lies there is not ours."""

    root: Path
    stages: Collection[str]

    def place(self, stage: str, key: str) -> Path:
        """Return the folder of a result, whether it is there or not."""
        return self.root / stage / key

    def holds(self, stage: str, key: str) -> bool:
        """Tell whether the result is there; it counts as used now."""
        place = self.place(stage, key)
        if not place.is_dir():
            return False
        # a store that may only be read is as good
        with contextlib.suppress(OSError):
            os.utime(place)
        return True

    @contextlib.contextmanager
    def computing(self, stage: str, key: str, *, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the right to compute this result alone; it may be there when the wait for another one is over.

        Args:
            on_wait: called if another process holds it.
        """
        place = self.place(stage, key)
        with exclusive(_lock_of(place), on_wait=on_wait):
            # whoever left them was killed, or it would hold the lock
            for draft in place.parent.glob(f".{place.name}-*"):
                shutil.rmtree(draft, ignore_errors=True)
            for draft in place.parent.glob(f"..{place.name}.checkpoint.*"):
                with contextlib.suppress(OSError):
                    draft.unlink()
            yield

    def checkpoint(self, stage: str, key: str) -> Path:
        """Return the file in which a computation may keep what it has reached, whether it is there or not."""
        return self.root / stage / f".{key}.checkpoint"

    def places(self) -> list[Path]:
        """Return all results that are there; what else lies in the folder is not ours.

        Raises:
            OSError: a folder cannot be read, which a search by pattern would pass over.
        """
        return [path for path in self._entries() if KEY.fullmatch(path.name) and path.is_dir()]

    def leftovers(self) -> list[Path]:
        """Return unfinished folders, and files of what was reached, that nobody works on."""
        found = ((path, CHECKPOINT.fullmatch(path.name) or _draft(path)) for path in self._entries())
        return [path for path, of in found if of is not None and not is_held(_lock_of(path.with_name(of[1])))]

    def _entries(self) -> list[Path]:
        stages = [self.root / stage for stage in self.stages]
        return [path for stage in stages if stage.is_dir() for path in stage.iterdir()]

    def remove_locks(self) -> None:
        """Remove the files of locks that nobody holds: a process that is killed leaves its own, which does no harm."""
        for lock in self._entries():
            if LOCK.fullmatch(lock.name) and not is_held(lock):
                with exclusive(lock):
                    pass

    def remove(self, path: Path) -> None:
        """Remove a result or a leftover; out of the way in one step, so that nobody finds half of it."""
        shutil.rmtree(path if path.name.startswith(".") else path.rename(path.with_name(f".{path.name}-removed")))


def is_being_computed(place: Path) -> bool:
    """Tell whether a process works on this result now."""
    return is_held(_lock_of(place))


def _draft(path: Path) -> re.Match[str] | None:
    return DRAFT.fullmatch(path.name) if path.is_dir() else None


def _lock_of(place: Path) -> Path:
    return place.with_name(f".{place.name}.lock")
