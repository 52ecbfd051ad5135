"""The arrays of a data set from a file in Keras' layout, or from a folder of IDX files."""

import gzip
from pathlib import Path

import numpy as np

from pipeline.data.arrays import load_arrays
from pipeline.data.source import Arrays
from pipeline.runtime.errors import InputError

IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def read_arrays(path: Path, *, classes: int) -> Arrays:
    """Read an .npz in Keras' layout, or a folder with the four IDX files.

    Args:
        classes: of the data set: labels are 0 to `classes` - 1.
    Raises:
        InputError: it is missing, broken or of another layout.
    """
    takes = "an .npz file with x_train, y_train, x_test, y_test, or a folder with the four IDX .gz files"
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error
    if not path.exists():
        raise InputError.at("data.path", takes=takes, got=f"{path}, which does not exist")
    try:
        arrays = _read_idx(path) if path.is_dir() else _read_npz(path)
    except Exception as error:  # OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error: all kinds of broken
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error
    _check(arrays.x_train, arrays.y_train, "train", path, classes)
    _check(arrays.x_test, arrays.y_test, "test", path, classes)
    return arrays


def state_of(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return what tells whether files were written to since they were last asked for this: () if there are none.

    Returns:
        Name, time of the last change (ns), size and inode of the file, or of every file in the folder.
    """
    try:
        path = path.expanduser()
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        states = [(file.name, file.stat()) for file in files]
    except (OSError, RuntimeError):
        return ()
    return tuple((name, state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states)


def _check(x: np.ndarray, y: np.ndarray, part: str, path: Path, classes: int) -> None:
    if x.ndim != 3 or x.shape[1] != x.shape[2] or y.shape != x.shape[:1] or x.size == 0:
        takes = f"square grey images x_{part} (count, side, side) with labels y_{part} (count,)"
        raise InputError.at("data.path", takes=takes, got=f"{path} with {x.shape} and {y.shape}")
    if x.dtype.kind not in "uif" or not np.isfinite(x).all():
        takes = "images of finite numbers"
        raise InputError.at("data.path", takes=takes, got=f"{path} with x_{part} of {x.dtype}")
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= classes:
        takes = f"labels 0 to {classes - 1}"
        raise InputError.at("data.path", takes=takes, got=f"{path} with {y.dtype}, {y.min()} to {y.max()}")


def _read_npz(path: Path) -> Arrays:
    arrays = load_arrays(path)
    missing = [name for name in Arrays._fields if name not in arrays]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    return Arrays(*(arrays[name] for name in Arrays._fields))


def _read_idx(folder: Path) -> Arrays:
    return Arrays(*(_read_idx_file(folder / name) for name in IDX_NAMES))


def _read_idx_file(path: Path) -> np.ndarray:
    """Read IDX: two zero bytes, 8 (unsigned bytes), the number of axes, each length as big-endian int32, the bytes."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no IDX file of unsigned bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if values.size != np.prod(shape):
        raise ValueError(f"{path.name} has {values.size} bytes where its header says {np.prod(shape)}")
    return values.reshape(shape)
