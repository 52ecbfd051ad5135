"""The sweep over the maps as a stage."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.settings.choices import Objective
from pipeline.stages.oip.classes import check_classes
from pipeline.stages.oip.layer import is_dense
from pipeline.stages.oip.metrics import metrics
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.shows import SHOWS
from pipeline.stages.oip.start_pictures import read_start_pictures

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config

FLAT = (
    "oip.layer=%s: before its activation function the mean of a first convolution is a weighted sum of the pixels, so "
    "that its OIPs are flat; oip.objective=activation shows what it reacts to"
)

logger = logging.getLogger(__name__)


def read_inputs(config: "Config", dataset: Dataset) -> dict[str, np.ndarray | None]:
    """Read what start images are chosen from; refuse a class that the data set does not have.

    Raises:
        InputError: such a class, or a picture that cannot be read.
    """
    check_classes(config.oip, dataset.classes)
    is_first = config.oip.layer in config.model.network.convolutions()[:1]
    if is_first and config.oip.objective is Objective.pre_activation:
        logger.warning(FLAT, config.oip.layer)
    return {"start_pictures": read_start_pictures(config.noise, dataset)}


def compute(context: Context) -> OipSweepResult:
    """Ascend to an image for every map."""
    from pipeline.stages.oip.compute import sweep_oips

    config = context.config
    return sweep_oips(
        config.oip,
        config.noise,
        context.model,
        seed=config.noise.seed,
        reference_images=context.dataset.test_images,
        reference_labels=context.dataset.test_labels,
        training_images=context.dataset.train_images,
        start_pictures=context.inputs["start_pictures"],
        preprocessing=context.dataset.preprocessing,
        classes=context.dataset.classes,
        progress=context.progress,
    )


def draw(result: OipSweepResult, drawing: Drawing) -> "Pictures":
    """Draw the contact sheets, every map, and how they emerged."""
    from pipeline.stages.oip.pictures import render_oips

    return render_oips(drawing.config.oip, result, dense=is_dense(drawing.config))


def compare(names: Sequence[str], results: Sequence[Mapping[str, Any]]) -> "Pictures":
    """Draw the activation of every map, and its OIPs, job by job.

    Args:
        names, results: those of `render_sweep`.
    """
    from pipeline.stages.oip.pictures.sweep import render_sweep

    return render_sweep(names, results)


STAGE = Stage(
    name="oip",
    result=OipSweepResult,
    upstream=("train",),
    reads=("noise", "oip"),
    named_by=("noise", "oip"),
    split=lambda _: "test",
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    compare=compare,
    metrics=metrics,
    tags=lambda config: {"layer": config.oip.layer},
    shows=SHOWS,
)
