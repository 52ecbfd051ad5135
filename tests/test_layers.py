"""The layers of a network as plain numbers: the same from settings, and read from the model that is built of them."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.core import cnn
from pipeline.core.keras_layers import describe_model
from pipeline.core.layers import Convolution, Dense, Input, Network, Other, Pointwise, Pool, with_classes
from pipeline.settings.choices import Activation
from pipeline.settings.model import ConvolutionConfig, DenseConfig, ModelConfig, PoolConfig


def settings(side, kernels, pools, dense=(), activation=Activation.relu, filters=3):
    return ModelConfig(
        input_size=side,
        convolutions={
            f"C{k}": ConvolutionConfig(filters=filters + k, kernel_size=size, activation=activation)
            for k, size in enumerate(kernels)
        },
        pools={f"P{k}": PoolConfig(size=size) for k, size in enumerate(pools)},
        dense={f"D{k}": DenseConfig(units=units, activation=activation) for k, units in enumerate(dense)},
    )


CNNS = {
    "three convolutions": settings(28, [3, 3, 3], [2, 2], [100], filters=32),
    "one convolution": settings(8, [8], []),
    "four convolutions": settings(40, [3, 1, 4, 2], [2, 3, 1], [5, 4]),
    "large kernels": settings(33, [9, 5], [4], [2, 2, 2], Activation.tanh),
    "even kernels": settings(30, [2, 4, 2], [3, 2], [6], Activation.sigmoid),
    "pools that leave pixels over": settings(29, [3, 2], [5], [], Activation.elu),
}


def built(name):
    network = with_classes(CNNS[name].network, 4)
    return network, cnn.build_cnn(network, regularizer=None, seed=0)


def output_shapes(model):
    return {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}


# of settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CNNS)
def test_a_model_says_the_layers_that_the_settings_said(name):
    network, model = built(name)
    assert describe_model(model) == network
    assert network.shapes() == output_shapes(model)


@pytest.mark.parametrize("name", CNNS)
def test_the_receptive_field_is_where_the_gradient_is_not_0(name):
    network, model = built(name)
    config, random = CNNS[name], np.random.default_rng(0)
    # all weights positive, and small, so that no activation function is flat
    model.set_weights([random.uniform(0.01, 0.02, weight.shape) for weight in model.get_weights()])
    pictures = tf.constant(random.uniform(0, 1, (300, config.input_size, config.input_size, 1)), tf.float32)
    for layer in [*config.convolutions, *config.pools]:
        part, field = keras.Model(model.inputs[0], model.get_layer(layer).output), network.receptive_field(layer)
        assert field is not None
        for position in {0, network.side(layer) - 1}:
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                value = tf.reduce_sum(part(pictures)[:, position, 0])
            # which pixels a maximum lets through depends on the picture
            rows, columns = np.nonzero((tape.gradient(value, pictures).numpy() != 0).any(axis=(0, 3)))
            first = position * field.stride
            assert (rows.min(), rows.max()) == (first, first + field.side - 1), layer
            assert (columns.min(), columns.max()) == (0, field.side - 1), layer


def test_three_convolutions_by_hand():
    network = CNNS["three convolutions"].network
    assert network.windows("P1") == [(3, 1), (2, 2), (3, 1), (2, 2)]
    assert network.receptive_field("C2") == (18, 4)
    assert [network.side(name) for name in ("Input", "C0", "P0", "C2", "Flatten", "D0")] == [28, 26, 13, 3, None, None]
    assert [network.units(name) for name in ("C0", "P1", "C2", "Flatten", "D0")] == [32, 33, 34, 306, 100]
    assert network.convolutions() == ["C0", "C1", "C2"]
    assert network.convolutions(up_to="P1") == ["C0", "C1"]
    assert network.dense() == ["D0", "Output"]
    assert network.choices() == ["C0", "P0", "C1", "P1", "C2", "D0", "Output"]
    assert network.has_maps("P0")
    assert not network.has_maps("Flatten")


def test_how_many_classes_there_are_is_left_open():
    network = CNNS["one convolution"].network
    assert network.units("Output") is None
    assert with_classes(network, 7).units("Output") == 7
    with pytest.raises(ValueError, match="a dense layer at the end of the network; received Pool"):
        with_classes(Network((Pool(name="P", size=(2, 2)),)), 7)


def test_a_unit_sees_no_window_and_an_unknown_layer_is_refused():
    network = CNNS["three convolutions"].network
    assert network.windows("D0") is None
    assert network.receptive_field() is None
    with pytest.raises(ValueError, match="C9"):
        network.windows("C9")


# of other models -----------------------------------------------------------------------------------------------------


def test_layers_that_pad_and_are_no_squares():
    x = inputs = keras.Input((23, 17, 3))
    x = keras.layers.Conv2D(2, (3, 5), strides=(2, 1), padding="same", activation="relu", name="A")(x)
    x = keras.layers.AveragePooling2D((3, 2), strides=2, padding="same", name="B")(x)
    x = keras.layers.Conv2D(4, 2, dilation_rate=(3, 1), name="C")(x)
    x = keras.layers.BatchNormalization(name="D")(x)
    x = keras.layers.Dense(6, name="E")(x)
    model = keras.Model(inputs, keras.layers.Flatten(name="F")(x))
    network = describe_model(model)
    assert network.shapes() == output_shapes(model)
    assert network.layers[1] == Convolution(
        name="A", filters=2, size=(3, 5), stride=(2, 1), padding="same", activation="relu"
    )
    assert network.layers[2] == Pool(name="B", size=(3, 2), stride=(2, 2), padding="same", takes="mean")
    assert network.layers[4] == Pointwise(name="D", kind="BatchNormalization")
    assert network.side("A") is None
    assert network.has_maps("A")
    assert [network.windows(name) for name in "ABCDEF"] == [None] * 6


def test_layers_of_which_only_the_shape_is_known():
    x = inputs = keras.Input((12, 12, 2))
    x = keras.layers.Conv2D(3, 3, name="A")(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="B")(x)
    x = keras.layers.ZeroPadding2D(1, name="C")(x)
    x = keras.layers.Conv2D(5, 3, name="D")(x)
    x = keras.layers.GlobalAveragePooling2D(name="E")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="F")(x))
    network = describe_model(model)
    assert network.shapes() == output_shapes(model)
    assert network.layers[2] == Other(name="B", kind="DepthwiseConv2D", shape=(8, 8, 6), convolves=True)
    assert network.convolutions() == ["A", "B", "D"]
    assert network.receptive_field("A") == (3, 1)
    assert [network.windows(name) for name in "BCDEF"] == [None] * 5


def test_shapes_of_maps_that_come_first_are_told_with_the_maps_last():
    x = inputs = keras.Input((2, 12, 12))
    x = keras.layers.Conv2D(3, 3, data_format="channels_first", name="A")(x)
    model = keras.Model(inputs, keras.layers.MaxPooling2D(2, data_format="channels_first", name="B")(x))
    network = describe_model(model)
    assert [network.shapes()[name] for name in "AB"] == [(10, 10, 3), (5, 5, 3)]
    assert network.convolutions() == ["A"]
    assert network.windows("A") is None


def test_of_branches_it_is_said_what_each_sees_and_nothing_of_their_sum():
    inputs = keras.Input((12, 12, 1), name="I")
    x = keras.layers.Conv2D(2, 3, name="A")(inputs)
    one = keras.layers.Conv2D(4, 3, name="B")(x)
    other = keras.layers.Conv2D(4, 3, dilation_rate=2, name="C")(x)
    joined = keras.layers.Concatenate(name="D")([one, keras.layers.ZeroPadding2D(1, name="P")(other)])
    model = keras.Model(inputs, keras.layers.Conv2D(3, 2, name="E")(joined))
    network = describe_model(model)
    assert network.shapes() == output_shapes(model)
    assert network.units("D") == 8
    assert network.receptive_field("B") == (5, 1)
    assert network.receptive_field("C") == (7, 1)
    assert network.windows("D") is None
    assert network.windows("E") is None
    assert next(layer.after for layer in network.layers if layer.name == "D") == ("B", "P")


def test_of_a_layer_behind_itself_each_call_has_a_name():
    inputs = keras.Input((12, 12, 1), name="I")
    shared = keras.layers.Conv2D(1, 3, name="A")
    network = describe_model(keras.Model(inputs, shared(shared(inputs))))
    assert network.shapes() == {"I": (12, 12, 1), "A#1": (10, 10, 1), "A#2": (8, 8, 1)}
    assert network.receptive_field("A#2") == (5, 1)


def test_behind_an_operation_that_is_no_layer_a_layer_says_what_is_its_own():
    inputs = keras.Input((12, 12, 1), name="I")
    x = keras.layers.Conv2D(2, 3, name="A")(inputs)
    x = keras.layers.Conv2D(3, 3, name="B")(keras.ops.square(x))
    x = keras.layers.Dense(5, name="C")(keras.ops.square(x))
    network = describe_model(keras.Model(inputs, keras.layers.Flatten(name="D")(x)))
    assert [network.shapes()[name] for name in "IABCD"] == [(12, 12, 1), (10, 10, 2), (8, 8, 3), (8, 8, 5), (320,)]
    assert [network.units(name) for name in "ABCD"] == [2, 3, 5, 320]
    assert network.receptive_field("A") == (3, 1)
    assert network.receptive_field("B") is None


@pytest.mark.parametrize("added", [False, True], ids=["at once", "one by one"])
def test_a_sequential_model(added):
    layers = [
        keras.layers.Conv2D(2, 3, activation="relu", name="A"),
        keras.layers.MaxPooling2D(2, name="B"),
        keras.layers.Dropout(0.5, name="C"),
        keras.layers.Conv2D(3, 3, name="D"),
    ]
    if added:
        model = keras.Sequential([keras.Input((14, 14, 1))])
        for layer in layers:
            model.add(layer)
    else:
        model = keras.Sequential([keras.Input((14, 14, 1)), *layers])
    network = describe_model(model)
    assert isinstance(network.layers[0], Input)
    assert [layer.name for layer in network.layers[1:]] == list("ABCD")
    assert [network.shapes()[name] for name in "ABCD"] == [(12, 12, 2), (6, 6, 2), (6, 6, 2), (4, 4, 3)]
    assert network.receptive_field() == (8, 2)


def test_pictures_of_any_size():
    x = inputs = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(2, 3, name="A")(x)
    network = describe_model(keras.Model(inputs, keras.layers.Flatten(name="B")(x)))
    assert network.shapes()["A"] == (None, None, 2)
    assert network.shapes()["B"] == (None,)
    assert network.side("A") is None
    assert network.receptive_field("A") == (3, 1)


def test_an_activation_that_is_a_layer_of_its_own_or_given_as_one():
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Flatten()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation=keras.layers.LeakyReLU(), name="A")(x))
    assert describe_model(model).layers[-1] == Dense(name="A", units=2, activation="LeakyReLU")


def test_settings_do_not_import_keras():
    check = (
        "import sys; from pipeline import compose; compose().model.network.shapes(); "
        "sys.exit(bool({'keras', 'tensorflow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
