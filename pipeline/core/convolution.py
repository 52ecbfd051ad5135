"""A convolution with its activation and the pool behind it, as one: `forward` says why, and why it is fast."""

import functools
import operator
from collections.abc import Callable, Sequence
from itertools import product

import keras
import tensorflow as tf

# Of a kernel (height * width * channels) and of a pool's window: above these, sums over the kernel are slower than a
# convolution, and long to compile.
FEW_TAPS, FEW_PLACES = 32, 9

# Activation functions that never fall, so that the maximum may be taken first; and what a gradient g becomes in them,
# given their output y.
GROWING: dict[Callable, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    keras.activations.relu: lambda g, y: tf.where(y > 0, g, 0.0),
    keras.activations.elu: lambda g, y: tf.where(y > 0, g, g * (y + 1.0)),
    keras.activations.sigmoid: lambda g, y: g * y * (1.0 - y),
    keras.activations.tanh: lambda g, y: g * (1.0 - y * y),
    keras.activations.linear: lambda g, y: g,
}


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, activation: Callable, pool: int, sides: tuple[int, int]
) -> tf.Tensor:
    """Compute the upper left of  activation(max_pool(convolution(x, kernel)) + bias),  without padding.

    Args:
        x: (batch, rows, columns, channels) float32.
        kernel: (size, size, channels, maps) float32.
        bias: (maps,) float32.
        activation: one of `GROWING`.
        pool: positions per side of the pool's window; 1 for no pool.
        sides: (height, width) of what is wanted of the output.
    Returns:
        (batch, height, width, maps) float32.
    """
    size, channels, maps = kernel.shape[0], kernel.shape[2], kernel.shape[3]
    height, width = sides

    if size**2 * channels <= FEW_TAPS and 1 < pool**2 <= FEW_PLACES:
        return _convolve_by_taps(x, kernel, bias, activation, pool, sides)

    def pooled(y: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        windows = tf.reshape(y, (-1, height, pool, width, pool, maps))
        return activation(_largest([windows[:, :, i, :, j] for i, j in product(range(pool), repeat=2)]) + bias)

    seen = x[:, : height * pool + size - 1, : width * pool + size - 1]
    return fused(pooled)(tf.nn.conv2d(seen, kernel, strides=1, padding="VALID"), bias)


def _convolve_by_taps(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, activation: Callable, pool: int, sides: tuple[int, int]
) -> tf.Tensor:
    """Compute the same as `convolve`, without anything as large as the convolution's output before the pool.

    Args:
        x: (batch, rows, columns, channels) float32.
        kernel: (size, size, channels, maps) float32.
        bias: (maps,) float32.
        activation: one of `GROWING`.
        pool: positions per side of the pool's window.
        sides: (height, width) of what is wanted of the output.
    Returns:
        (batch, height, width, maps) float32; its gradient is with respect to x.
    """
    compiled = functools.partial(tf.function, jit_compile=True, autograph=False)

    @compiled
    def value(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        return activation(_largest(_by_taps(x, kernel, pool, sides)) + bias)

    @compiled
    def place(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return _place_of_largest(_by_taps(x, kernel, pool, sides))

    # a program of its own: otherwise XLA would compute the places once more for each of them
    @compiled
    def gradient(upstream: tf.Tensor, y: tf.Tensor, places: tf.Tensor, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        given = GROWING[activation](upstream, y)
        rows = [tf.reshape(tf.where(places == float(k), given, 0.0), (-1, kernel.shape[3])) for k in range(pool**2)]
        back = [
            tf.matmul(row, placed, transpose_b=True) for row, placed in zip(rows, _placed(kernel, pool), strict=True)
        ]
        with tf.GradientTape() as tape:
            tape.watch(x)
            patches = _patches(x, kernel.shape[0], pool, *sides)
        return tape.gradient(patches, x, tf.add_n(back))

    @tf.custom_gradient
    def value_of(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        y = value(x, kernel, bias)
        return y, lambda upstream: gradient(upstream, y, place(x, kernel), x, kernel)

    return value_of(x)


def _by_taps(x: tf.Tensor, kernel: tf.Tensor, pool: int, sides: tuple[int, int]) -> list[tf.Tensor]:
    """Compute the convolution at each place of the pool's window, row by row, as a sum over the kernel.

    Args:
        x: (batch, rows, columns, channels) float32.
        kernel: (size, size, channels, maps) float32.
        pool: places per side of the pool's window.
        sides: (height, width) of the output of the pool.
    Returns:
        pool^2 tensors (batch, height, width, maps) float32.
    """
    height, width = sides
    rows, columns, channels, _ = kernel.shape
    sums = []
    for i, j in product(range(pool), repeat=2):
        taps = [
            x[:, i + u : i + u + pool * (height - 1) + 1 : pool, j + v : j + v + pool * (width - 1) + 1 : pool, c, None]
            * kernel[u, v, c]
            for u, v, c in product(range(rows), range(columns), range(channels))
        ]
        sums.append(functools.reduce(operator.add, taps))
    return sums


def fused(function: Callable) -> Callable:
    """Return `function` compiled by XLA; the gradient, with respect to its first argument, computes its value again."""
    compiled = tf.function(function, jit_compile=True, autograph=False)

    @tf.function(jit_compile=True, autograph=False)
    def gradient(upstream: tf.Tensor, x: tf.Tensor, *constants: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x, *constants)
        return tape.gradient(value, x, upstream)

    def call(x: tf.Tensor, *constants: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def value_of(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            return compiled(x, *constants), lambda upstream: gradient(upstream, x, *constants)

        return value_of(x)

    return call


def _patches(x: tf.Tensor, size: int, pool: int, height: int, width: int) -> tf.Tensor:
    """Return all that the convolution sees of each window of the pool, as rows.

    The picture is cut into blocks of pool x pool; a window looks at n x n blocks, n = ceil((pool + size - 1) / pool).

    Args:
        x: (batch, rows, columns, channels) float32.
        size: of the kernel, per side.
        pool: places per side of the pool's window.
        height: of the output of the pool.
        width: of the output of the pool.
    Returns:
        (batch * height * width, n^2 * pool^2 * channels) float32.
    """
    n = _blocks(size, pool)
    needed = ((height + n - 1) * pool, (width + n - 1) * pool)
    missing = [max(wanted - side, 0) for wanted, side in zip(needed, x.shape[1:3], strict=True)]
    x = tf.pad(x, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])[:, : needed[0], : needed[1]]
    blocks = tf.nn.space_to_depth(x, pool)
    shifted = [blocks[:, i : i + height, j : j + width] for i, j in product(range(n), repeat=2)]
    return tf.reshape(tf.concat(shifted, axis=-1), (-1, n**2 * pool**2 * x.shape[3]))


def _placed(kernel: tf.Tensor, pool: int) -> list[tf.Tensor]:
    """Return the kernel at each place of the pool's window, row by row, as a matrix for `_patches`.

    Args:
        kernel: (size, size, channels, maps) float32.
        pool: places per side of the pool's window.
    Returns:
        pool^2 tensors (n^2 * pool^2 * channels, maps) float32.
    """
    size, _, channels, maps = kernel.shape
    n = _blocks(size, pool)
    matrices = []
    for i, j in product(range(pool), repeat=2):
        room = n * pool - size
        placed = tf.pad(kernel, [[i, room - i], [j, room - j], [0, 0], [0, 0]])
        blocks = tf.transpose(tf.reshape(placed, (n, pool, n, pool, channels, maps)), (0, 2, 1, 3, 4, 5))
        matrices.append(tf.reshape(blocks, (n**2 * pool**2 * channels, maps)))
    return matrices


def _blocks(size: int, pool: int) -> int:
    """Return how many blocks per side a window of the pool looks at:  ceil((pool + size - 1) / pool).

    Args:
        size: of the kernel, per side.
        pool: pixels per side of a block.
    Returns:
        Their number.
    """
    return -(-(pool + size - 1) // pool)


def _place_of_largest(values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Tell which of the values is the largest, element by element, the first of equal ones; as a float."""
    largest, place = values[0], tf.zeros_like(values[0])
    for number, value in enumerate(values[1:], start=1):
        place = tf.where(value > largest, float(number), place)
        largest = tf.maximum(largest, value)
    return place


def _largest(values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the element-wise maximum; where values are equal the gradient goes to the first, as in a pool."""
    values = list(values)
    while len(values) > 1:
        pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
        values = [tf.maximum(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return values[0]
