"""What is said of the test images: counts and errors worked out by hand, and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from pipeline.core.evaluation import evaluate, misclassified
from pipeline.core.preprocessing import STANDARDIZED
from pipeline.drawing.layout import told_apart
from pipeline.drawing.sheets import GAP
from pipeline.stages.train.evaluation_pictures import (
    calibration_picture,
    confusion_picture,
    misclassified_picture,
)

# four images of class 0 and one of class 2; none of class 1
LIKELY = np.array([[0.9, 0.1, 0], [0.7, 0.2, 0.1], [0.25, 0.6, 0.15], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]], np.float32)
LABELS = np.array([0, 0, 0, 0, 2])


def test_by_hand() -> None:
    found = evaluate(LIKELY, LABELS, bins=5)
    assert found.confusion.tolist() == [[2, 1, 1], [0, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(found.class_accuracy, [0.5, np.nan, 1])
    assert found.accuracy == pytest.approx(0.6)
    # as float32 0.6 lies above 3 / 5, and 0.8 above 4 / 5
    assert found.bin_counts.tolist() == [0, 0, 0, 3, 2]
    np.testing.assert_allclose(found.bin_confidence, [np.nan] * 3 + [1.9 / 3, 0.85], rtol=1e-6)
    np.testing.assert_allclose(found.bin_accuracy, [np.nan] * 3 + [2 / 3, 0.5], rtol=1e-6)
    # (3 * |2/3 - 1.9/3| + 2 * |0.5 - 0.85|) / 5
    assert found.calibration_error == pytest.approx((0.1 + 0.7) / 5, rel=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_the_counts_are_those_of_scikit_learn(classes: int) -> None:
    random = np.random.default_rng(classes)
    likely = random.dirichlet(np.full(classes, 0.3), 500).astype(np.float32)
    labels = random.integers(0, classes, 500)
    found = evaluate(likely, labels)
    expected = confusion_matrix(labels, likely.argmax(axis=1), labels=range(classes))
    np.testing.assert_array_equal(found.confusion, expected)
    assert found.bin_counts.sum() == 500
    # one bin: the error is the distance of the two means
    distance = abs((likely.argmax(axis=1) == labels).mean() - likely.max(axis=1).mean())
    assert evaluate(likely, labels, bins=1).calibration_error == pytest.approx(distance, rel=1e-5)


def test_images_of_which_nothing_is_known_have_no_say() -> None:
    unknown = np.array([[np.nan] * 3, [np.inf, 0, 0]], np.float32)
    found = evaluate(np.concatenate([unknown, LIKELY]), np.concatenate([[1, 1], LABELS]))
    assert found.confusion.tolist() == evaluate(LIKELY, LABELS).confusion.tolist()
    assert found.calibration_error == evaluate(LIKELY, LABELS).calibration_error
    nothing = evaluate(unknown, np.array([1, 1]))
    assert nothing.confusion.sum() == 0
    assert np.isnan([nothing.calibration_error, nothing.accuracy]).all()
    assert misclassified(np.concatenate([unknown, LIKELY]), np.concatenate([[1, 1], LABELS])).tolist() == [5, 4]


def test_the_ends_of_the_bins_belong_to_them() -> None:
    likely = np.array([[1.0, 0.0], [0.5, 0.5]], np.float32)
    assert evaluate(likely, np.array([0, 0]), bins=4).bin_counts.tolist() == [0, 1, 0, 1]


def test_the_misclassified_images_are_shown_those_first_of_which_it_is_most_sure() -> None:
    assert misclassified(LIKELY, LABELS).tolist() == [3, 2]
    images = np.stack([np.full((28, 28, 1), float(k), np.float32) for k in range(5)])
    # a pixel that tells the images apart, as each is stretched from its smallest to its largest
    for k in range(5):
        images[k, k] = 9
    sheet = misclassified_picture(images, LIKELY, LABELS, ("a", "b", "c"), preprocessing=STANDARDIZED)
    bright = [np.flatnonzero((sheet[:, left] == 255).all(axis=1)) for left in (GAP + 40, GAP + 112 + GAP + 40)]
    tops = [next(row for row in range(sheet.shape[0]) if sheet[row, left].max() == 0) for left in (GAP + 40, 168)]
    rows = [[row - top for row in some if 0 <= row - top < 84] for some, top in zip(bright, tops, strict=True)]
    assert [row[0] // 3 for row in rows] == [3, 2]


def test_names_that_begin_alike_are_told_apart() -> None:
    names = [f"a class with a long name, of the kind {k}" for k in range(12)]
    short = told_apart(names, 100)
    assert len(set(short)) == 12
    assert short[11].startswith("11 a class")
    assert told_apart(["left", "right"], 100) == ["left", "right"]


def test_pictures_of_any_number_of_classes_and_of_none_that_is_wrong() -> None:
    for classes in (2, 30, 90):
        likely = np.eye(classes, dtype=np.float32)
        found = evaluate(likely, np.arange(classes))
        names = [f"a class with a long name and the number {k} $x_{k}" for k in range(classes)]
        assert confusion_picture(found, names).shape[2] == 3
        assert calibration_picture(found).shape[2] == 3
        images = np.zeros((classes, 4, 4, 3), np.float32)
        sheet = misclassified_picture(images, likely, np.arange(classes), names, preprocessing=STANDARDIZED)
        assert sheet.shape[0] < 100
    unknown = evaluate(np.full((2, 2), np.nan, np.float32), np.array([0, 1]))
    assert confusion_picture(unknown, ("a", "b")).std() > 0
    assert calibration_picture(unknown).std() > 0
