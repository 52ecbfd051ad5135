"""The figures of the epochs of a training."""

import math
import time
from collections.abc import Sequence

import keras
import numpy as np

from pipeline.core.finite import INFINITY, NAN, broken_weight
from pipeline.runtime.progress import Progress
from pipeline.stages.train.gradients import GradientNorm

# The one figure of an epoch that is of no two runs the same.
SPEED = "images_per_second"


class Report(keras.callbacks.Callback):
    """Passes the figures of every epoch on, and keeps them; ends a training that diverges."""

    def __init__(self, total: int, images: int, progress: Progress) -> None:
        """Begin with no epoch.

        Args:
            total: of epochs.
            images: of an epoch.
            progress: is told the figures of each.
        """
        super().__init__()
        self.total = total
        self.images = images
        self.progress = progress
        self.gradient = GradientNorm()
        self.epochs: list[dict[str, float]] = []
        self.diverged: str | None = None
        self._begun = self._trained = 0.0

    def history(self) -> dict[str, np.ndarray]:
        """Return the figures by name, each (epochs,)."""
        return {name: np.array([epoch[name] for epoch in self.epochs]) for name in self.epochs[0]}

    def tell(self, epochs: Sequence[dict[str, float]]) -> None:
        """Tell the figures of epochs, one after the other, and keep them."""
        for figures in epochs:
            self.epochs.append(figures)
            self.progress("train", len(self.epochs), self.total, **figures)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._begun = time.perf_counter()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        figures = {
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "test_loss": logs["val_loss"],
            "test_accuracy": logs["val_accuracy"],
            "learning_rate": float(self.model.optimizer.learning_rate),
            "gradient_norm": self.gradient.take(),
            SPEED: self.images / (self._trained - self._begun),
        }
        self.tell([figures])
        self.diverged = _divergence(figures) or broken_weight(self.model)
        if self.diverged is not None:
            self.model.stop_training = True


def _divergence(figures: dict[str, float]) -> str | None:
    """Return what of an epoch's losses is no finite number, in words; None if both are."""
    for name, words in (("loss", "loss"), ("test_loss", "loss on the test images")):
        if not math.isfinite(figures[name]):
            return f"{NAN if math.isnan(figures[name]) else INFINITY} as the {words}"
    return None
