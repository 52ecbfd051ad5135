"""The second CNN, out of a file; and either of them as it was after an epoch of its training."""

from pathlib import Path

import keras
import numpy as np

from pipeline.core.cnn import reset_weights
from pipeline.core.finite import broken_weight
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.keras_layers import describe_model
from pipeline.core.model_choice import Chosen
from pipeline.core.model_files.choosing import cnn_of
from pipeline.core.model_files.reading import ModelFile, read_model_file
from pipeline.core.nodes import Graph
from pipeline.data.arrays import UNREADABLE, load_arrays
from pipeline.runtime.errors import InputError
from pipeline.stages.compare.settings import CompareConfig
from pipeline.stages.train.snapshot_file import snapshots_of


def read_other(config: CompareConfig) -> ModelFile:
    """Return the file of the second CNN.

    Raises:
        InputError: it cannot be read.
    """
    assert config.other is not None
    custom = None if config.other_custom is None else Path(config.other_custom).expanduser()
    try:
        return read_model_file(Path(config.other).expanduser(), custom=custom)
    except InputError as error:
        raise _of_compare(error) from error


def other_cnn(file: ModelFile, weights: dict[str, np.ndarray] | None) -> Graph:
    """Return the second CNN: one picture in, the classes out.

    Args:
        weights: those of an epoch, None for its own.
    Raises:
        InputError: it has several inputs or outputs, or takes pictures of any size; the weights are of another CNN.
    """
    try:
        cnn = cnn_of(file, Chosen(None, None, None, ()))
    except InputError as error:
        raise _of_compare(error) from error
    return cnn if weights is None else graph_of(with_weights(file.model, weights, "compare.other_epoch"))


def layer_of_other(cnn: Cnn, config: CompareConfig) -> str:
    """Return the layer of the second CNN that is looked at.

    Raises:
        InputError: it has no such layer.
    """
    choices = describe_model(cnn).choices()
    name = config.layer if config.other_layer is None else config.other_layer
    if name not in choices:
        got = f"null, and it has no {name}" if config.other_layer is None else name
        raise InputError.at("compare.other_layer", takes=f"a layer of the other CNN: {', '.join(choices)}", got=got)
    return name


def check_pictures(cnn: Cnn, shape: tuple[int, ...]) -> None:
    """Refuse a second CNN that takes other pictures, or has weights that are no numbers.

    Args:
        shape: (height, width, channels) of the pictures of the first one.
    """
    taken = graph_of(cnn).input_shape
    if tuple(taken) != tuple(shape):
        sides, others = (" x ".join(map(str, one)) for one in (shape, taken))
        takes = f"a CNN of pictures of {sides}, as the first"
        raise InputError.at("compare.other", takes=takes, got=f"one of {others}")
    if (found := broken_weight(cnn)) is not None:
        raise InputError.at("compare.other", takes="a CNN whose weights are finite numbers", got=found)


def weights_of(epoch: int | None, snapshots: str | None, key: str) -> dict[str, np.ndarray] | None:
    """Return the weights by their paths that a training had after an epoch; None for those that it ended with.

    Args:
        epoch, snapshots: the settings.
        key: of the epoch.
    Raises:
        InputError: the file cannot be read, or does not keep that epoch.
    """
    if epoch is None:
        return None
    assert snapshots is not None
    try:
        arrays = load_arrays(Path(snapshots).expanduser())
    except UNREADABLE as error:
        takes = "the snapshots.npz of a training, which train.snapshots=[...] keeps"
        raise InputError.at(_file_of(key), takes=takes, got=f"{snapshots}: {error}") from error
    found = snapshots_of(arrays)
    if epoch not in found:
        kept = ", ".join(map(str, sorted(found))) or "none"
        raise InputError.at(key, takes=f"an epoch that was kept: {kept}", got=epoch)
    return found[epoch]


def with_weights(model: Cnn, weights: dict[str, np.ndarray] | None, key: str) -> Cnn:
    """Return a copy of a CNN with other weights; the CNN itself for None.

    Args:
        key: of the epoch that the weights are of.
    Raises:
        InputError: they are of another CNN.
    """
    if weights is None:
        return model
    if not isinstance(model, keras.Model):
        raise InputError.at(key, takes="null with a CNN out of a file", got="an epoch")
    # the model is that of other stages, too
    copy = keras.models.clone_model(model)
    try:
        reset_weights(copy, weights)
    except ValueError as error:
        raise InputError.at(_file_of(key), takes="snapshots of this CNN", got=str(error)) from error
    return copy


def _file_of(key: str) -> str:
    return key.replace("epoch", "snapshots")


def _of_compare(error: InputError) -> InputError:
    """Return the same said of the setting that names the file here."""
    key, _, said = str(error).partition(": ")
    if key not in ("model.path", "model.custom"):
        # there are no settings by which one could choose
        takes = "a CNN of one picture of a known size, with one output"
        got = f"another: {key} would take {said.removeprefix('takes ')}"
        return InputError.at("compare.other", takes=takes, got=got)
    named = {"model.custom": "compare.other_custom"}.get(key, "compare.other")
    return InputError(f"{named}: {said.replace('model.path=', 'compare.other=')}")
