"""The atlas as a stage."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.colour import luma, rounded
from pipeline.data.dataset import Dataset
from pipeline.data.photos import load_photo
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.settings.choices import Fit
from pipeline.stages.atlas.metrics import metrics
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.atlas.shows import SHOWS
from pipeline.stages.oip.layer import is_dense
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.start_pictures import read_start_pictures
from pipeline.stages.statistics.result import MapStatistics

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config
    from pipeline.stages.atlas.page import About


def read_inputs(config: "Config", dataset: Dataset) -> dict[str, np.ndarray | None]:
    """Read the photo that every map dreams into, and what start images are chosen from."""
    return {
        "photo": _photo(config),
        "start_pictures": read_start_pictures(config.noise, dataset),
    }


def _photo(config: "Config") -> np.ndarray | None:
    """Return the photo as small as the atlas dreams into it, a square; None if it does not."""
    layer, size = config.oip.layer, config.atlas.dream.size
    field = config.model.network.slid_field(layer)
    if size == 0 or field is None or layer not in config.model.network.convolutions():
        return None
    photo = load_photo(config.dream.photo, size=max(size, field.smallest_picture), fit=Fit.crop)
    return photo if config.dream.color else rounded(luma(photo))


def compute(context: Context) -> AtlasResult:
    """Look at the maps from all sides."""
    from pipeline.stages.atlas.compute import examine_maps

    config = context.config
    return examine_maps(
        config.atlas,
        config.oip,
        config.noise,
        config.dream,
        context.model,
        oips=context.of("oip", OipSweepResult),
        seed=config.noise.seed,
        reference_images=context.dataset.test_images,
        training_images=context.dataset.train_images,
        start_pictures=context.inputs["start_pictures"],
        photo=context.inputs["photo"],
        preprocessing=context.dataset.preprocessing,
        progress=context.progress,
    )


def draw(result: AtlasResult, drawing: Drawing) -> "Pictures":
    """Make the page, and draw the dreams of all maps."""
    from pipeline.stages.atlas.pictures import render_atlas_files

    images, labels = drawing.dataset.split(drawing.config.statistics.split)
    return render_atlas_files(
        _about(drawing),
        drawing.of("oip", OipSweepResult),
        drawing.of("statistics", MapStatistics),
        result,
        images,
        labels,
        drawing.dataset.class_names,
        preprocessing=drawing.dataset.preprocessing,
    )


def _about(drawing: Drawing) -> "About":
    from pipeline.core.probabilities import are_probabilities
    from pipeline.stages.atlas.page import About
    from pipeline.stages.oip.pictures.words import words_of

    config = drawing.config
    # its pages are of maps, whatever was ascended
    scores = drawing.of("oip", OipSweepResult).activation
    words = words_of(
        dataclasses.replace(config.oip, direction=None),
        dense=is_dense(config),
        shares=are_probabilities(scores[:, None]),
    )
    return About(
        name=drawing.record.name,
        dataset=drawing.dataset.name,
        split=config.statistics.split.value,
        photo=Path(config.dream.photo).name,
        command=drawing.command,
        settings={**drawing.params("oip"), **drawing.params("atlas")},
        tags=drawing.record.tags,
        words=words,
    )


STAGE = Stage(
    name="atlas",
    result=AtlasResult,
    # those of the stages that it stands on are in their keys
    reads=("atlas",),
    upstream=("train", "statistics", "oip"),
    named_by=("statistics", "noise", "oip", "atlas"),
    split=lambda config: config.statistics.split.value,
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    tags=lambda config: {"layer": config.oip.layer},
    shows=SHOWS,
)
