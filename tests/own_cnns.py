"""Small CNNs of other kinds than the article's, as a user of the program may have them, and what eager Keras says."""

import keras
import numpy as np
import tensorflow as tf


def conv(name: str, filters: int, size: int = 3, *, activation: str | None = "relu", **options) -> keras.Layer:
    return keras.layers.Conv2D(filters, size, activation=activation, name=name, **options)


def own_cnn(*layers: keras.Layer, shape: tuple[int, ...] = (24, 32, 3), seed: int = 5) -> keras.Model:
    """A functional model of these layers with weights that are small, and biases that are not 0."""
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    model = keras.Model(inputs, x)
    random = np.random.default_rng(seed)
    for weight in model.weights:
        fan_in = int(np.prod(weight.shape[:-1]))
        wide = 2 / np.sqrt(fan_in) if len(weight.shape) > 1 else 0.1
        weight.assign(random.normal(0, wide, weight.shape).astype(np.float32))
    return model


def colour_cnn(shape: tuple[int, ...] = (24, 32, 3)) -> keras.Model:
    """A CNN of two convolutions, the second called `deep`, without activation: what is seen of it is its sum."""
    pool = keras.layers.MaxPooling2D(2)
    return own_cnn(conv("first", 6), pool, conv("deep", 5, activation=None), shape=shape)


def any_size(model: keras.Model) -> keras.Model:
    """The same layers, up to the last one, for pictures of any size, computed by Keras itself."""
    x = inputs = keras.Input((None, None, model.inputs[0].shape[-1]))
    for layer in model.layers[1:]:
        x = layer(x)
    return keras.Model(inputs, x)


def mean_of_map(model: keras.Model, pictures: np.ndarray, index: int) -> np.ndarray:
    """What eager Keras computes of the last layer: the mean of a map over its positions, of each picture."""
    features = model(tf.constant(pictures, tf.float32), training=False).numpy()
    return features[..., index].mean(axis=(1, 2), dtype=np.float64)
