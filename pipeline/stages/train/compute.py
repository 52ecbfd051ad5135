"""Stage 1: train the CNN."""

import functools
import math
from pathlib import Path

import keras
import numpy as np

from pipeline.core import cnn, training
from pipeline.core.augmentation import Augmentation
from pipeline.core.layers import with_classes
from pipeline.core.precision import TrainedWith
from pipeline.data.dataset import Dataset
from pipeline.runtime.numerics import check_keras, is_deterministic
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.model import ModelConfig
from pipeline.stages.train.averaging import AverageWeights, growing_window
from pipeline.stages.train.checkpoint import Checkpoint, named_by, restore
from pipeline.stages.train.checks import check_dataset
from pipeline.stages.train.preconditions import check_xla
from pipeline.stages.train.report import SPEED, Report
from pipeline.stages.train.result import TrainResult
from pipeline.stages.train.settings import TrainConfig
from pipeline.stages.train.snapshots import Snapshots

# A training that is stopped ends after so many batches.
MOST_BATCHES = 32
# Test images at a time.
TEST_BATCH = 500


def train(
    config: TrainConfig,
    model_config: ModelConfig,
    dataset: Dataset,
    *,
    seed: int,
    initial_weights: dict[str, np.ndarray] | None = None,
    checkpoint: Path | None = None,
    progress: Progress = no_progress,
) -> TrainResult:
    """Train a new CNN on the training images; look at the test images after every epoch, to report, never to choose.

    A training diverges when a loss or a weight is no finite number any more. No epoch brings it back: it ends with the
    one in which that happens.

    Args:
        config: optimizer, learning rate, epochs, batch size, regularizer, random distortions.
        model_config: the layers.
        dataset: images (count, size, size, 1) float32, standardized; labels (count,) int64.
        seed: of initial weights, order of the images and distortions.
        initial_weights: those of an earlier TrainResult, to start from the same point; else drawn from the seed.
        checkpoint: a file to keep what is reached in, from time to time. Where it is there already, of a call with the
            same arguments that was ended, the training goes on with it, to the same bits. It is left to the caller.
        progress: is told how many epochs are done, and the figures of the newest.
    Returns:
        The trained model, its weights before the first batch, the figures of every epoch, and the probabilities of the
        test images.
    Raises:
        InputError: images or labels that cannot be trained on; a Keras that is set to something else, see
            `check_keras`.
        ValueError: initial_weights of another architecture.
    """
    check_keras()
    check_dataset(dataset)
    model = new_model(config, model_config, classes=dataset.classes, seed=seed)
    if initial_weights is not None:
        cnn.reset_weights(model, initial_weights)
    first_weights = cnn.weights_by_name(model)
    batches_per_epoch = math.ceil(len(dataset.train_images) / config.batch_size)
    _prepare(model, config, batches_per_epoch)
    report = Report(config.epochs, len(dataset.train_images), progress)
    snapshots = Snapshots(config.snapshots, first_weights)
    same = named_by(first_weights, config, model_config, dataset.digest, seed)
    if (reached := restore(model, checkpoint, training=same, epochs=config.epochs)) is not None:
        snapshots.kept |= reached.snapshots
        report.tell(reached.figures())
    labels = functools.partial(training.targets, classes=dataset.classes, label_smoothing=config.label_smoothing)
    # Model.fit is where others, such as MLflow's autologging, put what they do with all trainings of a process; the
    # batches have no end that it could read them to
    with report.gradient.of(model.optimizer), growing_window(model.optimizer):
        super(keras.Model, model).fit(
            training.training_batches(
                np.asarray(dataset.train_images),
                labels(dataset.train_labels),
                batch_size=config.batch_size,
                augmentation=Augmentation(**vars(config.augmentation)),
                seed=seed,
                first_epoch=len(report.epochs),
            ),
            initial_epoch=len(report.epochs),
            epochs=config.epochs,
            steps_per_epoch=batches_per_epoch,
            validation_data=(np.asarray(dataset.test_images), labels(dataset.test_labels)),
            validation_batch_size=TEST_BATCH,
            shuffle=False,
            callbacks=_callbacks(model, config, snapshots, report, checkpoint, same),
            verbose=0,
        )
    history = report.history()
    likely = model.predict(np.asarray(dataset.test_images), batch_size=TEST_BATCH, verbose=0)
    return TrainResult(
        model=model,
        initial_weights=first_weights,
        images_per_second=history.pop(SPEED),
        history=history,
        # pools and relu may make numbers of what is none
        probabilities=likely if report.diverged is None else np.full_like(likely, np.nan),
        test_labels=dataset.test_labels,
        diverged=report.diverged,
        snapshots=snapshots.kept,
    )


def _callbacks(
    model: keras.Model, config: TrainConfig, snapshots: Snapshots, report: Report, checkpoint: Path | None, same: str
) -> list[keras.callbacks.Callback]:
    """Return what is done at the ends of epochs, in this order."""
    found: list[keras.callbacks.Callback] = [
        TrainedWith(model, precision=config.precision.value, xla=config.xla),
        snapshots,
        report,
    ]
    if config.optimizer.averaging:
        # first: what follows looks at what is tested
        found.insert(0, AverageWeights())
    if checkpoint is not None:
        # last: it keeps what those have, and the weights that are trained, which are back after the test
        found.append(Checkpoint(checkpoint, training=same, figures=report.epochs, snapshots=snapshots.kept))
    return found


def _prepare(model: keras.Model, config: TrainConfig, batches_per_epoch: int) -> None:
    """Give the model its optimizer and its loss."""
    if config.xla:
        check_xla(deterministic=is_deterministic())
    rate = training.learning_rate_schedule(
        config.learning_rate.schedule.value,
        initial=config.learning_rate.initial,
        rate=config.learning_rate.rate,
        decay_steps=config.learning_rate.decay_steps,
        total_steps=batches_per_epoch * config.epochs,
        warm_up_steps=batches_per_epoch * config.learning_rate.warm_up,
    )
    model.compile(
        optimizer=training.make_optimizer(
            config.optimizer.name.value,
            rate,
            momentum=config.optimizer.momentum,
            weight_decay=config.optimizer.weight_decay,
            averaging=config.optimizer.averaging,
        ),
        loss=training.make_loss(config.label_smoothing),
        metrics=["accuracy"],
        # see `precision.TrainedWith`
        jit_compile=False,
        steps_per_execution=batches_per_call(batches_per_epoch),
    )


def new_model(config: TrainConfig, model_config: ModelConfig, *, classes: int, seed: int) -> keras.Model:
    """Return the untrained CNN of the settings."""
    return cnn.build_cnn(
        with_classes(model_config.network, classes),
        regularizer=training.make_regularizer(config.regularizer.kind.value, config.regularizer.factor),
        seed=seed,
    )


def batches_per_call(batches: int) -> int:
    """Return how many batches TensorFlow does before Python has its turn: the largest divisor of at most MOST_BATCHES.

    Not a divisor, Keras would do more batches than the epoch has. The bits are the same.

    Args:
        batches: of an epoch.
    """
    return max(number for number in range(1, MOST_BATCHES + 1) if batches % number == 0)
