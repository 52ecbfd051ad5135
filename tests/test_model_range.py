"""The range of pictures that a CNN's first layers show."""

import keras
import numpy as np
import pytest

from pipeline.core.model_range import check_range, shown_preprocessing
from pipeline.core.preprocessing import STANDARDIZED, preprocessing_of
from pipeline.runtime.errors import InputError

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


def test_the_picture_is_the_input_of_three_axes():
    """Not another one of whole numbers, though it is the first."""
    age, picture = keras.Input((1,), dtype="int32", name="age"), keras.Input((8, 8, 3), name="picture")
    maps = layers.Conv2D(2, 3)(picture)
    row = layers.Concatenate()([layers.Flatten()(maps), layers.Rescaling(1.0)(age)])
    model = keras.Model([age, picture], layers.Dense(2)(row))
    assert shown_preprocessing(model) is None
    assert shown_preprocessing(model, "picture") is None


def test_another_range_than_a_cnn_shows_is_refused():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255, name="levels"), layers.Conv2D(2, 3)])
    check_range(model, preprocessing_of("bytes"))
    with pytest.raises(InputError, match=r"takes bytes, 0 to 255, as its layer levels .* got standardize"):
        check_range(model, STANDARDIZED)
    with pytest.raises(InputError, match="got unit, 0 to 1"):
        check_range(model, preprocessing_of("unit"))
    bare = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])
    check_range(bare, STANDARDIZED)


def test_functions_for_python_refuse_it(compose):
    from pipeline import dream, dream_sheet, sweep_oips

    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3, name="Conv2D_3")]
    )
    config, photo = compose("oip.map_indices=[0]", "dream.map_indices=[0]"), np.zeros((40, 40), np.uint8)
    for refused in (
        lambda: sweep_oips(config.oip, config.noise, model, seed=0),
        lambda: dream(config.dream, model, photo, seed=0),
        lambda: dream_sheet(config.dream, model, photo, seed=0),
    ):
        with pytest.raises(InputError, match="preprocessing: takes bytes"):
            refused()
