"""The dream as a stage."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.dream.fitting import check_dream
from pipeline.stages.dream.inputs import read_photo_and_mask, seed_of, split_of, tags_of
from pipeline.stages.dream.metrics import metrics
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.shows import SHOWS

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config


def read_inputs(config: "Config", _: Dataset) -> dict[str, np.ndarray | None]:
    """Read the photo and its mask, and refuse what does not fit."""
    return read_photo_and_mask(config, lambda *of_photo: check_dream(config.dream, *of_photo))


def compute(context: Context) -> DreamResult:
    """Dream into the photo."""
    from pipeline.stages.dream.compute import dream

    inputs, config = context.inputs, context.config
    return dream(
        config.dream,
        context.model,
        inputs["photo"],
        seed=config.seed,
        mask=inputs["mask"],
        reference_images=context.dataset.train_images,
        preprocessing=context.dataset.preprocessing,
        progress=context.progress,
    )


def draw(result: DreamResult, drawing: Drawing) -> "Pictures":
    """Draw the photo before and after, and how the dream grew."""
    from pipeline.stages.dream.pictures import render_dream

    return render_dream(drawing.config.dream, result)


STAGE = Stage(
    name="dream",
    result=DreamResult,
    upstream=("train",),
    reads=("dream",),
    unread=("dream.compare",),
    named_by=("dream",),
    seed=seed_of,
    split=split_of,
    inputs=read_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    tags=tags_of,
    shows=SHOWS,
)
