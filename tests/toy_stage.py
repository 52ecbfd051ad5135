"""A stage that is declared outside of the package, in one file: `python toy_stage.py stages=[weights]`."""

import logging
from dataclasses import dataclass

import numpy as np

from pipeline.engine.record import Metrics, StageRecord
from pipeline.engine.result import OneFileResult
from pipeline.engine.shows import ImageChart, Section, Shows
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.registry import STAGES


@dataclass(frozen=True, eq=False)
class Weights(OneFileResult):
    """How large the weights of a layer are. layer: its name; sizes: (filters,) float32, the mean absolute value."""

    FILE = "weights.npz"

    layer: str
    sizes: np.ndarray


def compute(context: Context) -> Weights:
    """Look at the layer that the statistics are of."""
    layer = context.config.statistics.layer
    kernel = np.asarray(context.upstream["train"].get_layer(layer).kernel)
    context.progress("weights", 1, 1)
    return Weights(layer, np.abs(kernel).mean(axis=tuple(range(kernel.ndim - 1))))


def draw(result: Weights, _: Drawing) -> dict[str, np.ndarray]:
    """Draw a stripe for every filter."""
    return {"stripes.png": np.uint8(255 * np.tile(result.sizes / result.sizes.max(), (16, 1)))}


def metrics(result: Weights, _: Context) -> Metrics:
    """Return the sizes by filter."""
    sizes = result.sizes.astype(np.float64)
    return Metrics(
        metrics={"mean_size": float(sizes.mean())},
        series={"size": dict(enumerate(sizes.tolist()))},
        images={"weights/stripes": {0: "stripes.png"}},
    )


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"weights of {record.metrics['mean_size']:.3f} on average"


STAGE = Stage(
    name="weights",
    result=Weights,
    reads=("statistics",),
    unread=("statistics.top", "statistics.split"),
    upstream=("train",),
    named_by=("statistics.layer",),
    compute=compute,
    draw=draw,
    metrics=metrics,
    tags=lambda config: {"layer": config.statistics.layer},
    shows=Shows(
        headline=headline,
        look_at="stripes.png",
        first="stripes.png",
        files={"stripes.png": "a stripe for every filter, the brighter the larger its weights"},
        sections=(Section("Weights", (ImageChart("weights/stripes"),)),),
        compared=1,
    ),
)
STAGES.add(STAGE)

if __name__ == "__main__":
    from pipeline.__main__ import main

    logging.captureWarnings(True)
    main()
