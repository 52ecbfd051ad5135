"""The averages of the weights that an optimizer keeps, put into the CNN while it is tested."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


@contextlib.contextmanager
def growing_window(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let the averages of the weights forget the begin of the training, as long as the block lasts.

    The average after batch t, counted from 0, has m = min(averaging, (1 + t) / (10 + t)): it is over about the last
    ninth of the batches, until these are 1 / (1 - averaging). With the same m from the first batch on, the untrained
    weights have a share of averaging ** t: more than a third after 1,000 batches with 0.999. So has it
    `tf.train.ExponentialMovingAverage` with `num_updates`.

    Args:
        optimizer: one that keeps averages; another is left as it is.
    """
    if not optimizer.use_ema:
        yield
        return
    most, update = optimizer.ema_momentum, optimizer._update_model_variables_moving_average

    def updated(variables: Any) -> None:
        done = tf.cast(optimizer.iterations, tf.float32)
        optimizer.ema_momentum = tf.minimum(most, (1 + done) / (10 + done))
        try:
            update(variables)
        finally:
            optimizer.ema_momentum = most

    # of this optimizer alone: it stays of the class that it is, and is saved as such
    optimizer._update_model_variables_moving_average = updated
    try:
        yield
    finally:
        del optimizer._update_model_variables_moving_average


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
