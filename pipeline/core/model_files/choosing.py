"""Of a model out of a file: the input that takes the picture, the output that gives the classes, and its layers."""

import weakref

import keras

from pipeline.core.graph import is_channels_first, make_graph
from pipeline.core.keras_layers import describe_model
from pipeline.core.layers import Network
from pipeline.core.model_choice import Chosen
from pipeline.core.model_files.reading import ModelFile
from pipeline.core.nodes import Graph
from pipeline.runtime.errors import InputError

# So that the same choice of the same model is the same object in a process.
_CNNS: "weakref.WeakKeyDictionary[keras.Model, dict[Chosen, Graph]]" = weakref.WeakKeyDictionary()


def cnn_of(file: ModelFile, chosen: Chosen) -> Graph:
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
    return describe_model(cnn_of(file, chosen))


def picture_shape(file: ModelFile, chosen: Chosen) -> tuple[int, int, int]:
    """Return (height, width, channels) of the pictures that the CNN takes."""
    height, width, channels = cnn_of(file, chosen).input_shape
    return height, width, channels


def _cnn_of(file: ModelFile, chosen: Chosen) -> Graph:
    model = file.model
    inputs = {tensor._keras_history.operation.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    outputs = {tensor._keras_history.operation.name: tuple(tensor.shape[1:]) for tensor in model.outputs}
    pictures = [name for name, shape in inputs.items() if len(shape) == 3]
    picture = _one("model.input", chosen.input, inputs, pictures, "inputs")
    output = _one("model.output", chosen.output, outputs, list(outputs), "outputs")
    others = [name for name in inputs if name != picture]
    for name, _ in chosen.constants:
        if name not in others:
            takes = f"the names of the other inputs: {', '.join(others) or 'there are none'}"
            raise InputError.at("model.constants", takes=takes, got=name)
    if len(inputs[picture]) != 3:
        takes = "an input of pictures, (height, width, channels)"
        raise InputError.at("model.input", takes=takes, got=f"{picture} {inputs[picture]} of {file.path}")
    sides = inputs[picture][1:] if is_channels_first(model) else inputs[picture][:2]
    if chosen.side is not None and any(own not in (None, one) for own, one in zip(sides, chosen.side, strict=True)):
        takes = f"null, or {list(sides)}, for {file.path}"
        raise InputError.at("model.side", takes=takes, got=list(chosen.side))
    try:
        graph = make_graph(
            model, picture=picture, output=output, side=chosen.side, constants=dict(chosen.constants)
        )  # fmt: skip
    except ValueError as error:
        key = "model.side" if chosen.side is not None else "model.path"
        got = f"{list(chosen.side)}: {error}" if chosen.side is not None else f"{file.path}: {error}"
        raise InputError.at(key, takes="a CNN whose layers fit its pictures", got=got) from error
    if 0 in graph.input_shape:
        takes = f"the side of pictures, such as 96 or [96, 128], as {file.path} takes any"
        raise InputError.at("model.side", takes=takes, got="null")
    return graph


def _one(
    key: str, name: str | None, all_of: dict[str, tuple[int | None, ...]], candidates: list[str], what: str
) -> str:
    """Return the chosen one of several inputs or outputs, or the only one."""
    if name is not None:
        if name not in all_of:
            raise InputError.at(key, takes=f"one of the {what} {', '.join(all_of)}", got=name)
        return name
    if len(candidates) != 1:
        shapes = ", ".join(f"{one} {shape}" for one, shape in all_of.items())
        raise InputError.at(key, takes=f"one of the {what}, which are several: {shapes}", got="null")
    return candidates[0]
