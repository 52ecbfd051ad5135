"""The record's metrics of an atlas, by map index."""

import numpy as np

from pipeline.engine.record import Metrics, finite
from pipeline.engine.stage import Context
from pipeline.stages.atlas.result import AtlasResult


def metrics(result: AtlasResult, _: Context) -> Metrics:
    """Return figures by map index, and their means."""
    maps = result.map_indices.tolist()
    agreement = {maps[row]: value for row, value in finite(result.agreement).items()}
    series = {"agreement": agreement}
    means = {f"mean_{name}": float(np.mean(list(values.values()))) for name, values in series.items() if values}
    return Metrics(
        metrics={"maps": float(len(maps)), "dreams": float(len(result.dreams)), **means},
        series=series,
        images={"atlas/dreams": {0: "dreams.png"}} if len(result.dreams) else {},
    )
