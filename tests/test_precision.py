"""What a training computes with: mixed precision against Keras' own, XLA against none; what comes of it is float32."""

import dataclasses
import math

import keras
import numpy as np
import pytest
from tensorflow.python.framework import config
from test_training import MODEL, TRAIN, bits, blobs

from pipeline import compose
from pipeline.core import cnn, training
from pipeline.core.augmentation import Augmentation
from pipeline.data.dataset import Dataset
from pipeline.engine.storage import load_model
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Precision
from pipeline.stages.registry import STAGES
from pipeline.stages.train import compute
from pipeline.stages.train.compute import train

MIXED = dataclasses.replace(TRAIN, precision=Precision.mixed_bfloat16)
BY_XLA = dataclasses.replace(TRAIN, xla=True)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("blobs", "", *blobs(60, seed=1), *blobs(20, seed=2), class_names=("left", "middle", "right"))


@pytest.fixture(scope="module")
def plain(deterministic, dataset):
    return train(TRAIN, MODEL, dataset, seed=4)


@pytest.fixture(scope="module")
def mixed(deterministic, dataset):
    return train(MIXED, MODEL, dataset, seed=4)


@pytest.fixture(scope="module")
def by_xla(deterministic, dataset):
    config.disable_op_determinism()
    try:
        return train(BY_XLA, MODEL, dataset, seed=4)
    finally:
        config.enable_op_determinism()


def distance(one, other) -> float:
    """The largest between two weights of two trainings."""
    ours, theirs = cnn.weights_by_name(one.model), cnn.weights_by_name(other.model)
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)


def test_mixed_precision_is_that_of_keras(mixed, dataset, plain) -> None:
    """Of a CNN whose layers, but for the last one, were made for it."""

    def made(layer: keras.Layer) -> keras.Layer:
        policy = "float32" if layer.name == "Output" else "mixed_bfloat16"
        return type(layer).from_config({**layer.get_config(), "dtype": policy})

    model = keras.models.clone_model(mixed.model, clone_function=made)
    assert {layer.compute_dtype for layer in model.layers[1:-1]} == {"bfloat16"}
    model.set_weights(list(mixed.initial_weights.values()))
    batches = math.ceil(len(dataset.train_images) / MIXED.batch_size)
    compute._prepare(model, MIXED, batches)
    distortions = Augmentation(**vars(MIXED.augmentation))
    images = training.training_batches(
        dataset.train_images, dataset.train_labels, batch_size=MIXED.batch_size, seed=4, augmentation=distortions
    )
    told = model.fit(images, epochs=MIXED.epochs, steps_per_epoch=batches, shuffle=False, verbose=0)
    for ours, theirs in zip(mixed.model.get_weights(), model.get_weights(), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert mixed.history["loss"].tolist() == told.history["loss"]
    # and it is not that of float32
    assert 1e-4 < distance(mixed, plain) < 0.2


def test_what_was_trained_in_mixed_precision_is_a_float32_cnn(mixed, dataset, tmp_path) -> None:
    assert {layer.dtype_policy.name for layer in mixed.model.layers} == {"float32"}
    mixed.model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path)
    assert {layer.dtype_policy.name for layer in loaded.layers} == {"float32"}
    assert {str(weight.dtype) for weight in loaded.weights} == {"float32"}
    likely = loaded.predict(dataset.test_images, batch_size=compute.TEST_BATCH, verbose=0)
    assert likely.tobytes() == mixed.probabilities.tobytes()
    # so are the answers of every epoch to the test images
    of_class = mixed.probabilities[np.arange(len(likely)), dataset.test_labels]
    np.testing.assert_allclose(mixed.history["test_loss"][-1], -np.log(of_class).mean(), rtol=1e-5)


def test_by_xla_a_training_is_the_same_but_for_rounding(by_xla, plain, dataset) -> None:
    assert 0 < distance(by_xla, plain) < 1e-3
    assert not by_xla.model.jit_compile


@pytest.mark.slow
def test_mixed_precision_gives_the_same_bits_again(mixed, dataset) -> None:
    for one, other in zip(bits(mixed), bits(train(MIXED, MODEL, dataset, seed=4)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_xla_is_refused_where_the_bits_have_to_be_the_same(deterministic, dataset) -> None:
    said = r"^train\.xla: takes false, or runtime\.deterministic=false with it: .*; got true$"
    with pytest.raises(InputError, match=said):
        train(BY_XLA, MODEL, dataset, seed=4)
    # by a command, before anything is computed
    with pytest.raises(InputError, match=said):
        STAGES["train"].inputs(compose("train.xla=true"), dataset)
    assert STAGES["train"].inputs(compose("train.xla=true", "runtime.deterministic=false"), dataset)


def test_both_belong_to_the_key_of_a_training() -> None:
    settings = [STAGES["train"].settings(compose(*words)) for words in ((), ["train.xla=true"])]
    assert [one["train"]["xla"] for one in settings] == [False, True]
    assert STAGES["train"].settings(compose("train.precision=mixed_bfloat16"))["train"]["precision"] == "mixed_bfloat16"
