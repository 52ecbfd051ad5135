"""The words and charts of a training."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    metrics = record.metrics
    return f"test accuracy {metrics['final_test_accuracy']:.2%} after {metrics['epochs']:.0f} epochs"


SHOWS = Shows(
    headline=headline,
    look_at="curves.png",
    first="curves.png",
    files={
        "curves.png": "loss and accuracy on training and test images after every epoch",
        "confusion.png": "how many test images of each class (rows) are taken for which class (columns)",
        "misclassified.png": "the test images that are taken for another class, with both classes and probabilities",
        "calibration.png": "whether of the images of which the CNN is sure by 90 % it recognizes 90 %",
        "evaluation.npz": "the probabilities of all test images, and their classes",
        "initial_weights.npz": "the weights before the first batch, from which another training can start",
    },
    sections=(
        Section(
            "Training and test images, by epoch",
            (
                LineChart(("loss", "test_loss")),
                LineChart(("accuracy", "test_accuracy")),
                LineChart(("learning_rate",)),
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
