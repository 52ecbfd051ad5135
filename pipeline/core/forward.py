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
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from pipeline.core.convolution import GROWING, convolve, fused
from pipeline.core.graph import Cnn
from pipeline.core.parts import Part, Step, call, part_of, variables_of
from pipeline.runtime.devices import has_gpu

# (weights in the order of `Part.variables`, images) -> the first output of the part
ForwardPass = Callable[[Sequence[tf.Tensor], tf.Tensor], tf.Tensor]

# A single image is convolved in another order than one of several.
FEWEST_IMAGES = 2


def compiler_of(xla: bool | None) -> str:
    """Choose what XLA compiles. whole: one program; parts: what surrounds the convolutions; none.

    Args:
        xla: see `ascent.ascend`.
    Returns:
        "whole", "parts" or "none".
    """
    if xla is None:
        # on a GPU to compile takes seconds, as much as a hundred sweeps gain by it; see docs/devices.md
        return "none" if has_gpu() else "parts"
    return "whole" if xla else "none"


def plain_forward_pass(model: Cnn | Part) -> ForwardPass:
    """Return the layers of a part as Keras computes them, but for dense layers, see above."""
    forward = joint_forward_pass(model, fast=False)
    return lambda weights, x: forward(weights, x)[0]


def fast_forward_pass(model: Cnn | Part) -> ForwardPass:
    """Rearrange leading unpadded convolutions and pools as described above; what follows is as Keras computes it."""
    forward = joint_forward_pass(model, fast=True)
    return lambda weights, x: forward(weights, x)[0]


def joint_forward_pass(model: Cnn | Part, *, fast: bool) -> Callable[[Sequence[tf.Tensor], tf.Tensor], list[tf.Tensor]]:
    """Return the same of all outputs of a part, one after the other; each layer is computed once.

    Args:
        model: the part, or a CNN for all of it.
        fast: its leading convolutions and pools as `fast_forward_pass` computes them, as far as no output lies between
            a convolution and its pool.
    """
    part = part_of(model)
    forward = value_pass(part, fast=fast)
    return lambda weights, x: part.given(forward(weights, x))


def value_pass(
    part: Part, *, fast: bool = False
) -> Callable[[Sequence[tf.Tensor], tf.Tensor], dict[tuple[int, bool], list[tf.Tensor]]]:
    """Return the same, with all values on the way as the layers have them, see `Part.given` and `Part.raw`."""
    blocks = _conv_blocks(part) if fast else []
    seen = _seen(blocks, {(ref.node, ref.linear) for ref in part.outputs})
    compute = functools.partial(_computed, fused if fast else lambda function: function)

    def forward(weights: Sequence[tf.Tensor], x: tf.Tensor) -> dict[tuple[int, bool], list[tf.Tensor]]:
        found = part.begun(x)
        for block, sides in zip(blocks, seen, strict=True):
            kernel, bias = part.chosen(weights, [block.layer.kernel, block.layer.bias])
            x = convolve(x, kernel, bias, block.activation, block.window, sides)
            found[block.last.key] = [x]
            if block.pool is not None:
                # what is before the pool is not asked for
                found[block.first.key] = []
        part.compute(weights, found, compute)
        return found

    return forward


def _computed(
    compiled: Callable[[Callable], Callable],
    part: Part,
    step: Step,
    weights: Sequence[tf.Tensor],
    inputs: list[tf.Tensor],
) -> list[tf.Tensor]:
    """Compute a step as Keras does, but for dense layers.

    Args:
        compiled: makes a program of what follows the product of a dense layer.
        part, step, weights, inputs: see `Part.compute`.
    """
    layer = step.node.operation
    if not _is_plain_dense(layer, inputs):
        return call(part, step, weights, inputs)
    kernel, *bias = part.chosen(weights, variables_of(layer))
    activation = keras.activations.linear if step.key[1] else layer.activation
    return [compiled(functools.partial(_activated, activation))(_dense(inputs[0], kernel), *bias)]


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


class ConvBlock(NamedTuple):
    """A convolution, with the pool behind it if there is one."""

    first: Step
    pool: Step | None = None

    @property
    def layer(self) -> keras.layers.Conv2D:
        """Return the convolution."""
        return self.first.node.operation

    @property
    def last(self) -> Step:
        """Return the pool, or the convolution without one."""
        return self.first if self.pool is None else self.pool

    @property
    def activation(self) -> Callable:
        """Return what is applied at the end."""
        return keras.activations.linear if self.first.key[1] else self.layer.activation

    @property
    def window(self) -> int:
        """Return the positions per side of the pool's window, 1 without a pool."""
        return 1 if self.pool is None else self.pool.node.operation.pool_size[0]


def _conv_blocks(part: Part) -> list[ConvBlock]:
    """Return the convolutions that follow each other from the picture on, each with its pool, in a chain of layers.

    They end at the first layer that is neither.
    """
    if part.graph.channels_first or not _follow_each_other(part):
        return []
    outputs = {(ref.node, ref.linear) for ref in part.outputs}
    users: dict[tuple[int, bool], list[Step]] = {}
    for step in part.steps:
        for ref in step.inputs:
            users.setdefault((ref.node, ref.linear), []).append(step)
    blocks: list[ConvBlock] = []
    key = (part.graph.picture, False)
    while key in users:
        step = users[key][0]
        layer, before = step.node.operation, blocks[-1] if blocks else None
        if type(layer) is keras.layers.Conv2D and _is_plain_convolution(layer):
            blocks.append(ConvBlock(step))
        elif type(layer) is keras.layers.MaxPooling2D and _is_plain_pool(layer) and before and before.pool is None:
            if before.first.key in outputs:
                # what lies between them is asked for
                return blocks[:-1]
            blocks[-1] = ConvBlock(before.first, step)
        else:
            break
        key = step.key
    return blocks


def _seen(blocks: Sequence[ConvBlock], whole: Collection[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Return (height, width) of what of each block's output the next one looks at; all of the last one's.

    Args:
        blocks: one behind the other.
        whole: keys of steps of which all is wanted.
    """
    sides = []
    needed = None
    for block in reversed(blocks):
        height, width = block.last.node.shapes[0][:2]
        sides.append((height, width) if needed is None or block.last.key in whole else needed)
        size, (height, width) = block.layer.kernel_size[0], sides[-1]
        needed = (height * block.window + size - 1, width * block.window + size - 1)
    return sides[::-1]


def is_chain(model: Cnn | Part) -> bool:
    """Tell whether every layer stands on the one before it, and on nothing else."""
    part = part_of(model)
    return len(part.outputs) == 1 and _follow_each_other(part)


def _follow_each_other(part: Part) -> bool:
    """Tell the same of a part that may have several outputs."""
    first, *others = part.steps
    keys = [step.key for step in part.steps]
    follow = all(
        [(ref.node, ref.linear) for ref in step.inputs] == [before] for step, before in zip(others, keys, strict=False)
    )
    return not first.inputs and follow


def _is_plain_convolution(layer: keras.layers.Conv2D) -> bool:
    return (
        layer.padding == "valid"
        and layer.data_format == "channels_last"
        and (tuple(layer.strides), tuple(layer.dilation_rate), layer.groups) == ((1, 1), (1, 1), 1)
        and layer.kernel_size[0] == layer.kernel_size[1]
        and layer.use_bias
        and _has_plain_weights(layer)
        and layer.compute_dtype == "float32"
        and layer.activation in GROWING
    )


def _is_plain_dense(layer: keras.Operation, inputs: Sequence[tf.Tensor]) -> bool:
    """Tell whether this is a dense layer of images that are rows, with a kernel, perhaps a bias, and nothing else."""
    if type(layer) is not keras.layers.Dense or inputs[0].shape.rank != 2 or layer.compute_dtype != "float32":
        return False
    if not _has_plain_weights(layer):
        return False
    learnt = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]
    return [id(one) for one in variables_of(layer)] == [id(one) for one in learnt]


def _has_plain_weights(layer: keras.Layer) -> bool:
    """Tell whether the kernel of a layer is one of its weights: not the sum of several (LoRA), nor whole numbers."""
    return isinstance(getattr(layer, "_kernel", None), keras.Variable) and not (
        getattr(layer, "lora_enabled", False) or layer.quantization_mode
    )


def _is_plain_pool(layer: keras.layers.MaxPooling2D) -> bool:
    square = layer.pool_size[0] == layer.pool_size[1] and tuple(layer.pool_size) == tuple(layer.strides)
    return square and layer.padding == "valid" and layer.data_format == "channels_last"
