"""Stage 1 where nothing is trained: the CNN out of a file."""

from pathlib import Path

import keras
import numpy as np

from pipeline.core.cnn import build_cnn
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.layers import Network, with_classes
from pipeline.core.model_files.choosing import cnn_of, network_of
from pipeline.core.model_files.custom import read_custom
from pipeline.core.model_files.reading import ModelFile, file_digest, known_file, load_weights, read_model_file
from pipeline.core.nodes import Graph
from pipeline.data.arrays import UNREADABLE, load_arrays
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import check_keras
from pipeline.settings.model import ModelConfig
from pipeline.stages.model.result import CUSTOM, FACTS, STEM, WEIGHTS, ModelResult


def digests_of(config: ModelConfig, *, classes: int) -> dict[str, np.ndarray | None]:
    """Return name -> digest, a text, of the files that make the CNN; they are read and checked.

    Args:
        classes: of the data, of which a CNN of given layers has an output each.
    Raises:
        InputError: a file that cannot be read, or does not fit.
    """
    if config.path is None:
        assert config.weights is not None
        _with_weights(config, classes)
        return {"weights": np.array(file_digest(Path(config.weights).expanduser(), "model.weights"))}
    file = config.file()
    assert file is not None
    return {"file": np.array(file.digest)}


def read_cnn(config: ModelConfig, *, classes: int, digest: str) -> ModelResult:
    """Return the CNN of the settings' file.

    Args:
        classes: see `digests_of`.
        digest: that it had when the run began.
    Raises:
        InputError: a file that cannot be read, or was changed meanwhile.
    """
    check_keras()
    file = config.file()
    if file is None:
        assert config.weights is not None
        weights = Path(config.weights).expanduser()
        model = _with_weights(config, classes)
        found = ModelFile(weights, file_digest(weights, "model.weights"), model, None)
        cnn, network, copies = model, with_classes(config.network, classes), {WEIGHTS: weights}
    else:
        found, cnn, network = file, cnn_of(file, config.chosen), network_of(file, config.chosen)
        copies = {f"{STEM}{_suffix(file.path)}": file.path}
        copies |= {} if config.weights is None else {WEIGHTS: Path(config.weights).expanduser()}
        copies |= {} if config.custom is None else {CUSTOM: Path(config.custom).expanduser()}
    if found.digest != digest:
        key, path = ("model.weights", config.weights) if file is None else ("model.path", config.path)
        raise InputError.at(key, takes="a file that stays as it is during a run", got=f"{path}, which was changed")
    facts = _facts(found, graph_of(cnn), network, copies, custom=config.custom)
    return ModelResult(cnn=cnn, facts=facts, copies=copies, model=cnn if file is None else None)


def load_cnn(folder: Path, config: ModelConfig) -> Cnn:
    """Return the CNN of a folder of this stage.

    Args:
        config: which input and output are meant, and where the user's own layers are, which are never taken from a
            folder.
    Raises:
        InputError: it is broken, or made with another file of the user's own.
    """
    try:
        facts = load_arrays(folder / FACTS)
        digest = str(facts["digest"])
    except UNREADABLE as error:
        raise InputError.at("reuse", takes="false, or whole results in the store", got=f"true with {folder}") from error
    file = known_file(digest)
    if file is None:
        copy = next(place for place in sorted(folder.iterdir()) if place.stem == STEM)
        weights = folder / WEIGHTS
        custom = None if config.custom is None else Path(config.custom).expanduser()
        file = read_model_file(copy, custom=custom, weights=weights if weights.is_file() else None)
        if file.digest != digest:
            takes = f"the file of your own that {folder} was made with; its copy there is {CUSTOM}"
            raise InputError.at("model.custom", takes=takes, got=str(config.custom))
    return cnn_of(file, config.chosen)


def _with_weights(config: ModelConfig, classes: int) -> keras.Model:
    """Return the CNN of given layers with the weights of a file."""
    assert config.weights is not None
    if classes == 0:
        takes = "null with data without labels, which does not say how many classes there are"
        raise InputError.at("model.weights", takes=takes, got=config.weights)
    model = build_cnn(with_classes(config.network, classes), regularizer=None, seed=0)
    return load_weights(model, Path(config.weights).expanduser())


def _suffix(path: Path) -> str:
    return ".h5" if path.suffix.lower() in (".h5", ".hdf5") else ".keras"


def _facts(
    file: ModelFile, cnn: Graph, network: Network, copies: dict[str, Path], *, custom: str | None
) -> dict[str, np.ndarray]:
    shapes = network.shapes()
    return {
        "digest": np.array(file.digest),
        "size": np.array(file.path.stat().st_size),
        "sha256": np.array([file_digest(place, "model.path") for name, place in copies.items() if name != CUSTOM]),
        "custom": np.array("" if custom is None else read_custom(Path(custom).expanduser())[0]),
        "keras": np.array(file.version or ""),
        "input": np.array(cnn.input_shape),
        "weights": np.array(file.model.count_params()),
        "layers": np.array(list(shapes)),
        "kinds": np.array([getattr(layer, "kind", type(layer).__name__) for layer in network.layers]),
        "shapes": np.array([_in_words(shape) for shape in shapes.values()]),
    }


def _in_words(shape: tuple[int | None, ...] | None) -> str:
    return "" if shape is None else " x ".join("any" if side is None else str(side) for side in shape)
