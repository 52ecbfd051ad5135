"""Adam with a step size that falls to 0 as a cosine, for the peers of `benchmarks.natural`."""

import math

import tensorflow as tf


class Adam:
    """Turn gradients into what is subtracted."""

    def __init__(self, size: float, steps: int, *, first: float = 0.9, second: float = 0.999) -> None:
        self._size, self._steps, self._first, self._second = size, steps, first, second
        self._done, self._mean, self._square = 0, 0.0, 0.0

    def step(self, gradient: tf.Tensor) -> tf.Tensor:
        """Return what is to be subtracted."""
        size = self._size * 0.5 * (1 + math.cos(math.pi * self._done / self._steps))
        self._done += 1
        self._mean = self._first * self._mean + (1 - self._first) * gradient
        self._square = self._second * self._square + (1 - self._second) * tf.square(gradient)
        mean = self._mean / (1 - self._first**self._done)
        return size * mean / (tf.sqrt(self._square / (1 - self._second**self._done)) + 1e-8)
