"""The CNN: its layers, its first weights, the way back to them, and what is read out of it."""

import eager
import keras
import numpy as np
import pytest
import reference

from pipeline.core import cnn
from pipeline.core.keras_layers import describe_model
from pipeline.core.layers import Convolution, Dense, Flatten, Input, Network, Other, Pool, with_classes
from pipeline.core.training import make_regularizer
from pipeline.stages.train.compute import new_model

# when Conv2D_3 has not the maps that the settings ask for
OTHER_LAYER = ("oip.layer=Conv2D_2", "dream.layer=Conv2D_2", "dream.map_indices=[0]")


def test_the_layers_of_the_article(compose):
    config = compose("model=article")
    model = new_model(config.train, config.model, classes=10, seed=0)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes == {
        "Input": (28, 28, 1),
        "Conv2D_1": (26, 26, 32),
        "Max_Pool_1": (13, 13, 32),
        "Conv2D_2": (11, 11, 64),
        "Max_Pool_2": (5, 5, 64),
        "Conv2D_3": (3, 3, 128),
        "Flatten": (1152,),
        "Dense_1": (100,),
        "Output": (10,),
    }
    weights_and_biases = {
        "Conv2D_1": 9 * 1 * 32 + 32,
        "Conv2D_2": 9 * 32 * 64 + 64,
        "Conv2D_3": 9 * 64 * 128 + 128,
        "Dense_1": 1152 * 100 + 100,
        "Output": 100 * 10 + 10,
    }
    assert {layer.name: layer.count_params() for layer in model.layers if layer.weights} == weights_and_biases
    activations = {layer.name: layer.activation.__name__ for layer in model.layers if layer.weights}
    assert activations == dict.fromkeys(weights_and_biases, "relu") | {"Output": "softmax"}


def test_the_settings_predict_the_shapes_of_the_model(compose):
    config = compose(
        "model.input_size=31",
        "model.convolutions.Conv2D_2.kernel_size=4",
        "model.convolutions.Conv2D_3.filters=7",
        "model.pools.Max_Pool_2.size=3",
        *OTHER_LAYER,
    )
    model = new_model(config.train, config.model, classes=10, seed=0)
    network = with_classes(config.model.network, 10)
    # 31 - 2 = 29, 29 // 2 = 14, 14 - 3 = 11, 11 // 3 = 3, 3 - 2 = 1
    sides = [network.side(name) for name in ("Conv2D_1", "Max_Pool_1", "Conv2D_2", "Max_Pool_2", "Conv2D_3")]
    assert sides == [29, 14, 11, 3, 1]
    assert network.shapes() == {layer.name: layer.output.shape[1:] for layer in model.layers}


def test_layers_are_built_as_they_are_said():
    network = Network((
        Input(name="I", shape=(20, 24, 3)),
        Convolution(name="A", filters=4, size=(3, 5), stride=(2, 1), padding="same", activation="tanh"),
        Convolution(name="B", filters=5, size=(3, 3), dilation=(2, 2), activation="linear"),
        Pool(name="C", size=(3, 2), stride=(2, 2), takes="mean"),
        Flatten(name="D"),
        Dense(name="E", units=7, activation="softmax"),
    ))  # fmt: skip
    model = cnn.build_cnn(network, regularizer=None, seed=0)
    assert describe_model(model) == network
    assert network.shapes() == {layer.name: layer.output.shape[1:] for layer in model.layers}


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([Flatten(name="A")], "an input as the first layer; received .*'A'"),
        ([Input(name="I", shape=(8, 8, 1)), Other(name="A", kind="Lambda", shape=None)], "can be built here: .*Lambda"),
        ([Input(name="I", shape=(8,)), Dense(name="A", units=3, activation="elu", after=())], "built here: .*elu"),
        ([Input(name="I", shape=(8,)), Dense(name="A", units=None, activation="relu")], "built here: .*units=None"),
        ([Input(name="I", shape=(8, 8, 1)), Pool(name="A", size=(2, 2), dilation=(2, 2))], "can be built here: .*'A'"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(layers, said):
    with pytest.raises(ValueError, match=said):
        cnn.build_cnn(Network(tuple(layers)), regularizer=None, seed=0)


@pytest.mark.parametrize("activation", ["relu", "elu", "sigmoid", "tanh"])
def test_every_layer_answers_as_the_layers_in_numpy(tiny_cnn, layers_up_to, start_images, activation):
    model = tiny_cnn(activation=activation)
    names = ["Conv2D_1", "Max_Pool_1", "Conv2D_2", "Dense_1", "Output"]
    answers = eager.layer_outputs(model, names, start_images)
    assert list(answers) == names
    layers = layers_up_to(model, "Conv2D_2")
    for row, image in enumerate(start_images[..., 0].astype(np.float64)):
        expected = reference.outputs(layers, image)
        x = expected[-1].ravel()
        for name in ("Dense_1", "Output"):
            kernel, bias = model.get_layer(name).get_weights()
            x = reference.activate(x @ kernel + bias, activation if name == "Dense_1" else "softmax")
            expected.append(x)
        for name, values in zip(names, expected, strict=True):
            np.testing.assert_allclose(answers[name][row], values, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("activation", ["relu", "elu", "sigmoid", "tanh"])
@pytest.mark.parametrize("layer", ["Conv2D_1", "Conv2D_2"])
def test_without_its_activation_a_layer_gives_what_goes_into_the_activation(tiny_cnn, start_images, activation, layer):
    model = tiny_cnn(activation=activation)
    before = eager.without_activation(model, layer)(start_images).numpy()
    after = eager.layer_outputs(model, [layer], start_images)[layer]
    assert (before < 0).any()
    np.testing.assert_allclose(reference.activate(before, activation), after, atol=1e-5)


def test_leaving_the_activation_out_leaves_the_model_as_it_was(new_cnn, start_images):
    model = new_cnn()
    before = model(start_images).numpy()
    part = eager.without_activation(model, "Conv2D_2")
    part.get_layer("Conv2D_2_linear").bias.assign([100.0] * 6)
    np.testing.assert_array_equal(model(start_images).numpy(), before)


# first weights -----------------------------------------------------------------------------------------------------


def test_first_weights_depend_on_the_seed_and_the_layer_alone(compose):
    config = compose("model.convolutions.Conv2D_3.filters=64", *OTHER_LAYER)  # as Conv2D_2, but for the maps coming in
    weights = [cnn.weights_by_name(new_model(config.train, config.model, classes=10, seed=seed)) for seed in (3, 3, 4)]
    kernels = [name for name in weights[0] if name.endswith("kernel")]
    assert kernels == [f"{name}/kernel" for name in ("Conv2D_1", "Conv2D_2", "Conv2D_3", "Dense_1", "Output")]
    for name in kernels:
        np.testing.assert_array_equal(weights[0][name], weights[1][name])
        assert (weights[0][name] != weights[2][name]).mean() > 0.99
    assert (weights[0]["Conv2D_2/kernel"].ravel() != weights[0]["Conv2D_3/kernel"].ravel()[: 9 * 32 * 64]).mean() > 0.99


def test_first_kernels_are_glorot_uniform_and_first_biases_zero(compose):
    config = compose()
    weights = cnn.weights_by_name(new_model(config.train, config.model, classes=10, seed=0))
    fans = {"Conv2D_2": (9 * 32, 9 * 64), "Dense_1": (1152, 100), "Output": (100, 10)}
    for name, (fan_in, fan_out) in fans.items():
        limit = np.sqrt(6 / (fan_in + fan_out))
        assert 0.98 * limit < np.abs(weights[f"{name}/kernel"]).max() <= limit
        assert not weights[f"{name}/bias"].any()


def test_reset_brings_a_changed_model_back_exactly(new_cnn, start_images):
    model = new_cnn()
    before, answer = cnn.weights_by_name(model), model(start_images).numpy()
    for weight in model.weights:
        weight.assign(weight * 1.5 + 0.1)
    assert np.abs(model(start_images).numpy() - answer).max() > 1e-3
    cnn.reset_weights(model, before)
    for name, weight in cnn.weights_by_name(model).items():
        np.testing.assert_array_equal(weight, before[name])
    np.testing.assert_array_equal(model(start_images).numpy(), answer)


def test_kept_weights_are_copies(new_cnn):
    model = new_cnn()
    kept = cnn.weights_by_name(model)
    before = kept["Conv2D_1/kernel"].copy()
    model.get_layer("Conv2D_1").kernel.assign(before + 1)
    np.testing.assert_array_equal(kept["Conv2D_1/kernel"], before)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda weights: weights.pop("Output/bias"), "other layers: expected .*Output/bias"),
        (lambda weights: weights.update({"Conv2D_9/kernel": np.zeros(3)}), "received .*Conv2D_9/kernel"),
        (lambda weights: weights.update({"Conv2D_2/bias": np.zeros(7)}), r"Conv2D_2/bias: expected .*\(6,\).*\(7,\)"),
    ],
    ids=["a layer is missing", "a layer too many", "another shape"],
)
def test_weights_of_another_architecture_are_refused_and_nothing_is_changed(new_cnn, spoil, said):
    model = new_cnn()
    before = cnn.weights_by_name(model)
    weights = {name: weight + 1 for name, weight in before.items()}
    spoil(weights)
    with pytest.raises(ValueError, match=said):
        cnn.reset_weights(model, weights)
    for name, weight in cnn.weights_by_name(model).items():
        np.testing.assert_array_equal(weight, before[name])


# regularizers ------------------------------------------------------------------------------------------------------


def regularized(kind: str, factor: float) -> keras.Model:
    model = cnn.build_cnn(
        Network((
            Input(name="Input", shape=(4, 4, 1)),
            Convolution(name="Conv2D_1", filters=2, size=(3, 3), activation="relu"),
            Flatten(name="Flatten"),
            Dense(name="Dense_1", units=3, activation="relu"),
            Dense(name="Output", units=2, activation="softmax"),
        )),
        regularizer=make_regularizer(kind, factor),
        seed=0,
    )  # fmt: skip
    model.get_layer("Conv2D_1").kernel.assign(np.full((3, 3, 1, 2), 100.0))
    model.get_layer("Dense_1").kernel.assign(np.full((8, 3), -0.5))  # 24 weights
    model.get_layer("Dense_1").bias.assign([100.0] * 3)
    model.get_layer("Output").kernel.assign(np.full((3, 2), 2.0))  # 6 weights
    return model


@pytest.mark.parametrize(
    ("kind", "factor", "penalty"),
    [
        ("none", 0.1, 0.0),
        ("l1", 0.1, 0.1 * (24 * 0.5 + 6 * 2)),
        ("l2", 0.1, 0.1 * (24 * 0.25 + 6 * 4)),
        ("l2", 0.001, 0.03),
    ],
)
def test_the_regularizer_is_added_to_the_loss_for_the_kernels_of_all_dense_layers(kind, factor, penalty):
    model = regularized(kind, factor)
    model.compile(loss="sparse_categorical_crossentropy", jit_compile=False)
    # all inputs to the output layer are the same for both classes, so each has the probability 1/2
    loss = model.evaluate(np.ones((1, 4, 4, 1), np.float32), np.array([0]), verbose=0)
    assert loss == pytest.approx(np.log(2) + penalty, rel=1e-5)
