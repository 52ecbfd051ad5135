"""The pictures of a training."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from pipeline.data.dataset import Dataset
from pipeline.drawing.curves import COLORS, legend_above, logarithmic, new_figure, to_picture
from pipeline.drawing.pictures import Pictures
from pipeline.stages.train.evaluation_pictures import calibration_picture, confusion_picture, misclassified_picture
from pipeline.stages.train.result import TrainResult


def render_train(result: TrainResult, dataset: Dataset) -> Pictures:
    """Draw the curves per epoch, and what the CNN says of the test images. The model is not looked at.

    curves.png: loss, accuracy and learning rate; confusion.png, misclassified.png, calibration.png: see
    `evaluation_pictures`.

    Args:
        dataset: that it was trained on.
    """
    wrong = misclassified_picture(
        dataset.test_images,
        result.probabilities,
        result.test_labels,
        dataset.class_names,
        preprocessing=dataset.preprocessing,
    )
    return {
        "curves.png": curves_picture(result.history),
        "confusion.png": confusion_picture(result.evaluation, dataset.class_names),
        "misclassified.png": wrong,
        "calibration.png": calibration_picture(result.evaluation),
    }


def curves_picture(history: dict[str, np.ndarray]) -> np.ndarray:
    """Draw loss, accuracy and learning rate per epoch, see `TrainResult.history`."""
    with new_figure(3, width=13, height=4) as (figure, (loss, accuracy, rate)):
        epochs = np.arange(1, len(history["loss"]) + 1)
        marker = {"marker": "o", "markersize": 3} if len(epochs) <= 30 else {}
        for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
            for key, label, color in ((name, "training", COLORS[0]), (f"test_{name}", "test", COLORS[1])):
                values = history[key]
                axes.plot(epochs, values, label=f"{label}, last {values[-1]:.4f}", color=color, **marker)
            axes.set(ylabel=name)
        logarithmic(loss)
        accuracy.set_ylim(*accuracy_range(history["accuracy"], history["test_accuracy"]))
        rate.plot(epochs, history["learning_rate"], label="at the end of the epoch", color=COLORS[2], **marker)
        rate.set(ylabel="learning rate")
        rate.set_ylim(bottom=0)
        rate.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        for axes in (loss, accuracy, rate):
            axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
            legend_above(axes, columns=2)
        return to_picture(figure)


def accuracy_range(*curves: np.ndarray) -> tuple[float, float]:
    """Return (low, high) of the axis of accuracies (epochs,): 0.95 to 1, lower only if the later half of one is.

    The first epochs are far below what is of interest afterwards, and may leave the picture.
    """
    lowest = min(float(curve[len(curve) // 2 :].min()) for curve in curves)
    span = max(0.05, 1.2 * (1 - lowest))
    return max(0.0, 1 - span), 1 + 0.03 * span
