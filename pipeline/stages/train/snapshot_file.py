"""The file of the weights that a CNN had after some epochs of its training."""

import re
from collections.abc import Mapping

import numpy as np

# As `arrays_of` names them.
_OF_EPOCH = re.compile(r"epoch_(\d+)/(.+)")


def arrays_of(snapshots: Mapping[int, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of the file, by name: "epoch_0004/Conv2D_1/kernel" and so on."""
    return {
        f"epoch_{epoch:04d}/{path}": values for epoch, weights in snapshots.items() for path, values in weights.items()
    }


def snapshots_of(arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Return all weights by epoch and path, of the arrays of the file; arrays with other names are left out."""
    found: dict[int, dict[str, np.ndarray]] = {}
    for name, values in arrays.items():
        if (match := _OF_EPOCH.fullmatch(name)) is not None:
            found.setdefault(int(match[1]), {})[match[2]] = values
    return found
