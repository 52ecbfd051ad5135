"""The result of a training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained model, its weights before the first batch, and figures per epoch, each an array (epochs,).

    `history` has loss, accuracy, test_loss, test_accuracy and learning_rate (after the last batch of the epoch). `loss`
    and `accuracy` are the means over the batches while they were trained on. `diverged` says what came in place of a
    number in the last of these epochs, None for nothing.
    """

    model: "keras.Model"
    initial_weights: dict[str, np.ndarray]
    history: dict[str, np.ndarray]
    diverged: str | None = None

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the arrays by file; the model is a file of its own."""
        return {"initial_weights.npz": self.initial_weights, "history.npz": self.history}
