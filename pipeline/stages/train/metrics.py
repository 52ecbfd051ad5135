"""The record's metrics of a training: its epochs, and what it says of the test images."""

import math
from collections.abc import Sequence

from pipeline.core.evaluation import Evaluation
from pipeline.engine.record import Metrics, Tables
from pipeline.engine.stage import Context
from pipeline.stages.train.result import TrainResult


def metrics(result: TrainResult, context: Context) -> Metrics:
    """Return the metrics of every epoch and of the last one, and how well the test images of each class are told.

    Of a CNN that diverged the last accuracies are not known: among answers that are no numbers none is the largest,
    and what is counted then are the images of the first class.
    """
    by_epoch = {**result.history, "images_per_second": result.images_per_second}
    history = {name: dict(enumerate(map(float, values), start=1)) for name, values in by_epoch.items()}
    # of the accuracy while it was trained, too, MLflow shows the last value
    last = {f"final_{name}": float(result.history[name][-1]) for name in ("loss", "test_loss", "test_accuracy")}
    epochs = float(len(result.history["loss"]))
    if result.diverged is not None:
        last |= {"final_test_accuracy": math.nan, "diverged_epoch": epochs}
    error = result.evaluation.calibration_error
    return Metrics(
        metrics={**last, "epochs": epochs, **({} if math.isnan(error) else {"calibration_error": error})},
        series=history,
        images={
            "train/confusion": {0: "confusion.png"},
            "train/misclassified": {0: "misclassified.png"},
            "train/calibration": {0: "calibration.png"},
        },
        tables=_by_class(result.evaluation, context.dataset.class_names),
    )


def _by_class(evaluation: Evaluation, class_names: Sequence[str]) -> Tables:
    """Return of every class how many of its images are recognized, and what the others are taken for."""
    confusion = evaluation.confusion
    counts = confusion.sum(axis=1)
    wrong = confusion.copy()
    wrong[range(len(wrong)), range(len(wrong))] = 0
    taken = [class_names[row.argmax()] if row.any() else "" for row in wrong]
    columns = {
        "class": list(class_names),
        "images": counts.tolist(),
        "recognized": confusion.diagonal().tolist(),
        "accuracy": [None if math.isnan(share) else share for share in evaluation.class_accuracy.tolist()],
        "most often taken for": taken,
        "as often": wrong.max(axis=1).tolist(),
    }
    return {"classes": columns}
