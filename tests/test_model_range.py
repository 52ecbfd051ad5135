"""The range of pictures that a CNN's first layers show."""

import keras
import numpy as np
import pytest

from pipeline.core.model_range import shown_preprocessing

layers = keras.layers
RANDOM = np.random.default_rng(0)


def shown(*first: keras.layers.Layer, dtype: str = "float32") -> str | None:
    """The word that a CNN with these first layers shows."""
    seen = shown_preprocessing(keras.Sequential([keras.Input((8, 8, 3), dtype=dtype), *first, layers.Conv2D(2, 3)]))
    return None if seen is None else seen.preprocessing.kind


def adapted(scale: float) -> keras.layers.Layer:
    layer = layers.Normalization()
    layer.adapt(RANDOM.uniform(0, scale, (50, 8, 8, 3)))
    return layer


@pytest.mark.parametrize(
    ("scale", "offset", "word"),
    [
        (1 / 255, 0.0, "bytes"),
        (1 / 127.5, -1.0, "bytes"),
        (1 / 255, -0.5, "bytes"),
        (2.0, -1.0, "unit"),
        (255.0, 0.0, "unit"),
        (0.5, 0.5, "symmetric"),
        (127.5, 127.5, "symmetric"),
        (1.0, 0.0, None),
        (3.0, 0.0, None),
        (0.01, 7.0, None),
    ],
)
def test_a_rescaling_shows_what_becomes_a_usual_range(scale: float, offset: float, word: str | None) -> None:
    assert shown(layers.Rescaling(scale, offset)) == word


def test_what_does_not_change_numbers_is_passed() -> None:
    before = (layers.RandomFlip(), layers.ZeroPadding2D(), layers.Dropout(0.1), layers.Resizing(16, 16))
    assert shown(*before, layers.Rescaling(1 / 255)) == "bytes"
    assert shown(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)) is None
    assert shown(layers.Rescaling(1 / 127.5), layers.Rescaling(1.0, -1.0)) == "bytes"


def test_a_normalization_shows_it_by_its_means() -> None:
    assert shown(adapted(1.0)) == "unit"
    assert shown(adapted(255.0)) == "bytes"
    assert shown(layers.Normalization(mean=0.0, variance=1.0)) is None
    assert shown(layers.BatchNormalization()) is None
    # of numbers that were divided before
    assert shown(layers.Rescaling(1 / 100), adapted(2.55)) == "bytes"


def test_whole_numbers_are_bytes() -> None:
    assert shown(dtype="uint8") == "bytes"
    assert shown() is None


def test_arithmetic_without_layers_shows_it_too() -> None:
    inputs = keras.Input((8, 8, 3))
    for tensor, word in (
        (inputs / 255.0, "bytes"),
        (inputs / 127.5 - 1.0, "bytes"),
        ((inputs - 127.5) / 127.5, "bytes"),
        (2.0 * inputs - 1.0, "unit"),
        (inputs * inputs, None),
        (1.0 - inputs, None),
    ):
        seen = shown_preprocessing(keras.Model(inputs, layers.Conv2D(2, 3)(tensor)))
        assert (None if seen is None else seen.preprocessing.kind) == word


@pytest.mark.parametrize(
    ("name", "word"),
    [("MobileNetV3Small", "bytes"), ("EfficientNetB0", "bytes"), ("MobileNetV2", None)],
)
def test_backbones_of_keras_are_looked_into(name: str, word: str | None) -> None:
    make = getattr(keras.applications, name)
    inputs = keras.Input((64, 64, 3))
    x = make(weights=None, include_top=False, input_shape=(64, 64, 3))(layers.RandomFlip()(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    seen = shown_preprocessing(model)
    assert (None if seen is None else seen.preprocessing.kind) == word


def test_of_several_users_of_the_picture_nothing_is_said() -> None:
    inputs = keras.Input((8, 8, 3))
    tensor = layers.Add()([layers.Rescaling(1 / 255)(inputs), inputs])
    assert shown_preprocessing(keras.Model(inputs, layers.Conv2D(2, 3)(tensor))) is None
