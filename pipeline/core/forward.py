"""The forward pass of a CNN, arranged so that it and its gradient are fast on a CPU.

What costs most in a small CNN is not its arithmetic: the gradient of a pool, of a convolution with a single input
channel, and element-wise passes over large feature maps take longer than the large convolution. These changes of order,
which leave every result the same but for rounding, avoid that:

- Bias and activation follow the pool instead of preceding it: both grow with their argument, so the maximum of the
  activations is the activation of the maximum; there are size^2 times fewer of them.
- Only what the pool will look at is convolved (a pool drops the rows that do not fill a window).
- A convolution with few input channels is done by XLA together with the pool behind it: a sum over the kernel for each
  place in the pool's window, of which only the largest is ever written. For the gradient it is computed again which
  place that was; then matrix products lead back to patches of the input.
- What surrounds the other convolutions is compiled by XLA, which fuses element-wise passes. Its gradient is compiled
  together with a second computation of its value: that is cheaper than to write the large values in between and to
  read them again. The convolutions themselves are left to oneDNN, as XLA's are slow on a CPU.

What becomes of an image must not depend on the images beside it, nor on their number: the order of a sum decides its
rounding, an ascent makes much of little, and a map would get another picture in another batch. oneDNN convolves image
by image, in the same order however many they are, unless there is only one (`FEWEST_IMAGES`). A matrix product of all
images does not: on CPUs without AVX-512 the number of its rows, and which of them an image is, decide the order. So a
dense layer is computed as the convolution that it is. All of this was found by trial on x86-64 CPUs, with oneDNN,
which `pipeline/runtime/numerics.py` asks TensorFlow for; docs/oip.md says how far it holds.
"""

import functools
import operator
import re
from collections.abc import Callable, Sequence
from itertools import pairwise, product

import keras
import tensorflow as tf

# (weights in the order of `variables_of`, images) -> output of the part
ForwardPass = Callable[[Sequence[tf.Tensor], tf.Tensor], tf.Tensor]

# Of a kernel (height * width * channels) and of a pool's window: above these, sums over the kernel are slower than a
# convolution, and long to compile.
FEW_TAPS, FEW_PLACES = 32, 9

# A single image is convolved in another order than one of several.
FEWEST_IMAGES = 2

# Activation functions that never fall, so that the maximum may be taken first; and what a gradient g becomes in them,
# given their output y.
GROWING: dict[Callable, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    keras.activations.relu: lambda g, y: tf.where(y > 0, g, 0.0),
    keras.activations.elu: lambda g, y: tf.where(y > 0, g, g * (y + 1.0)),
    keras.activations.sigmoid: lambda g, y: g * y * (1.0 - y),
    keras.activations.tanh: lambda g, y: g * (1.0 - y * y),
    keras.activations.linear: lambda g, y: g,
}


def variables_of(part: keras.Layer) -> list[keras.Variable]:
    """Return the weights of `part`, a model or a layer, those that are trained first."""
    return [*part.trainable_variables, *part.non_trainable_variables]


def specs_of(part: keras.Model) -> list[tf.TensorSpec]:
    """Return what a program takes as the weights of `part`, in the order of `variables_of`."""
    return [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables_of(part)]


def architecture_of(part: keras.Model) -> str:
    """Return the layers of `part` as JSON, without the seeds from which their first weights were once drawn."""
    return re.sub(r'"seed": \d+', '"seed": 0', part.to_json())


def compiler_of(xla: bool | None) -> str:
    """Choose what XLA compiles. whole: one program; parts: what surrounds the convolutions; none.

    Args:
        xla: see `ascent.ascend`.
    Returns:
        "whole", "parts" or "none".
    """
    if xla is None:
        return "whole" if tf.config.list_logical_devices("GPU") else "parts"
    return "whole" if xla else "none"


def plain_forward_pass(part: keras.Model) -> ForwardPass:
    """Return the layers of `part` as Keras computes them, but for the dense layers of a chain, see above."""
    if is_chain(part) and any(map(_is_plain_dense, part.layers)):
        return lambda weights, x: _one_by_one(part, part.layers[1:], weights, x)
    trainable = len(part.trainable_variables)
    return lambda weights, x: part.stateless_call(weights[:trainable], weights[trainable:], x)[0]


def fast_forward_pass(part: keras.Model) -> ForwardPass:
    """Rearrange leading unpadded convolutions and pools as described above; further layers are as Keras computes them.

    A model that is no chain of layers is computed by Keras altogether.
    """
    if not is_chain(part):
        return plain_forward_pass(part)
    stages = _stages(part.layers[1:])
    rest = part.layers[1 + sum(1 if pool is None else 2 for _, pool in stages) :]
    seen = _seen(stages)

    def forward(weights: Sequence[tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        for (convolution, pool), sides in zip(stages, seen, strict=True):
            kernel, bias = _chosen(part, weights, [convolution.kernel, convolution.bias])
            x = _convolve(x, kernel, bias, convolution.activation, 1 if pool is None else pool.pool_size[0], sides)
        return _one_by_one(part, rest, weights, x, fused)

    return forward


def _one_by_one(
    part: keras.Model,
    layers: Sequence[keras.Layer],
    weights: Sequence[tf.Tensor],
    x: tf.Tensor,
    compiled: Callable[[Callable], Callable] = lambda function: function,
) -> tf.Tensor:
    """Compute these layers of `part`, one behind the other, as Keras does, but for dense ones.

    Args:
        part: a chain of layers.
        layers: some of its layers, in order.
        weights: of `part`, in the order of `variables_of`.
        x: (batch, ...) float32, the input of the first of the layers.
        compiled: makes a program of what follows the product of a dense layer.
    Returns:
        (batch, ...) float32, the output of the last of the layers.
    """
    for layer in layers:
        if _is_plain_dense(layer):
            kernel, *bias = _chosen(part, weights, variables_of(layer))
            x = compiled(functools.partial(_activated, layer.activation))(_dense(x, kernel), *bias)
        else:
            trained, others = layer.trainable_variables, layer.non_trainable_variables
            x, _ = layer.stateless_call(_chosen(part, weights, trained), _chosen(part, weights, others), x)
    return x


def _chosen(part: keras.Model, weights: Sequence[tf.Tensor], variables: Sequence[keras.Variable]) -> list[tf.Tensor]:
    """Return the tensors that stand for some of the weights of `part`.

    Args:
        part: a model.
        weights: all of its weights, in the order of `variables_of`.
        variables: those that are wanted.
    Returns:
        One tensor for each variable.
    """
    positions = {variable.path: number for number, variable in enumerate(variables_of(part))}
    return [weights[positions[variable.path]] for variable in variables]


def _dense(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Multiply x @ kernel so that a row of the product does not depend on the number and the place of the rows.

    Args:
        x: (batch, inputs) float32.
        kernel: (inputs, units) float32.
    Returns:
        (batch, units) float32.
    """
    return tf.nn.conv2d(x[:, None, None], kernel[None, None], strides=1, padding="VALID")[:, 0, 0]


def _activated(activation: Callable, x: tf.Tensor, *bias: tf.Tensor) -> tf.Tensor:
    """Return activation(x + bias).

    Args:
        activation: of the layer.
        x: (batch, units) float32.
        bias: (units,) float32, one or none.
    Returns:
        (batch, units) float32.
    """
    return activation(sum(bias, x))


Stage = tuple[keras.layers.Conv2D, keras.layers.MaxPooling2D | None]


def _stages(layers: Sequence[keras.Layer]) -> list[Stage]:
    """Return the convolutions, each with the pool behind it, up to the first layer that is neither."""
    stages: list[Stage] = []
    for layer in layers:
        if type(layer) is keras.layers.Conv2D and _is_plain_convolution(layer):
            stages.append((layer, None))
        elif type(layer) is keras.layers.MaxPooling2D and _is_plain_pool(layer) and stages and stages[-1][1] is None:
            stages[-1] = (stages[-1][0], layer)
        else:
            break
    return stages


def _seen(stages: Sequence[Stage]) -> list[tuple[int, int]]:
    """Return (height, width) of what of each stage's output the next one looks at; all of the last one's."""
    sides = []
    needed = None
    for convolution, pool in reversed(stages):
        output = (convolution if pool is None else pool).output.shape[1:3]
        sides.append(tuple(output) if needed is None else needed)
        window, size = 1 if pool is None else pool.pool_size[0], convolution.kernel_size[0]
        height, width = sides[-1]
        needed = (height * window + size - 1, width * window + size - 1)
    return sides[::-1]


def is_chain(part: keras.Model) -> bool:
    """Tell whether every layer stands on the one before it, and on nothing else."""
    layers = part.layers
    if len(part.inputs) != 1 or len(part.outputs) != 1 or not isinstance(layers[0], keras.layers.InputLayer):
        return False
    if any(len(layer._inbound_nodes) != 1 for layer in layers):
        return False
    return all(after.input is before.output for before, after in pairwise(layers))


def _is_plain_convolution(layer: keras.layers.Conv2D) -> bool:
    return (
        layer.padding == "valid"
        and layer.data_format == "channels_last"
        and (tuple(layer.strides), tuple(layer.dilation_rate), layer.groups) == ((1, 1), (1, 1), 1)
        and layer.kernel_size[0] == layer.kernel_size[1]
        and layer.use_bias
        and layer.activation in GROWING
    )


def _is_plain_dense(layer: keras.Layer) -> bool:
    """Tell whether this is a dense layer of images that are rows, with a kernel, perhaps a bias, and nothing else."""
    if type(layer) is not keras.layers.Dense or len(layer.input.shape) != 2:
        return False
    learnt = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]
    return [one.path for one in variables_of(layer)] == [one.path for one in learnt]


def _is_plain_pool(layer: keras.layers.MaxPooling2D) -> bool:
    square = layer.pool_size[0] == layer.pool_size[1] and tuple(layer.pool_size) == tuple(layer.strides)
    return square and layer.padding == "valid" and layer.data_format == "channels_last"


def _convolve(
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
    """Compute the same as `_convolve`, without anything as large as the convolution's output before the pool.

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
