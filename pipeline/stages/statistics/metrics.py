"""The record's metrics of statistics, by map index."""

import numpy as np

from pipeline.engine.record import Metrics, finite
from pipeline.engine.stage import Context
from pipeline.stages.statistics.result import MapStatistics


def metrics(result: MapStatistics, context: Context) -> Metrics:
    """Return figures by map index, and their means; without labels none of classes."""
    counts = result.confusion.sum(axis=1)
    if not context.dataset.has_labels:
        images, _ = context.dataset.split(context.config.statistics.split)
        return Metrics(
            metrics={
                "images": float(len(images)),
                "maps": float(len(result.mean)),
                "active": float(np.count_nonzero(result.active_share)),
            },
            series={"mean": dict(enumerate(result.mean.tolist()))},
            images={"statistics/top_images": {0: "top_images.png"}},
        )
    # weighted by the images of each class
    drop = np.nansum((result.accuracy - result.ablated_accuracy) * counts, axis=1) / counts.sum()
    known = result.selectivity[np.isfinite(result.selectivity)]
    return Metrics(
        metrics={
            "images": float(counts.sum()),
            "accuracy": float(result.confusion.trace() / counts.sum()),
            "maps": float(len(result.mean)),
            "active": float(np.count_nonzero(result.active_share)),
            **({"mean_selectivity": float(known.mean())} if len(known) else {}),
        },
        series={
            "mean": dict(enumerate(result.mean.tolist())),
            "selectivity": finite(result.selectivity),
            "accuracy_drop": dict(enumerate(drop.tolist())),
        },
        images={"statistics/classes": {0: "classes.png"}, "statistics/top_images": {0: "top_images.png"}},
    )
