"""The CNN: convolutions with a pool between any two, then dense layers; and what is asked of a trained one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np


class Convolution(NamedTuple):
    """A convolution of the CNN.

    Attributes:
        name: of the layer.
        filters: how many maps it has.
        kernel_size: pixels per side of its kernels.
        activation: a name that Keras knows.
    """

    name: str
    filters: int
    kernel_size: int
    activation: str


class Pool(NamedTuple):
    """A pool of the CNN.

    Attributes:
        name: of the layer.
        size: positions per side of its window, and its stride.
    """

    name: str
    size: int


class Dense(NamedTuple):
    """A dense layer of the CNN.

    Attributes:
        name: of the layer.
        units: how many.
        activation: a name that Keras knows.
    """

    name: str
    units: int
    activation: str


def build_cnn(
    *,
    input_size: int,
    convolutions: Sequence[Convolution],
    pools: Sequence[Pool],
    dense: Sequence[Dense],
    classes: int,
    regularizer: keras.regularizers.Regularizer | None,
    seed: int,
) -> keras.Model:
    """Build a CNN (batch, input_size, input_size, 1) -> (batch, classes) of class probabilities.

    Convolutions have stride 1 and no padding, pools take the maximum; there is no normalization layer. The
    regularizer is put on the kernels of the dense layers, the last one included. Initial kernels are Glorot-uniform,
    drawn per layer from (seed, number of the layer).

    Args:
        input_size: pixels per side of an image.
        convolutions: in order.
        pools: one between any two convolutions.
        dense: the hidden layers in order; behind them comes "Output", a softmax.
        classes: how many.
        regularizer: None for none.
        seed: of the initial kernels.
    Returns:
        The model, not compiled.
    Raises:
        ValueError: not one pool fewer than convolutions, or what Keras refuses.
    Reference:
        Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(len(convolutions) + len(dense) + 1))

    def initializer() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=int(next(seeds)) % 2**31)

    x = inputs = keras.Input((input_size, input_size, 1), name="Input")
    for convolution, pool in zip(convolutions, [*pools, None], strict=True):
        name, filters, kernel_size, activation = convolution
        x = keras.layers.Conv2D(
            filters, kernel_size, activation=activation, kernel_initializer=initializer(), name=name
        )(x)
        if pool is not None:
            x = keras.layers.MaxPooling2D(pool.size, name=pool.name)(x)
    x = keras.layers.Flatten(name="Flatten")(x)
    for name, units, activation in [*dense, Dense("Output", classes, "softmax")]:
        x = keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=initializer(),
            kernel_regularizer=regularizer,
            name=name,
        )(x)
    return keras.Model(inputs, x, name="cnn")


def weights_by_name(model: keras.Model) -> dict[str, np.ndarray]:
    """Return copies of all weights, by their path in the model, such as ``Conv2D_1/kernel``."""
    return {weight.path: np.array(weight) for weight in model.weights}


def reset_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set the weights of `model` to those of `weights_by_name`: the way back to the start of a training.

    Args:
        model: is changed.
        weights: path -> array of the shape of that weight.
    Raises:
        ValueError: the names or shapes are not those of the model; then nothing is changed.
    """
    own = {weight.path: weight for weight in model.weights}
    if own.keys() != weights.keys():
        raise ValueError(f"weights of other layers: expected {sorted(own)}; received {sorted(weights)}")
    for path, weight in own.items():
        if tuple(weight.shape) != weights[path].shape:
            raise ValueError(f"{path}: expected the shape {tuple(weight.shape)}; received {weights[path].shape}")
    for path, weight in own.items():
        weight.assign(weights[path])


def layer_outputs(model: keras.Model, layers: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the output of each named layer.

    Args:
        model: the CNN.
        layers: names of its layers.
        images: (images, height, width, channels), as the model takes them.
    Returns:
        name -> (images, height, width, maps) float32, or (images, units) of a dense layer.
    Raises:
        ValueError: the model has no layer of that name.
    """
    outputs = {name: model.get_layer(name).output for name in layers}
    return keras.Model(model.inputs[0], outputs).predict(images, verbose=0)


def without_activation(model: keras.Model, layer: str) -> keras.Model:
    """Return the part of `model` up to the pre-activation of `layer`, whose own activation function is left out.

    The weights are copies; those before `layer` are shared.

    Args:
        model: a functional model.
        layer: the name of a layer with an activation function.
    Returns:
        A model from the same input to the pre-activation.
    Raises:
        ValueError: the model has no layer of that name.
    """
    last = model.get_layer(layer)
    linear = last.__class__.from_config({**last.get_config(), "activation": "linear", "name": f"{layer}_linear"})
    # the name is part of the architecture by which compiled programs are found again
    part = keras.Model(model.inputs[0], linear(last.input), name="part")
    linear.set_weights(last.get_weights())
    return part
