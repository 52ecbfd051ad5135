"""The length of the gradients of a training, by epoch."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


class GradientNorm:
    """The mean over the batches of the length of the gradient: sqrt of the sum of all its squares."""

    def __init__(self) -> None:
        # sums of many small numbers, which float32 would round
        self._sum = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._batches = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    @contextlib.contextmanager
    def of(self, optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
        """Look at every gradient that the optimizer is given, as long as the block lasts.

        The model stays of the class that it is, and is saved as such; a `train_step` of its own would change that.
        """
        apply = optimizer.apply

        def watched(grads: Any, trainable_variables: Any = None) -> Any:
            self._sum.assign_add(tf.cast(tf.linalg.global_norm(list(grads)), tf.float64))
            self._batches.assign_add(1.0)
            return apply(grads, trainable_variables)

        optimizer.apply = watched
        try:
            yield
        finally:
            del optimizer.apply

    def take(self) -> float:
        """Return the mean since the last call, and begin anew."""
        mean = float(self._sum / self._batches)
        self._sum.assign(0.0)
        self._batches.assign(0.0)
        return mean
