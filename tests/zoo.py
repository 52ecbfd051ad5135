"""Small models of many kinds, as users bring them; and what Keras itself computes in each of their layers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers as L  # noqa: N812

CLASSES = 4


class Kind(NamedTuple):
    """A kind of model.

    Attributes:
        build: makes one, with weights that are drawn anew.
        layer: whose maps are looked at, as this project names it.
        options: of `make_graph`.
        after: the layer of whose output Keras' value is what that layer hands on; None: the same one.
    """

    build: Callable[[], keras.Model]
    layer: str
    options: Mapping[str, Any] = {}
    after: str | None = None


def functional(body: Callable, *shape: int | None, name: str | None = None) -> keras.Model:
    """Make a model of one input."""
    inputs = keras.Input(shape or (12, 12, 3), name="picture")
    return keras.Model(inputs, body(inputs), name=name)


def head(x: Any, units: int = CLASSES, activation: str = "softmax") -> Any:
    """Put a dense layer that tells classes apart behind maps."""
    return L.Dense(units, activation=activation, name="answer")(L.Flatten()(x))


def conv(*args: Any, **kwargs: Any) -> Any:
    """Make the convolution that is looked at."""
    return L.Conv2D(*args, **{"activation": "relu", "name": "looked_at", **kwargs})


def with_random_weights(model: keras.Model, seed: int = 1) -> keras.Model:
    """Draw biases and moving averages too, which begin at 0 and 1, so that it shows if they are left out."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.path.endswith(("variance", "count")) or "seed" in weight.path or "normalization/mean" in weight.path:
            continue
        if not np.issubdtype(np.dtype(str(weight.dtype).replace("bfloat16", "float32")), np.floating):
            continue
        if len(weight.shape) == 1:
            weight.assign(random.normal(0.2, 0.3, weight.shape))
    return model


def adapted(**kwargs: Any) -> Any:
    """Make a Normalization that has seen data."""
    layer = L.Normalization(**kwargs)
    layer.adapt(np.random.default_rng(0).uniform(0, 1, (40, 12, 12, 3)).astype(np.float32) * [3, 5, 7] + [1, 2, 3])
    return layer


class Scale(L.Layer):
    """A layer of a user's own whose settings do not say its factor."""

    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x: Any) -> Any:
        """Multiply."""
        return self.factor * x


class Gate(L.Layer):
    """A layer of a user's own with weights, that is told whether it is trained."""

    def build(self, shape: Any) -> None:
        """Make the weights."""
        self.gate = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="gate")

    def call(self, x: Any, training: bool = True) -> Any:
        """Scale the maps; all to nothing in a training."""
        return x * keras.ops.sigmoid(self.gate) * (0.0 if training else 1.0)


def relu(x: Any) -> Any:
    """Do what has the name of a function of Keras, and is another one."""
    return keras.ops.square(x)


def backbone(*, side: int | None = 12) -> keras.Model:
    """Make a model to be put into another one."""
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            L.Rescaling(1 / 2.0),
            L.Conv2D(6, 3, activation="relu", name="block_1_conv"),
            L.Dropout(0.5),
            L.Conv2D(5, 3, use_bias=False, name="block_2_conv"),
            L.BatchNormalization(name="block_2_bn"),
            L.ReLU(name="block_2_relu"),
        ],
        name="backbone",
    )


def residual(x: Any) -> Any:
    """Put a block with a branch around it behind maps."""
    y = L.Conv2D(5, 3, padding="same", use_bias=False, name="looked_at")(x)
    y = L.ReLU(name="inner_relu")(L.BatchNormalization(name="inner_bn")(y))
    y = L.BatchNormalization()(L.Conv2D(3, 3, padding="same", use_bias=False)(y))
    return L.ReLU(name="sum_relu")(L.Add(name="sum")([x, y]))


def two_inputs() -> keras.Model:
    """Make a model of a picture and of numbers beside it."""
    picture, beside = keras.Input((12, 12, 3), name="image"), keras.Input((2,), name="beside")
    x = L.Flatten()(conv(5, 3)(picture))
    return keras.Model([beside, picture], L.Dense(CLASSES, name="answer")(L.Concatenate()([x, beside])))


def two_outputs() -> keras.Model:
    """Make a model that says two things."""
    inputs = keras.Input((12, 12, 3))
    x = L.Flatten()(conv(5, 3)(inputs))
    return keras.Model(inputs, {"kind": L.Dense(CLASSES, name="kind")(x), "age": L.Dense(1, name="age")(x)})


def shared() -> keras.Model:
    """Make a model that calls a layer twice."""
    layer = conv(3, 3, padding="same", activation="tanh")
    return functional(lambda x: head(layer(layer(x))))


def of_policy(policy: str) -> keras.Model:
    """Make a model that computes in another precision than that of its weights."""
    before = keras.mixed_precision.global_policy() if hasattr(keras.mixed_precision, "global_policy") else None
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return functional(lambda x: head(L.MaxPooling2D(2)(conv(5, 3)(x))))
    finally:
        keras.config.set_dtype_policy(before)


def bytes_in() -> keras.Model:
    """Make a model that takes whole numbers."""
    inputs = keras.Input((12, 12, 3), dtype="uint8")
    return keras.Model(inputs, head(conv(5, 3)(L.Rescaling(1 / 255)(inputs))))


def simple(*layers: Any, shape: tuple[int | None, ...] = (12, 12, 3)) -> keras.Model:
    """Make a model of layers one behind the other, and a dense one."""
    return keras.Sequential([keras.Input(shape), *layers, L.Flatten(), L.Dense(CLASSES, activation="softmax")])


SAME = {"padding": "same"}
KINDS = {
    "plain": Kind(lambda: simple(conv(5, 3), L.MaxPooling2D(2)), "looked_at"),
    "grey": Kind(lambda: simple(conv(5, 3), L.MaxPooling2D(2), shape=(12, 12, 1)), "looked_at"),
    "no square": Kind(lambda: simple(conv(5, (3, 2)), L.MaxPooling2D((1, 2)), shape=(14, 10, 3)), "looked_at"),
    "five channels": Kind(lambda: simple(conv(5, 3), shape=(12, 12, 5)), "looked_at"),
    "padded": Kind(lambda: simple(conv(5, 3, **SAME)), "looked_at"),
    "strided": Kind(lambda: simple(conv(5, 3, strides=2), shape=(13, 13, 3)), "looked_at"),
    "dilated": Kind(lambda: simple(conv(5, 3, dilation_rate=2)), "looked_at"),
    "grouped": Kind(lambda: simple(conv(6, 3, groups=3)), "looked_at"),
    "depthwise": Kind(lambda: simple(L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="d")), "d"),
    "separable": Kind(lambda: simple(L.SeparableConv2D(5, 3, activation="relu", name="s")), "s"),
    "transposed": Kind(lambda: simple(L.Conv2DTranspose(5, 3, activation="relu", name="t")), "t"),
    "average pool": Kind(lambda: simple(conv(5, 3), L.AveragePooling2D(2, name="pool")), "pool"),
    "padded pool": Kind(lambda: simple(conv(5, 3), L.MaxPooling2D(3, strides=2, **SAME, name="pool")), "pool"),
    "global pool": Kind(lambda: simple(conv(5, 3), L.GlobalAveragePooling2D(name="g")), "looked_at"),
    "no bias": Kind(lambda: simple(conv(5, 3, use_bias=False)), "looked_at"),
    "gelu": Kind(lambda: simple(conv(5, 3, activation="gelu")), "looked_at"),
    "swish": Kind(lambda: simple(conv(5, 3, activation="swish")), "looked_at"),
    "prelu": Kind(lambda: simple(conv(5, 3, activation=None), L.PReLU(name="p")), "looked_at", after="p"),
    "leaky": Kind(lambda: simple(conv(5, 3, activation=None), L.LeakyReLU(name="p")), "looked_at", after="p"),
    "activation layer": Kind(
        lambda: simple(conv(5, 3, activation=None), L.Activation("elu", name="p")), "looked_at", after="p"
    ),
    "batch normalization": Kind(
        lambda: simple(conv(5, 3, activation=None), L.BatchNormalization(name="n"), L.ReLU(name="p")),
        "looked_at", after="p",
    ),
    "asked for the normalization": Kind(
        lambda: simple(conv(5, 3, activation=None), L.BatchNormalization(name="n"), L.ReLU(name="p")), "n", after="p"
    ),
    "asked for the activation": Kind(
        lambda: simple(conv(5, 3, activation=None), L.BatchNormalization(name="n"), L.ReLU(name="p")), "p"
    ),
    "group normalization": Kind(
        lambda: simple(conv(6, 3, activation=None), L.GroupNormalization(3, name="n"), L.ReLU(name="p")),
        "looked_at", after="p",
    ),
    "layer normalization": Kind(
        lambda: simple(conv(5, 3, activation=None), L.LayerNormalization(name="n"), L.ReLU(name="p")),
        "looked_at", after="p",
    ),
    "normalization without activation": Kind(
        lambda: simple(conv(5, 3, activation=None), L.BatchNormalization(name="n")), "looked_at", after="n"
    ),
    "residual": Kind(lambda: functional(lambda x: head(residual(x))), "looked_at", after="inner_relu"),
    "sum": Kind(lambda: functional(lambda x: head(residual(x))), "sum", after="sum_relu"),
    "joined": Kind(
        lambda: functional(lambda x: head(L.Concatenate(name="j")([conv(3, 3)(x), L.Conv2D(2, 3)(x)]))), "j"
    ),
    "squeeze and excite": Kind(
        lambda: functional(lambda x: head(
            (lambda y: L.Multiply()([y, L.Dense(5, "sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(y))]))(
                conv(5, 3)(x)))), "looked_at"),
    "attention": Kind(
        lambda: functional(lambda x: head(
            (lambda y: L.MultiHeadAttention(2, 4)(y, y))(L.Reshape((100, 5))(conv(5, 3)(x))))), "looked_at"),
    "nested": Kind(lambda: functional(lambda x: head(backbone()(x))), "backbone/block_2_conv",
                   after="backbone/block_2_relu"),
    "nested functional": Kind(
        lambda: functional(lambda x: head(functional(lambda y: L.ReLU()(conv(5, 3)(y)), name="inner")(x))),
        "inner/looked_at"),
    "nested twice": Kind(
        lambda: functional(lambda x: head((lambda b: L.Add()([b(x), b(2.0 * x)]))(backbone()))),
        "backbone#2/block_1_conv"),
    "nested of any size": Kind(
        lambda: functional(lambda x: head(backbone(side=None)(x))), "backbone/block_1_conv"),
    "any size": Kind(
        lambda: functional(lambda x: head(L.GlobalMaxPooling2D()(conv(5, 3)(x))), None, None, 3), "looked_at",
        {"side": (12, 16)}),
    "channels first": Kind(
        lambda: functional(lambda x: head(L.MaxPooling2D(2, data_format="channels_first")(L.BatchNormalization(axis=1)(
            conv(5, 3, data_format="channels_first")(x)))), 3, 14, 12), "looked_at"),
    "two inputs": Kind(two_inputs, "looked_at", {"constants": {"beside": 0.7}}),
    "two outputs": Kind(two_outputs, "looked_at", {"output": "kind"}),
    "shared": Kind(shared, "looked_at#2"),
    "dropout": Kind(lambda: simple(L.Dropout(0.5), conv(5, 3), L.SpatialDropout2D(0.5)), "looked_at"),
    "noise": Kind(lambda: simple(L.GaussianNoise(1.0), conv(5, 3), L.GaussianDropout(0.5)), "looked_at"),
    "augmentation": Kind(
        lambda: simple(L.RandomFlip(), L.RandomRotation(0.3), L.RandomContrast(0.5), conv(5, 3)), "looked_at"),
    "rescaling": Kind(lambda: simple(L.Rescaling(1 / 127.5, -1), conv(5, 3)), "looked_at"),
    "normalization": Kind(lambda: simple(adapted(), conv(5, 3)), "looked_at"),
    "bytes": Kind(bytes_in, "looked_at"),
    "custom layer": Kind(lambda: simple(Scale(2.5), conv(5, 3), Gate()), "looked_at"),
    "custom layer that is looked at": Kind(lambda: simple(conv(5, 3), Gate(name="gate")), "gate"),
    "custom activation": Kind(lambda: simple(conv(5, 3, activation=relu)), "looked_at"),
    "lambda": Kind(lambda: simple(L.Lambda(lambda x: x * 3.0 - 1.0), conv(5, 3)), "looked_at"),
    "operations": Kind(
        lambda: functional(lambda x: head(keras.ops.relu(conv(5, 3, activation=None)(x / 2.0 + 1.0)))), "looked_at",
        after="relu"),
    "float16": Kind(lambda: of_policy("mixed_float16"), "looked_at"),
    "bfloat16": Kind(lambda: of_policy("mixed_bfloat16"), "looked_at"),
    "dense": Kind(lambda: simple(conv(5, 3), L.Flatten(), L.Dense(7, "relu", name="units")), "units"),
    "softmax as a layer": Kind(
        lambda: keras.Sequential([keras.Input((12, 12, 3)), conv(5, 3), L.Flatten(), L.Dense(CLASSES, name="logits"),
                                  L.Softmax(name="answer")]), "logits", after="answer"),
    "logits": Kind(lambda: functional(lambda x: head(conv(5, 3)(x), activation="linear")), "looked_at"),
    "one sigmoid": Kind(lambda: functional(lambda x: head(conv(5, 3)(x), 1, "sigmoid")), "looked_at"),
    "no classes": Kind(lambda: functional(lambda x: L.ReLU()(conv(5, 3)(x))), "looked_at"),
    "odd names": Kind(
        lambda: simple(conv(5, 3, name="pixels"), conv(4, 3, name="_große Schicht > 2")), "_große Schicht > 2"),
    "not trained": Kind(lambda: frozen(simple(conv(5, 3), L.BatchNormalization())), "looked_at"),
    "mobile net": Kind(
        lambda: keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=CLASSES),
        "block_3_project", after="block_3_project_BN"),
    "efficient net": Kind(
        lambda: keras.applications.EfficientNetB0(input_shape=(32, 32, 3), weights=None, classes=CLASSES),
        "block2a_expand_conv", after="block2a_expand_activation"),
}  # fmt: skip


def frozen(model: keras.Model) -> keras.Model:
    """Leave only the last layer to be trained."""
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model


def pictures(shape: tuple[int, ...], count: int = 5, *, whole: bool = False) -> np.ndarray:
    """Draw pictures (count, height, width, channels) between 0 and 3."""
    drawn = np.random.default_rng(3).uniform(0, 3, (count, *shape)).astype(np.float32)
    return np.rint(80 * drawn).astype(np.float32) if whole else drawn


def computed_by_keras(model: keras.Model, inputs: Any, silenced: Mapping[str, Callable] = {}) -> dict[str, Any]:
    """Return the output of every layer by its name, that of nested models `model/layer`, as eager Keras computes it.

    Of a layer that is called several times it is that of each call, `layer#1` and so on.

    Args:
        silenced: what is made of the output of a layer before others see it, by its name.
    """
    found: dict[str, Any] = {}
    _run(model, inputs, "", found, silenced)
    return found


def _run(model: Any, inputs: Any, prefix: str, found: dict[str, Any], silenced: Mapping[str, Callable]) -> Any:
    inner = model._functional if isinstance(model, keras.Sequential) else model
    times = {id(one): 0 for one in inner.operations}
    calls = [node.operation for nodes in inner._nodes_by_depth.values() for node in nodes]

    def recorded(operation: Any) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            times[id(operation)] += 1
            several = sum(one is operation for one in calls) > 1
            name = f"{prefix}{operation.name}" + (f"#{times[id(operation)]}" if several else "")
            if isinstance(operation, keras.Model):
                value = _run(operation, args[0], f"{name}/", found, silenced)
            else:
                takes = getattr(operation, "_call_has_training_arg", False)
                value = operation(*args, **{**kwargs, **({"training": False} if takes else {})})
            value = silenced[name](value) if name in silenced else value
            found[name] = value
            return value

        return call

    return inner._run_through_graph(inner._standardize_inputs(inputs), operation_fn=recorded)
