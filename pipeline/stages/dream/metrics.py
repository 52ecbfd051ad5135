"""The record's metrics of a dream: the objective of every level by step."""

import numpy as np

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.dream.result import DreamResult


def metrics(result: DreamResult, _: Context) -> Metrics:
    """Return the objective of every level by step."""
    levels = result.objective.shape[1]
    objective = result.objective.astype(np.float64)
    by_level = {f"objective_level_{level + 1}": objective[:, level].reshape(-1) for level in range(levels)}
    return Metrics(
        # that of the level that came last; those of the others are the last values of their series
        metrics={"final_objective": float(objective[-1, -1, -1])},
        series={name: dict(enumerate(values.tolist())) for name, values in by_level.items()},
        images={
            "dream/picture": {0: "dream.png"},
            "dream/growing": dict(enumerate(result.frame_files)),
        },
    )
