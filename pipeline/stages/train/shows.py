"""The words and charts of a training."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import LineChart, Section, Shows


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
    ),
    compared=3,
    objective_value="final_test_accuracy",
    sweep_metrics=("final_test_loss", "final_test_accuracy"),
)
