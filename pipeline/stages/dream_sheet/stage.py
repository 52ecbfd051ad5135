"""Several dreams of one photo as a stage."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.geometry import ReceptiveField
from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.dream.fitting import check_dream
from pipeline.stages.dream.inputs import read_photo_and_mask, seed_of, split_of, tags_of
from pipeline.stages.dream.variants import variants_of
from pipeline.stages.dream_sheet.metrics import metrics
from pipeline.stages.dream_sheet.result import DreamSheetResult
from pipeline.stages.dream_sheet.shows import SHOWS

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config


def read_inputs(config: "Config", _: Dataset) -> dict[str, np.ndarray | None]:
    """Read the photo and its mask, and refuse what does not fit one of the dreams."""

    maps = config.model.network.units(config.dream.layer)
    # every convolution says how many it has
    assert maps is not None

    def check(field: ReceptiveField | None, shape: tuple[int, int], like: tuple[int, int]) -> None:
        for variant in variants_of(config.dream, maps):
            check_dream(variant.config, field, shape, like)

    return read_photo_and_mask(config, check)


def compute(context: Context) -> DreamSheetResult:
    """Dream into the photo in every way."""
    from pipeline.stages.dream_sheet.compute import dream_sheet

    inputs, config = context.inputs, context.config
    return dream_sheet(
        config.dream,
        context.model,
        inputs["photo"],
        seed=config.seed,
        mask=inputs["mask"],
        reference_images=context.dataset.train_images,
        preprocessing=context.dataset.preprocessing,
        progress=context.progress,
    )


def draw(result: DreamSheetResult, drawing: Drawing) -> "Pictures":
    """Draw all dreams on one sheet, and each by itself."""
    from pipeline.stages.dream_sheet.pictures import render_dream_sheet

    return render_dream_sheet(drawing.config.dream, result)


STAGE = Stage(
    name="dream_sheet",
    result=DreamSheetResult,
    upstream=("train",),
    reads=("dream",),
    unread=("dream.zoom",),
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
