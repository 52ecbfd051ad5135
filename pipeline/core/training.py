"""What a training is made of: optimizer, learning-rate schedule, regularizer, batches."""

import keras
import numpy as np
import tensorflow as tf


def learning_rate_schedule(
    kind: str, *, initial: float, rate: float, decay_steps: int, total_steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of every batch.

    none: initial;  exponential: initial * rate^(step / decay_steps);
    power: initial / (1 + rate * step / decay_steps);  cosine: from initial to 0 over `total_steps`.

    Args:
        kind: "none", "exponential", "power" or "cosine".
        initial: that of the first batch.
        rate: of exponential and power.
        decay_steps: batches, of exponential and power.
        total_steps: batches of the whole training, for cosine.
    Returns:
        A number, or a schedule that an optimizer takes.
    Raises:
        ValueError: another kind.
    Reference:
        Loshchilov and Hutter, 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts" (cosine, without restarts).
    """
    schedules = keras.optimizers.schedules
    match kind:
        case "none":
            return float(initial)
        case "exponential":
            return schedules.ExponentialDecay(initial, decay_steps, rate)
        case "power":
            return schedules.InverseTimeDecay(initial, decay_steps, rate)
        case "cosine":
            return schedules.CosineDecay(initial, total_steps)
    raise ValueError(f"kind: expected none, exponential, power or cosine; received {kind!r}")


def make_optimizer(
    name: str,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    *,
    momentum: float,
    weight_decay: float,
) -> keras.optimizers.Optimizer:
    """Make the optimizer by its name.

    Args:
        name: "rmsprop", "nadam", "adamax" or "adamw".
        learning_rate: a number or a schedule, see `learning_rate_schedule`.
        momentum: that of rmsprop; no other has it.
        weight_decay: 0 is none.
    Returns:
        A new optimizer.
    Raises:
        ValueError: another name.
    """
    decay = weight_decay or None
    match name:
        case "rmsprop":
            return keras.optimizers.RMSprop(learning_rate, momentum=momentum, weight_decay=decay)
        case "nadam":
            return keras.optimizers.Nadam(learning_rate, weight_decay=decay)
        case "adamax":
            return keras.optimizers.Adamax(learning_rate, weight_decay=decay)
        case "adamw":
            return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    raise ValueError(f"name: expected rmsprop, nadam, adamax or adamw; received {name!r}")


def make_regularizer(kind: str, factor: float) -> keras.regularizers.Regularizer | None:
    """Make the regularizer by its name.  l1: factor * sum|w|;  l2: factor * sum w^2;  none: nothing.

    Args:
        kind: "none", "l1" or "l2".
        factor: at least 0.
    Returns:
        A new regularizer, or None.
    Raises:
        KeyError: another kind.
    """
    return {"none": None, "l1": keras.regularizers.L1(factor), "l2": keras.regularizers.L2(factor)}[kind]


def training_batches(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    batch_size: int,
    rotation: float,
    shift: float,
    zoom: float,
    shear: float,
    seed: int,
) -> tf.data.Dataset:
    """Return endless shuffled batches; every epoch has its own order and its own random distortions.

    Both depend on the seed and the number of the batch only, so a training can be repeated bit by bit.

    Args:
        images: (images, height, width, 1) float32, standardized.
        labels: (images,) int64.
        batch_size: images; the last batch of an epoch has what is left over.
        rotation: see `random_affine`, as are shift, zoom and shear; with 0 for all four no image is changed.
        shift: in pixels.
        zoom: a share.
        shear: in degrees.
        seed: of orders and distortions.
    Returns:
        (images, labels) of each batch: (batch, height, width, 1) float32 and (batch,) int64.
    """
    count = len(images)

    def order(epoch: tf.Tensor) -> tf.data.Dataset:
        # Dataset.shuffle would also follow TensorFlow's global seed; negative, not to share numbers with a batch
        of_epoch = tf.stack([tf.cast(seed, tf.int64), -1 - epoch])
        indices = tf.random.experimental.stateless_shuffle(tf.range(count), of_epoch)
        return tf.data.Dataset.from_tensor_slices(indices).batch(batch_size)

    batches = tf.data.Dataset.counter().flat_map(order).enumerate()
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    def batch(number: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.gather(all_images, indices)
        if rotation or shift or zoom or shear:
            x = random_affine(
                x,
                rotation=rotation,
                shift=shift,
                zoom=zoom,
                shear=shear,
                seed=tf.stack([tf.cast(seed, tf.int64), number]),
            )
        return x, tf.gather(all_labels, indices)

    return batches.map(batch, num_parallel_calls=2, deterministic=True).prefetch(4)


def random_affine(
    images: tf.Tensor, *, rotation: float, shift: float, zoom: float, shear: float, seed: tf.Tensor
) -> tf.Tensor:
    """Turn, shear, zoom and shift every image about its centre, by amounts drawn evenly from +-the given ones.

    Args:
        images: (batch, height, width, 1) float32, standardized; what comes in from outside takes the value of the
            image's first pixel, which is background.
        rotation: degrees.
        shift: pixels.
        zoom: a factor between 1 / (1 + zoom) and 1 + zoom, for either axis.
        shear: degrees.
        seed: two integers.
    Returns:
        The same shape, standardized again.
    """
    size = tf.shape(images)
    draws = tf.random.stateless_uniform((6, size[0]), seed, -1.0, 1.0)
    angle = draws[0] * np.float32(np.deg2rad(rotation))
    slant = tf.tan(draws[1] * np.float32(np.deg2rad(shear)))
    scale_y, scale_x = (tf.exp(draws[i] * np.float32(np.log1p(zoom))) for i in (2, 3))
    cos, sin = tf.cos(angle), tf.sin(angle)
    # from an output pixel to the input pixel: scale * shear * rotation, about the centre
    a, b = scale_x * (cos + slant * sin), scale_x * (-sin + slant * cos)
    c, d = scale_y * sin, scale_y * cos
    middle_x, middle_y = (tf.cast(size[2], tf.float32) - 1) / 2, (tf.cast(size[1], tf.float32) - 1) / 2
    dx = middle_x - a * middle_x - b * middle_y + draws[4] * shift
    dy = middle_y - c * middle_x - d * middle_y + draws[5] * shift
    nothing = tf.zeros_like(a)
    transforms = tf.stack([a, b, dx, c, d, dy, nothing, nothing], axis=1)
    background = images[:, :1, :1, :]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images - background,
        transforms=transforms,
        output_shape=size[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    return tf.image.per_image_standardization(moved)
