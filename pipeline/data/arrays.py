"""Files of arrays, read."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

# What reading a broken file of arrays raises.
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of an .npz file.

    Raises:
        OSError, ValueError, zipfile.BadZipFile, zlib.error: it cannot be read, is broken or holds pickles.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        # numpy would take it for a pickle
        raise ValueError("it is no complete .npz file")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
