"""What a training is made of: optimizer, learning-rate schedule, regularizer, loss, batches."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.augmentation import Augmentation, distorted


def learning_rate_schedule(
    kind: str, *, initial: float, rate: float, decay_steps: int, total_steps: int, warm_up_steps: int = 0
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of every batch.

    none: initial;  exponential: initial * rate^(step / decay_steps);
    power: initial / (1 + rate * step / decay_steps);  cosine: evenly from 0 to initial over `warm_up_steps`, then along
    half a wave of the cosine to 0 at `total_steps`.

    Args:
        kind: "none", "exponential", "power" or "cosine".
        initial: that of the first batch.
        rate: of exponential and power.
        decay_steps: batches, of exponential and power.
        total_steps: batches of the whole training, for cosine.
        warm_up_steps: batches at its begin, fewer than `total_steps`, for cosine; 0: it begins with `initial`.
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
            if warm_up_steps == 0:
                return schedules.CosineDecay(initial, total_steps)
            after = total_steps - warm_up_steps
            return schedules.CosineDecay(0.0, after, warmup_target=initial, warmup_steps=warm_up_steps)
    raise ValueError(f"kind: expected none, exponential, power or cosine; received {kind!r}")


def make_optimizer(
    name: str,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    *,
    momentum: float,
    weight_decay: float,
    averaging: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Make the optimizer by its name.

    Args:
        name: "rmsprop", "nadam", "adamax" or "adamw".
        learning_rate: a number or a schedule, see `learning_rate_schedule`.
        momentum: that of rmsprop; no other has it.
        weight_decay: 0 is none.
        averaging: m of the average that is kept of every weight, m * average + (1 - m) * weight after each batch; 0 is
            none. See `AverageWeights`.
    Returns:
        A new optimizer.
    Raises:
        ValueError: another name.
    """
    decay = weight_decay or None
    average: dict[str, Any] = {"use_ema": True, "ema_momentum": averaging} if averaging else {}
    match name:
        case "rmsprop":
            return keras.optimizers.RMSprop(learning_rate, momentum=momentum, weight_decay=decay, **average)
        case "nadam":
            return keras.optimizers.Nadam(learning_rate, weight_decay=decay, **average)
        case "adamax":
            return keras.optimizers.Adamax(learning_rate, weight_decay=decay, **average)
        case "adamw":
            return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay, **average)
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


def make_loss(label_smoothing: float) -> str | keras.losses.Loss:
    """Make the loss: the cross-entropy -sum_k t_k * log(p_k) of the targets t, the mean over the images of a batch.

    Args:
        label_smoothing: s; t_k is 1 - s for the image's class and s / classes more for every class. 0: the class alone.
    Returns:
        What `Model.compile` takes, for `targets` of the same smoothing.
    Reference:
        Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.
    """
    if label_smoothing == 0:
        return "sparse_categorical_crossentropy"
    return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)


def targets(labels: np.ndarray, classes: int, *, label_smoothing: float) -> np.ndarray:
    """Return the labels as the loss takes them.

    Args:
        labels: (images,) int64.
        classes: how many there are.
        label_smoothing: see `make_loss`.
    Returns:
        (images,) int64 without smoothing; else (images, classes) float32, 1 for the class, which the loss smooths.
    """
    return labels if label_smoothing == 0 else np.eye(classes, dtype=np.float32)[labels]


def training_batches(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Return endless shuffled batches; every epoch has its own order and its own random distortions.

    Both depend on the seed and the number of the batch only, so a training can be repeated bit by bit.

    Args:
        images: (images, height, width, channels) float32, standardized.
        labels: (images,) int64, or (images, classes) float32, see `targets`.
        batch_size: images; the last batch of an epoch has what is left over.
        augmentation: the amounts of the distortions.
        seed: of orders and distortions.
        first_epoch: the one with whose batches it begins.
    Returns:
        (images, labels) of each batch: (batch, height, width, channels) float32 and the labels of these.
    """
    count = len(images)

    def order(epoch: tf.Tensor) -> tf.data.Dataset:
        # Dataset.shuffle would also follow TensorFlow's global seed; negative, not to share numbers with a batch
        of_epoch = tf.stack([tf.cast(seed, tf.int64), -1 - epoch])
        indices = tf.random.experimental.stateless_shuffle(tf.range(count), of_epoch)
        return tf.data.Dataset.from_tensor_slices(indices).batch(batch_size)

    first_batch = first_epoch * math.ceil(count / batch_size)
    batches = tf.data.Dataset.counter(first_epoch).flat_map(order).enumerate(first_batch)
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    def batch(number: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.gather(all_images, indices)
        # by its number, and not by what was drawn before it
        x = distorted(x, augmentation, seed=tf.stack([tf.cast(seed, tf.int64), number]))
        return x, tf.gather(all_labels, indices)

    return batches.map(batch, num_parallel_calls=2, deterministic=True).prefetch(4)
