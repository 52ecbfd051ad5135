"""The weights that a CNN has after some epochs of its training."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from pipeline.core.cnn import weights_by_name


class Snapshots(keras.callbacks.Callback):
    """Keeps the weights with which the test images are looked at after the wanted epochs, so their averages if asked
    for; 0 is before the first batch."""

    def __init__(self, epochs: Sequence[int], first: Mapping[str, np.ndarray]) -> None:
        """Keep nothing yet but the weights before the first batch, `first`, if they are wanted."""
        super().__init__()
        self.wanted = set(epochs)
        self.kept: dict[int, Mapping[str, np.ndarray]] = {0: first} if 0 in self.wanted else {}
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch + 1

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._epoch in self.wanted:
            self.kept[self._epoch] = weights_by_name(self.model)
