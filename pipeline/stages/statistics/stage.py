"""The statistics as a stage."""

from typing import TYPE_CHECKING

from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.statistics.metrics import metrics
from pipeline.stages.statistics.result import MapStatistics
from pipeline.stages.statistics.shows import SHOWS

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures


def compute(context: Context) -> MapStatistics:
    """Ask the maps of a layer for what they answer to all images."""
    from pipeline.stages.statistics.compute import map_statistics

    config = context.config.statistics
    images, labels = context.dataset.split(config.split)
    return map_statistics(
        context.model,
        config.layer,
        images,
        labels,
        classes=context.dataset.classes,
        top=config.top,
        progress=context.progress,
    )


def draw(result: MapStatistics, drawing: Drawing) -> "Pictures":
    """Draw the means by class, if there are labels, and the images that activate each map most."""
    from pipeline.stages.statistics.pictures import render_statistics

    dataset = drawing.dataset
    images, _ = dataset.split(drawing.config.statistics.split)
    return render_statistics(result, images, dataset.class_names, preprocessing=dataset.preprocessing)


STAGE = Stage(
    name="statistics",
    result=MapStatistics,
    upstream=("train",),
    reads=("statistics",),
    # its layer follows that of the OIPs
    named_by=("statistics", "oip.layer"),
    split=lambda config: config.statistics.split.value,
    compute=compute,
    draw=draw,
    metrics=metrics,
    tags=lambda config: {"layer": config.statistics.layer},
    shows=SHOWS,
)
