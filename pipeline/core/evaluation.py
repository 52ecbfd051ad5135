"""How well a CNN tells the classes apart, and whether it is as sure as it may be."""

from dataclasses import dataclass

import numpy as np

from pipeline.core.statistics import confusion_of, shares

# As in Guo et al., so that the errors of others can be compared.
BINS = 15


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a CNN says of images whose class is known.

    Images of whose probabilities one is not a number have no say in any of it.

    confusion: (classes, classes) int64, images by their class (rows) and the likeliest class (columns).
    class_accuracy: (classes,) float64, the share of each class that is recognized; NaN where it has no image.
    bin_counts: (bins,) int64, images by the probability p of the likeliest class, in bins of one width: p in
        (b / bins, (b + 1) / bins] lies in bin b.
    bin_confidence, bin_accuracy: (bins,) float64, the mean of p there, and the share of its images that are recognized;
        NaN where there are none.
    calibration_error: the expected calibration error, sum_b counts_b / images * |accuracy_b - confidence_b|; NaN
        without images.
    """

    confusion: np.ndarray
    class_accuracy: np.ndarray
    bin_counts: np.ndarray
    bin_confidence: np.ndarray
    bin_accuracy: np.ndarray
    calibration_error: float

    @property
    def accuracy(self) -> float:
        """Return the share of all images that is recognized; NaN without images."""
        images = self.confusion.sum()
        return float(self.confusion.trace() / images) if images else float("nan")


def evaluate(probabilities: np.ndarray, labels: np.ndarray, *, bins: int = BINS) -> Evaluation:
    """Compare the likeliest class of each image with the one that it shows.

    Args:
        probabilities: (images, classes) of each class; of several largest the first counts.
        labels: (images,) the class that each image shows, 0 to classes - 1.
        bins: of probabilities, at least 1.
    Returns:
        The counts, shares and errors, see `Evaluation`.
    Reference:
        Guo, Pleiss, Sun, Weinberger, 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    known = are_known(probabilities)
    given, truth = probabilities[known].astype(np.float64), np.asarray(labels)[known].astype(np.int64)
    said = given.argmax(axis=1)
    confusion = confusion_of(truth, said, probabilities.shape[1])
    confidence = given[np.arange(len(given)), said]
    places = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    means = shares(np.bincount(places, confidence, minlength=bins), counts)
    recognized = shares(np.bincount(places, said == truth, minlength=bins), counts)
    error = float(np.nansum(counts * np.abs(recognized - means)) / counts.sum()) if counts.any() else float("nan")
    return Evaluation(
        confusion=confusion,
        class_accuracy=shares(confusion.diagonal(), confusion.sum(axis=1)),
        bin_counts=counts,
        bin_confidence=means,
        bin_accuracy=recognized,
        calibration_error=error,
    )


def misclassified(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the indices of the misclassified images, those first of which the CNN is most sure; see `evaluate`."""
    known = np.flatnonzero(are_known(probabilities))
    wrong = known[probabilities[known].argmax(axis=1) != labels[known]]
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def are_known(probabilities: np.ndarray) -> np.ndarray:
    """Tell of which images (images, classes) all probabilities are numbers: (images,) bool."""
    return np.isfinite(probabilities).all(axis=1)
