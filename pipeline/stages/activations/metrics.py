"""The record's metrics of activations: their pictures."""

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.activations.result import ActivationsResult


def metrics(result: ActivationsResult, _: Context) -> Metrics:
    """Return the number of images, and the pictures of every layer by class."""
    images = {f"activations/{folder}": sheets for folder, sheets in result.sheets().items()}
    return Metrics(metrics={"images": float(len(result.images))}, images=images)
