"""The article's loop, written plainly: one map at a time, a compiled step that is called once per step."""

import numpy as np
import tensorflow as tf
from keras import Model

from benchmarks.contenders import Contender
from benchmarks.task import Task

STEPS = 600
STEP_SIZE = 0.01


def contenders(task: Task, maps: list[int] | None = None) -> list[Contender]:
    """x <- standardize(x + 0.01 * g / rms(g)), g the gradient of the mean of the map after its activation.

    maps: which ones; None: a few."""
    part = Model(task.model.inputs[0], task.model.get_layer(task.layer).output)

    @tf.function
    def step(image: tf.Tensor, map_index: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(image)
            objective = tf.reduce_mean(part(image)[..., map_index])
        gradient = tape.gradient(objective, image)
        gradient /= tf.sqrt(tf.reduce_mean(tf.square(gradient))) + 1e-7
        return tf.image.per_image_standardization(image + STEP_SIZE * gradient)

    def one(map_index: int) -> np.ndarray:
        image, index = tf.constant(task.starts[map_index : map_index + 1]), tf.constant(map_index)
        for _ in range(STEPS):
            image = step(image, index)
        return image.numpy()

    few = maps or task.few()
    return [
        Contender(
            name="article-loop",
            title="the article's loop, one by one",
            steps=STEPS,
            objective="after relu",
            starts="given",
            maps=few,
            run=lambda: np.concatenate([one(map_index) for map_index in few]),
        )
    ]
