"""How far an OIP is to be believed: by hand, and against NumPy's own correlation, one pair at a time."""

from itertools import combinations

import keras
import numpy as np
import pytest

from pipeline.core.evidence import agreement, similarities
from pipeline.core.network import LayerRow, convolutions, layer_rows
from pipeline.core.preprocessing import preprocessing_of
from pipeline.stages.oip.evidence import classes_of

NAN = np.nan


def correlation(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


# agreement -----------------------------------------------------------------------------------------------------------


def test_agreement_by_hand():
    rising = np.array([[1.0, 2], [3, 4]])
    images = np.stack([np.stack([rising, rising]), np.stack([2 * rising + 5, -rising])])
    # the second map's pictures are each other's negative
    np.testing.assert_allclose(agreement(images, shift=0), [1, -1])


def test_agreement_is_the_mean_over_all_pairs():
    images = np.random.default_rng(0).normal(size=(4, 3, 6, 7))
    expected = [
        np.mean([correlation(images[i, m], images[j, m]) for i, j in combinations(range(4), 2)]) for m in range(3)
    ]
    np.testing.assert_allclose(agreement(images, shift=0), expected)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-1, 2), (0, -2), (-2, -2)])
def test_pictures_that_lie_apart_by_a_few_pixels_agree(down, right):
    large = np.random.default_rng(1).normal(size=(12, 12))
    here, there = large[2:10, 2:10], large[2 + down : 10 + down, 2 + right : 10 + right]
    assert agreement(np.stack([here[None], there[None]]))[0] == pytest.approx(1)
    if (down, right) != (0, 0):
        assert agreement(np.stack([here[None], there[None]]), shift=0)[0] < 0.5


def test_a_shift_is_looked_for_in_both_directions_and_no_further():
    large = np.random.default_rng(2).normal(size=(14, 14))
    pair = np.stack([large[None, 2:10, 2:10], large[None, 5:13, 2:10]])
    assert agreement(pair)[0] < 0.5
    np.testing.assert_allclose(agreement(pair), agreement(pair[::-1]))


@pytest.mark.filterwarnings("error")
def test_what_is_even_and_what_has_one_start_is_not_known():
    even = np.zeros((2, 1, 3, 3))
    even[1] = np.arange(9).reshape(3, 3)
    assert np.isnan(agreement(even)).all()
    assert np.isnan(agreement(even[:1])).all()
    assert agreement(np.zeros((3, 0, 4, 4))).shape == (0,)


# similarities --------------------------------------------------------------------------------------------------------


def test_similarities_by_hand():
    up, down, other = [1.0, 2, 3], [3.0, 2, 1], [1.0, 3, 2]  # of up and other: 0.5, of down and other: -0.5
    found = similarities(
        np.array([up, down]), np.array([up, down, other]), np.array([7, 7, 8]), np.array([[0, 2], [1, 0]]),
        np.full((2, 2), True),
    )  # fmt: skip
    np.testing.assert_allclose(found.similarity, [(1 + 0.5) / 2, (1 - 1) / 2])
    np.testing.assert_allclose(found.same, [0.5, -1])
    # of the first map's images: up with other 0.5; other with up and down, the mean of 0.5 and -0.5
    np.testing.assert_allclose(found.others, [(0.5 + 0) / 2, (-0.5 + 0.5) / 2], atol=1e-12)


def test_similarities_are_those_of_numpy():
    generator = np.random.default_rng(3)
    oips, images, labels = generator.normal(size=(3, 40)), generator.normal(size=(9, 40)), np.arange(9) % 4
    top = np.stack([generator.permutation(9)[:4] for _ in range(3)])
    found = similarities(oips.astype(np.float32), images.astype(np.float32), labels, top, np.full(top.shape, True))
    for m, row in enumerate(top):
        assert found.similarity[m] == pytest.approx(np.mean([correlation(oips[m], images[i]) for i in row]), abs=1e-6)
        pairs = [correlation(images[i], images[j]) for i, j in combinations(row, 2)]
        assert found.same[m] == pytest.approx(np.mean(pairs), abs=1e-6)
        strangers = [
            np.mean([correlation(images[i], images[j]) for j in range(9) if labels[j] != labels[i]]) for i in row
        ]
        assert found.others[m] == pytest.approx(np.mean(strangers), abs=1e-6)
    assert {values.dtype for values in found} == {np.dtype(np.float64)}


@pytest.mark.filterwarnings("error")
def test_a_single_image_and_a_single_class_leave_something_unknown():
    rows = np.random.default_rng(4).normal(size=(3, 5))
    found = similarities(rows[:1], rows, np.zeros(3, int), np.array([[1]]), np.array([[True]]))
    assert np.isfinite(found.similarity).all()
    assert np.isnan(found.same).all()
    assert np.isnan(found.others).all()
    silent = similarities(np.zeros((1, 5)), rows, np.arange(3), np.array([[0, 1]]), np.array([[True, True]]))
    assert np.isnan(silent.similarity).all()
    assert np.isfinite(silent.same).all()


@pytest.mark.filterwarnings("error")
def test_images_that_do_not_drive_a_map_have_no_say():
    generator = np.random.default_rng(5)
    oips, images = generator.normal(size=(3, 8)), generator.normal(size=(4, 8))
    top = np.array([[0, 1, 2], [3, 1, 0], [2, 0, 1]])
    driving = np.array([[True, True, False], [True, False, False], [False, False, False]])
    found = similarities(oips, images, np.arange(4), top, driving)
    assert found.similarity[0] == pytest.approx(np.mean([correlation(oips[0], images[i]) for i in (0, 1)]))
    assert found.same[0] == pytest.approx(correlation(images[0], images[1]))
    assert found.similarity[1] == pytest.approx(correlation(oips[1], images[3]))
    assert np.isnan(found.same[1])
    assert np.isfinite(found.others[1])
    assert np.isnan([values[2] for values in found]).all()


# the network ---------------------------------------------------------------------------------------------------------


def test_the_layers_of_the_articles_cnn(compose):
    from pipeline.stages.train.compute import new_model

    config = compose()
    model = new_model(config.train, config.model, classes=10, seed=0)
    assert layer_rows(model) == [
        LayerRow("Conv2D_1", "convolution 3 x 3, relu", "26 x 26 x 32", (3, 1), 3 * 3 * 32 + 32),
        LayerRow("Max_Pool_1", "maximum of 2 x 2", "13 x 13 x 32", (4, 2), 0),
        LayerRow("Conv2D_2", "convolution 3 x 3, relu", "11 x 11 x 64", (8, 2), 3 * 3 * 32 * 64 + 64),
        LayerRow("Max_Pool_2", "maximum of 2 x 2", "5 x 5 x 64", (10, 4), 0),
        LayerRow("Conv2D_3", "convolution 3 x 3, relu", "3 x 3 x 128", (18, 4), 3 * 3 * 64 * 128 + 128),
        LayerRow("Flatten", "all maps as one row", "1152", (28, 0), 0),
        LayerRow("Dense_1", "dense, relu", "100", (28, 0), 1152 * 100 + 100),
        LayerRow("Output", "dense, softmax", "10", (28, 0), 100 * 10 + 10),
    ]
    assert convolutions(model) == ["Conv2D_1", "Conv2D_2", "Conv2D_3"]
    assert convolutions(model, up_to="Max_Pool_2") == ["Conv2D_1", "Conv2D_2"]


def test_layers_of_other_kinds():
    x = inputs = keras.Input((14, 14, 1))
    x = keras.layers.Conv2D(3, (5, 3), strides=2, padding="same", activation="tanh", name="A")(x)
    x = keras.layers.AveragePooling2D(2, name="B")(x)
    x = keras.layers.BatchNormalization(name="C")(x)
    x = keras.layers.Lambda(lambda y: y + 1, name="D")(x)
    rows = layer_rows(keras.Model(inputs, keras.layers.Dense(2, name="E")(keras.layers.Flatten()(x))))
    assert [row.kind for row in rows[:4]] == [
        "convolution 5 x 3, stride 2 x 2, padding same, tanh", "mean of 2 x 2", "BatchNormalization", "Lambda"
    ]  # fmt: skip
    # downwards; 3 + 2 * 1 + 2 rows of the strided convolution
    assert [row.field for row in rows[:4]] == [(5, 2), (7, 4), (7, 4), (-1, -1)]
    assert rows[-1][1:] == ("dense, linear", "2", (14, 0), 3 * 3 * 3 * 2 + 2)


# whose class a picture has -------------------------------------------------------------------------------------------


def level_cnn(outputs: int, activation: str | None) -> keras.Model:
    """A CNN that says the mean level of a picture, less a half, times 1, 2, ... for each output."""
    inputs = keras.Input((4, 4, 1))
    maps = keras.layers.Conv2D(1, 1, name="maps")(inputs)
    dense = keras.layers.Dense(outputs, activation=activation, name="said")
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(maps)))
    model.get_layer("maps").set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    dense.set_weights([np.arange(1, outputs + 1, dtype=float)[None], -0.5 * np.arange(1, outputs + 1)])
    return model


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_a_single_output_tells_the_second_of_two_classes(activation):
    pictures = np.full((3, 4, 4, 1), 0.2, np.float32)
    pictures[1] = 0.8
    assert classes_of(level_cnn(1, activation), pictures, preprocessing_of("unit")).tolist() == [0, 1, 0]


def test_a_cnn_of_other_classes_is_not_asked():
    pictures = np.full((2, 4, 4, 1), 0.8, np.float32)
    model = level_cnn(3, "softmax")
    assert classes_of(model, pictures, preprocessing_of("unit"), 3).tolist() == [2, 2]
    assert classes_of(model, pictures, preprocessing_of("unit")).tolist() == [2, 2]
    assert classes_of(model, pictures, preprocessing_of("unit"), 10).tolist() == [-1, -1]
