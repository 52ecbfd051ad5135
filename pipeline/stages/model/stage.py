"""The CNN out of a file as a stage, in place of the training."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.model.metrics import metrics
from pipeline.stages.model.result import ModelResult, kept_files
from pipeline.stages.model.shows import SHOWS

if TYPE_CHECKING:
    import keras

    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config


def read_inputs(config: "Config", dataset: Dataset) -> Mapping[str, Any]:
    """Read the file, and refuse what it must not hold."""
    from pipeline.runtime.tensorflow import start_tensorflow

    start_tensorflow(config.runtime)
    from pipeline.stages.model.compute import digests_of

    return digests_of(config.model, classes=dataset.classes)


def compute(context: Context) -> ModelResult:
    """Look at the CNN."""
    from pipeline.stages.model.compute import read_cnn

    (digest,) = context.inputs.values()
    return read_cnn(context.config.model, classes=context.dataset.classes, digest=str(digest))


def load(folder: Path, config: "Config") -> "keras.Model":
    """Return the CNN of a folder of this stage."""
    from pipeline.engine import storage
    from pipeline.stages.model.compute import load_cnn

    return storage.load_model(folder) if config.model.path is None else load_cnn(folder, config.model)


def draw(result: ModelResult, _: Drawing) -> "Pictures":
    """Draw the layers."""
    from pipeline.stages.model.pictures import render_model

    return render_model(result)


def params(config: "Config", dataset: Dataset) -> dict[str, Any]:
    """Return which files the CNN is out of, by name, and the range of the pictures that it gets."""
    model = config.model
    files = {name: getattr(model, name) for name in ("path", "custom", "weights")}
    names = {name: Path(path).name for name, path in files.items() if path is not None}
    return {"file": names, "data": {"preprocessing": dataset.preprocessing.words()}}


STAGE = Stage(
    name="model",
    result=ModelResult,
    upstream=(),
    reads=("model",),
    # the files count by their content, and what others look at unless they are told is in their own keys
    unread=tuple(f"model.{name}" for name in ("layer", "layers", "map", "path", "custom", "weights")),
    named_by=("data", "model", "experiment"),
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    params=params,
    load=load,
    kept=kept_files,
    hand_on=lambda result: result.cnn,
    shows=SHOWS,
)
