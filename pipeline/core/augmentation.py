"""Random distortions of training images: moved, bent, and with a square cut out; other ones in every batch."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

# What is drawn for a batch of images is drawn of its seed, each kind of distortion from numbers of its own.
_OF_ELASTIC, _OF_CUT_OUT = 1, 2
# How many standard deviations of a Gaussian are counted.
_REACH = 3


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The largest amounts of every distortion; with 0 for all of them no image is changed.

    rotation, shear: degrees; shift: pixels; zoom: a share; see `random_transforms`. elastic, smoothness: pixels, see
    `elastic`. cut_out: pixels, see `cut_out`.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    smoothness: float = 4.0
    cut_out: int = 0


def distorted(images: tf.Tensor, augmentation: Augmentation, *, seed: tf.Tensor) -> tf.Tensor:
    """Move and bend the images, and cut a square out, as far as each is wanted.

    Args:
        images: (batch, height, width, channels) float32, standardized.
        augmentation: the amounts.
        seed: two integers.
    Returns:
        The same shape, standardized again before a square is cut out; as it was where nothing is wanted.
    """
    amounts = augmentation
    transforms = None
    if amounts.rotation or amounts.shift or amounts.zoom or amounts.shear:
        transforms = random_transforms(
            tf.shape(images),
            rotation=amounts.rotation,
            shift=amounts.shift,
            zoom=amounts.zoom,
            shear=amounts.shear,
            seed=seed,
        )
    if amounts.elastic:
        bends = _seed_of(seed, _OF_ELASTIC)
        images = elastic(images, amounts.elastic, smoothness=amounts.smoothness, transforms=transforms, seed=bends)
    elif transforms is not None:
        images = affine(images, transforms)
    if amounts.cut_out:
        images = cut_out(images, amounts.cut_out, seed=_seed_of(seed, _OF_CUT_OUT))
    return images


def _seed_of(seed: tf.Tensor, kind: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, kind)


def random_transforms(
    shape: tf.Tensor, *, rotation: float, shift: float, zoom: float, shear: float, seed: tf.Tensor
) -> tf.Tensor:
    """Draw how every image is turned, sheared, zoomed and shifted about its centre, evenly from +-the given amounts.

    Args:
        shape: (batch, height, width, ...) of the images.
        rotation: degrees.
        shift: pixels.
        zoom: a factor between 1 / (1 + zoom) and 1 + zoom, for either axis.
        shear: degrees.
        seed: two integers.
    Returns:
        (batch, 6) float32, (a, b, dx, c, d, dy): the pixel at (x, y) comes from (a x + b y + dx, c x + d y + dy).
    """
    draws = tf.random.stateless_uniform((6, shape[0]), seed, -1.0, 1.0)
    angle = draws[0] * np.float32(np.deg2rad(rotation))
    slant = tf.tan(draws[1] * np.float32(np.deg2rad(shear)))
    scale_y, scale_x = (tf.exp(draws[i] * np.float32(np.log1p(zoom))) for i in (2, 3))
    cos, sin = tf.cos(angle), tf.sin(angle)
    # from an output pixel to the input pixel: scale * shear * rotation, about the centre
    a, b = scale_x * (cos + slant * sin), scale_x * (-sin + slant * cos)
    c, d = scale_y * sin, scale_y * cos
    middle_x, middle_y = (tf.cast(shape[2], tf.float32) - 1) / 2, (tf.cast(shape[1], tf.float32) - 1) / 2
    dx = middle_x - a * middle_x - b * middle_y + draws[4] * shift
    dy = middle_y - c * middle_x - d * middle_y + draws[5] * shift
    return tf.stack([a, b, dx, c, d, dy], axis=1)


def affine(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Move every image, interpolating bilinearly between its pixels.

    Args:
        images: (batch, height, width, channels) float32, standardized; what comes in from outside takes the value of
            the image's first pixel, which is background.
        transforms: (batch, 6), see `random_transforms`.
    Returns:
        The same shape, standardized again.
    """
    background = images[:, :1, :1, :]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images - background,
        transforms=tf.pad(transforms, ((0, 0), (0, 2))),
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    # which this operation forgets where the number of images is not known beforehand
    moved.set_shape(images.shape)
    return tf.image.per_image_standardization(moved)


def elastic(
    images: tf.Tensor, amount: float, *, smoothness: float, transforms: tf.Tensor | None, seed: tf.Tensor
) -> tf.Tensor:
    """Bend every image, and move it: each pixel comes from where a smooth random field, and the transform, point to.

    The field is white Gaussian noise (dy, dx) of every pixel, blurred by a Gaussian, then scaled so that each of the
    two has the standard deviation `amount` everywhere, the edges included. Between pixels values are interpolated
    bilinearly, once for both: every interpolation blurs, and the images that are tested are not blurred.

    Args:
        images: (batch, height, width, channels) float32, standardized; what comes in from outside takes the value of
            the image's first pixel, which is background.
        amount: standard deviation of the way in y and in x, in pixels.
        smoothness: standard deviation of the Gaussian, in pixels.
        transforms: (batch, 6), see `random_transforms`, of what is bent afterwards; None: it is not moved.
        seed: two integers.
    Returns:
        The same shape, standardized again.
    Reference:
        Simard, Steinkraus and Platt, 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document
        Analysis", section 2.
    """
    height, width = images.shape[1:3]
    reach = int(np.ceil(_REACH * smoothness))
    noise = tf.random.stateless_normal((tf.shape(images)[0], 2, height + 2 * reach, width + 2 * reach), seed)
    rows, columns = _blur(height, smoothness, reach), _blur(width, smoothness, reach)
    way = amount * tf.matmul(rows, tf.matmul(noise, columns, transpose_b=True))
    y = tf.range(height, dtype=tf.float32)[:, None] + way[:, 0]
    x = tf.range(width, dtype=tf.float32) + way[:, 1]
    if transforms is not None:
        a, b, dx, c, d, dy = tf.unstack(transforms[..., None, None], axis=1)
        x, y = a * x + b * y + dx, c * x + d * y + dy
    background = images[:, :1, :1, :]
    return tf.image.per_image_standardization(_sampled(images - background, y, x))


def _blur(size: int, smoothness: float, reach: int) -> np.ndarray:
    """Return the (size, size + 2 * reach) matrix that blurs noise of variance 1 and leaves it that variance."""
    away = np.arange(size + 2 * reach)[None] - np.arange(size)[:, None] - reach
    rows = np.where(np.abs(away) <= reach, np.exp(-0.5 * (away / smoothness) ** 2), 0.0)
    return (rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))).astype(np.float32)


def _sampled(images: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Return the values of images at places between their pixels, both (batch, height, width); 0 outside."""
    height, width = images.shape[1:3]
    # a frame of nothing, in which everything beyond it is looked up
    framed = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y, x = tf.clip_by_value(y + 1, 0.0, height + 1.0), tf.clip_by_value(x + 1, 0.0, width + 1.0)
    top, left = (tf.minimum(tf.floor(at), most) for at, most in ((y, height), (x, width)))
    down, right = (y - top)[..., None], (x - left)[..., None]
    flat = tf.reshape(framed, (-1, images.shape[3]))
    first = tf.range(tf.shape(images)[0])[:, None, None] * ((height + 2) * (width + 2))
    corner = first + tf.cast(top, tf.int32) * (width + 2) + tf.cast(left, tf.int32)
    upper, lower = (
        tf.gather(flat, corner + below) * (1 - right) + tf.gather(flat, corner + below + 1) * right
        for below in (0, width + 2)
    )
    return upper * (1 - down) + lower * down


def cut_out(images: tf.Tensor, side: int, *, seed: tf.Tensor) -> tf.Tensor:
    """Give every image the value of its first pixel, which is background, in a square at a random place.

    Args:
        images: (batch, height, width, channels) float32.
        side: of the square, in pixels. Its centre is drawn evenly among all pixels; a part of it may lie outside.
        seed: two integers.
    Returns:
        The same shape.
    Reference:
        DeVries and Taylor, 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """
    height, width = images.shape[1:3]
    draws = tf.random.stateless_uniform((2, tf.shape(images)[0], 1), seed)
    inside = []
    for drawn, size in zip((draws[0], draws[1]), (height, width), strict=True):
        first = tf.cast(tf.floor(drawn * size), tf.int32) - side // 2
        at = tf.range(size)
        inside.append((at >= first) & (at < first + side))
    cut = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return tf.where(cut, images[:, :1, :1, :], images)
