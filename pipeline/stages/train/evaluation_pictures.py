"""The pictures of what the trained CNN says of the test images."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MultipleLocator, PercentFormatter

from pipeline.core.evaluation import Evaluation, are_known, misclassified
from pipeline.core.preprocessing import Preprocessing
from pipeline.drawing.curves import COLORS, legend_above, literal, logarithmic, new_figure, to_picture
from pipeline.drawing.layout import heading_alone, readable, told_apart
from pipeline.drawing.levels import image_levels, range_of
from pipeline.drawing.sheets import (
    GAP,
    Caption,
    Note,
    captioned_grid,
    text_width,
    with_heading,
)

# Of more classes a cell is too small for a number, of still more for a name.
MOST_NUMBERED, MOST_NAMED = 24, 60
LONGEST_NAME = 140
# Of a CNN that diverged.
UNKNOWN = "nothing is known of the test images, as the answers of the CNN are no numbers"
# Of the misclassified images so many are shown, in rows of so many, in pixels.
MOST_SHOWN, COLUMNS = 100, 10
SIDE, LARGEST, NARROWEST = 84, 160, 112


def confusion_picture(evaluation: Evaluation, class_names: Sequence[str]) -> np.ndarray:
    """Draw how many images of each class (rows) were taken for which class (columns).

    The colour is the share of the row, so that rare classes are seen too; the diagonal, which would outshine the rest,
    has a colour of its own.
    """
    confusion = evaluation.confusion
    classes = len(confusion)
    side = min(16.0, max(5.0, 0.52 * classes))
    with new_figure(1, width=side + 2.4, height=side + 1) as (figure, (axes,)):
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        right = np.eye(classes, dtype=bool)
        wrong = np.where(right, 0, shares)
        axes.imshow(np.where(wrong > 0, wrong, np.nan), cmap="Oranges", vmin=0, vmax=max(wrong.max(), 1e-9))
        axes.imshow(np.where(right & (shares > 0), shares, np.nan), cmap="Blues", vmin=0, vmax=1.4)
        axes.grid(visible=False)
        names = [literal(name) for name in told_apart(class_names, LONGEST_NAME)]
        every = math.ceil(classes / MOST_NAMED)
        axes.set_xticks(range(0, classes, every), names[::every], rotation=90, fontsize=8)
        shown = [f"{name}  {_percent(share)}" for name, share in zip(names, evaluation.class_accuracy, strict=True)]
        axes.set_yticks(range(0, classes, every), shown[::every], fontsize=8)
        axes.set(xlabel="taken for", ylabel="class, and the share of it that is recognized")
        if classes <= MOST_NUMBERED:
            for row, column in zip(*confusion.nonzero(), strict=True):
                strong = wrong[row, column] > 0.6 * wrong.max() or (row == column and shares[row, column] > 0.8)
                color = "white" if strong else "black"
                axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8, color=color)
        images = confusion.sum()
        title = UNKNOWN
        if images:
            title = f"{confusion.trace()} of {images} test images are recognized: {_percent(evaluation.accuracy)}"
        axes.set_title(title, loc="left", fontsize=11)
        return to_picture(figure)


def calibration_picture(evaluation: Evaluation) -> np.ndarray:
    """Draw the reliability diagram: whether of the images of which the CNN is sure by p a share of p is recognized."""
    with new_figure(2, width=10, height=4.4) as (figure, (reliability, histogram)):
        counts = evaluation.bin_counts
        bins = len(counts)
        middles, some = (np.arange(bins) + 0.5) / bins, counts > 0
        width = 0.92 / bins
        reliability.bar(middles[some], evaluation.bin_accuracy[some], width, color=COLORS[0], label="recognized")
        reliability.plot([0, 1], [0, 1], color=COLORS[1], label="as many as it is sure of")
        reliability.set(ylabel="share of the images", ylim=(0, 1.02))
        histogram.bar(middles[some], counts[some], width, color=COLORS[4])
        logarithmic(histogram)
        # a bar for a single image has a height, too
        histogram.set(ylabel="images", ylim=(0.8, None))
        for axes in (reliability, histogram):
            axes.set(xlabel="probability of the likeliest class", xlim=(0, 1))
            axes.xaxis.set_major_locator(MultipleLocator(0.2))
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        reliability.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        legend_above(reliability, columns=2)
        error = f"expected calibration error {evaluation.calibration_error:.4f}"
        histogram.set_title(error if some.any() else "not known", loc="left", fontsize=11)
        return to_picture(figure)


def misclassified_picture(
    images: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing,
) -> np.ndarray:
    """Draw the misclassified images, those first of which the CNN is most sure, with both classes and probabilities.

    Args:
        images: (count, height, width, channels).
        probabilities: (count, classes).
        labels: (count,) the class of each.
        preprocessing: what was made of the images.
    """
    wrong = misclassified(probabilities, labels)
    shown = wrong[:MOST_SHOWN]
    known = np.count_nonzero(are_known(probabilities))
    title = f"{len(wrong)} of {known} test images are misclassified" if known else UNKNOWN
    if not len(shown):
        return heading_alone(title)
    levels = image_levels(images[shown], range_of(preprocessing, images.shape[-1]))
    pictures = readable(levels, side=SIDE, largest=LARGEST, narrowest=NARROWEST)
    width = pictures.shape[2]
    said = probabilities[shown].argmax(axis=1)
    names = told_apart(class_names, width - 5 * GAP - text_width("as "))
    captions = []
    for index, truth, taken, row in zip(shown, labels[shown], said, probabilities[shown], strict=True):
        lines = [Caption(f"image {index}")]
        for word, number in (("is", truth), ("as", taken)):
            share = f"{100 * row[number]:.1f}%"
            lines.append(Caption(f"{word} {names[number]}", share))
        captions.append(lines)
    notes = [Note("most sure first"), Note("is: its class, as: the likeliest one, each with its probability")]
    if len(shown) < len(wrong):
        notes.append(Note(f"the first {len(shown)}"))
    return with_heading(captioned_grid(pictures, captions, COLUMNS), title, notes)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.2%}"
