"""How much of what the machine can do the engine uses: floating-point operations against matrix products."""

import statistics
from typing import NamedTuple

import keras
import tensorflow as tf

from benchmarks.task import Task
from benchmarks.timing import timed
from pipeline.settings.choices import Objective

SIDE = 2048


class MatrixProducts:
    """The rate of float32 matrix products with TensorFlow, on all cores that it uses."""

    def __init__(self) -> None:
        self._a, self._b = tf.random.normal((SIDE, SIDE)), tf.random.normal((SIDE, SIDE))
        self._seconds: list[float] = []
        self._product()

    def measure(self, times: int = 5) -> None:
        """Some more products."""
        self._seconds += [timed(self._product)[0] for _ in range(times)]

    @property
    def flops(self) -> float:
        """Floating-point operations per second, the median of all products so far."""
        return 2 * SIDE**3 / statistics.median(self._seconds)

    def _product(self) -> None:
        # one number is fetched, so that the product is done when this returns
        float(tf.matmul(self._a, self._b)[0, 0])


class Work(NamedTuple):
    """Floating-point operations of a sweep's convolutions: those performed, and those if the layer that is ascended
    were computed too."""

    performed: int
    nominal: int


def work_of(task: Task) -> Work:
    """A forward pass and the gradient of the input, for every map, start and step of the default settings.

    A multiply-add counts as two operations. The gradient of a convolution's input takes as many as the convolution.
    Restarts, pools, activations and the step itself are not counted.
    """
    oip = task.config.oip
    passes = 2 * 2 * task.maps * oip.starts * oip.steps
    below = sum(multiply_adds(layer) for layer in _convolutions_below(task))
    last = multiply_adds(task.model.get_layer(task.layer))
    # before its activation the last layer is affine: the engine folds it into one weighted sum
    folded = oip.objective is Objective.pre_activation
    return Work(passes * (below + (0 if folded else last)), passes * (below + last))


def _convolutions_below(task: Task) -> list[keras.layers.Conv2D]:
    part = keras.Model(task.model.inputs[0], task.model.get_layer(task.layer).input)
    return [layer for layer in part.layers if isinstance(layer, keras.layers.Conv2D)]


def multiply_adds(layer: keras.layers.Conv2D | keras.layers.Dense) -> int:
    """Return how many a layer takes for one image."""
    if isinstance(layer, keras.layers.Dense):
        return int(layer.kernel.shape[0] * layer.kernel.shape[1])
    _, height, width, filters = layer.output.shape
    kernel_height, kernel_width, channels, _ = layer.kernel.shape
    return int(height * width * filters * kernel_height * kernel_width * channels)
