"""Folders that were there before: what is in them is kept, whatever becomes of a command that writes there."""

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

# What a command works in, inside of a folder that is not to be changed before it is done.
WORK = ".work-"
OLD = ".old-"
# A digest behind the names of hidden folders, so that none of the user's is taken for one.
_UNIQUE = "[0-9a-f]{32}"


def missing_folders(folder: Path) -> list[Path]:
    """Return the folder and those above it, as far as they are not there, the innermost first."""
    folder = folder.absolute()
    # of one that may not be looked into it is not known: it counts as missing, and is not removed either
    return [place for place in (folder, *folder.parents) if not os.path.exists(place)]  # noqa: PTH110


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove these folders, the innermost first, up to the first one that something lies in."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def is_same_folder(one: Path, other: Path) -> bool:
    """Tell whether both are names of one folder; of what is not there that is not known: False."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def free_place(folder: Path, stem: str, ending: str = "") -> Path:
    """Return the first of STEM, STEM-2, STEM-3 ... with this ending that no file in the folder has for a name."""
    number = 1
    while os.path.lexists(place := folder / f"{stem}{'' if number == 1 else f'-{number}'}{ending}"):
        number += 1
    return place


def set_aside(place: Path) -> Path:
    """Rename what is at `place` to NAME.kept, NAME.kept-2 ..., and return that."""
    return place.rename(free_place(place.parent, f"{place.name}.kept"))


def replace_folder(draft: Path, place: Path, *, is_ours: bool) -> Path | None:
    """Move a whole folder to a place where another one may be; return where that one is kept.

    A kill in between leaves the other one under a hidden name, from which `remove_drafts` brings it back.

    Args:
        is_ours: all that is at the place was made by this program and may go; else it is set aside.
    Returns:
        The name that the other one has now; None if there was none, or it could go.
    """
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        # an empty folder is replaced by the system itself
        draft.rename(place)
        return None
    old = place.rename(place.with_name(f".{place.name}{OLD}{uuid.uuid4().hex}")) if is_ours else set_aside(place)
    try:
        draft.rename(place)
    except OSError:
        old.rename(place)
        raise
    if not is_ours:
        return old
    shutil.rmtree(old, ignore_errors=True)
    return None


@contextlib.contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """Make a hidden folder in `folder` for a command to work in, and remove it with all that is left there."""
    work = folder / f"{WORK}{uuid.uuid4().hex}"
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def remove_drafts(folder: Path, names: Iterable[str]) -> None:
    """Remove the hidden folders that killed commands left in `folder`, and bring back what was moved away.

    They are those of `work_folder`, and drafts of folders of these names; `replace_folder` had moved something away.
    """
    pattern = re.compile(rf"{re.escape(WORK)}{_UNIQUE}|[.](?P<name>.+?)(?P<old>{re.escape(OLD)}|-){_UNIQUE}")
    for path in list(folder.iterdir()):
        found = pattern.fullmatch(path.name)
        if not found or not path.is_dir() or found["name"] not in {None, *names}:
            continue
        if found["old"] == OLD and not (folder / found["name"]).exists():
            path.rename(folder / found["name"])
        else:
            shutil.rmtree(path, ignore_errors=True)
