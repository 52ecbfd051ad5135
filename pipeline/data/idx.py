"""Files of MNIST's format, IDX, packed or not."""

import gzip
import re
from pathlib import Path

import numpy as np

from pipeline.data.source import Arrays

IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
# The beginnings of the same names; also other ones that files go by, such as emnist-letters-test-images-idx3-ubyte.
_PATTERNS = tuple(
    re.compile(rf"(^|.*[-_.]){part}[-_.]?{kind}([-_.].*)?", re.IGNORECASE)
    for part in ("train", "(t10k|test)")
    for kind in ("images", "labels")
)
_GZIP = b"\x1f\x8b"


def read_idx(folder: Path) -> Arrays:
    """Read the four files.

    Raises:
        OSError, EOFError, ValueError, zlib.error: one is missing, broken or of another format.
    """
    x_train, y_train, x_test, y_test = map(_read, _files(folder))
    return Arrays(x_train, y_train, x_test, y_test)


def _files(folder: Path) -> list[Path]:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    found = []
    for usual, pattern in zip(IDX_NAMES, _PATTERNS, strict=True):
        matching = [name for name in names if pattern.fullmatch(name)]
        unpacked = {name.removesuffix(".gz") for name in matching}
        if usual in matching:
            found.append(folder / usual)
        elif len(unpacked) > 1:
            raise ValueError(f"it has several files of that kind: {', '.join(matching)}")
        elif matching:
            found.append(folder / matching[0])
        else:
            raise ValueError(f"it lacks {usual}, also without .gz")
    return found


def _read(path: Path) -> np.ndarray:
    """Read IDX: two zero bytes, 8 (unsigned bytes), the number of axes, each length as big-endian int32, the bytes."""
    content = path.read_bytes()
    # by content: whoever unpacks files may leave their names
    if content[:2] == _GZIP or not content.startswith(b"\0\0"):
        content = gzip.decompress(content)
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no IDX file of unsigned bytes")
    axes = content[3]
    shape = tuple(map(int, np.frombuffer(content, ">i4", axes, 4)))
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    size = int(np.prod(shape, dtype=object)) if shape else 0
    if min(shape, default=0) < 0 or values.size != size:
        raise ValueError(f"{path.name} has {values.size} bytes where its header says {size}")
    return values.reshape(shape)
