"""tf-keras-vis: `ActivationMaximization` with its default number of steps and its default optimizer."""

# mypy: disable-error-code="import-not-found, import-untyped"

import inspect

import numpy as np
import tensorflow as tf

from benchmarks.contenders import Contender
from benchmarks.network import peers_part
from benchmarks.task import Task


def contenders(task: Task) -> list[Contender]:
    """One map at a time, and all maps as a batch of seed inputs with one score for each."""
    from tf_keras_vis.activation_maximization import ActivationMaximization

    maximize = ActivationMaximization(peers_part(task))
    steps = inspect.signature(ActivationMaximization.__call__).parameters["steps"].default
    low, high = task.value_range
    # its default, RMSprop(1.0, 0.999), is meant for pixels from 0 to 255; ours span a fiftieth of that
    learning_rate = (high - low) / 255

    def run(maps: list[int]) -> np.ndarray:
        along = tf.one_hot(maps, task.maps)
        return maximize(
            lambda output: tf.reduce_sum(tf.reduce_mean(output, axis=(1, 2)) * along, axis=1),
            seed_input=task.starts[maps],
            # the CNN knows standardized images only: the loop is bounded by that, so nothing need be clipped
            input_modifiers=[tf.image.per_image_standardization],
            input_range=None,
            # it would blur, shift and rotate for the sake of photos' looks; none of the others does
            regularizers=[],
            # an optimizer keeps its state: each call needs a new one
            optimizer=tf.optimizers.RMSprop(learning_rate=learning_rate, rho=0.999),
        )

    few = task.few()
    common = {"steps": steps, "objective": task.objective, "starts": "given"}
    return [
        Contender(
            name="tf-keras-vis",
            title="tf-keras-vis, one by one",
            maps=few,
            run=lambda: np.concatenate([run([map_index]) for map_index in few]),
            **common,
        ),
        Contender(
            name="tf-keras-vis-batch",
            title="tf-keras-vis, one batch",
            maps=list(range(task.maps)),
            run=lambda: run(list(range(task.maps))),
            **common,
        ),
    ]
