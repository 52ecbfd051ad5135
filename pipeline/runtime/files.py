"""Files that are whole or not there, whatever becomes of the process that writes them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(file: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give the path of a draft to write, which becomes `file` when the block ends, and vanishes if it fails.

    Args:
        file: is the old or the new one at every moment.
        replace: whether it may be there already.
    Raises:
        FileExistsError: it is there, and may not be replaced.
    """
    draft = file.with_name(f".{file.name}.draft-{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        if replace:
            draft.replace(file)
        else:
            _move_to_free(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(file: Path, content: str) -> None:
    """Write a text into a file, which is the old or the new one at every moment."""
    with whole_file(file) as draft:
        draft.write_text(content, encoding="utf-8")


def _move_to_free(draft: Path, file: Path) -> None:
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # not every file system has links
        draft.rename(file)
