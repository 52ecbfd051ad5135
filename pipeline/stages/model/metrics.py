"""The record's metrics of a CNN out of a file: how large it is."""

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.model.result import ModelResult


def metrics(result: ModelResult, _: Context) -> Metrics:
    """Return the numbers of layers, weights and bytes, and the layers one by one."""
    facts = result.facts
    height, width, channels = facts["input"].tolist()
    return Metrics(
        metrics={
            "layers": float(len(facts["layers"])),
            "weights": float(facts["weights"]),
            "bytes": float(facts["size"]),
            "height": float(height),
            "width": float(width),
            "channels": float(channels),
        },
        tables={"layers": {name[:-1]: facts[name].tolist() for name in ("layers", "kinds", "shapes")}},
    )
