"""The averages of the weights that an optimizer keeps, put into the CNN while it is tested."""

from typing import Any

import keras


class AverageWeights(keras.callbacks.Callback):
    """Exchanges weights and their averages before the test images, and back afterwards.

    At the end of `fit` Keras itself leaves the averages in the CNN. Its own `SwapEMAWeights` exchanges by sums and
    differences, whose roundings would change both.
    """

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._exchange()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._exchange()

    def _exchange(self) -> None:
        optimizer = self.model.optimizer
        # there is no public name for them
        averages = optimizer._model_variables_moving_average
        for weight, average in zip(self.model.trainable_variables, averages, strict=True):
            kept = weight.numpy().copy()
            weight.assign(average)
            average.assign(kept)
