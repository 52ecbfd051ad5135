"""The CNN, built from the plain numbers of its layers; and what is asked of a trained one."""

from collections.abc import Callable, Mapping

import keras
import numpy as np

from pipeline.core.layers import Convolution, Dense, Flatten, Input, Layer, Network, Pool

POOLS = {"maximum": keras.layers.MaxPooling2D, "mean": keras.layers.AveragePooling2D}


def build_cnn(network: Network, *, regularizer: keras.regularizers.Regularizer | None, seed: int) -> keras.Model:
    """Build a CNN of these layers, one behind the other: (batch, height, width, maps of the input) -> (batch, classes).

    Args:
        network: an input, then convolutions, pools, a flattening and dense layers, the last of which has as many units
            as there are classes.
        regularizer: put on the kernels of the dense layers, the last one included.
        seed: initial kernels are Glorot-uniform, drawn per layer from (seed, number of the layer).
    Raises:
        ValueError: a layer of another kind, or that does not stand on the one before it; an input that is not first;
            a dense layer whose units nobody said.
    """
    learning = sum(isinstance(layer, Convolution | Dense) for layer in network.layers)
    seeds = iter(np.random.SeedSequence(seed).generate_state(learning))

    def initializer() -> keras.initializers.Initializer:
        return keras.initializers.GlorotUniform(seed=int(next(seeds)) % 2**31)

    first, *others = network.layers
    if not isinstance(first, Input):
        raise ValueError(f"expected an input as the first layer; received {first}")
    x = inputs = keras.Input(first.shape, name=first.name)
    for layer in others:
        x = _built(layer, initializer, regularizer)(x)
    return keras.Model(inputs, x, name="cnn")


def _built(
    layer: Layer,
    initializer: Callable[[], keras.initializers.Initializer],
    regularizer: keras.regularizers.Regularizer | None,
) -> keras.Layer:
    """Return the Keras layer of a layer behind the input.

    Args:
        initializer: gives that of the next kernel.
        regularizer: see `build_cnn`.
    Raises:
        ValueError: see `build_cnn`.
    """
    match layer:
        case Convolution(after=None):
            return keras.layers.Conv2D(
                layer.filters,
                layer.size,
                strides=layer.stride,
                padding=layer.padding,
                dilation_rate=layer.dilation,
                activation=layer.activation,
                kernel_initializer=initializer(),
                name=layer.name,
            )
        case Pool(after=None, dilation=(1, 1)):
            return POOLS[layer.takes](layer.size, strides=layer.stride, padding=layer.padding, name=layer.name)
        case Flatten(after=None):
            return keras.layers.Flatten(name=layer.name)
        case Dense(after=None, units=int()):
            return keras.layers.Dense(
                layer.units,
                activation=layer.activation,
                kernel_initializer=initializer(),
                kernel_regularizer=regularizer,
                name=layer.name,
            )
    raise ValueError(f"no layer that can be built here: {layer}")


def weights_by_name(model: keras.Model) -> dict[str, np.ndarray]:
    """Return copies of all weights, by their path in the model, such as ``Conv2D_1/kernel``."""
    return {weight.path: np.array(weight.numpy()) for weight in model.weights}


def reset_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set the weights of `model` to those of `weights_by_name`: the way back to the start of a training.

    Args:
        model: changed in place; left as it is if the weights do not fit.
        weights: by their path, as many as the model has, of the same shapes.
    Raises:
        ValueError: the names or shapes are not those of the model.
    """
    own = {weight.path: weight for weight in model.weights}
    if own.keys() != weights.keys():
        raise ValueError(f"weights of other layers: expected {sorted(own)}; received {sorted(weights)}")
    for path, weight in own.items():
        if tuple(weight.shape) != weights[path].shape:
            raise ValueError(f"{path}: expected the shape {tuple(weight.shape)}; received {weights[path].shape}")
    for path, weight in own.items():
        weight.assign(weights[path])
