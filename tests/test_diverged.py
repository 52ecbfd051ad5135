"""A CNN that is no CNN of numbers any more: a training that diverged, a file of NaN, weights that overflow.

It is refused in one line by everything that stands on it; the training itself is recorded, and says what became of it.
"""

import csv
import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import keras
import numpy as np
import pytest
from commands import module, pipeline, runs, succeeded
from dream_settings import DREAM
from oip_settings import NOISE, OFF, OIP
from recording import client_of
from test_training import MODEL, TRAIN, blobs

from pipeline.core.finite import broken_weight
from pipeline.core.graph import make_graph
from pipeline.core.model_files.reading import load_weights, read_model
from pipeline.data.dataset import Dataset
from pipeline.engine.record import StageRecord
from pipeline.engine.stage import Context
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Compare, DreamMethod, LearningRateSchedule, MatchKind, Optimizer, Regularizer
from pipeline.settings.shared import OctavesConfig
from pipeline.stages.activations.compute import extract_activations
from pipeline.stages.atlas.compute import survey
from pipeline.stages.dream.compute import dream
from pipeline.stages.dream_sheet.compute import dream_sheet
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.registry import STAGES
from pipeline.stages.statistics.compute import map_statistics
from pipeline.stages.train.compute import train
from pipeline.stages.train.result import TrainResult
from pipeline.stages.train.settings import (
    AugmentationConfig,
    LearningRateConfig,
    OptimizerConfig,
    RegularizerConfig,
    TrainConfig,
)

# the training -------------------------------------------------------------------------------------------------------


def steep(rate: float, optimizer: Optimizer = Optimizer.adamw, **others) -> TrainConfig:
    """Settings of a training with a constant learning rate."""
    schedule = LearningRateConfig(initial=rate, schedule=LearningRateSchedule.none, rate=0.0, decay_steps=1)
    named = OptimizerConfig(name=optimizer, momentum=0.0, weight_decay=0.0)
    return dataclasses.replace(TRAIN, epochs=6, learning_rate=schedule, optimizer=named, **others)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("blobs", "", *blobs(60, seed=1), *blobs(20, seed=2), class_names=("left", "middle", "right"))


def record_of(result: TrainResult, epochs: int) -> StageRecord:
    """What is kept of a training."""
    stage = STAGES["train"]
    params = {"train.epochs": str(epochs)}
    context = SimpleNamespace(dataset=SimpleNamespace(class_names=("left", "middle", "right")))
    made = stage.metrics(result, cast(Context, context))
    return StageRecord(stage="train", key="", name="", params=params, **vars(made))


@pytest.mark.parametrize("optimizer", Optimizer)
def test_a_training_that_diverges_ends_with_that_epoch_whichever_optimizer(dataset, optimizer) -> None:
    still = AugmentationConfig(rotation=0.0, shift=0.0, zoom=0.0, shear=0.0)
    bright = dataclasses.replace(
        dataset, train_images=dataset.train_images * 1e36, test_images=dataset.test_images * 1e36
    )
    # after the first batch weights are 1000, and the sums of their products with 1e36 overflow
    result = train(steep(1000.0, optimizer, augmentation=still), MODEL, bright, seed=4)
    assert {name: len(values) for name, values in result.history.items()} == dict.fromkeys(result.history, 1)
    # of Adamax the losses are numbers still, as a pool and an activation function make some of what is none
    assert result.diverged is not None
    record = record_of(result, 6)
    assert record.metrics["diverged_epoch"] == 1
    assert math.isnan(record.metrics["final_test_accuracy"])
    assert STAGES["train"].shows.headline(record).startswith("diverged in epoch 1 of 6: ")


def test_an_infinite_loss_of_finite_weights_is_a_divergence_too(dataset) -> None:
    # 1e38 times the sum of squares is above what float32 holds, 2e38 times each weight is not
    infinite = RegularizerConfig(kind=Regularizer.l2, factor=1e38)
    result = train(steep(1e-12, Optimizer.rmsprop, regularizer=infinite), MODEL, dataset, seed=4)
    assert broken_weight(result.model) is None
    assert len(result.history["loss"]) == 1
    assert result.diverged == "infinity as the loss"


def test_a_weight_that_is_no_number_ends_the_training_too(dataset) -> None:
    start = train(dataclasses.replace(steep(1e-9), epochs=1), MODEL, dataset, seed=4)
    assert start.diverged is None
    weights = {name: weight.copy() for name, weight in start.initial_weights.items()}
    weights["Conv2D_2/kernel"][0, 0, 0, 0] = np.nan
    result = train(steep(1e-9), MODEL, dataset, seed=4, initial_weights=weights)
    assert len(result.history["loss"]) == 1
    assert "NaN" in str(result.diverged)


def test_what_was_reached_before_is_said() -> None:
    """By hand: a record whose third epoch diverged."""
    nothing = {"final_loss": math.nan, "final_test_loss": 2.5, "diverged_epoch": 3.0, "epochs": 3.0}
    record = StageRecord(
        stage="train",
        key="",
        name="",
        params={"train.epochs": "9"},
        metrics=nothing,
        series={"test_accuracy": {1: 0.5, 2: 0.625, 3: 0.1}},
    )
    said = "diverged in epoch 3 of 9: loss nan; test accuracy 62.50% after epoch 2"
    assert STAGES["train"].shows.headline(record) == STAGES["train"].shows.warning(record) == said
    record.metrics["final_loss"] = 1.0
    assert "epoch 3 of 9: weights that are no numbers;" in STAGES["train"].shows.headline(record)


# the functions of the stages ----------------------------------------------------------------------------------------

IMAGES = np.random.default_rng(3).normal(size=(12, 12, 12, 1)).astype(np.float32)
LABELS = np.arange(12) % 3
PHOTO = np.random.default_rng(4).integers(0, 256, (48, 48), np.uint8)
FAITHFUL = dataclasses.replace(OIP, faithful=dataclasses.replace(OFF, match=MatchKind.maps, least=1.0, covariance=0.5))
REAL = {"reference_images": IMAGES, "reference_labels": LABELS, "training_images": IMAGES}
TINY = Dataset("tiny", "", IMAGES, LABELS, IMAGES, LABELS, class_names=("a", "b", "c"))
SETTINGS = dataclasses.replace(DREAM, size=48, octaves=OctavesConfig(count=1, scale=1.5, least_contrast=0.2))
DRAWN = dataclasses.replace(DREAM, faithful=dataclasses.replace(DREAM.faithful, references=3))
OCTAVES = dataclasses.replace(SETTINGS, method=DreamMethod.octaves)
SHEET = dataclasses.replace(OCTAVES, compare=dataclasses.replace(DREAM.compare, by=Compare.maps))


def activations(model, compose) -> object:
    config = compose("activations.layers=[Conv2D_1,Conv2D_2]").activations
    return extract_activations(config, model, TINY)


def atlas(model, compose, good) -> object:
    oips = sweep_oips(OIP, NOISE, good, seed=0)
    config = compose("experiment=smoke").atlas
    return survey(config, OIP, NOISE, DREAM, model, oips=oips, seed=0, photo=PHOTO)


ASKED: dict[str, Callable] = {
    "activations": lambda model, compose, _: activations(model, compose),
    "statistics": lambda model, *_: map_statistics(model, "Conv2D_2", IMAGES, LABELS, classes=3),
    "statistics without labels": lambda model, *_: map_statistics(model, "Conv2D_2", IMAGES, LABELS - 99, classes=0),
    "oip": lambda model, *_: sweep_oips(OIP, NOISE, model, seed=0),
    "oip beside images": lambda model, *_: sweep_oips(OIP, NOISE, model, seed=0, **REAL),
    "faithful oip": lambda model, *_: sweep_oips(FAITHFUL, NOISE, model, seed=0, **REAL),
    "carving": lambda model, *_: dream(DREAM, model, PHOTO, seed=0),
    "faithful dream": lambda model, *_: dream(DRAWN, model, PHOTO, seed=0, reference_images=IMAGES),
    "octaves": lambda model, *_: dream(OCTAVES, model, PHOTO, seed=0),
    "sheet": lambda model, *_: dream_sheet(SHEET, model, PHOTO, seed=0),
    "atlas": atlas,
}


def with_nan(model: keras.Model) -> keras.Model:
    return changed(model, np.nan)


def with_infinity(model: keras.Model) -> keras.Model:
    return changed(model, -np.inf)


def changed(model: keras.Model, number: float) -> keras.Model:
    """A single weight of the first convolution, which a maximum behind it may hide."""
    kernel = model.get_layer("Conv2D_1").kernel.numpy()
    kernel[1, 1, 0, 2] = number
    model.get_layer("Conv2D_1").kernel.assign(kernel)
    return model


def overflowing(model: keras.Model) -> keras.Model:
    """Finite weights, whose products in the second convolution are not."""
    for name in ("Conv2D_1", "Conv2D_2"):
        kernel = model.get_layer(name).kernel
        kernel.assign(kernel.numpy() * np.float32(1e25))
    return model


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("broken", [with_nan, with_infinity, overflowing], ids=lambda function: function.__name__)
@pytest.mark.parametrize("asked", ASKED)
def test_nothing_is_made_of_a_cnn_without_numbers(new_cnn, compose, broken, asked) -> None:
    for model in (broken(new_cnn()), make_graph(broken(new_cnn()))):
        with pytest.raises(InputError, match=r"^model: takes a CNN whose [^\n]+; got (NaN|infinity)[^\n]*$"):
            ASKED[asked](model, compose, new_cnn())


def test_an_output_that_overflows_is_no_class(new_cnn) -> None:
    model = new_cnn()
    kernel = model.get_layer("Output").kernel
    kernel.assign(np.full(kernel.shape, 3e38, np.float32))
    with pytest.raises(InputError, match=r"^model: takes a CNN whose answers are numbers up to Output; got NaN"):
        map_statistics(model, "Conv2D_2", IMAGES, LABELS, classes=3)
    # nothing is asked of the output here
    assert np.isfinite(sweep_oips(OIP, NOISE, model, seed=0).activation).all()


def test_the_weight_that_is_no_number_is_named(new_cnn) -> None:
    assert broken_weight(new_cnn()) is None
    assert broken_weight(with_nan(new_cnn())) == "NaN (not a number) in Conv2D_1/kernel"
    assert broken_weight(make_graph(with_infinity(new_cnn()))) == "infinity in Conv2D_1/kernel"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train_images": IMAGES * np.nan}, "train_images: takes finite numbers"),
        ({"test_images": IMAGES * np.inf}, "test_images: takes finite numbers"),
        ({"train_images": IMAGES[:0], "train_labels": LABELS[:0]}, "train_images: takes images (count, "),
        ({"train_images": IMAGES.astype(str)}, "train_images: takes finite numbers"),
        ({"test_labels": LABELS + 1}, "test_labels: takes a whole number from 0 to 2 for each of the 12 images"),
        ({"train_labels": LABELS - 1}, "got -1 to 1"),
        ({"train_labels": LABELS.astype(str)}, "got (12,) of <U21"),
        ({"train_labels": LABELS + 0.5}, "got (12,) of float64"),
        ({"train_labels": LABELS[:5]}, "got (5,) of int64"),
        ({"train_labels": np.array([None] * 12)}, "got (12,) of object"),
    ],
    ids=str,
)
def test_arrays_that_cannot_be_trained_on_are_refused(changes, said) -> None:
    with pytest.raises(InputError, match=r"^dataset\.[^\n]*$") as caught:
        train(TRAIN, dataclasses.replace(MODEL, input_size=12), dataclasses.replace(TINY, **changes), seed=0)
    assert said in str(caught.value)


def test_images_that_are_no_numbers_are_not_looked_at(new_cnn, compose) -> None:
    spoilt = dataclasses.replace(TINY, test_images=IMAGES * np.nan)
    config = compose("activations.layers=[Conv2D_1]", "activations.split=test").activations
    with pytest.raises(InputError, match=r"^dataset\.test_images: takes finite numbers"):
        extract_activations(config, new_cnn(), spoilt)
    with pytest.raises(InputError, match=r"^images: takes finite numbers"):
        map_statistics(new_cnn(), "Conv2D_2", IMAGES * np.nan, LABELS, classes=3)


# files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_weights_that_are_no_numbers_is_refused(new_cnn, tmp_path: Path, suffix: str) -> None:
    file, weights, good = tmp_path / f"own{suffix}", tmp_path / "own.weights.h5", tmp_path / "good.weights.h5"
    with_nan(new_cnn()).save(file)
    with_nan(new_cnn()).save_weights(weights)
    new_cnn().save_weights(good)
    with pytest.raises(InputError, match=r"^model\.path: takes [^\n]*, with NaN \(not a number\) in \S+kernel$"):
        read_model(file)
    with pytest.raises(InputError, match=r"^model\.weights: takes [^\n]*, with NaN \(not a number\) in \S+kernel$"):
        load_weights(new_cnn(), weights)
    assert broken_weight(load_weights(new_cnn(), good)) is None


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e360])
def test_initial_weights_that_are_no_numbers_are_refused(compose, tmp_path: Path, number: float) -> None:
    from pipeline.stages.train.stage import load_initial_weights

    file = tmp_path / "initial_weights.npz"
    np.savez(file, **{"Conv2D_1/kernel": np.array([1.0, number])})
    with pytest.raises(
        InputError, match=r"^train\.initial_weights: .*Conv2D_1/kernel with numbers that are not finite$"
    ):
        load_initial_weights(str(file))


# the command line ---------------------------------------------------------------------------------------------------

# so that a high learning rate does its work within the few batches of these images
STEEP = (
    "experiment=smoke",
    "data.limit=60",
    "train.epochs=2",
    "train.learning_rate.schedule=none",
    "train.batch_size=4",
)
DIVERGES = (*STEEP, "oip.steps=2", "train.learning_rate.initial=1000")
REFUSED = (
    "mnist-dream: train: takes settings by which it does not diverge, such as a smaller train.learning_rate.initial"
)


@pytest.fixture(scope="module")
def folder(empty_record: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all stages were asked for, and the training diverged."""
    from templates import copy_of

    folder = copy_of(empty_record, tmp_path_factory.mktemp("diverged"))
    done = pipeline(folder, *DIVERGES)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "the training diverged in epoch 1 of 2, with " in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"{REFUSED}; got a CNN with NaN")
    return folder


def test_the_training_is_recorded_with_what_became_of_it_and_nothing_else_is(folder: Path) -> None:
    (run,) = runs(folder)
    assert [place.name for place in run.iterdir() if (place / "stage.json").is_file()] == ["train"]
    client = client_of(folder)
    found = {one.name for one in client.search_experiments() if client.search_runs([one.experiment_id])}
    assert found == {"mnist-dream/train"}
    (recorded,) = client.search_runs([client.get_experiment_by_name("mnist-dream/train").experiment_id])
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics["diverged_epoch"] == 1
    assert math.isnan(recorded.data.metrics["final_test_accuracy"])
    assert "**train: diverged in epoch 1 of 2: " in recorded.data.tags["mlflow.note.content"]
    losses = [point.value for point in client.get_metric_history(recorded.info.run_id, "test_loss")]
    assert len(losses) == 1
    assert not math.isfinite(losses[0])
    (training,) = (run / "train").glob("stage.json")
    assert json.loads(training.read_text())["record"]["metrics"]["epochs"] == 1


def test_whoever_asks_for_it_again_is_told_again(folder: Path) -> None:
    (line, *_) = succeeded(pipeline(folder, *DIVERGES, "stages=[train]")).splitlines()
    assert line.startswith("train        diverged in epoch 1 of 2: ")
    assert line.endswith("(reused)")
    before = runs(folder)
    for stage in ("activations", "dream_sheet", "atlas"):
        done = pipeline(folder, *DIVERGES, f"stages=[{stage}]")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(REFUSED)
        assert len(done.stderr.splitlines()) == 1
    assert runs(folder) == before
    done = module(folder, "pipeline.atlas", str(before[0]))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(REFUSED)


def test_of_a_sweep_the_others_go_on_and_its_end_says_which_diverged(folder: Path) -> None:
    rates = "train.learning_rate.initial=1000,1e-9"
    done = pipeline(folder, "-m", *STEEP, rates, "stages=[train]")
    assert done.returncode == 0
    assert "2 jobs: 2 finished" in done.stdout
    assert "mnist-dream: job 0 (train.learning_rate.initial=1000): train diverged in epoch 1 of 2: " in done.stderr
    assert "job 1" not in done.stderr
    done = pipeline(folder, "-m", *STEEP, rates, "stages=[activations]", "hydra.sweep.dir=again")
    assert done.returncode == 1
    assert "2 jobs: 1 failed, 1 finished" in done.stdout
    assert "Traceback" not in done.stderr
    with (folder / "again" / "summary" / "jobs.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["state"], second["state"]) == ("failed", "finished")
    assert REFUSED.partition(": ")[2] in first["failure"]


def test_to_optuna_it_is_a_trial_that_failed(folder: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    optuna = pytest.importorskip("optuna")
    study = ("hydra/sweeper=optuna", "hydra/sweeper/sampler=grid", "hydra.sweeper.n_trials=2", "stages=[train]")
    rates = "train.learning_rate.initial=1000,1e-9"
    done = pipeline(folder, "-m", *STEEP, *study, rates, "hydra.sweeper.study_name=one")
    assert done.returncode == 0, done.stderr
    found = optuna.load_study(study_name="one", storage=f"sqlite:///{folder}/outputs/optuna.db")
    states = {trial.params["train.learning_rate.initial"]: trial.state.name for trial in found.trials}
    assert {float(rate): state for rate, state in states.items()} == {1000: "FAIL", 1e-9: "COMPLETE"}
    rates = "train.learning_rate.initial=1000,999"
    done = pipeline(folder, "-m", *STEEP, *study, rates, "hydra.sweeper.study_name=none")
    assert done.returncode == 2
    refusal = "mnist-dream: hydra.sweeper.params: takes settings of which one trial at least has a figure"
    assert f"{refusal}; got trials that have all failed" in done.stderr
    assert "Traceback" not in done.stderr
