"""The record's metrics of statistics, by map index."""

import numpy as np

from pipeline.engine.record import Metrics, finite
from pipeline.engine.stage import Context
from pipeline.stages.statistics.result import MapStatistics


def metrics(result: MapStatistics, context: Context) -> Metrics:
    """Return figures by map index, and their means; those of classes where it is known what images are taken for."""
    images, _ = context.dataset.split(context.config.statistics.split)
    counts = result.confusion.sum(axis=1)
    classifies = counts.sum() > 0
    if classifies:
        # weighted by the images of each class
        drop = np.nansum((result.accuracy - result.ablated_accuracy) * counts, axis=1) / counts.sum()
    known = result.selectivity[np.isfinite(result.selectivity)]
    return Metrics(
        metrics={
            "images": float(len(images)),
            **({"accuracy": float(result.confusion.trace() / counts.sum())} if classifies else {}),
            "maps": float(len(result.mean)),
            "active": float(np.count_nonzero(result.active_share)),
            **({"mean_selectivity": float(known.mean())} if len(known) else {}),
        },
        series={
            "mean": dict(enumerate(result.mean.tolist())),
            "selectivity": finite(result.selectivity),
            **({"accuracy_drop": dict(enumerate(drop.tolist()))} if classifies else {}),
        },
        images={"statistics/classes": {0: "classes.png"}, "statistics/top_images": {0: "top_images.png"}},
    )
