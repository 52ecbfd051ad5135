"""What a picture of an ascent is asked for besides its objective, and the compiled pieces of it.

Every term works on the normalized gradient, whose root mean square is 1, so that a weight means the same for every map,
however strongly it is activated.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core.preprocessing import STANDARDIZED


class Priors(NamedTuple):
    """What a picture is asked for; 0, 1 or None switches each one off, and then it costs nothing.

    Attributes:
        total_variation: weight of the sum of |d| over all differences d of neighbouring pixels, whose gradient is
            subtracted from the normalized gradient.
        l2: weight of the sum of d^2, in the same way. (The sum of the squared pixels themselves is the same for every
            standardized picture, so a term of it could do nothing.)
        diversity: weight of the likeness to the pictures of the same group.
        group: so many pictures in succession are a group.
        frequency_filter: (height, width // 2 + 1), by what the gradient's spectrum is multiplied, see
            `spectra.frequency_filter`.
        magnitudes: (height, width // 2 + 1), of several channels with these before it: the spectrum that every picture
            keeps, only the phases being free.
        transforms: (steps, batch, 6), how the CNN is shown the picture in each step, see `jitter.warp`.
        bounded: pixels stay between 0 and 1, as those of a photo do; the CNN is shown them standardized, or by `ends`.
        covariance: (pixels, pixels), by what the gradient is multiplied, see `variation.covariance_power`.
        colours: (channels, channels), by what the gradient of every pixel is multiplied: the covariance C of the
            channels. With C = A A^T that is the ascent in colours z that do not depend on each other, x = A z.
        ends: (2, channels), what the CNN is shown of the pixels 0 and 1 where they are bounded.
    """

    total_variation: float = 0.0
    l2: float = 0.0
    diversity: float = 0.0
    group: int = 1
    frequency_filter: np.ndarray | None = None
    magnitudes: np.ndarray | None = None
    transforms: np.ndarray | None = None
    bounded: bool = False
    covariance: np.ndarray | None = None
    colours: np.ndarray | None = None
    ends: np.ndarray | None = None

    def tensors(self) -> dict[str, tf.Tensor]:
        """Return those that are switched on, by name, as float32."""
        on = {name: value for name, value in self._asdict().items() if value is not None and name != "group"}
        if self.group == 1:
            on["diversity"] = 0.0
        on["bounded"] = float(self.bounded)
        return {
            name: tf.constant(value, tf.float32) for name, value in on.items() if np.ndim(value) > 0 or value != 0.0
        }


NOTHING_ELSE = Priors()
# Images (count, height, width, channels), each from 0, its smallest value, to 1; 0 where it is even.
levels_of = STANDARDIZED.levels


def shaped(gradient: tf.Tensor, covariance: tf.Tensor) -> tf.Tensor:
    """Multiply each picture's gradient, as a row of pixels, by a symmetric matrix (pixels, pixels)."""
    # as a convolution, whose rounding does not depend on the number of pictures; a product of matrices' does
    row = tf.reshape(gradient, (-1, 1, 1, covariance.shape[0]))
    return tf.reshape(tf.nn.conv2d(row, covariance[None, None], strides=1, padding="VALID"), tf.shape(gradient))


def mixed(gradient: tf.Tensor, colours: tf.Tensor) -> tf.Tensor:
    """Multiply the gradient of every pixel by a symmetric matrix (channels, channels)."""
    return tf.nn.conv2d(gradient, colours[None, None], strides=1, padding="VALID")


def between(levels: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """Return  low + x * (high - low)  of levels x (batch, height, width, channels).

    Args:
        ends: (2, channels), low and high.
    """
    low, high = ends[0], ends[1]
    return low + levels * (high - low)


def standardized_by_root(images: tf.Tensor) -> tf.Tensor:
    """Return (x - mean) / max(std, 1 / sqrt(pixels)) of each picture, as `tf.image.per_image_standardization` does.

    But its gradient does not depend on the number of pictures, see `safe_root`.
    """
    axes, pixels = (1, 2, 3), float(np.prod(images.shape[1:]))
    centred = images - tf.reduce_mean(images, axis=axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=axes, keepdims=True)
    return centred / safe_root(tf.maximum(variance, 1.0 / pixels))


def roughness_gradient(images: tf.Tensor, weights: dict[str, tf.Tensor]) -> tf.Tensor:
    """Compute the gradient of  total_variation * sum |d| + l2 * sum d^2  over the differences d of neighbouring pixels.

    Args:
        images: (batch, height, width, channels) float32.
        weights: "total_variation", "l2" or both -> a number.
    Returns:
        (batch, height, width, channels) float32, with respect to the pixels.
    Reference:
        Mahendran and Vedaldi, 2015, "Understanding Deep Image Representations by Inverting Them", total variation.
    """

    def of_difference(difference: tf.Tensor) -> tf.Tensor:
        gradient = tf.zeros_like(difference)
        if "total_variation" in weights:
            gradient += weights["total_variation"] * tf.sign(difference)
        if "l2" in weights:
            gradient += weights["l2"] * 2.0 * difference
        return gradient

    down = of_difference(images[:, 1:] - images[:, :-1])
    across = of_difference(images[:, :, 1:] - images[:, :, :-1])
    none, one = [0, 0], lambda side: [1, 0] if side else [0, 1]
    pad: Callable[[tf.Tensor, list[list[int]]], tf.Tensor] = tf.pad
    return (
        pad(down, [none, one(True), none, none])
        - pad(down, [none, one(False), none, none])
        + pad(across, [none, none, one(True), none])
        - pad(across, [none, none, one(False), none])
    )


def likeness(
    features: tf.Tensor, group: int, compiled: Callable[[Callable], Callable] = lambda product: product
) -> tf.Tensor:
    """Compute how alike the features of each picture are to those of the others of its group, 0 to 1.

    The mean cosine between the Gram matrices G = F^T F of the features F (positions, channels), which say what occurs
    together, wherever in the picture it is.

    Args:
        features: (batch, ..., channels) float32.
        group: so many pictures in succession are a group; at least 2, a divisor of `batch`.
        compiled: makes a program of a function that multiplies matrices, of which there is one for each picture or
            group. By XLA (`convolution.fused`) none of the products depends on their number; TensorFlow shares a
            product out to threads where there are few, and rounds it differently.
    Returns:
        (batch,) float32.
    Reference:
        Olah et al., 2017, "Feature Visualization", the term for diversity.
    """
    channels = features.shape[-1]
    places = tf.reshape(features, (-1, np.prod(features.shape[1:-1], dtype=int), channels))
    product = compiled(functools.partial(_product_with_itself, transpose_a=True))
    gram = tf.reshape(product(places), (-1, channels * channels))
    # a root has no gradient at 0, the features of a picture that triggers nothing
    gram /= safe_root(tf.reduce_sum(tf.square(gram), axis=1, keepdims=True) + 1e-12)
    groups = tf.reshape(gram, (-1, group, channels * channels))
    # the sums are left to TensorFlow: the order of a long one depends on their number in XLA
    product = compiled(functools.partial(_product_with_itself, transpose_b=True))
    cosines = product(groups) * (1.0 - tf.eye(group))
    return tf.reshape(tf.reduce_sum(cosines, axis=2), (-1,)) / (group - 1)


@tf.custom_gradient
def safe_root(numbers: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Compute sqrt(x) for x >= 1e-12 so that neither it nor its gradient depends on the place of x among the numbers.

    TensorFlow's own gradient, and rsqrt, which it makes of a division by a root, round the last few numbers, which do
    not fill a register, otherwise than those before them. The maximum changes nothing but that.
    """
    root = tf.maximum(tf.sqrt(numbers), 1e-6)
    return root, lambda upstream: upstream / (2.0 * root)


def _product_with_itself(matrices: tf.Tensor, **transposed: bool) -> tf.Tensor:
    """Multiply matrices with themselves, one of the two factors being transposed.

    Args:
        matrices: (batch, rows, columns) float32.
        transposed: `transpose_a` or `transpose_b`.
    Returns:
        (batch, columns, columns) or (batch, rows, rows) float32.
    """
    return tf.matmul(matrices, matrices, **transposed)
