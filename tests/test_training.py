"""What a training is made of, and the training itself."""

import dataclasses
from types import SimpleNamespace
from typing import cast

import eager
import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from pipeline.core import cnn
from pipeline.core.augmentation import Augmentation, affine, random_transforms
from pipeline.core.training import learning_rate_schedule, make_optimizer, training_batches
from pipeline.data.dataset import Dataset
from pipeline.engine.shows import LineChart, Section
from pipeline.engine.stage import Context
from pipeline.settings.choices import Activation, LearningRateSchedule, Optimizer, Precision, Regularizer
from pipeline.settings.model import ConvolutionConfig, DenseConfig, ModelConfig, PoolConfig
from pipeline.stages.train import compute
from pipeline.stages.train.compute import train
from pipeline.stages.train.gradients import GradientNorm
from pipeline.stages.train.metrics import metrics
from pipeline.stages.train.settings import (
    AugmentationConfig,
    LearningRateConfig,
    OptimizerConfig,
    RegularizerConfig,
    TrainConfig,
)
from pipeline.stages.train.shows import SHOWS
from pipeline.stages.train.snapshot_file import snapshots_of

# learning rates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rate", "decay_steps", "step", "expected"),
    [
        ("power", 0.001, 1, 0, 0.001),
        ("power", 0.001, 1, 1000, 0.0005),
        ("power", 0.001, 1, 75040, 1.31509732e-05),  # printed in the article after 80 epochs of 938 batches
        ("power", 0.5, 10, 40, 0.001 / 3),
        ("power", 0.5, 10, 45, 0.001 / 3.25),
        ("exponential", 0.5, 10, 0, 0.001),
        ("exponential", 0.5, 10, 20, 0.00025),
        ("exponential", 0.25, 10, 5, 0.0005),
        ("cosine", 0.0, 1, 0, 0.001),
        ("cosine", 0.0, 1, 50, 0.0005),
        ("cosine", 0.0, 1, 25, 0.001 * (0.5 + np.sqrt(0.125))),
        ("cosine", 0.0, 1, 100, 0.0),
    ],
)
def test_learning_rate_at_a_step_by_hand(kind, rate, decay_steps, step, expected):
    schedule = learning_rate_schedule(kind, initial=0.001, rate=rate, decay_steps=decay_steps, total_steps=100)
    assert float(schedule(step)) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_without_a_schedule_the_learning_rate_stays():
    assert learning_rate_schedule("none", initial=0.3, rate=0.5, decay_steps=1, total_steps=2) == 0.3


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="expected none, exponential, power or cosine; received 'linear'"):
        learning_rate_schedule("linear", initial=0.1, rate=0, decay_steps=1, total_steps=1)


# optimizers --------------------------------------------------------------------------------------------------------


def after_updates(optimizer: keras.optimizers.Optimizer, gradients: list[float], start: float = 2.0) -> float:
    variable = keras.Variable([start])
    for gradient in gradients:
        optimizer.apply([tf.constant([gradient])], [variable])
    return float(variable[0])


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_rmsprop_by_hand_with_its_momentum(momentum):
    weight, square, velocity = 2.0, 0.0, 0.0
    for gradient in (3.0, 3.0, -1.0):
        square = 0.9 * square + 0.1 * gradient**2
        velocity = momentum * velocity + 0.01 * gradient / np.sqrt(square)
        weight -= velocity
    optimizer = make_optimizer("rmsprop", 0.01, momentum=momentum, weight_decay=0.0)
    assert after_updates(optimizer, [3.0, 3.0, -1.0]) == pytest.approx(weight, rel=1e-5)


@pytest.mark.parametrize("name", ["rmsprop", "nadam", "adamax", "adamw"])
@pytest.mark.parametrize(("weight_decay", "weight"), [(0.0, 2.0), (0.5, 2 * (1 - 0.1 * 0.5) ** 2)])
def test_weight_decay_alone_shrinks_a_weight_by_learning_rate_times_decay(name, weight_decay, weight):
    optimizer = make_optimizer(name, 0.1, momentum=0.0, weight_decay=weight_decay)
    assert after_updates(optimizer, [0.0, 0.0]) == pytest.approx(weight, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("nadam", keras.optimizers.Nadam), ("adamax", keras.optimizers.Adamax), ("adamw", keras.optimizers.AdamW)],
)
def test_the_other_optimizers_move_as_keras_own(name, kind):
    gradients = [3.0, 3.0, -1.0]
    optimizer = make_optimizer(name, 0.01, momentum=0.8, weight_decay=0.25)
    assert after_updates(optimizer, gradients) == after_updates(kind(0.01, weight_decay=0.25), gradients)


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="received 'sgd'"):
        make_optimizer("sgd", 0.1, momentum=0, weight_decay=0)


# distortions -------------------------------------------------------------------------------------------------------

NOTHING = {"rotation": 0.0, "shift": 0.0, "zoom": 0.0, "shear": 0.0}
SEED = (11, 4)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """(3, 9, 9, 1): random inside, an even frame of two pixels."""
    images = np.full((3, 9, 9, 1), -0.8, np.float32)
    images[:, 2:7, 2:7] = np.random.default_rng(2).normal(1, 1, (3, 5, 5, 1))
    return images


def draws(count: int, seed: tuple[int, int] = SEED) -> np.ndarray:
    """The numbers in [-1, 1) behind the distortion of `count` images: angle, shear, zooms y and x, shifts x and y."""
    return tf.random.stateless_uniform((6, count), seed, -1.0, 1.0).numpy().astype(np.float64)


def distorted(images: np.ndarray, *, seed: tuple[int, int] = SEED, **amounts: float) -> np.ndarray:
    transforms = random_transforms(tf.shape(images), **{**NOTHING, **amounts}, seed=tf.constant(seed))
    return affine(tf.constant(images), transforms).numpy()[..., 0]


def test_no_distortion_at_all_only_standardizes(pictures):
    expected = [reference.standardize(image) for image in pictures[..., 0]]
    np.testing.assert_allclose(distorted(pictures), expected, atol=1e-5)


@pytest.mark.parametrize(("angle", "quarters"), [(90, 1), (180, 2), (-90, 3)])
def test_a_rotation_by_right_angles_by_hand(pictures, angle, quarters):
    # the amount is chosen so that the draw times the amount is the angle; the eye's clockwise or not is in the sign
    moved = distorted(pictures[:1], rotation=angle / draws(1)[0, 0])
    expected = reference.standardize(np.rot90(pictures[0, :, :, 0], quarters))
    np.testing.assert_allclose(moved[0], expected, atol=1e-4)


@pytest.mark.parametrize("pixels", [1, -2])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_shift_by_whole_pixels_by_hand(axis, pixels):
    # the amount is chosen so that the draw times the amount is a whole number on one axis; on the other it is a
    # fraction of a pixel, along which the lines are even but for the frame
    along, across = (4, 5) if axis == "x" else (5, 4)
    seed = next((i, 0) for i in range(100) if abs(draws(1, (i, 0))[across, 0] / draws(1, (i, 0))[along, 0]) < 0.4)
    columns = np.tile([-1.0, -1, -1, 1, 2, 3, -1, -1, -1], (9, 1))
    columns[[0, -1]] = -1
    lines, inside = (columns, np.s_[3:6]) if axis == "x" else (columns.T, np.s_[:, 3:6])
    moved = distorted(lines[None, ..., None], seed=seed, shift=pixels / draws(1, seed)[along, 0])[0][inside]
    # out(p) = in(p + shift): a positive shift moves the content to the left or up
    expected = np.roll(lines, -pixels, axis=1 if axis == "x" else 0)[inside]
    np.testing.assert_allclose((moved - moved.min()) / np.ptp(moved), (expected + 1) / 4, atol=1e-5)


@pytest.mark.parametrize(
    "amounts",
    [
        {"rotation": 25.0},
        {"shift": 1.7},
        {"zoom": 0.4},
        {"shear": 20.0},
        {"rotation": 12.0, "shift": 2.0, "zoom": 0.12, "shear": 8.0},
    ],
    ids=lambda amounts: "+".join(amounts),
)
def test_distortions_equal_the_affine_map_in_numpy(pictures, amounts):
    rotation, shift, zoom, shear = (amounts.get(name, 0.0) for name in ("rotation", "shift", "zoom", "shear"))
    moved = distorted(pictures, **amounts)
    for image, result, draw in zip(pictures[..., 0].astype(np.float64), moved, draws(3).T, strict=True):
        angle = np.deg2rad(rotation) * draw[0]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        slant = np.array([[1, np.tan(np.deg2rad(shear) * draw[1])], [0, 1]])
        scale = np.diag([(1 + zoom) ** draw[3], (1 + zoom) ** draw[2]])
        expected = reference.affine(image - image[0, 0], scale @ slant @ turn, shift * draw[4:6])
        np.testing.assert_allclose(result, reference.standardize(expected), atol=1e-4)
        assert np.abs(result - reference.standardize(image)).max() > 0.05


def test_every_image_of_a_batch_is_distorted_in_its_own_way(pictures):
    same = np.repeat(pictures[:1], 3, axis=0)
    moved = distorted(same, rotation=20.0)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(moved[a] - moved[b]).max() > 0.05


# batches -----------------------------------------------------------------------------------------------------------


def batches(count: int, *, images: np.ndarray, batch_size: int = 4, seed: int = 1, **amounts: float):
    labels = np.arange(len(images))
    made = training_batches(images, labels, batch_size=batch_size, augmentation=Augmentation(**amounts), seed=seed)
    return [(x.numpy(), y.numpy()) for x, y in made.take(count)]


@pytest.fixture(scope="module")
def ten_images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10, 6, 6, 1)).astype(np.float32)


def test_every_epoch_has_every_image_once_in_an_order_of_its_own(ten_images):
    made = batches(9, images=ten_images)
    assert [len(y) for _, y in made] == [4, 4, 2] * 3
    epochs = [np.concatenate([y for _, y in made[first : first + 3]]).tolist() for first in (0, 3, 6)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in [*epochs, range(10)]}) == 4


def test_undistorted_images_keep_their_bits_and_their_labels(ten_images):
    for x, y in batches(3, images=ten_images):
        np.testing.assert_array_equal(x, ten_images[y])


def test_the_same_image_is_distorted_otherwise_in_every_batch(ten_images):
    same = np.repeat(ten_images[:1], 4, axis=0)
    (first, _), (second, _) = batches(2, images=same, rotation=20.0)
    assert all(np.abs(a - b).max() > 0.01 for a, b in zip(first, second, strict=True))


@pytest.mark.slow
def test_batches_depend_on_their_seed_alone_not_on_that_of_tensorflow(ten_images):
    expected = batches(6, images=ten_images, rotation=20.0)
    tf.random.set_seed(99)
    for (x, y), (x_again, y_again) in zip(expected, batches(6, images=ten_images, rotation=20.0), strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y, y_again)
    others = batches(6, images=ten_images, rotation=20.0, seed=2)
    assert [y.tolist() for _, y in others] != [y.tolist() for _, y in expected]


# the stage ---------------------------------------------------------------------------------------------------------

MODEL = ModelConfig(
    input_size=8,
    convolutions={
        "Conv2D_1": ConvolutionConfig(filters=4, kernel_size=3, activation=Activation.relu),
        "Conv2D_2": ConvolutionConfig(filters=6, kernel_size=2, activation=Activation.relu),
    },
    pools={"Max_Pool_1": PoolConfig(size=2)},
    dense={"Dense_1": DenseConfig(units=8, activation=Activation.relu)},
)
TRAIN = TrainConfig(
    seed=0,  # for the command line; the stage is given one
    epochs=2,
    batch_size=16,
    optimizer=OptimizerConfig(name=Optimizer.adamw, momentum=0.0, weight_decay=0.0),
    learning_rate=LearningRateConfig(initial=0.02, schedule=LearningRateSchedule.power, rate=0.5, decay_steps=1),
    regularizer=RegularizerConfig(kind=Regularizer.none, factor=0.0),
    augmentation=AugmentationConfig(rotation=5.0, shift=0.5, zoom=0.0, shear=0.0),
    precision=Precision.float32,
    xla=False,
    initial_weights=None,
)


def blobs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of a bright spot in one of three places; the place is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, count)
    images = generator.normal(0, 0.2, (count, 8, 8, 1))
    for image, label in zip(images, labels, strict=True):
        image[2:4, 2 * label : 2 * label + 3] += 2
    images -= images.mean(axis=(1, 2, 3), keepdims=True)
    return (images / images.std(axis=(1, 2, 3), keepdims=True)).astype(np.float32), labels


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("blobs", "", *blobs(60, seed=1), *blobs(20, seed=2), class_names=("left", "middle", "right"))


@pytest.fixture(scope="module")
def trained(deterministic, dataset):
    return train(TRAIN, MODEL, dataset, seed=4)


def bits(result) -> list[np.ndarray]:
    return [*cnn.weights_by_name(result.model).values(), *result.history.values()]


@pytest.fixture(scope="module")
def other(deterministic, dataset):
    return train(TRAIN, MODEL, dataset, seed=5)


@pytest.mark.slow
def test_the_same_seed_trains_to_the_same_bits_and_progress_is_told_after_every_epoch(trained, dataset):
    tf.random.set_seed(123)  # of no concern to a stage
    told: list[tuple] = []
    again = train(TRAIN, MODEL, dataset, seed=4, progress=lambda *place, **values: told.append((*place, values)))
    for a, b in zip(bits(trained), bits(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [place for *place, _ in told] == [["train", 1, 2], ["train", 2, 2]]
    for epoch, (*_, values) in enumerate(told):
        # which no other training has
        assert values.pop("images_per_second") == again.images_per_second[epoch] > 0
        assert values == {name: figures[epoch] for name, figures in trained.history.items()}


@pytest.mark.slow
def test_it_does_not_matter_how_many_batches_tensorflow_does_at_a_time(trained, dataset, monkeypatch):
    assert compute.batches_per_call(4) == 4
    monkeypatch.setattr(compute, "MOST_BATCHES", 1)
    for a, b in zip(bits(trained), bits(train(TRAIN, MODEL, dataset, seed=4)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("batches", "at_a_time"), [(1, 1), (23, 23), (32, 32), (938, 14), (101, 1), (64, 32)])
def test_an_epoch_has_a_whole_number_of_calls(batches, at_a_time):
    assert compute.batches_per_call(batches) == at_a_time


@pytest.mark.slow
def test_another_seed_trains_to_other_weights(trained, other):
    weights, others = cnn.weights_by_name(trained.model), cnn.weights_by_name(other.model)
    for name in weights:
        assert (weights[name] != others[name]).any(), name
    assert (trained.history["loss"] != other.history["loss"]).all()


def test_resetting_to_the_initial_weights_gives_the_untrained_model_back(trained):
    start = trained.initial_weights
    for name, weight in cnn.weights_by_name(trained.model).items():
        assert (weight != start[name]).any(), name
    copy = keras.models.clone_model(trained.model)
    cnn.reset_weights(copy, start)
    for name, weight in cnn.weights_by_name(copy).items():
        np.testing.assert_array_equal(weight, start[name])


@pytest.mark.slow
def test_a_training_can_start_from_the_initial_weights_of_another(trained, other, dataset):
    start = trained.initial_weights
    hardly = LearningRateConfig(initial=1e-9, schedule=LearningRateSchedule.none, rate=0.0, decay_steps=1)
    config = dataclasses.replace(TRAIN, epochs=1, learning_rate=hardly)
    own, result = (train(config, MODEL, dataset, seed=seed, initial_weights=start) for seed in (4, 5))
    for name, weight in cnn.weights_by_name(result.model).items():
        np.testing.assert_array_equal(result.initial_weights[name], start[name])
        np.testing.assert_allclose(weight, start[name], atol=1e-7)
    # the batches are still those of the seed
    assert abs(result.history["loss"][0] - own.history["loss"][0]) > 1e-4
    assert np.abs(other.initial_weights["Output/kernel"] - start["Output/kernel"]).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_snapshots_are_the_weights_with_which_the_test_images_were_looked_at(dataset, averaging):
    optimizer = dataclasses.replace(TRAIN.optimizer, averaging=averaging)
    config = dataclasses.replace(TRAIN, optimizer=optimizer, epochs=4, snapshots=[4, 0, 2])
    result = train(config, MODEL, dataset, seed=4)
    assert set(result.snapshots) == {0, 2, 4}
    arrays = result.arrays()["snapshots.npz"]
    assert arrays.keys() == {
        f"epoch_{epoch:04d}/{path}" for epoch in (0, 2, 4) for path in cnn.weights_by_name(result.model)
    }
    for path, weight in cnn.weights_by_name(result.model).items():
        np.testing.assert_array_equal(snapshots_of(arrays)[0][path], result.initial_weights[path])
        np.testing.assert_array_equal(snapshots_of(arrays)[4][path], weight)
    cnn.reset_weights(result.model, snapshots_of(arrays)[2])
    loss, accuracy = result.model.evaluate(dataset.test_images, dataset.test_labels, verbose=0)
    assert loss == pytest.approx(result.history["test_loss"][1], rel=1e-5)
    assert accuracy == pytest.approx(result.history["test_accuracy"][1])
    assert snapshots_of(arrays).keys() == {0, 2, 4}


def test_initial_weights_of_another_architecture_are_refused(trained, dataset):
    wider = dataclasses.replace(MODEL, dense={"Dense_1": DenseConfig(units=9, activation=Activation.relu)})
    with pytest.raises(ValueError, match=r"Dense_1/kernel: expected .*9.*received .*8"):
        train(TRAIN, wider, dataset, seed=4, initial_weights=trained.initial_weights)


def test_the_history_has_the_figures_of_every_epoch(trained, dataset):
    figures = {"loss", "accuracy", "test_loss", "test_accuracy", "learning_rate", "gradient_norm"}
    assert set(trained.history) == figures
    # 60 images are 4 batches of 16: the power schedule after 4 and 8 batches
    np.testing.assert_allclose(trained.history["learning_rate"], [0.02 / 3, 0.02 / 5], rtol=1e-6)
    probabilities = eager.layer_outputs(trained.model, ["Output"], dataset.test_images)["Output"]
    of_label = probabilities[np.arange(20), dataset.test_labels]
    assert trained.history["test_loss"][-1] == pytest.approx(-np.log(of_label).mean(), rel=1e-4)
    right = (probabilities.argmax(axis=1) == dataset.test_labels).mean()
    assert trained.history["test_accuracy"][-1] == pytest.approx(right, abs=1e-6)


def test_the_record_has_every_figure_of_every_epoch(trained, dataset):
    record = metrics(trained, cast(Context, SimpleNamespace(dataset=dataset)))
    speed = {"images_per_second": trained.images_per_second}
    for name, values in {**trained.history, **speed}.items():
        assert record.series[name] == {1: values[0], 2: values[1]}
    assert record.series.keys() == {*trained.history, *speed}
    assert {chart for section in SHOWS.sections for chart in charted(section)} >= record.series.keys()


def charted(section: Section) -> list[str]:
    """The figures of which a section of the page has lines."""
    return [name for chart in section.charts if isinstance(chart, LineChart) for name in chart.names]


def test_the_gradient_norm_is_that_of_an_independent_computation(dataset):
    still = AugmentationConfig(rotation=0.0, shift=0.0, zoom=0.0, shear=0.0)
    config = dataclasses.replace(TRAIN, epochs=1, batch_size=60, augmentation=still)
    result = train(config, MODEL, dataset, seed=4)
    assert type(result.model) is keras.Model or type(result.model).__name__ == "Functional"
    cnn.reset_weights(result.model, result.initial_weights)
    with tf.GradientTape() as tape:
        likely = result.model(dataset.train_images, training=True)
        of_label = tf.gather(likely, dataset.train_labels, batch_dims=1)
        loss = -tf.reduce_mean(tf.math.log(of_label))
    gradients = tape.gradient(loss, result.model.trainable_variables)
    expected = np.sqrt(sum((gradient.numpy().astype(np.float64) ** 2).sum() for gradient in gradients))
    assert result.history["gradient_norm"][0] == pytest.approx(expected, rel=1e-4)


def test_the_gradient_norm_of_an_epoch_is_the_mean_over_its_batches():
    norm, optimizer, variable = GradientNorm(), keras.optimizers.SGD(0.1), keras.Variable([1.0, 1.0])
    with norm.of(optimizer):
        for gradient in ([3.0, 4.0], [0.0, 2.0]):
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
    assert norm.take() == pytest.approx(3.5)
    with norm.of(optimizer):
        optimizer.apply_gradients([(tf.constant([6.0, 8.0]), variable)])
    optimizer.apply_gradients([(tf.constant([60.0, 80.0]), variable)])
    assert norm.take() == pytest.approx(10.0)
    np.testing.assert_allclose(variable.numpy(), [1 - 6.9, 1 - 9.4], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "schedule", "last_rate"),
    [
        (Optimizer.rmsprop, LearningRateSchedule.power, 0.01 / 2.5),  # 1 / (1 + 0.5 * 24 / 8)
        (Optimizer.adamw, LearningRateSchedule.cosine, 0.0),
    ],
    ids=lambda value: getattr(value, "value", None),
)
def test_the_optimizers_of_the_article_and_the_defaults_learn_and_their_rate_follows_the_schedule(
    dataset, optimizer, schedule, last_rate
):
    config = dataclasses.replace(
        TRAIN,
        epochs=6,
        optimizer=OptimizerConfig(name=optimizer, momentum=0.5, weight_decay=0.01),
        learning_rate=LearningRateConfig(initial=0.01, schedule=schedule, rate=0.5, decay_steps=8),
        regularizer=RegularizerConfig(kind=Regularizer.l2, factor=0.001),
    )
    history = train(config, MODEL, dataset, seed=4).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["test_accuracy"][-1] >= 0.8
    assert history["learning_rate"][-1] == pytest.approx(last_rate, abs=1e-8)
