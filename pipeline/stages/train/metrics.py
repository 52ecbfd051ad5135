"""The record's metrics of a training: its epochs."""

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.train.result import TrainResult


def metrics(result: TrainResult, _: Context) -> Metrics:
    """Return the metrics of every epoch, and of the last one."""
    history = {name: dict(enumerate(map(float, values), start=1)) for name, values in result.history.items()}
    last = {f"final_{name}": float(values[-1]) for name, values in result.history.items() if name != "learning_rate"}
    return Metrics(metrics={**last, "epochs": float(len(result.history["loss"]))}, series=history)
