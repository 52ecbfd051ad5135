"""The gradient of an objective over whole pictures of any size, computed chunk by chunk.

The gradients of the chunks, which overlap where their positions see the same pixels, are added up: the same numbers as
of the whole picture at once, in memory that does not grow with it.
"""

import functools
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import tensorflow as tf

from pipeline.core.chunks import field_of_windows, layout, slid_windows_of
from pipeline.core.forward import compiler_of, fast_forward_pass, plain_forward_pass
from pipeline.core.geometry import places
from pipeline.core.graph import Cnn
from pipeline.core.keras_layers import describe_part
from pipeline.core.layers import Pool, Sliding
from pipeline.core.objectives import OBJECTIVES, Target, part_up_to
from pipeline.core.parts import Part

# How many pixels are computed at a time: as many as the caches of a CPU like.
PIXELS_AT_A_TIME = 2**18
# From so many pixels on, over all steps, the compilation by XLA, of two seconds, saves more than it takes.
XLA_PAYS = 3 * 10**7


class Slide:
    """The CNN slid over pictures of one size, each with its own objective.

    For picture b and the features F of the layer, after or before their activation, squared or not:
        L_b = sum_m direction[b, m] * mean over all positions of F[b, :, :, m]
    A picture is continued over its edges by its mirror image, as far as half of what a position sees, so that what is
    at the edge counts as much as the rest.

    Args:
        model: a CNN whose layers up to `layer` are a chain, see `slid_windows_of`. Where it pads its input, the picture
            is continued by its mirror image instead.
        layer: the name of a convolution or pool.
        objective: one of `objectives.OBJECTIVES`.
        direction: (pictures, maps) float32.
        shape: (height, width) of the pictures in pixels.
        calls: how often the gradient will be asked for.
    Attributes:
        aligned: pixels between two places of the positions at which the strided convolutions find the same pixels of
            the picture in their windows, see `shift`.
        margin: mirrored pixels over each edge.
        chunks: those of the continued picture.
        shape: (height, width) of the pictures.
        work: pixels that all calls compute together.
    Raises:
        ValueError: the pictures are too small for a position in every shift.
    """

    def __init__(
        self,
        model: Cnn,
        layer: str,
        objective: str,
        direction: np.ndarray,
        shape: tuple[int, int],
        *,
        calls: int,
    ) -> None:
        part = part_up_to(model, layer)
        windows = slid_windows_of(part)
        assert windows is not None
        self.aligned = _aligned(part)
        self.margin, self.chunks = layout(field_of_windows(windows), shape, windows)
        self.shape = shape
        self._target = self._target_of(part, layer, objective, direction)
        self.work = calls * len(direction) * self.chunks.pixels
        compiler = compiler_of(None)
        if compiler == "parts" and self.work < XLA_PAYS:
            compiler = "none"
        self._gradient = _compiled(self._target.part, compiler, self._target.squared)
        self._network = self._target.part.weights()

    def shift(self, random: np.random.Generator) -> tuple[int, int]:
        """Draw how far the positions are moved (down, across): by less than the stride, so that no pool's grid shows.

        A strided convolution looks at every second pixel, say, with the same weights: moved by one, it rewards what it
        punished before, and the steps of an ascent cancel each other out. So its positions stay where they are in the
        whole picture, counted from its corner; only the pools behind the last one of them are moved.
        """
        moved = self.aligned * random.integers(self.chunks.field.stride // self.aligned, size=2)
        begin = np.array([self.margin + places(self.chunks.windows, length)[1] for length in self.shape])
        down, across = (moved + begin % self.aligned).tolist()
        return down, across

    def gradient(
        self, pictures: np.ndarray, shift: tuple[int, int], on_pixels: Callable[[int], None] = lambda done: None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the objective of every picture, and its gradient times the number of positions.

        Args:
            pictures: (pictures, height, width, channels) float32, of grey ones also (pictures, height, width).
            shift: (down, across) by how many pixels, fewer than the stride, the positions are moved.
            on_pixels: is told how many pixels more are computed.
        Returns:
            The objective (pictures,) float64; the gradient, float32, of the pictures' shape.
        """
        field, (height, width), margin = self.chunks.field, self.shape, self.margin
        shape, pictures = pictures.shape, pictures.reshape(*pictures.shape[:3], -1)
        inside = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
        side, _, before = self.chunks.cut()
        # of a picture that no number of positions fills, what no position sees is left over
        size = np.maximum(self.chunks.canvas(), np.add(self.shape, 2 * margin + before))
        whole = np.s_[:, before : before + height + 2 * margin, before : before + width + 2 * margin]
        canvas, gradients = (np.zeros((len(pictures), *size, pictures.shape[-1]), np.float32) for _ in range(2))
        canvas[whole] = np.pad(pictures, inside, "reflect")
        values = np.zeros(len(pictures))
        step = self.chunks.block * field.stride
        lanes = [
            (picture, shift[0] + i * step, shift[1] + j * step, self._row(picture, i, j))
            for picture, i, j in product(range(len(pictures)), *map(range, self.chunks.counts))
        ]
        at_a_time = 1 << max(PIXELS_AT_A_TIME // side**2, 1).bit_length() - 1
        for first in range(0, len(lanes), at_a_time):
            some = lanes[first : first + at_a_time]
            # few sizes of the batch, as XLA compiles for each
            filled = some + some[:1] * ((1 << (len(some) - 1).bit_length()) - len(some))
            cut = np.stack([canvas[b, y : y + side, x : x + side] for b, y, x, _ in filled])
            rows = [row for *_, row in filled]
            value, gradient = self._gradient(self._network, cut, self._target.weights[rows], self._target.offset[rows])
            for (b, y, x, _), one, g in zip(some, value.numpy(), gradient.numpy(), strict=False):
                values[b] += one
                gradients[b, y : y + side, x : x + side] += g
            on_pixels(len(some) * side**2)
        folded = _folded(gradients[whole], margin)
        return values / np.prod(self.chunks.positions), folded.reshape(shape)

    def _target_of(self, part: Part, layer: str, objective: str, direction: np.ndarray) -> Target:
        """Return the objective of a chunk: of each picture up to four, see `_kinds`.

        Args:
            part: the CNN up to the layer.
            layer: its name.
            objective: one of `objectives.OBJECTIVES`.
            direction: (pictures, maps) float32.
        Returns:
            A target for each kind of each picture, in the order of `_row`; it counts those positions of a chunk that
            the picture has.
        """
        chunks = self.chunks
        side, first, _ = chunks.cut()
        sized = part.graph.at_size(side, side)
        last = np.subtract(chunks.positions, np.subtract(chunks.counts, 1) * chunks.block)
        kinds = np.zeros((len(self._kinds), *sized.shape_of(part.outputs[0])[:2]), np.float32)
        for kind, (is_lowest, is_rightmost) in zip(kinds, self._kinds, strict=True):
            down, across = last[0] if is_lowest else chunks.block, last[1] if is_rightmost else chunks.block
            kind[first : first + down, first : first + across] = 1
        weights = kinds[None, ..., None] * direction[:, None, None, None, :]
        return OBJECTIVES[objective](sized, layer, weights.reshape(-1, *weights.shape[2:]))

    def _row(self, picture: int, i: int, j: int) -> int:
        """Return which of the targets of `_target_of` is that of a chunk.

        Args:
            picture: its number.
            i: the chunk's row.
            j: the chunk's column.
        Returns:
            The number of the target.
        """
        down, across = self.chunks.counts
        return len(self._kinds) * picture + self._kinds.index((i == down - 1, j == across - 1))

    @functools.cached_property
    def _kinds(self) -> list[tuple[bool, bool]]:
        """Return the kinds of chunks that there are: whether it is in the last row, whether in the last column."""
        down, across = self.chunks.counts
        return list(product(sorted({down == 1, True}), sorted({across == 1, True})))


def _folded(gradient: np.ndarray, margin: int) -> np.ndarray:
    """Return the gradient with respect to the picture, given that of its continuation by mirrored pixels.

    Args:
        gradient: (pictures, height + 2 * margin, width + 2 * margin, channels) float32.
        margin: mirrored pixels over each edge.
    Returns:
        (pictures, height, width, channels) float32.
    """
    for axis in (1, 2):
        gradient = np.moveaxis(gradient, axis, 1)
        inner = gradient[:, margin : gradient.shape[1] - margin].copy()
        if margin:
            inner[:, 1 : margin + 1] += gradient[:, margin - 1 :: -1]
            inner[:, -margin - 1 : -1] += gradient[:, : -margin - 1 : -1]
        gradient = np.moveaxis(inner, 1, axis)
    return gradient


def _aligned(part: Part) -> int:
    """Return the stride of the last convolution that has one, in pixels of the picture; 1 without any."""
    stride = aligned = 1
    for layer in describe_part(part).layers:
        if isinstance(layer, Sliding):
            stride *= layer.stride[0]
            if layer.stride[0] > 1 and not isinstance(layer, Pool):
                aligned = stride
    return aligned


@functools.lru_cache(maxsize=32)
def _compiled(part: Part, compiler: str, squared: bool) -> Callable:
    """Compile an objective and its gradient for one architecture.

    Args:
        part: that of the objective.
        compiler: see `compiler_of`.
        squared: see `Target`.
    Returns:
        The program: the weights of the CNN, pictures (batch, side, side, channels), weights of their features
        (batch, ...), offset (batch,) -> the objective (batch,), its gradient with respect to the pictures.
    """
    forward = plain_forward_pass(part) if compiler == "none" else fast_forward_pass(part)
    signature = [
        part.specs(), tf.TensorSpec([None, *part.input_shape]), tf.TensorSpec([None, *part.output_shape]),
        tf.TensorSpec([None]),
    ]  # fmt: skip

    @tf.function(jit_compile=compiler == "whole", input_signature=signature, autograph=False)
    def gradient(network: Sequence[tf.Tensor], x: tf.Tensor, wanted: tf.Tensor, offset: tf.Tensor):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            tape.watch(x)
            features = forward(network, x)
            features = tf.square(features) if squared else features
            value = tf.reduce_sum(features * wanted, axis=range(1, features.shape.rank)) + offset
        return value, tape.gradient(value, x)

    # of the concrete function TensorFlow does not warn that there are many of them
    return gradient.get_concrete_function()
