"""`make bench`: the OIP sweep as one batch against the article's loop, one map at a time, alternating in one run.

The loop is written out plainly here: a compiled step, called once per step and map, as the article does it but for the
compilation. It is timed on a few maps and scaled to all, which is said in the table.
"""

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from pipeline import load_dataset, sweep_oips, train
from pipeline.__main__ import CONF
from pipeline.config import Config
from pipeline.core.noise import multi_wavelength_noise
from pipeline.schema import to_config

REPEATS = 5
LOOP_MAPS = 4


def main() -> None:
    config, article = _config(), _config("oip=article")
    dataset = load_dataset(config.data, size=config.model.input_size)
    print(f"training the CNN on {dataset.name} ({config.train.epochs} epochs) ...")
    model = train(config.train, config.model, dataset, seed=0).model

    def engine(settings: Config) -> Callable[[], object]:
        return lambda: sweep_oips(settings.oip, settings.noise, model, seed=0)

    step = _compiled_step(model)
    contenders = {
        "default: 128 maps, 60 steps, one batch": engine(config),
        "article: 128 maps, 600 steps, one batch": engine(article),
        f"article's loop: {LOOP_MAPS} maps, 600 steps, one by one": lambda: _loop(model, step, range(LOOP_MAPS)),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for name, contender in contenders.items():
        started = time.perf_counter()
        contender()
        print(f"{name:<55} first call {time.perf_counter() - started:6.2f} s")
    for _ in range(REPEATS):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender()
            times[name].append(time.perf_counter() - started)
    for name, values in times.items():
        print(f"{name:<55} warm       {statistics.median(values):6.2f} s  ({min(values):.2f} to {max(values):.2f})")
    default, batch, loop = (np.array(values) for values in times.values())
    scaled = loop * model.get_layer(config.oip.layer).filters / LOOP_MAPS
    print("the loop, scaled to all maps, takes ...")
    print(f"{np.median(scaled / batch):6.0f} times as long as the article's settings in one batch")
    print(f"{np.median(scaled / default):6.0f} times as long as the default")


def _config(*overrides: str) -> Config:
    ConfigStore.instance().store(name="schema", node=Config)
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        return to_config(compose("config", overrides=list(overrides)))


def _compiled_step(model: keras.Model) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    part = keras.Model(model.inputs[0], model.get_layer("Conv2D_3").output)

    @tf.function
    def step(image: tf.Tensor, map_index: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(image)
            objective = tf.reduce_mean(part(image)[..., map_index])
        gradient = tape.gradient(objective, image)
        gradient /= tf.sqrt(tf.reduce_mean(tf.square(gradient))) + 1e-7
        return tf.image.per_image_standardization(image + 0.01 * gradient)

    return step


def _loop(model: keras.Model, step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], maps: range) -> None:
    starts = multi_wavelength_noise(model.inputs[0].shape[1], (3, 7, 14, 28), (0.5,) * 4, maps, seed=0)
    for map_index, start in zip(maps, starts, strict=True):
        image = tf.constant(start[None])
        for _ in range(600):
            image = step(image, tf.constant(map_index))


if __name__ == "__main__":
    main()
