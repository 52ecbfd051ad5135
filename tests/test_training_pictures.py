"""The curves of a training."""

from typing import Any, cast

import numpy as np
import pytest

from pipeline.data.dataset import Dataset
from pipeline.drawing.pictures import Pictures
from pipeline.stages.train.pictures import accuracy_range, render_train
from pipeline.stages.train.result import TrainResult


def trained(history: dict[str, np.ndarray]) -> Pictures:
    """The pictures of a training of which the test images, two of two classes, are both taken for the first one."""
    likely = np.array([[0.75, 0.25], [0.5, 0.5]], np.float32)
    labels = np.array([0, 1])
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype(np.float32)
    dataset = Dataset("two", "", images, labels, images, labels, ("a", "b"))
    result = TrainResult(
        model=cast(Any, None),
        initial_weights={},
        history=history,
        probabilities=likely,
        test_labels=labels,
        images_per_second=np.ones(6),
    )
    return render_train(result, dataset)


def test_curves_differ_with_the_history_and_do_not_need_the_model() -> None:
    rising = np.linspace(0.9, 0.99, 6)
    history = {
        "loss": 1 - rising,
        "accuracy": rising,
        "test_loss": 1.1 - rising,
        "test_accuracy": rising - 0.01,
        "learning_rate": np.linspace(1e-3, 0, 6),
    }

    def curves(changes: dict[str, np.ndarray]) -> np.ndarray:
        return trained(history | changes)["curves.png"]

    first = curves({})
    assert (first == curves({})).all()
    assert (first != curves({"test_loss": 2 - rising})).any()


def test_a_training_of_one_epoch_has_curves() -> None:
    history = dict.fromkeys(("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate"), np.array([0.5]))
    assert trained(history)["curves.png"].std() > 0


def test_accuracy_axis_shows_the_last_percents_of_a_good_training() -> None:
    low, high = accuracy_range(np.array([0.3, 0.9, 0.99, 0.995]), np.array([0.5, 0.9, 0.98, 0.99]))
    assert low == pytest.approx(0.95)
    assert 1 < high < 1.01


def test_accuracy_axis_reaches_down_to_a_weak_training() -> None:
    # 1.2 * (1 - 0.4) = 0.72 below 1
    assert accuracy_range(np.array([0.1, 0.4]), np.array([0.1, 0.6]))[0] == pytest.approx(0.28)
