"""Feature Accentuation, written plainly for a small CNN (Hamblin et al., 2024).

It begins at a real image, here the training image that drives the map most. What changes are the phases of its spectrum
(of the logits of its pixels) and, downwards, the magnitudes; the map's mean before its activation is ascended under
random crops and a little noise, and the features of an early layer are kept near to those of the image:
    objective(x) - strength * balance * |F(x) - F(image)|,   balance: the ratio of both gradients after a few steps
Reference:
    Hamblin et al., 2024, "Feature Accentuation: Revealing 'What' Features Respond to in Natural Images".
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.case import Case
from benchmarks.contenders.adam import Adam
from benchmarks.contenders.pictures import Painter
from benchmarks.network import linear_part
from benchmarks.task import Task
from pipeline.core.priors import levels_of, safe_root
from pipeline.core.references import layers_before

# As published: Adam with 0.05, 100 steps, a magnitude of nearly all to begin with, regularization of strength 1.
STEPS, STEP_SIZE, BEGIN, STRENGTH = 100, 0.05, 5.0, 1.0
# Crops in each step, their least side (of 1), and the noise: of 16, 0.7 and 0.02; fewer are enough for 28 x 28.
CROPS, LEAST, NOISE = 4, 0.85, 0.02
# Free steps before the balance is measured: at the image itself the distance is 0.
FREE_STEPS = 3
EDGE = 0.01


def painters(case: Case) -> list[Painter]:
    """Return it, the features of the convolution before the layer being kept."""
    every = list(range(case.maps))
    return [Painter(name="accentuation", title="Feature Accentuation, plain", run=_runner(case), maps=every)]


def _runner(case: Case) -> Callable[[int], np.ndarray]:
    linear = linear_part(Task(case.model, case.layer, case.config, case.starts(0), after=False))
    kept = layers_before(case.model, case.layer)[-1]
    part = keras.Model(linear.inputs[0], [linear.get_layer(kept).output, linear.outputs[0]])
    gradients = tf.function(_gradients(part))
    images = levels_of(case.dataset.train_images[case.references.chosen[:, 0]])
    logits = np.clip(images, EDGE, 1 - EDGE)
    spectrum = tf.signal.rfft2d(tf.constant(np.log(logits / (1 - logits))[..., 0], tf.float32))
    wanted = tf.one_hot(range(case.maps), case.maps)

    def run(seed: int) -> np.ndarray:
        generator = tf.random.Generator.from_seed(seed)
        magnitudes, balance = tf.abs(spectrum), None
        variables = [tf.math.angle(spectrum), tf.fill(spectrum.shape, BEGIN)]
        adams = [Adam(STEP_SIZE, STEPS) for _ in variables]
        for step in range(STEPS):
            boxes, noise = _moves(generator, images.shape)
            rising, distant = gradients(variables, magnitudes, tf.constant(images), wanted, boxes, noise)
            if step == FREE_STEPS:
                balance = _size(rising) / (_size(distant) + 1e-8)
            pull = 0.0 if balance is None else STRENGTH * balance
            ways = [pull * away - up for up, away in zip(rising, distant, strict=True)]
            variables = [x - adam.step(way) for x, adam, way in zip(variables, adams, ways, strict=True)]
        return _picture(variables, magnitudes).numpy()

    return run


def _gradients(part: keras.Model) -> Callable:
    """Return the function that computes the gradients of objective and distance for phases and magnitudes."""

    def gradients(variables, magnitudes, images, wanted, boxes, noise):  # type: ignore[no-untyped-def]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(variables)
            both = [tf.image.per_image_standardization(_cropped(x, boxes) + noise)
                    for x in (_picture(variables, magnitudes), images)]  # fmt: skip
            (features, maps), (goal, _) = (part(x) for x in both)
            objective = tf.reduce_mean(maps, axis=(1, 2)) * tf.repeat(wanted, CROPS, axis=0)
            distance = safe_root(tf.reduce_sum(tf.square(features - goal), axis=(1, 2, 3)) + 1e-6)
        return tape.gradient(objective, variables), tape.gradient(distance, variables)

    return gradients


def _picture(variables: list[tf.Tensor], magnitudes: tf.Tensor) -> tf.Tensor:
    """Return levels (batch, size, size, 1) of phases and of how much of the magnitudes is left."""
    phases, left = variables
    size = magnitudes * tf.sigmoid(left)
    logits = tf.signal.irfft2d(tf.complex(size * tf.cos(phases), size * tf.sin(phases)))
    return tf.sigmoid(logits)[..., None]


def _moves(generator: tf.random.Generator, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """Draw boxes (images * CROPS, 4) and noise for every crop."""
    count = shape[0] * CROPS
    side = generator.uniform([count, 1], LEAST, 1.0)
    corner = generator.uniform([count, 2]) * (1.0 - side)
    return tf.concat([corner, corner + side], axis=1), generator.uniform([count, *shape[1:]], -NOISE, NOISE)


def _cropped(x: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Return crops of every picture in the size of the picture."""
    rows = tf.repeat(tf.range(x.shape[0]), CROPS)
    return tf.image.crop_and_resize(x, boxes, rows, x.shape[1:3])


def _size(gradients: list[tf.Tensor]) -> tf.Tensor:
    """Return the sum of what both gradients of each picture have in size, (batch, 1, 1)."""
    return tf.add_n([tf.reduce_sum(tf.abs(gradient), axis=(1, 2), keepdims=True) for gradient in gradients])
