"""The same trained weights for every tool: a Keras model that ends before the activation, and its copy in torch."""

# mypy: disable-error-code="import-not-found, import-untyped"

from typing import Any

import keras
import numpy as np

from benchmarks.task import Task

LARGEST_DIFFERENCE = 1e-4


def peers_part(task: Task) -> keras.Model:
    """What the peers are given: the CNN from its input to the layer."""
    if task.after:
        return keras.Model(task.model.inputs[0], task.model.get_layer(task.layer).output)
    return linear_part(task)


def linear_part(task: Task) -> keras.Model:
    """The CNN from its input to the layer, whose own activation function is left out.

    A map that a start image leaves silent has a gradient there, so no tool is held up by dead maps.
    """
    last = task.model.get_layer(task.layer)
    linear = type(last).from_config({**last.get_config(), "activation": "linear"})
    part = keras.Model(task.model.inputs[0], linear(last.input))
    linear.set_weights(last.get_weights())
    return part


def torch_part(task: Task, *, linear: bool = False) -> Any:
    """The peers' part, or always the linear one, as a torch `Sequential` with the names of the Keras layers.

    Weights are frozen.

    Raises:
        ValueError: a layer that is neither a plain convolution nor a plain pool, or outputs that differ from Keras'
            by more than 1e-4.
    """
    import torch

    activations = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "elu": torch.nn.ELU, "tanh": torch.nn.Tanh}
    net = torch.nn.Sequential()
    part = linear_part(task) if linear else peers_part(task)
    for layer in part.layers[1:]:
        if isinstance(layer, keras.layers.MaxPooling2D):
            net.add_module(layer.name, torch.nn.MaxPool2d(layer.pool_size, layer.strides))
        elif isinstance(layer, keras.layers.Conv2D) and layer.padding == "valid":
            kernel, bias = layer.get_weights()
            convolution = torch.nn.Conv2d(kernel.shape[2], kernel.shape[3], kernel.shape[:2], layer.strides)
            # Keras: (height, width, in, out); torch: (out, in, height, width)
            convolution.weight.data = torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
            convolution.bias.data = torch.tensor(bias)
            net.add_module(layer.name, convolution)
            activation = keras.activations.serialize(layer.activation)
            if activation != "linear":
                net.add_module(f"{layer.name}_{activation}", activations[activation]())
        else:
            raise ValueError(f"{layer.name}: a {type(layer).__name__} is not copied to torch")
    net.requires_grad_(False).eval()
    _check(task, part, net)
    return net


def to_torch(images: np.ndarray) -> Any:
    """(batch, height, width, 1) as a torch tensor (batch, 1, height, width) of its own."""
    import torch

    return torch.tensor(images.transpose(0, 3, 1, 2).copy())


def _check(task: Task, part: keras.Model, net: Any) -> None:
    """Both must agree before anything is timed."""
    expected = part(task.starts).numpy()
    difference = float(np.abs(net(to_torch(task.starts)).numpy().transpose(0, 2, 3, 1) - expected).max())
    if not difference < LARGEST_DIFFERENCE:
        raise ValueError(f"torch and Keras differ by {difference:.1e} in {task.layer}")
