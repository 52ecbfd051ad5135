"""The record's metrics of a training: its epochs."""

import math

from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.stages.train.result import TrainResult


def metrics(result: TrainResult, _: Context) -> Metrics:
    """Return the metrics of every epoch, and of the last one.

    Of a CNN that diverged the last accuracies are not known: among answers that are no numbers none is the largest,
    and what is counted then are the images of the first class.
    """
    history = {name: dict(enumerate(map(float, values), start=1)) for name, values in result.history.items()}
    last = {f"final_{name}": float(values[-1]) for name, values in result.history.items() if name != "learning_rate"}
    epochs = float(len(result.history["loss"]))
    if result.diverged is not None:
        last |= {"final_accuracy": math.nan, "final_test_accuracy": math.nan, "diverged_epoch": epochs}
    return Metrics(metrics={**last, "epochs": epochs}, series=history)
