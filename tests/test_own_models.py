"""Models of users' own: whatever the kind, every function says what eager Keras says."""

import eager
import keras
import numpy as np
import pytest
import tensorflow as tf
import zoo

from pipeline.core import answers, objectives
from pipeline.core.ascent import Convergence, ascend
from pipeline.core.crops import crops
from pipeline.core.forward import fast_forward_pass, plain_forward_pass, value_pass
from pipeline.core.graph import graph_of, make_graph
from pipeline.core.network import convolutions, layer_rows
from pipeline.core.parts import Part, part_of
from pipeline.core.probabilities import probabilities
from pipeline.core.score import features_of, scores
from pipeline.core.units import unit_of
from pipeline.stages.statistics.compute import map_statistics

LOW_PRECISION = {"float16": 5e-3, "bfloat16": 4e-2}


def tolerance(name):
    return {"rtol": LOW_PRECISION.get(name, 2e-5), "atol": LOW_PRECISION.get(name, 2e-5)}


def made(name):
    """A model of a kind, its graph, pictures, and what Keras computes of them in every layer, maps last."""
    kind = zoo.KINDS[name]
    model = zoo.with_random_weights(kind.build())
    graph = make_graph(model, **kind.options)
    pictures = zoo.pictures(graph.input_shape, whole=name == "bytes")
    return kind, model, graph, pictures, lambda shown: in_keras(model, graph, shown)


def in_keras(model, graph, pictures, silenced={}):  # noqa: B006
    shown = tf.transpose(pictures, (0, 3, 1, 2)) if graph.channels_first else tf.convert_to_tensor(pictures)
    named = {graph.nodes[number].name: value for number, value in graph.constants.items()}
    inputs = [
        tf.fill((len(pictures), *tensor.shape[1:]), named[tensor.name]) if tensor.name in named else shown
        for tensor in model.inputs
    ]
    found = zoo.computed_by_keras(model, inputs if len(inputs) > 1 else inputs[0], silenced)
    return {
        name: tf.transpose(value, (0, 2, 3, 1)) if graph.channels_first and len(value.shape) == 4 else value
        for name, value in found.items()
        if hasattr(value, "shape")
    }


# They have hundreds of layers.
LARGE = ("mobile net", "efficient net")


def kinds(*but: str) -> list:
    """Every kind of CNN, but for some."""
    marks = {True: [pytest.mark.slow], False: []}
    return [pytest.param(name, marks=marks[name in LARGE]) for name in zoo.KINDS if name not in but]


@pytest.mark.parametrize("name", kinds())
def test_every_layer_is_that_of_keras(name):
    _, _, graph, pictures, by_keras = made(name)
    expected = by_keras(pictures)
    names = [node.name for node in graph.nodes if node.sources]
    assert set(names) <= expected.keys()
    part = Part(graph, [graph.ref(one) for one in names])
    for make in (plain_forward_pass, fast_forward_pass):
        # all of them at once, and the last one, of which nothing on the way is asked for
        compute = tf.function(make(part_of(graph)), autograph=False)
        last = compute(part_of(graph).weights(), tf.constant(pictures)).numpy()
        np.testing.assert_allclose(last, np.array(expected[graph.output_name], np.float32), **tolerance(name))
    found = tf.function(lambda weights, x: part.given(value_pass(part)(weights, x)), autograph=False)
    for one, value in zip(names, found(part.weights(), tf.constant(pictures)), strict=True):
        assert value.shape[1:] == graph.shape(one), one
        np.testing.assert_allclose(value, np.array(expected[one], np.float32), err_msg=one, **tolerance(name))


def looked_at(kind, found, graph):
    """What Keras computes of the layer that is looked at, behind its activation function."""
    return np.array(value_of(kind, found), np.float32)


def value_of(kind, found):
    # an operation that is no layer has a number behind its name
    name = kind.after or kind.layer
    return found[name] if name in found else next(value for one, value in found.items() if one.startswith(name))


@pytest.mark.parametrize("name", kinds())
def test_a_score_is_that_of_what_the_layer_hands_on(name):
    kind, _, graph, pictures, by_keras = made(name)
    expected = looked_at(kind, by_keras(pictures), graph)
    np.testing.assert_allclose(features_of(graph, kind.layer, pictures), expected, **tolerance(name))
    weights = np.random.default_rng(5).normal(size=expected.shape).astype(np.float32)
    target = objectives.after_activation(graph, kind.layer, weights)
    wanted = (expected * weights).sum(axis=tuple(range(1, expected.ndim)))
    np.testing.assert_allclose(scores(target, pictures), wanted, rtol=1e-3, atol=50 * tolerance(name)["atol"])


# Layer -> what its value is before its activation function, computed from what Keras says of layers before it.
BEFORE = {
    "prelu": "looked_at", "leaky": "looked_at", "activation layer": "looked_at", "operations": "looked_at",
    "batch normalization": "n", "asked for the normalization": "n", "asked for the activation": "n",
    "normalization without activation": "n", "group normalization": "n", "layer normalization": "n",
    "softmax as a layer": "logits", "nested": "backbone/block_2_bn", "residual": "inner_bn", "sum": "sum",
    "joined": "j", "mobile net": "block_3_project_BN", "efficient net": "block2a_expand_bn", "average pool": "pool",
    "custom layer that is looked at": "gate",
}  # fmt: skip


def linear_in_keras(model, kind, found, graph, pictures):
    """What Keras computes of the layer that is looked at, before its activation function."""
    name = next(one for one in zoo.KINDS if zoo.KINDS[one] is kind)
    if name in BEFORE:
        return np.array(found[BEFORE[name]], np.float32)
    node = graph.node(kind.layer)
    layer = node.operation
    if name == "padded pool":
        layer = graph.nodes[node.sources[0].node].operation
    was, layer.activation = layer.activation, keras.activations.linear
    try:
        return np.array(in_keras(model, graph, pictures)[kind.layer], np.float32)
    finally:
        layer.activation = was


# without the activation function of its first call the second one would see something else
@pytest.mark.parametrize("name", kinds("shared", "nested twice"))
def test_before_the_activation_function_is_before_it(name):
    kind, model, graph, pictures, by_keras = made(name)
    expected = linear_in_keras(model, kind, by_keras(pictures), graph, pictures)
    weights = np.random.default_rng(5).normal(size=expected.shape).astype(np.float32)
    target = objectives.before_activation(graph, kind.layer, weights)
    wanted = (expected * weights).sum(axis=tuple(range(1, expected.ndim)))
    np.testing.assert_allclose(scores(target, pictures), wanted, rtol=1e-3, atol=100 * tolerance(name)["atol"])


# steps of an ascent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", kinds("bytes"))
def test_steps_of_an_ascent_are_those_of_the_gradient_in_keras(name):
    kind, model, graph, pictures, _ = made(name)
    begun = tf.image.per_image_standardization(pictures).numpy()
    shape = unit_shape(graph, kind.layer)
    weights = np.random.default_rng(5).normal(size=(len(pictures), *shape)).astype(np.float32)
    expected = tf.constant(begun)
    for size in (0.1, 0.05):
        with tf.GradientTape() as tape:
            tape.watch(expected)
            features = tf.cast(value_of(kind, in_keras(model, graph, expected)), tf.float32)
            value = tf.reduce_sum(features * weights)
        gradient = tape.gradient(value, expected)
        root = tf.sqrt(tf.reduce_mean(gradient**2, axis=(1, 2, 3), keepdims=True))
        expected = tf.image.per_image_standardization(expected + size * gradient / (root + 1e-7))
    never = Convergence(0.0, 0, 1, stop=False)
    found = ascend(
        objectives.after_activation(graph, kind.layer, weights), begun, np.array([0.1, 0.05], np.float32),
        convergence=never,
    )  # fmt: skip
    if name in LOW_PRECISION:
        # what is rounded at the threshold of a rectifier turns a few pixels
        assert np.abs(found.images - expected).mean() < 0.1 * LOW_PRECISION[name]
        assert np.corrcoef(found.images.ravel(), expected.numpy().ravel())[0, 1] > 0.9999
        return
    np.testing.assert_allclose(found.images, expected, atol=2e-3)


def unit_shape(graph, layer):
    return graph.shape_of(unit_of(graph, layer).after)


# statistics, ablation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", kinds())
def test_statistics_and_ablation_are_those_of_keras(name):
    kind, model, graph, _, _ = made(name)
    pictures = zoo.pictures(graph.input_shape, 24, whole=name == "bytes")
    labels = np.arange(24) % (2 if name == "one sigmoid" else zoo.CLASSES)
    classes = int(labels.max()) + 1
    found = map_statistics(graph, kind.layer, pictures, labels, classes=classes, batch_size=10)
    where = next(one for one in in_keras(model, graph, pictures[:1]) if one.startswith(kind.after or kind.layer))
    features = looked_at(kind, in_keras(model, graph, pictures), graph)
    means = features.reshape(24, -1, features.shape[-1]).mean(axis=1)
    np.testing.assert_allclose(found.mean, means.mean(axis=0), **tolerance(name))
    np.testing.assert_allclose(found.class_means.T, [means[labels == c].mean(axis=0) for c in range(classes)],
                               **tolerance(name))  # fmt: skip
    if name == "no classes":
        assert np.isnan(found.accuracy).all()
        return

    def accuracy(silenced):
        said = np.array(in_keras(model, graph, pictures, silenced)[graph.output_name], np.float32)
        predicted = said[:, 0] > 0.5 if said.shape[1] == 1 else said.argmax(axis=1)
        return [(predicted == labels)[labels == c].mean() for c in range(classes)]

    # in a low precision two classes may be as likely to the last bit
    least = 0.2 if name in LOW_PRECISION else 1e-7
    np.testing.assert_allclose(found.accuracy, accuracy({}), atol=least)
    for index in (0, features.shape[-1] - 1):
        off = {where: lambda value, index=index: without(value, index, first=graph.channels_first)}
        np.testing.assert_allclose(found.ablated_accuracy[index], accuracy(off), atol=least, err_msg=str(index))


def without(value, index, *, first):
    """The output of a layer as it has it, with one map set to zero."""
    axis = 1 if first and len(value.shape) == 4 else len(value.shape) - 1
    keep = np.ones(value.shape[axis], bool)
    keep[index] = False
    return tf.where(keep.reshape([-1 if k == axis else 1 for k in range(len(value.shape))]), value, 0)


# what a node sees ----------------------------------------------------------------------------------------------------

# of which it is not known, as they are enlarged, or see all
NOT_KNOWN = {"transposed", "group normalization", "custom layer", "custom layer that is looked at", "lambda"}


@pytest.mark.parametrize("name", kinds("dense", "softmax as a layer"))
def test_no_pixel_outside_of_what_a_node_sees_changes_it(name):
    kind, model, graph, _, _ = made(name)
    try:
        boxes = crops(graph, kind.layer)
    except ValueError:
        assert name in NOT_KNOWN or "net" in name
        return
    pictures = tf.constant(zoo.pictures(graph.input_shape, 3, whole=name == "bytes"))
    rows, columns = boxes.shape[:2]
    row, column = rows // 2, columns // 3
    top, left, bottom, right = boxes[row, column]
    if name == "bytes":
        inside = np.zeros(graph.input_shape[:2], bool)
    else:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            features = tf.cast(value_of(kind, in_keras(model, graph, pictures)), tf.float32)
            value = tf.reduce_sum(features[:, row, column] * np.linspace(1, 2, features.shape[-1], dtype=np.float32))
        inside = (tape.gradient(value, pictures).numpy() != 0).any(axis=(0, 3))
        assert inside.any() or name == "lambda"
    inside[top:bottom, left:right] = False
    assert not inside.any()


# what is said of a picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind", "classes"), [
    ("plain", answers.PROBABILITIES, 4), ("softmax as a layer", answers.PROBABILITIES, 4),
    ("logits", answers.LOGITS, 4), ("one sigmoid", answers.INDEPENDENT, 2), ("no classes", answers.LOGITS, None),
])  # fmt: skip
def test_what_an_output_says(name, kind, classes):
    *_, graph, pictures, by_keras = made(name)
    assert (answers.kind_of(graph), answers.classes_of(graph)) == (kind, classes)
    if classes is None:
        return
    said = np.array(by_keras(pictures)[graph.output_name])
    found = probabilities(said)
    assert found.shape == (len(pictures), classes)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    if name == "logits":
        np.testing.assert_allclose(found, tf.nn.softmax(said), rtol=1e-5)
    np.testing.assert_array_equal(answers.predicted(said, kind), found.argmax(axis=1))


# what is said of the layers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", kinds())
def test_the_layers_are_all_told_of_with_their_weights(name):
    _, model, graph, _, _ = made(name)
    rows = layer_rows(graph)
    assert [row.name for row in rows] == [node.name for node in graph.nodes if node.sources]
    assert sum(row.weights for row in rows) == model.count_params()


# equal parts ---------------------------------------------------------------------------------------------------------


def test_models_of_the_same_layers_share_a_program_and_others_do_not():
    one, same = (part_of(zoo.KINDS["plain"].build()) for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    for name in ("padded", "no bias", "gelu", "grouped", "custom activation", "rescaling"):
        other = part_of(zoo.KINDS[name].build())
        assert other != one, name
    for name in ("custom layer", "normalization", "lambda", "custom activation"):
        first, second = (part_of(zoo.KINDS[name].build()) for _ in range(2))
        assert first != second, name


def test_a_layer_that_is_changed_is_seen_as_it_is():
    model = zoo.KINDS["normalization"].build()
    pictures = zoo.pictures((12, 12, 3))
    before = features_of(model, "looked_at", pictures)
    model.layers[0].adapt(10 * pictures)
    after = features_of(model, "looked_at", pictures)
    np.testing.assert_allclose(after, eager.layer_outputs(model, ["looked_at"], pictures)["looked_at"], atol=1e-5)
    assert np.abs(after - before).max() > 0.1


def test_models_that_cannot_be_taken_are_refused_in_words():
    class Own(keras.Model):
        def call(self, x):
            return x

    for model, words in [
        (Own(), "expected a Sequential or functional Keras model; received Own"),
        (keras.Sequential([keras.layers.Dense(2)]), "expected a model that has been built"),
        (zoo.two_outputs(), "expected one output; received the outputs age, kind"),
        (zoo.simple(keras.layers.RandomCrop(8, 8, name="cut")), "the layer cut is a RandomCrop"),
        (zoo.functional(lambda x: keras.layers.Dense(2)(x), 7), r"expected one input \(height, width, channels\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            make_graph(model)
    with pytest.raises(ValueError, match="expected one of the inputs beside, image; received 'picture'"):
        make_graph(zoo.two_inputs(), picture="picture")
    with pytest.raises(ValueError, match=r"expected constants of the inputs \['beside'\]; received \['image'\]"):
        make_graph(zoo.two_inputs(), constants={"image": 1.0})
    with pytest.raises(ValueError, match="called several times: expected looked_at#1 or looked_at#2"):
        graph_of(zoo.shared()).ref("looked_at")


def test_the_models_are_left_as_they_were():
    for name in ("nested", "nested twice", "plain", "residual", "shared"):
        kind, model, graph, pictures, _ = made(name)
        weights = [np.array(weight) for weight in model.weights]
        calls = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model._flatten_layers()]
        map_statistics(graph, kind.layer, pictures, np.arange(5) % 4, classes=4)
        features_of(graph, kind.layer, pictures)
        assert calls == [(len(one._inbound_nodes), len(one._outbound_nodes)) for one in model._flatten_layers()]
        for weight, was in zip(model.weights, weights, strict=True):
            np.testing.assert_array_equal(weight, was)


def test_weights_that_are_sums_of_others_are_as_keras_has_them():
    model = zoo.with_random_weights(zoo.functional(lambda x: zoo.head(keras.layers.Dense(
        6, "relu", name="looked_at")(keras.layers.Flatten()(zoo.conv(5, 3, name="c")(x))))))  # fmt: skip
    pictures = zoo.pictures((12, 12, 3))
    for name in ("c", "looked_at", "answer"):
        model.get_layer(name).enable_lora(2)
    for weight in model.weights:
        if "lora" in weight.path:
            weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    expected = zoo.computed_by_keras(model, tf.constant(pictures))
    for name in ("c", "looked_at", "answer"):
        np.testing.assert_allclose(features_of(model, name, pictures), expected[name], rtol=1e-4, atol=1e-4)
        target = objectives.before_activation(model, name, np.ones((5, *graph_of(model).shape(name)), np.float32))
        for forward in (plain_forward_pass, fast_forward_pass):
            tf.function(forward(target.part))(target.part.weights(), tf.constant(pictures))


def test_a_convolution_in_a_wrapper_is_one():
    wrapped = keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3), name="wrapped")
    model = zoo.simple(zoo.conv(3, 3), wrapped, keras.layers.ReLU(), keras.layers.Conv2DTranspose(2, 3, name="t"))
    assert convolutions(model) == ["looked_at", "wrapped", "t"]
