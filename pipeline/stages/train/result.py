"""The result of a training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.evaluation import Evaluation, evaluate
from pipeline.engine.storage import SNAPSHOTS
from pipeline.stages.train.snapshot_file import arrays_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained model, its weights before the first batch, figures per epoch, and what it says of the test images.

    `history` has loss, accuracy, test_loss, test_accuracy, learning_rate (after the last batch of the epoch) and
    gradient_norm, each (epochs,). `loss`, `accuracy` and `gradient_norm` are the means over the batches while they were
    trained on. `images_per_second` (epochs,) is how fast that was, and of no two runs the same. `probabilities`
    (images, classes) float32 are those of each class for every test image, `test_labels` (images,) int64 their classes.
    `diverged` says what came in place of a number in the last of these epochs, None for nothing; the probabilities are
    NaN then. `snapshots` are the weights after the epochs of which they are to be kept.
    """

    model: "keras.Model"
    initial_weights: dict[str, np.ndarray]
    history: dict[str, np.ndarray]
    probabilities: np.ndarray
    test_labels: np.ndarray
    images_per_second: np.ndarray
    diverged: str | None = None
    snapshots: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Return what follows of the probabilities."""
        return evaluate(self.probabilities, self.test_labels)

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the arrays by file; the model is a file of its own."""
        evaluated = {
            "probabilities": self.probabilities,
            "labels": self.test_labels,
            "confusion": self.evaluation.confusion,
            "class_accuracy": self.evaluation.class_accuracy,
        }
        return {
            "initial_weights.npz": self.initial_weights,
            "history.npz": self.history,
            "evaluation.npz": evaluated,
            **({SNAPSHOTS: arrays_of(self.snapshots)} if self.snapshots else {}),
        }
