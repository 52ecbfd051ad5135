"""The arrays of a data set from an .npz file, or from a folder of IDX files."""

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.data.idx import read_idx
from pipeline.data.source import Arrays
from pipeline.runtime.errors import InputError

KERAS_NAMES = ("x_train", "y_train", "x_test", "y_test")
# What else arrays are called: images and labels of the training and of the test part, or of both in one.
_IMAGES, _LABELS = "(?:x|image|images|img|imgs|data)", "(?:y|label|labels|target|targets|class|classes)"
_PARTS = {"train": "(?:train|training)", "test": "test|testing", "val": "val|valid|validation"}
CLASS_NAMES = ("class_names", "label_names")
CIFAR_PICKLES = "data_batch_1"


def read_arrays(path: Path, *, is_open: bool = False) -> Arrays:
    """Read an .npz file, or a folder with the four IDX files.

    Args:
        path: of the file or folder.
        is_open: whether arrays may have other names than Keras gives them, be without labels or a test part.
    Returns:
        The arrays as they are.
    Raises:
        InputError: it is missing, broken or without these arrays.
    """
    takes = "an .npz file with x_train, y_train, x_test, y_test, or a folder with the four IDX files"
    path = existing(path, takes)
    if path.is_dir() and (path / CIFAR_PICKLES).exists():
        takes = "null for Keras' cache, or an .npz file with x_train, y_train, x_test, y_test, as numpy.savez writes it"
        raise InputError.at("data.path", takes=takes, got=f"{path} with pickles, which are not read as they run code")
    try:
        return read_idx(path) if path.is_dir() else _read_npz(path, is_open)
    except Exception as error:  # OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error: all kinds of broken
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error


def existing(path: Path, takes: str) -> Path:
    """Return a path with the home directory in place of ~.

    Raises:
        InputError: nothing is there.
    """
    try:
        path = path.expanduser()
        is_there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error
    if not is_there:
        raise InputError.at("data.path", takes=takes, got=f"{path}, which does not exist")
    return path


def state_of(path: Path, *, nested: bool = False) -> tuple[tuple[str, int, int, int], ...]:
    """Return what tells whether files were written to since they were last asked for this: () if there are none.

    Args:
        path: of a file, or of a folder.
        nested: whether the folders in the folder count, too.
    Returns:
        Name, time of the last change (ns), size and inode of the file, or of every file in the folder.
    """
    try:
        path = path.expanduser()
        if nested and path.is_dir():
            return tuple(_nested_states(path))
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        states = [(file.name, file.stat()) for file in files]
    except (OSError, RuntimeError, ValueError):
        return ()
    return tuple(_told(name, state) for name, state in states)


def folders_below(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each folder below a folder, as `os.walk` does, with the names of its folders and files; links are followed,
    but to no folder twice. What is removed from the folders is left out.

    Raises:
        OSError: a folder cannot be read.
    """
    seen = set()
    for folder, folders, files in os.walk(path, followlinks=True, onerror=_raise):
        state = os.stat(folder)  # noqa: PTH116
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        yield folder, folders, files


def _raise(error: OSError) -> None:
    raise error


def _nested_states(path: Path) -> Iterator[tuple[str, int, int, int]]:
    # of texts, as they may be many
    for folder, folders, files in folders_below(path):
        for name in sorted((*folders, *files)):
            file = f"{folder}{os.sep}{name}"
            with contextlib.suppress(FileNotFoundError):
                yield _told(file, os.stat(file))  # noqa: PTH116


def _told(name: str, state: os.stat_result) -> tuple[str, int, int, int]:
    return name, state.st_mtime_ns, state.st_size, state.st_ino


def _read_npz(path: Path, is_open: bool) -> Arrays:
    if path.is_file() and not zipfile.is_zipfile(path):
        # numpy would take it for a pickle
        raise ValueError("it is no complete .npz file")
    with np.load(path, allow_pickle=False) as file:
        names = _open_names(file.files) if is_open else dict(zip(KERAS_NAMES, KERAS_NAMES, strict=True))
        missing = [name for name in names.values() if name not in file.files]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        found = {kind: _array(file, name) for kind, name in names.items()}
        named = next((name for name in CLASS_NAMES if name in file.files), None)
        class_names = _array(file, named) if is_open and named is not None else None
    return Arrays(found["x_train"], found.get("y_train"), found.get("x_test"), found.get("y_test"), class_names)


def _array(file: "np.lib.npyio.NpzFile", name: str) -> np.ndarray:
    try:
        array: np.ndarray = file[name]
    except ValueError as error:
        if "pickle" in str(error):
            raise ValueError(f"{name} holds Python objects, which are not read as they may run code") from error
        raise
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} is no array")
    return array


def _open_names(names: list[str]) -> dict[str, str]:
    """Return which array is which, by Keras' names for them.

    Raises:
        ValueError: there are no images, several arrays that may be, or labels of one part alone.
    """
    found: dict[str, str] = {}
    for kind, what in (("x", _IMAGES), ("y", _LABELS)):
        for part, words in _PARTS.items():
            _note(found, f"{kind}_{part}", names, rf"{what}[-_. ]?(?:{words})|(?:{words})[-_. ]?{what}")
        _note(found, f"{kind}_all", names, what)
    for kind in "xy":
        validation, whole = found.pop(f"{kind}_val", None), found.pop(f"{kind}_all", None)
        if f"{kind}_test" not in found and validation is not None:
            found[f"{kind}_test"] = validation
        if f"{kind}_train" not in found and whole is not None:
            found[f"{kind}_train"] = whole
    if "x_train" not in found:
        raise ValueError(f"it lacks x_train, or x, images or data; it has {', '.join(names) or 'nothing'}")
    if "x_test" not in found:
        found.pop("y_test", None)
    elif ("y_train" in found) != ("y_test" in found):
        raise ValueError(f"it lacks {'y_train' if 'y_test' in found else 'y_test'}, the labels of one part")
    return found


def _note(found: dict[str, str], kind: str, names: list[str], pattern: str) -> None:
    matching = [name for name in names if re.fullmatch(pattern, name, re.IGNORECASE)]
    if len(matching) > 1:
        # the name that Keras gives it, else it is not known which is meant
        matching = [name for name in matching if name == kind or f"{name}_all" == kind] or matching
    if len(matching) > 1:
        raise ValueError(f"it has several arrays that may be {kind.removesuffix('_all')}: {', '.join(matching)}")
    if matching:
        found[kind] = matching[0]
