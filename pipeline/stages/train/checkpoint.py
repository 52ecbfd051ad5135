"""A file with all that a training needs to go on after an epoch, so that one that was killed is not lost.

An epoch's batches follow of the seed and its number alone, so a training that goes on ends with the bits of one that
was never disturbed.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.data.arrays import UNREADABLE, load_arrays
from pipeline.engine.provenance import array_digests, digest
from pipeline.runtime.files import whole_file
from pipeline.stages.train.snapshot_file import arrays_of, snapshots_of

# Seconds between two files at least, and how many times as long as it takes to write one.
EVERY, TIMES_WRITING = 10.0, 20.0
DIGEST, TRAINING = "digest", "training"
_HISTORY, _SNAPSHOTS = "history/", "snapshots/"
GOES_ON = "train: goes on after epoch %d of %d, which a process that ended had reached"
BROKEN = "train: begins anew, as %s cannot be used: %s"
NOT_WRITTEN = "train: cannot keep what is reached for the case that it is ended: %s"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reached:
    """What a training had come to: figures by epoch, those of `TrainResult.history` and the speed, and snapshots."""

    history: Mapping[str, np.ndarray]
    snapshots: Mapping[int, Mapping[str, np.ndarray]]

    @property
    def epochs(self) -> int:
        """Return how many epochs are done."""
        return len(self.history["loss"])

    def figures(self) -> list[dict[str, float]]:
        """Return the figures of each epoch."""
        return [{name: float(values[epoch]) for name, values in self.history.items()} for epoch in range(self.epochs)]


def named_by(weights: Mapping[str, np.ndarray], *others: object) -> str:
    """Return a name of the training that begins with these weights, and depends on nothing else but these words."""
    return f"{_digest(weights)} {' '.join(map(str, others))}"


def restore(model: keras.Model, file: Path | None, *, training: str, epochs: int) -> Reached | None:
    """Bring a model and its optimizer to where an earlier process was.

    Args:
        model: compiled; changed in place, or left as it is.
        file: of that process, or none.
        training: its name, see `named_by`; the file has to be of the same.
        epochs: of the whole training.
    Returns:
        What it had reached; None where there is no such file, or, with a line in the log, one that is broken.
    """
    if file is None or not file.exists():
        return None
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    variables = [*model.weights, *optimizer.variables]
    try:
        arrays = load_arrays(file)
        if str(arrays.pop(DIGEST)) != _digest(arrays):
            raise ValueError("its bytes are not those that were written")
        if str(arrays.pop(TRAINING)) != training:
            raise ValueError("it is of another training")
        values = [arrays[str(number)] for number in range(len(variables))]
        history = _below(_HISTORY, arrays)
        reached = Reached(history, snapshots_of(_below(_SNAPSHOTS, arrays)))
        if not 0 < reached.epochs < epochs:
            raise ValueError(f"it is of {reached.epochs} epochs")
    except UNREADABLE as error:
        logger.warning(BROKEN, file, error)
        return None
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    logger.warning(GOES_ON, reached.epochs, epochs)
    return reached


class Checkpoint(keras.callbacks.Callback):
    """Writes the file at the end of an epoch, if the last one is old enough; has to stand behind all that it keeps."""

    def __init__(
        self,
        file: Path,
        *,
        training: str,
        figures: Sequence[Mapping[str, float]],
        snapshots: Mapping[int, Mapping[str, np.ndarray]],
    ) -> None:
        """Keep these, as they are at the end of an epoch.

        Args:
            file: the path.
            training: see `restore`.
            figures: of each epoch.
            snapshots: weights by epoch.
        """
        super().__init__()
        self.file, self.training, self.figures, self.snapshots = file, training, figures, snapshots
        self._next = time.monotonic() + EVERY
        self._is_told = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        is_last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        begun = time.monotonic()
        if is_last or begun < self._next:
            return
        try:
            self._write()
        except OSError as error:
            if not self._is_told:
                logger.warning(NOT_WRITTEN, error)
            self._is_told = True
        taken = time.monotonic() - begun
        self._next = time.monotonic() + max(EVERY, TIMES_WRITING * taken)

    def _write(self) -> None:
        variables = [*self.model.weights, *self.model.optimizer.variables]
        arrays = {str(number): np.array(variable) for number, variable in enumerate(variables)}
        arrays |= {f"{_HISTORY}{name}": np.array([one[name] for one in self.figures]) for name in self.figures[0]}
        arrays[TRAINING] = np.array(self.training)
        arrays |= {f"{_SNAPSHOTS}{name}": values for name, values in arrays_of(self.snapshots).items()}
        with whole_file(self.file) as draft, draft.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **arrays, **{DIGEST: np.array(_digest(arrays))})


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, types, shapes and values."""
    return digest(array_digests(arrays))
