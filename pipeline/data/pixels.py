"""The bytes of many pictures in a file, which is made once: whole or not at all."""

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pipeline.runtime.errors import InputError, why
from pipeline.runtime.files import whole_file
from pipeline.runtime.locks import exclusive, is_held

# Where the files lie in the store of an output folder.
FOLDER = "data"


def stored(folder: Path | None, key: str, shape: tuple[int, ...], parts: Callable[[], Iterator[np.ndarray]]) -> Path:
    """Return the .npy file of these bytes, which is made if it is not there.

    Args:
        folder: where it lies; None, or one that cannot be written to, for one that vanishes with this process.
        key: a digest of all that the bytes depend on.
        shape: of the array.
        parts: yields its rows.
    """
    if folder is not None:
        # a store that may only be read is as good, if it has the file
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{key}.npy"
        if _is_whole(file, shape):
            with contextlib.suppress(OSError):
                file.touch()
            return file
        if _is_open(folder):
            with exclusive(_lock_of(folder, key)):
                _remove_drafts(file)
                if not _is_whole(file, shape):
                    _write(file, shape, parts())
            return file
    file = _of_process() / f"{key}.npy"
    if not _is_whole(file, shape):
        _write(file, shape, parts())
    return file


def stored_files(folder: Path) -> list[Path]:
    """Return the files that lie there, whole; a file counts as used when it was last touched."""
    return sorted(folder.glob("[0-9a-f]*.npy"))


def leftover_files(folder: Path) -> list[Path]:
    """Return unfinished files that nobody works on."""
    drafts = sorted(folder.glob(".*.npy.draft-*"))
    return [draft for draft in drafts if not is_held(_lock_of(folder, draft.name[1:].partition(".")[0]))]


def _lock_of(folder: Path, key: str) -> Path:
    return folder / f".{key}.lock"


def _is_whole(file: Path, shape: tuple[int, ...]) -> bool:
    try:
        return bool(np.load(file, mmap_mode="r", allow_pickle=False).shape == shape)
    except (OSError, ValueError, EOFError):
        return False


def _is_open(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _remove_drafts(file: Path) -> None:
    """Remove what killed processes left, as they would hold the lock."""
    for draft in file.parent.glob(f".{file.name}.draft-*"):
        draft.unlink(missing_ok=True)


def _write(file: Path, shape: tuple[int, ...], parts: Iterator[np.ndarray]) -> None:
    """Write row by row, as a file that is mapped into memory would come to lie there."""
    try:
        with whole_file(file) as draft, draft.open("wb") as output:
            header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(output, header)
            for part in parts:
                output.write(np.ascontiguousarray(part, np.uint8).data)
    except OSError as error:
        takes = f"a place with {np.prod(shape) / 2**20:.0f} MiB for the pictures of data.path"
        raise InputError.at("output_dir", takes=takes, got=f"{file.parent} ({why(error)})") from error


_FOLDERS: list[Path] = []


def _of_process() -> Path:
    if not _FOLDERS:
        _FOLDERS.append(Path(tempfile.mkdtemp(prefix="mnist-dream-data-")))
        atexit.register(shutil.rmtree, _FOLDERS[0], ignore_errors=True)
    return _FOLDERS[0]
