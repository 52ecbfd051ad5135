"""The training as a stage."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.arrays import UNREADABLE, load_arrays
from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.engine.storage import load_model
from pipeline.runtime.errors import InputError
from pipeline.settings.model import OF_FILE
from pipeline.stages.train.metrics import metrics
from pipeline.stages.train.preconditions import check_labels, check_xla
from pipeline.stages.train.result import TrainResult
from pipeline.stages.train.shows import SHOWS

if TYPE_CHECKING:
    import keras

    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config

DIVERGED = "the training diverged in epoch %d of %d, with %s: it ends there"

logger = logging.getLogger(__name__)


def read_inputs(config: "Config", dataset: Dataset) -> dict[str, dict[str, np.ndarray] | None]:
    """Read the weights that the training begins with, if there are some.

    Raises:
        InputError: they cannot be read, or are of another CNN; there are no labels; or XLA is to compile what has to be
            deterministic.
    """
    check_labels(dataset)
    if config.train.xla:
        check_xla(deterministic=config.runtime.deterministic)
    path = config.train.initial_weights
    if path is None:
        return {"initial_weights": None}
    weights = load_initial_weights(path)
    from pipeline.core.cnn import reset_weights
    from pipeline.runtime.tensorflow import start_tensorflow
    from pipeline.stages.train.compute import new_model

    start_tensorflow(config.runtime)
    try:
        model = new_model(config.train, config.model, classes=dataset.classes, seed=config.seed)
        reset_weights(model, weights)
    except ValueError as error:
        raise InputError.at("train.initial_weights", takes="weights of this CNN", got=f"{path}: {error}") from error
    return {"initial_weights": weights}


def load_initial_weights(path: str) -> dict[str, np.ndarray]:
    """Return the weights that a training kept of its start.

    Raises:
        InputError: no such file, a broken one, or one of other things than finite float32 numbers.
    """
    takes = "the initial_weights.npz of an earlier training"
    try:
        weights = load_arrays(Path(path).expanduser())
    except UNREADABLE as error:
        raise InputError.at("train.initial_weights", takes=takes, got=f"{path}: {error}") from error
    for name, values in weights.items():
        if values.dtype.kind not in "fiu":
            raise InputError.at("train.initial_weights", takes=takes, got=f"{path}: {name} of {values.dtype}")
        with np.errstate(over="ignore"):
            is_finite = np.isfinite(values.astype(np.float32)).all()
        if not is_finite:
            got = f"{path}: {name} with numbers that are not finite"
            raise InputError.at("train.initial_weights", takes=takes, got=got)
    return weights


def compute(context: Context) -> TrainResult:
    """Train the CNN."""
    from pipeline.stages.train.compute import train

    config = context.config
    result = train(
        config.train,
        config.model,
        context.dataset,
        seed=config.train.seed,
        initial_weights=context.inputs["initial_weights"],
        checkpoint=context.checkpoint,
        progress=context.progress,
    )
    if result.diverged is not None:
        logger.warning(DIVERGED, len(result.history["loss"]), config.train.epochs, result.diverged)
    return result


def check_converged(model: "keras.Model") -> None:
    """Refuse to stand on a training whose CNN is not made of numbers.

    Its record and its place in the store stay: the same settings lead there again, and whoever asks for them is told.

    Raises:
        InputError: it diverged.
    """
    from pipeline.core.finite import broken_weight

    if (found := broken_weight(model)) is not None:
        takes = "settings by which it does not diverge, such as a smaller train.learning_rate.initial"
        raise InputError.at("train", takes=takes, got=f"a CNN with {found}")


def draw(result: TrainResult, drawing: Drawing) -> "Pictures":
    """Draw the curves, and what the CNN says of the test images."""
    from pipeline.stages.train.pictures import render_train

    return render_train(result, drawing.dataset)


STAGE = Stage(
    name="train",
    result=TrainResult,
    reads=("model", "train"),
    unread=("model.layer", "model.layers", "model.map", *OF_FILE),
    upstream=(),
    # all of them have a say in the training
    named_by=("data", "model", "train", "seed", "experiment"),
    split=lambda _: "train",
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    params=lambda config, dataset: {"data": {"name": dataset.name, "limit": config.data.limit}},
    load=lambda folder, _: load_model(folder),
    hand_on=lambda result: result.model,
    check=check_converged,
    is_live=True,
    shows=SHOWS,
)
