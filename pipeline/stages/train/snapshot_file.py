"""The file of the weights that a CNN had after some epochs of its training."""

from collections.abc import Mapping

import numpy as np

# In the folder of a training.
FILE = "snapshots.npz"


def arrays_of(snapshots: Mapping[int, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of the file, by name: "epoch_0004/Conv2D_1/kernel" and so on."""
    return {
        f"{_prefix(epoch)}{path}": values for epoch, weights in snapshots.items() for path, values in weights.items()
    }


def snapshot_of(arrays: Mapping[str, np.ndarray], epoch: int) -> dict[str, np.ndarray]:
    """Return the weights of an epoch by their path, of the arrays of the file.

    Raises:
        KeyError: they were not kept; it says which were.
    """
    prefix = _prefix(epoch)
    found = {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
    if not found:
        kept = ", ".join(map(str, _epochs(arrays)))
        raise KeyError(f"the weights after the epochs {kept} are kept, not after {epoch}")
    return found


def snapshots_of(arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Return all weights by epoch and path, of the arrays of the file."""
    return {epoch: snapshot_of(arrays, epoch) for epoch in _epochs(arrays)}


def _epochs(arrays: Mapping[str, np.ndarray]) -> list[int]:
    return sorted({int(name.split("/", 1)[0].removeprefix("epoch_")) for name in arrays})


def _prefix(epoch: int) -> str:
    return f"epoch_{epoch:04d}/"
