"""What every contender is given: one CNN, one layer, one start image for each of its maps; and how it is judged."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.noise import multi_wavelength_noise
from pipeline.settings.config import Config

SEED = 0


class Task(NamedTuple):
    """model: the trained CNN; layer: the name of its layer; config: the engine's default settings;
    starts: (maps, size, size, 1), the start image of every map, standardized; after: whether the peers ascend the
    layer's output, or its maps before their activation function."""

    model: keras.Model
    layer: str
    config: Config
    starts: np.ndarray
    after: bool

    @property
    def objective(self) -> str:
        """What the peers ascend, in words."""
        return "after relu" if self.after else "before relu"

    @property
    def maps(self) -> int:
        """How many maps the layer has."""
        return len(self.starts)

    def few(self, count: int = 4) -> list[int]:
        """Some maps, spread over the layer, for what takes too long for all of them."""
        return list(range(0, self.maps, -(-self.maps // count)))

    @property
    def value_range(self) -> tuple[float, float]:
        """From the darkest to the brightest pixel of a start image, in the middle of them all."""
        axes = (1, 2, 3)
        return float(np.median(self.starts.min(axes))), float(np.median(self.starts.max(axes)))


def task_of(model: keras.Model, config: Config, *, after: bool) -> Task:
    """The maps of `oip.layer` and the start images that the engine makes of `noise`."""
    wavelengths, amplitudes = config.noise.wavelengths, config.noise.amplitudes
    if len(amplitudes) == 1:
        amplitudes = amplitudes * len(wavelengths)
    layer = config.oip.layer
    first_starts = [(map_index, 0) for map_index in range(model.get_layer(layer).output.shape[-1])]
    starts = multi_wavelength_noise(model.inputs[0].shape[1:], wavelengths, amplitudes, first_starts, seed=SEED)
    return Task(model, layer, config, starts, after)


def mean_activations(task: Task, pictures: np.ndarray, maps: list[int]) -> np.ndarray:
    """The one judge of all contenders: picture i is standardized; what counts is the mean activation (after the
    activation function) that it causes in map maps[i], computed with Keras: (pictures,)."""
    standardized = tf.image.per_image_standardization(np.asarray(pictures, np.float32))
    part = keras.Model(task.model.inputs[0], task.model.get_layer(task.layer).output)
    return part(standardized).numpy().mean(axis=(1, 2))[np.arange(len(maps)), maps]
