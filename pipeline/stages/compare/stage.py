"""The comparison of two CNNs as a stage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.runtime.errors import InputError
from pipeline.stages.compare.metrics import metrics
from pipeline.stages.compare.result import CUSTOM, OTHER, OTHER_SNAPSHOTS, SNAPSHOTS, CompareResult, kept_files
from pipeline.stages.compare.settings import CompareConfig
from pipeline.stages.compare.shows import SHOWS
from pipeline.stages.oip.start_pictures import read_start_pictures

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config
    from pipeline.stages.compare.page import About

TAKES = "the file of the second CNN, such as the model.keras of another training"


def read_inputs(config: "Config", dataset: Dataset) -> dict[str, Any]:
    """Read the second CNN and the weights of epochs, and refuse what cannot be compared.

    Raises:
        InputError: a file that is not there, or is something else; a CNN of other pictures, an epoch or a layer that
            is not there.
    """
    settings = config.compare
    if settings.other is None:
        raise InputError.at("compare.other", takes=TAKES, got="nothing")
    from pipeline.runtime.tensorflow import start_tensorflow

    start_tensorflow(config.runtime)
    from pipeline.stages.compare.other import check_pictures, layer_of_other, other_cnn, read_other, weights_of

    file = read_other(settings)
    weights = weights_of(settings.epoch, settings.snapshots, "compare.epoch")
    other_weights = weights_of(settings.other_epoch, settings.other_snapshots, "compare.other_epoch")
    cnn = other_cnn(file, other_weights)
    check_pictures(cnn, config.model.input_shape)
    layer_of_other(cnn, settings)
    if weights is not None and config.model.is_from_file:
        raise InputError.at("compare.epoch", takes="null with a CNN out of a file", got=settings.epoch)
    return {
        "other": np.array(file.digest),
        "weights": weights,
        "other_weights": other_weights,
        "start_pictures": read_start_pictures(config.noise, dataset),
    }


def compute(context: Context) -> CompareResult:
    """Look at the images with both."""
    from pipeline.stages.compare.compute import compare_cnns
    from pipeline.stages.compare.other import other_cnn, read_other, with_weights

    config, inputs = context.config, context.inputs
    file = read_other(config.compare)
    if file.digest != str(inputs["other"]):
        got = f"{config.compare.other}, which was changed"
        raise InputError.at("compare.other", takes="a file that stays as it is during a run", got=got)
    images, labels = context.dataset.split(config.compare.split)
    return compare_cnns(
        config.compare,
        config.oip,
        config.noise,
        with_weights(context.model, inputs["weights"], "compare.epoch"),
        other_cnn(file, inputs["other_weights"]),
        images,
        labels,
        seed=config.noise.seed,
        training_images=context.dataset.train_images,
        start_pictures=inputs["start_pictures"],
        preprocessing=context.dataset.preprocessing,
        copies=_copies(config.compare),
        progress=context.progress,
    )


def _copies(config: CompareConfig) -> dict[str, Path]:
    """Return the files that are kept with the result, by the names that they get."""
    assert config.other is not None
    suffix = ".h5" if Path(config.other).suffix.lower() in (".h5", ".hdf5") else ".keras"
    files = {
        f"{OTHER}{suffix}": config.other,
        CUSTOM: config.other_custom,
        SNAPSHOTS: config.snapshots if config.epoch is not None else None,
        OTHER_SNAPSHOTS: config.other_snapshots if config.other_epoch is not None else None,
    }
    return {name: Path(file).expanduser() for name, file in files.items() if file is not None}


def draw(result: CompareResult, drawing: Drawing) -> "Pictures":
    """Make the page, the table and the pictures."""
    from pipeline.stages.compare.pictures import render_comparison

    images, _ = drawing.dataset.split(drawing.config.compare.split)
    return render_comparison(
        _about(drawing), result, images, drawing.dataset.class_names, preprocessing=drawing.dataset.preprocessing
    )


def _names(config: CompareConfig) -> list[str]:
    """Return what the two CNNs are called."""
    epochs = ["" if epoch is None else f", epoch {epoch}" for epoch in (config.epoch, config.other_epoch)]
    names = config.names or ["the CNN of this run", Path(config.other or "").name]
    return [name + epoch for name, epoch in zip(names, epochs, strict=True)]


def _about(drawing: Drawing) -> "About":
    from pipeline.stages.compare.page import About

    config = drawing.config.compare
    first, second = _names(config)
    return About(
        run=drawing.record.name,
        name=first,
        other=second,
        dataset=drawing.dataset.name,
        split=config.split.value,
        command=drawing.command,
        settings={**drawing.params("compare")},
        tags=drawing.record.tags,
    )


STAGE = Stage(
    name="compare",
    result=CompareResult,
    upstream=("train",),
    reads=("compare", "noise", "oip"),
    # the files count by their content; of the OIPs' settings how they are made
    unread=(
        *("compare.other", "compare.other_custom", "compare.snapshots", "compare.other_snapshots"),
        *("oip.layer", "oip.map_indices", "oip.position", "oip.direction", "oip.pictures"),
    ),
    named_by=("compare", "noise", "oip"),
    split=lambda config: config.compare.split.value,
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    tags=lambda config: {"layer": config.compare.layer},
    subject=lambda config: " | ".join(_names(config.compare)),
    kept=kept_files,
    shows=SHOWS,
)
