"""Of a model out of a file: the input that takes the picture, the output that gives the classes, and its layers."""

import weakref
from typing import Any

import keras

from pipeline.core.keras_layers import describe_model
from pipeline.core.layers import Network
from pipeline.core.model_choice import Chosen
from pipeline.core.model_files.reading import ModelFile
from pipeline.runtime.errors import InputError

# So that the same choice of the same model is the same object in a process.
_CNNS: "weakref.WeakKeyDictionary[keras.Model, dict[Chosen, keras.Model]]" = weakref.WeakKeyDictionary()
_NETWORKS: "weakref.WeakKeyDictionary[keras.Model, Network]" = weakref.WeakKeyDictionary()


def cnn_of(file: ModelFile, chosen: Chosen) -> keras.Model:
    """Return the model with one picture as its input and one output; the same object for the same choice.

    Raises:
        InputError: an input or output of another name, or several to choose from; no size of pictures.
    """
    known = _CNNS.setdefault(file.model, {})
    if chosen not in known:
        known[chosen] = _cnn_of(file, chosen)
    return known[chosen]


def network_of(file: ModelFile, chosen: Chosen) -> Network:
    """Return the layers of the CNN, see `cnn_of`."""
    cnn = cnn_of(file, chosen)
    if cnn not in _NETWORKS:
        _NETWORKS[cnn] = describe_model(cnn)
    return _NETWORKS[cnn]


def picture_shape(file: ModelFile, chosen: Chosen) -> tuple[int, int, int]:
    """Return (height, width, channels) of the pictures that the CNN takes."""
    height, width, channels = cnn_of(file, chosen).inputs[0].shape[1:]
    return int(height), int(width), int(channels)


def _cnn_of(file: ModelFile, chosen: Chosen) -> keras.Model:
    model = file.model
    inputs = {_name(tensor): tensor for tensor in model.inputs}
    outputs = dict(zip(_output_names(model), model.outputs, strict=True))
    pictures = [name for name, tensor in inputs.items() if len(tensor.shape) == 4]
    picture = _one("model.input", chosen.input, inputs, pictures, "inputs")
    output = _one("model.output", chosen.output, outputs, list(outputs), "outputs")
    others = [name for name in inputs if name != picture]
    for name, _ in chosen.constants:
        if name not in others:
            takes = f"the names of the other inputs: {', '.join(others) or 'there are none'}"
            raise InputError.at("model.constants", takes=takes, got=name)
    shape = inputs[picture].shape[1:]
    if len(shape) != 3:
        takes = "an input of pictures, (height, width, channels)"
        raise InputError.at("model.input", takes=takes, got=f"{picture} {tuple(shape)} of {file.path}")
    if None in shape[:2] and chosen.side is None:
        takes = f"the side of pictures, such as 96 or [96, 128], as {file.path} takes any"
        raise InputError.at("model.side", takes=takes, got="null")
    if None not in shape[:2] and chosen.side not in (None, tuple(shape[:2])):
        takes = f"null, or {list(shape[:2])}, for {file.path}"
        raise InputError.at("model.side", takes=takes, got=list(chosen.side or ()))
    if not others and None not in shape[:2]:
        return model if len(outputs) == 1 else keras.Model(inputs[picture], outputs[output])
    return _called(model, picture, output, chosen)


def _called(model: keras.Model, picture: str, output: str, chosen: Chosen) -> keras.Model:
    """Return a model around the model, which fills the other inputs, or says which size pictures have."""
    position = [_name(tensor) for tensor in model.inputs].index(picture)
    tensor = model.inputs[position]
    x = keras.Input((*(chosen.side or tensor.shape[1:3]), tensor.shape[3]), dtype=tensor.dtype, name=f"{picture}_only")
    constants = dict(chosen.constants)
    given = [
        x if number == position else Filled(other.shape[1:], constants.get(_name(other), 0.0), other.dtype)(x)
        for number, other in enumerate(model.inputs)
    ]
    found = model(given if len(given) > 1 else x)
    outputs = keras.tree.flatten(found)
    return keras.Model(x, outputs[_output_names(model).index(output)])


@keras.saving.register_keras_serializable("mnist_dream")
class Filled(keras.layers.Layer):
    """An input that is the same number everywhere, for as many pictures as there are."""

    def __init__(self, shape: tuple[int, ...], value: float, dtype: str, **others: Any) -> None:
        """Keep the shape without the batch, and the number."""
        super().__init__(dtype=dtype, autocast=False, **others)
        self.filled_shape, self.value = tuple(shape), value

    def call(self, x: Any) -> Any:
        """Return it for each picture."""
        return keras.ops.full((keras.ops.shape(x)[0], *self.filled_shape), self.value, dtype=self.compute_dtype)

    def compute_output_spec(self, x: Any) -> Any:
        """Return its shape and type."""
        return keras.KerasTensor((x.shape[0], *self.filled_shape), dtype=self.compute_dtype)


def _one(key: str, name: str | None, all_of: dict[str, Any], candidates: list[str], what: str) -> str:
    """Return the chosen one of several inputs or outputs, or the only one."""
    if name is not None:
        if name not in all_of:
            raise InputError.at(key, takes=f"one of the {what} {', '.join(all_of)}", got=name)
        return name
    if len(candidates) != 1:
        shapes = ", ".join(f"{one} {tuple(tensor.shape[1:])}" for one, tensor in all_of.items())
        raise InputError.at(key, takes=f"one of the {what}, which are several: {shapes}", got="null")
    return candidates[0]


def _name(tensor: Any) -> str:
    return str(tensor._keras_history.operation.name)


def _output_names(model: keras.Model) -> list[str]:
    """Return the names of the layers that give the outputs, each once."""
    names = [_name(tensor) for tensor in model.outputs]
    return [name if names.count(name) == 1 else f"{name}:{number}" for number, name in enumerate(names)]
