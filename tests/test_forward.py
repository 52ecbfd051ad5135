"""The rearranged forward pass against Keras' own, in value and gradient, for many shapes of CNN."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.core.forward import _conv_blocks, fast_forward_pass, plain_forward_pass
from pipeline.core.parts import part_of


def chain(*layers, size=12, channels=1):
    """A model of these layers with weights that are not small."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((size, size, channels)), *layers])
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(0, 0.4, weight.shape) for weight in model.get_weights()])
    return keras.Model(model.inputs[0], model.outputs[0])


def conv(filters, size, activation="relu", **options):
    return keras.layers.Conv2D(filters, size, activation=activation, **options)


pool, flatten, dense = keras.layers.MaxPooling2D, keras.layers.Flatten, keras.layers.Dense

REARRANGED = {
    "one convolution": (lambda: chain(conv(3, 3)), 1),
    "convolution and pool": (lambda: chain(conv(3, 3), pool(2)), 1),
    "rows that fill no window": (lambda: chain(conv(3, 3), pool(3), size=13), 1),
    "pool of 3, kernel of 5": (lambda: chain(conv(2, 5), pool(3), conv(4, 2), size=17), 2),
    "kernel of 1": (lambda: chain(conv(2, 1), pool(2), conv(3, 1), pool(2)), 2),
    "pool of 1": (lambda: chain(conv(2, 3), pool(1), conv(2, 3)), 2),
    "kernel larger than twice the pool": (lambda: chain(conv(2, 7), pool(2), size=14), 1),
    "what the next layers do not see": (
        lambda: chain(conv(3, 3), pool(2), conv(5, 3), pool(2), conv(2, 2), size=15),
        3,
    ),
    "colours": (lambda: chain(conv(3, 3), pool(2), conv(5, 3), channels=3), 2),
    "many channels": (lambda: chain(conv(6, 3), pool(2), channels=8), 1),
    "no pools": (lambda: chain(conv(3, 3), conv(3, 3), conv(2, 3)), 3),
    "sigmoid": (lambda: chain(conv(3, 3, "sigmoid"), pool(2), conv(2, 3, "tanh")), 2),
    "elu": (lambda: chain(conv(3, 3, "elu"), pool(2), conv(2, 3, "linear"), pool(2)), 2),
    "dense layers behind": (lambda: chain(conv(3, 3), pool(2), flatten(), dense(5, activation="tanh"), dense(2)), 1),
    "dense layers without a bias": (lambda: chain(conv(3, 3), pool(2), flatten(), dense(5, "elu", use_bias=False)), 1),
    "dense layer of positions": (lambda: chain(conv(3, 3), pool(2), dense(4, activation="relu")), 1),
    "average pool behind": (lambda: chain(conv(3, 3), keras.layers.AveragePooling2D(2), conv(2, 3)), 1),
}
LEFT_ALONE = {
    "padded": lambda: chain(conv(3, 3, padding="same"), pool(2)),
    "strides": lambda: chain(conv(3, 3, strides=2)),
    "a kernel that is no square": lambda: chain(conv(3, (3, 2)), pool(2)),
    "no bias": lambda: chain(conv(3, 3, use_bias=False), pool(2)),
    "an activation that falls": lambda: chain(conv(3, 3, "silu"), pool(2)),
    "pool first": lambda: chain(pool(2), conv(3, 3)),
}


def same_value_and_gradient(model):
    x = tf.constant(np.random.default_rng(0).normal(size=(5, *model.inputs[0].shape[1:])), tf.float32)
    weights = [tf.convert_to_tensor(variable) for variable in part_of(model).variables]
    upstream = tf.constant(np.random.default_rng(2).normal(size=(5, *model.outputs[0].shape[1:])), tf.float32)

    def value_and_gradient(forward):
        @tf.function
        def compute():
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = forward(weights, x)
            return value, tape.gradient(value, x, upstream)

        return compute()

    expected, expected_gradient = value_and_gradient(lambda weights, x: model(x))
    assert np.abs(expected_gradient).max() > 0.05
    for forward_pass in (fast_forward_pass, plain_forward_pass):
        value, gradient = value_and_gradient(forward_pass(model))
        np.testing.assert_allclose(value, expected, atol=2e-5)
        np.testing.assert_allclose(gradient, expected_gradient, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", REARRANGED)
def test_a_rearranged_chain_has_the_value_and_gradient_of_the_layers(name):
    build, blocks = REARRANGED[name]
    model = build()
    assert len(_conv_blocks(part_of(model))) == blocks
    same_value_and_gradient(model)


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_the_rearrangement_is_not_made_for_is_left_to_keras(name):
    model = LEFT_ALONE[name]()
    assert _conv_blocks(part_of(model)) == []
    same_value_and_gradient(model)


def test_a_model_that_is_no_chain_is_left_to_keras():
    inputs = keras.Input((12, 12, 1))
    x = conv(3, 3)(inputs)
    same_value_and_gradient(keras.Model(inputs, keras.layers.Add()([conv(2, 3)(x), conv(2, 3)(x)])))


def test_the_gradient_of_equal_values_goes_to_the_first_of_the_window():
    model = chain(conv(1, 1, "linear"), pool(2), size=4)
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    x = tf.zeros((1, 4, 4, 1))
    weights = [tf.convert_to_tensor(variable) for variable in part_of(model).variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(fast_forward_pass(model)(weights, x))
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(tape.gradient(value, x)[0, ..., 0], expected)
