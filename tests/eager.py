"""What Keras itself says of a model, layer by layer: what the programs of this project are held against."""

from collections.abc import Sequence

import keras
import numpy as np


def layer_outputs(model: keras.Model, layers: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the output of each named layer, as Keras computes it."""
    outputs = {name: model.get_layer(name).output for name in layers}
    return keras.Model(model.inputs[0], outputs).predict(images, verbose=0)


def without_activation(model: keras.Model, layer: str) -> keras.Model:
    """Return the part of `model` up to `layer` with a copy of that layer that has no activation function."""
    last = model.get_layer(layer)
    linear = last.__class__.from_config({**last.get_config(), "activation": "linear", "name": f"{layer}_linear"})
    part = keras.Model(model.inputs[0], linear(last.input))
    linear.set_weights(last.get_weights())
    return part
