"""The words and charts of a training."""

import math

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    metrics, said = record.metrics, warning(record)
    return said or f"test accuracy {metrics['final_test_accuracy']:.2%} after {metrics['epochs']:.0f} epochs"


def warning(record: StageRecord) -> str | None:
    """Return in which epoch a training diverged, by what that was seen, and what was reached before; None if it did
    not."""
    metrics = record.metrics
    if "diverged_epoch" not in metrics:
        return None
    epoch = round(metrics["diverged_epoch"])
    losses = {"loss": metrics["final_loss"], "test loss": metrics["final_test_loss"]}
    broken = [f"{name} {value}" for name, value in losses.items() if not math.isfinite(value)]
    before = record.series["test_accuracy"].get(epoch - 1)
    reached = "" if before is None else f"; test accuracy {before:.2%} after epoch {epoch - 1}"
    wanted = record.params["train.epochs"]
    return f"diverged in epoch {epoch} of {wanted}: {', '.join(broken) or 'weights that are no numbers'}{reached}"


SHOWS = Shows(
    headline=headline,
    warning=warning,
    look_at="curves.png",
    first="curves.png",
    files={
        "curves.png": "loss and accuracy on training and test images after every epoch",
        "confusion.png": "how many test images of each class (rows) are taken for which class (columns)",
        "misclassified.png": "the test images that are taken for another class, with both classes and probabilities",
        "calibration.png": "whether of the images of which the CNN is sure by 90 % it recognizes 90 %",
        "evaluation.npz": "the probabilities of all test images, and their classes",
        "snapshots.npz": "the weights after the epochs of train.snapshots",
        "initial_weights.npz": "the weights before the first batch, from which another training can start",
    },
    sections=(
        Section(
            "Training and test images, by epoch",
            (
                LineChart(("loss", "test_loss")),
                LineChart(("accuracy", "test_accuracy")),
                LineChart(("learning_rate",)),
                LineChart(("gradient_norm",)),
                LineChart(("images_per_second",)),
            ),
            height=400,
            columns=3,
        ),
        Section("Test images of each class, and what they are taken for", (ImageChart("train/confusion"),)),
        Section("Misclassified test images", (ImageChart("train/misclassified"),), height=900),
        Section("Is it as sure as it may be", (ImageChart("train/calibration"),)),
    ),
    compared=3,
    objective_value="final_test_accuracy",
    sweep_metrics=("calibration_error", "final_test_loss", "final_test_accuracy"),
)
