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
import re
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import keras
import tensorflow as tf

from pipeline.core.convolution import GROWING, convolve, fused

# (weights in the order of `variables_of`, images) -> output of the part
ForwardPass = Callable[[Sequence[tf.Tensor], tf.Tensor], tf.Tensor]

# A single image is convolved in another order than one of several.
FEWEST_IMAGES = 2


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


def joint_forward_pass(part: keras.Model, *, fast: bool) -> Callable[[Sequence[tf.Tensor], tf.Tensor], list[tf.Tensor]]:
    """Return the same of a model of several outputs, one after the other; of a chain each layer is computed once.

    Args:
        part: the model.
        fast: its leading convolutions and pools as `fast_forward_pass` computes them, as far as no output lies between
            a convolution and its pool.
    """
    names = [output._keras_history.operation.name for output in part.outputs]
    if not _follow_each_other(part):
        trainable = len(part.trainable_variables)
        return lambda weights, x: list(part.stateless_call(weights[:trainable], weights[trainable:], x)[0])
    blocks = _conv_blocks(part.layers[1:]) if fast else []
    hidden = [number for number, (convolution, pool) in enumerate(blocks) if pool and convolution.name in names]
    blocks = blocks[: hidden[0]] if hidden else blocks
    rest = part.layers[1 + sum(1 if pool is None else 2 for _, pool in blocks) :]
    seen = _seen(blocks, names)
    compiled = fused if fast else lambda function: function

    def forward(weights: Sequence[tf.Tensor], x: tf.Tensor) -> list[tf.Tensor]:
        found = {part.layers[0].name: x}
        for (convolution, pool), sides in zip(blocks, seen, strict=True):
            kernel, bias = _chosen(part, weights, [convolution.kernel, convolution.bias])
            x = convolve(x, kernel, bias, convolution.activation, 1 if pool is None else pool.pool_size[0], sides)
            found[(pool or convolution).name] = x
        for layer in rest:
            x = found[layer.name] = _one_by_one(part, [layer], weights, x, compiled)
        return [found[name] for name in names]

    return forward


def fast_forward_pass(part: keras.Model) -> ForwardPass:
    """Rearrange leading unpadded convolutions and pools as described above; further layers are as Keras computes them.

    A model that is no chain of layers is computed by Keras altogether.
    """
    if not is_chain(part):
        return plain_forward_pass(part)
    forward = joint_forward_pass(part, fast=True)
    return lambda weights, x: forward(weights, x)[0]


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


ConvBlock = tuple[keras.layers.Conv2D, keras.layers.MaxPooling2D | None]


def _conv_blocks(layers: Sequence[keras.Layer]) -> list[ConvBlock]:
    """Return the convolutions, each with the pool behind it, up to the first layer that is neither."""
    blocks: list[ConvBlock] = []
    for layer in layers:
        if type(layer) is keras.layers.Conv2D and _is_plain_convolution(layer):
            blocks.append((layer, None))
        elif type(layer) is keras.layers.MaxPooling2D and _is_plain_pool(layer) and blocks and blocks[-1][1] is None:
            blocks[-1] = (blocks[-1][0], layer)
        else:
            break
    return blocks


def _seen(blocks: Sequence[ConvBlock], whole: Collection[str] = ()) -> list[tuple[int, int]]:
    """Return (height, width) of what of each block's output the next one looks at; all of the last one's.

    Args:
        blocks: one behind the other.
        whole: names of layers of which all is wanted.
    """
    sides = []
    needed = None
    for convolution, pool in reversed(blocks):
        last = convolution if pool is None else pool
        output = last.output.shape[1:3]
        sides.append(tuple(output) if needed is None or last.name in whole else needed)
        window, size = 1 if pool is None else pool.pool_size[0], convolution.kernel_size[0]
        height, width = sides[-1]
        needed = (height * window + size - 1, width * window + size - 1)
    return sides[::-1]


def is_chain(part: keras.Model) -> bool:
    """Tell whether every layer stands on the one before it, and on nothing else."""
    return len(part.outputs) == 1 and _follow_each_other(part)


def _follow_each_other(part: keras.Model) -> bool:
    """Tell the same of a model that may have several outputs."""
    layers = part.layers
    if len(part.inputs) != 1 or not isinstance(layers[0], keras.layers.InputLayer):
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
