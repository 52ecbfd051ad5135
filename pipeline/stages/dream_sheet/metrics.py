"""The record's metrics of several dreams, by map index or number."""

import numpy as np

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.dream_sheet.result import DreamSheetResult


def metrics(result: DreamSheetResult, _: Context) -> Metrics:
    """Return the objective by map index, or by the number of the dream."""
    steps = result.steps.tolist()
    by_step = {"objective_first": result.begun, "objective_last": result.objective}
    return Metrics(
        metrics={"dreams": float(len(steps)), "mean_objective_last": float(result.objective.mean(dtype=np.float64))},
        # the whole layer (-1) is no step
        series={
            name: {step: float(value) for step, value in zip(steps, values, strict=True) if step >= 0}
            for name, values in by_step.items()
        },
        images={
            "dream_sheet/contact_sheet": {0: "contact_sheet.png"},
            "dream_sheet/dream": {step: file for step, file in zip(steps, result.files, strict=True) if step >= 0},
        },
    )
