"""What is said of the maps of a convolution: by hand, and against the same in NumPy, one image at a time."""

import dataclasses
from itertools import product

import eager
import keras
import numpy as np
import pytest
import reference

from pipeline.core.crops import crops
from pipeline.core.statistics import class_moments, confusion_of, correlation_of, neighbours, preference
from pipeline.runtime.errors import InputError
from pipeline.stages.statistics.compute import map_statistics

NAN = np.nan
COUNT = 23
LABELS = np.random.default_rng(3).integers(0, 3, COUNT)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """(23, 12, 12, 1) of different contrast, so that they do not activate the maps alike."""
    generator = np.random.default_rng(2)
    return (generator.normal(size=(COUNT, 12, 12, 1)) * generator.uniform(0.5, 3, (COUNT, 1, 1, 1))).astype(np.float32)


def conv(filters, size, activation="relu", **options):
    return keras.layers.Conv2D(filters, size, activation=activation, **options)


pool, flatten, dense = keras.layers.MaxPooling2D, keras.layers.Flatten, keras.layers.Dense


def randomized(model):
    """With weights that are not small, and positive where a normalization needs them so."""
    generator = np.random.default_rng(1)
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([generator.normal(0, 0.4, s) if len(s) > 1 else generator.uniform(0.1, 0.9, s) for s in shapes])
    return model


def chain(*layers, side=12, channels=1):
    return randomized(keras.Sequential([keras.Input((side, side, channels)), *layers]))


# by hand -------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("means", "preferred", "selectivity"),
    [
        ([4, 1, 1], 0, 0.6),  # (4 - 1) / (4 + 1)
        ([1, 3, 2], 1, 1 / 3),  # (3 - 1.5) / (3 + 1.5)
        ([0, 0, 7], 2, 1),
        ([2, 2, 1], 0, 1 / 7),  # the first of two; (2 - 1.5) / (2 + 1.5)
        ([2, 2, 2], -1, 0),
        ([2, 2, 2 - 1e-8], -1, 0),  # less than the rounding of a float32
        ([0, 0, 0], -1, NAN),
        ([-1, 2, 0], 1, NAN),
        ([-3, -1, -2], 1, NAN),
        ([1, NAN, 3], 2, 0.5),  # (3 - 1) / (3 + 1): the class without images has no say
        ([NAN, 5, NAN], -1, NAN),
        ([NAN, NAN], -1, NAN),
        ([5], -1, NAN),
    ],
)
def test_preferred_class_and_selectivity_by_hand(means, preferred, selectivity):
    found = preference(np.array([means, means], float))
    assert found.classes.tolist() == [preferred, preferred]
    np.testing.assert_allclose(found.selectivity, [selectivity] * 2, atol=1e-7)


def test_moments_of_classes_by_hand():
    moments = class_moments(np.array([[1.0, 0], [3, 5], [8, 9]]), np.array([2, 2, 0]), 3)
    np.testing.assert_allclose(moments.means, [[8, NAN, 2], [9, NAN, 2.5]])
    np.testing.assert_allclose(moments.deviations, [[0, NAN, 1], [0, NAN, 2.5]])


def test_correlations_by_hand():
    # rising, twice that, falling, the same for all, as much at both ends
    activations = np.array([[1, 2, 3, 1, 1], [2, 4, 2, 1, 0], [3, 6, 1, 1, 1]], float)
    expected = [
        [1, 1, -1, NAN, 0],
        [1, 1, -1, NAN, 0],
        [-1, -1, 1, NAN, 0],
        [NAN, NAN, NAN, NAN, NAN],
        [0, 0, 0, NAN, 1],
    ]
    np.testing.assert_allclose(correlation_of(activations), expected, atol=1e-12)


def test_what_differs_by_the_rounding_of_a_float32_is_constant():
    activations = np.array([[0.1, 1], [np.nextafter(np.float32(0.1), np.float32(1)), 2]], float)
    np.testing.assert_array_equal(correlation_of(activations), [[NAN, NAN], [NAN, 1]])


def test_neighbours_by_hand():
    correlation = np.array(
        [
            [1.0, 0.9, -0.2, NAN, 0.5],
            [0.9, 1.0, 0.5, NAN, 0.5],
            [-0.2, 0.5, 1.0, NAN, -0.7],
            [NAN, NAN, NAN, NAN, NAN],
            [0.5, 0.5, -0.7, NAN, 1.0],
        ]
    )
    two = neighbours(correlation, 2)
    assert two.similar.tolist() == [[1, 4], [0, 2], [1, 0], [-1, -1], [0, 1]]
    assert two.opposite.tolist() == [[2, 4], [2, 4], [4, 0], [-1, -1], [2, 0]]
    seven = neighbours(correlation, 7)
    assert seven.similar[0].tolist() == [1, 4, 2, -1, -1, -1, -1]
    assert seven.opposite[2].tolist() == [4, 0, 1, -1, -1, -1, -1]
    assert np.isnan(correlation[3]).all()
    assert correlation.diagonal().tolist()[:3] == [1, 1, 1]


def test_confusion_by_hand():
    labels, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 2, 2])
    assert confusion_of(labels, predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert confusion_of(labels, predicted, 4).shape == (4, 4)


# against NumPy, one image at a time ----------------------------------------------------------------------------------


def predicted_class(model, features):
    """What the two dense layers of the tiny CNN make of the features of its last convolution."""
    (first, first_bias), (second, second_bias) = (
        [weight.astype(np.float64) for weight in model.get_layer(name).get_weights()] for name in ("Dense_1", "Output")
    )
    activation = model.get_layer("Dense_1").activation.__name__
    hidden = reference.activate(features.reshape(-1) @ first + first_bias, activation)
    return int(np.argmax(hidden @ second + second_bias))


def expected_statistics(model, layers, images, labels, classes, top):
    """The fields of the result, by loops over images, maps and classes."""
    features = [reference.outputs(layers, image[..., 0])[-1] for image in images.astype(np.float64)]
    height, width, maps = features[0].shape
    means = np.array([[feature[..., m].mean() for m in range(maps)] for feature in features])

    def of_class(c, function):
        chosen = [row for row, label in zip(means, labels, strict=True) if label == c]
        return function(chosen, axis=0) if chosen else np.full(maps, NAN)

    def accuracy(predictions):
        right = [
            [p == label for p, label in zip(predictions, labels, strict=True) if label == c] for c in range(classes)
        ]
        return [sum(some) / len(some) if some else NAN for some in right]

    def without(feature, m):
        silenced = feature.copy()
        silenced[..., m] = 0
        return silenced

    def index(values):
        known = [value for value in values if not np.isnan(value)]
        largest = max(known)
        rest = (sum(known) - largest) / (len(known) - 1)
        return (largest - rest) / (largest + rest) if min(known) >= 0 and largest > 0 else NAN

    class_means = np.array([of_class(c, np.mean) for c in range(classes)]).T
    predictions = [predicted_class(model, feature) for feature in features]
    confusion = np.zeros((classes, classes), int)
    for label, p in zip(labels, predictions, strict=True):
        confusion[label, p] += 1
    best = [sorted(range(len(images)), key=lambda i, m=m: (-means[i, m], i))[:top] for m in range(maps)]
    strongest = [
        [np.unravel_index(features[i][..., m].argmax(), (height, width)) for i in best[m]] for m in range(maps)
    ]
    return {
        "mean": means.mean(axis=0),
        "deviation": np.sqrt(((means - means.mean(axis=0)) ** 2).mean(axis=0)),
        "active_share": [np.mean([(feature[..., m] > 0).any() for feature in features]) for m in range(maps)],
        "class_means": class_means,
        "class_deviations": np.array([of_class(c, np.std) for c in range(classes)]).T,
        "preferred_class": [np.nanargmax(row) for row in class_means],
        "selectivity": [index(row) for row in class_means],
        "top_indices": best,
        "top_activations": [[means[i, m] for i in best[m]] for m in range(maps)],
        "top_rows": [[row for row, _ in places] for places in strongest],
        "top_columns": [[column for _, column in places] for places in strongest],
        "top_nodes": [[features[i][..., m].max() for i in best[m]] for m in range(maps)],
        "class_positions": [
            np.mean([f for f, label in zip(features, labels, strict=True) if label == c], axis=0).transpose(2, 0, 1)
            for c in range(classes)
        ],
        "position_means": np.mean(features, axis=0).transpose(2, 0, 1),
        "correlation": np.corrcoef(means.T),
        "accuracy": accuracy(predictions),
        "confusion": confusion,
        "ablated_accuracy": [accuracy([predicted_class(model, without(f, m)) for f in features]) for m in range(maps)],
    }


@pytest.mark.parametrize("batch_size", [1, 7, COUNT])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_all_numbers_are_those_of_numpy(new_cnn, layers_up_to, images, activation, batch_size):
    model = new_cnn(activation=activation)
    # with these the tiny CNN takes images for all three classes
    model.get_layer("Output").kernel.assign(3 * model.get_layer("Output").kernel)
    expected = expected_statistics(model, layers_up_to(model, "Conv2D_2"), images, LABELS, 3, 4)
    found = map_statistics(model, "Conv2D_2", images, LABELS, classes=3, top=4, batch_size=batch_size)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(found, name), value, atol=1e-5, err_msg=name)
    fields = {field.name for field in dataclasses.fields(found)}
    assert fields == {"layer", "classes", "top_crops", *expected}
    # otherwise the test of what a map is good for would be none
    assert (np.abs(found.ablated_accuracy - found.accuracy) > 0.05).any()
    assert activation == "relu" or (np.isnan(found.selectivity).any() and (found.active_share > 0).all())


def test_numbers_do_not_depend_on_the_batch_size(tiny_cnn, images):
    one, seven, everything = (
        map_statistics(tiny_cnn(), "Conv2D_1", images, LABELS, classes=3, batch_size=size) for size in (1, 7, 100)
    )
    for field in dataclasses.fields(one)[2:]:
        value = getattr(everything, field.name)
        np.testing.assert_allclose(getattr(one, field.name), value, atol=1e-5, err_msg=field.name)
        np.testing.assert_allclose(getattr(seven, field.name), value, atol=1e-5, err_msg=field.name)
        assert value.dtype in (np.float64, np.int64)


@pytest.mark.filterwarnings("error")
def test_a_class_without_images_and_a_map_that_is_constant(new_cnn, images):
    model = new_cnn(classes=4)
    kernel, bias = model.get_layer("Conv2D_2").get_weights()
    kernel[..., [1, 2]], bias[[1, 2]] = 0, [0, 0.3]
    model.get_layer("Conv2D_2").set_weights([kernel, bias])
    found = map_statistics(model, "Conv2D_2", images, LABELS, classes=4, top=100)
    assert np.isnan(found.class_means[:, 3]).all()
    assert np.isnan(found.class_deviations[:, 3]).all()
    assert np.isnan(found.accuracy[3])
    assert np.isnan(found.ablated_accuracy[:, 3]).all()
    assert found.confusion[3].sum() == 0
    assert np.isfinite(found.class_means[:, :3]).all()
    assert np.isfinite(found.ablated_accuracy[:, :3]).all()
    assert found.preferred_class[[1, 2]].tolist() == [-1, -1]
    np.testing.assert_allclose(found.selectivity[[1, 2]], [NAN, 0], atol=1e-7)
    assert found.active_share[[1, 2]].tolist() == [0, 1]
    assert np.isnan(found.correlation[[1, 2]]).all()
    assert np.isfinite(found.correlation[0, [0, 3, 4, 5]]).all()
    # no more than there are; where all are equal, in their order
    assert found.top_indices.shape == (6, COUNT)
    assert found.top_indices[1].tolist() == list(range(COUNT))


def test_labels_may_be_bytes(images):
    model = chain(conv(2, 3, name="C"), flatten(), dense(200))
    labels = np.full(COUNT, 199, np.uint8)
    found = map_statistics(model, "C", images, labels, classes=200)
    assert found.confusion.sum() == found.confusion[199].sum() == COUNT


def test_neither_the_model_nor_the_images_are_changed(tiny_cnn, images):
    model, before = tiny_cnn(), images.copy()
    weights = [weight.copy() for weight in model.get_weights()]
    calls = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers]
    first, second = (map_statistics(model, "Conv2D_2", images, LABELS, classes=3) for _ in range(2))
    for field in dataclasses.fields(first)[2:]:
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    np.testing.assert_array_equal(images, before)
    for weight, was in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, was)
    assert [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers] == calls


def test_progress_is_told_in_images(tiny_cnn, images):
    told = []
    map_statistics(tiny_cnn(), "Conv2D_1", images, LABELS, classes=3, batch_size=10, progress=lambda *a: told.append(a))
    assert told == [("statistics", done, COUNT) for done in (0, 10, 20, COUNT)]


# ablation ------------------------------------------------------------------------------------------------------------


def with_branch_before():
    x = inputs = keras.Input((12, 12, 1))
    x = conv(3, 3)(x)
    x = keras.layers.Add()([x, conv(3, 3, padding="same")(x)])
    x = flatten()(conv(4, 3, name="C")(x))
    return randomized(keras.Model(inputs, dense(3, activation="softmax")(x)))


def around():
    x = inputs = keras.Input((12, 12, 1))
    c = conv(4, 3, padding="same", name="C")(x)
    return keras.Model(inputs, dense(3)(flatten()(keras.layers.Concatenate()([x, c]))))


def with_an_operation():
    x = inputs = keras.Input((12, 12, 1))
    return keras.Model(inputs, dense(3)(flatten()(conv(4, 3, name="C")(x) * 2)))


HEADS = {
    "dense": lambda: chain(conv(4, 3, name="C"), flatten(), dense(5, "tanh"), dense(3)),
    "convolution and pools": lambda: chain(
        conv(4, 3, name="C"), pool(2), conv(3, 2, padding="same"), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.5), dense(3, "softmax"),
    ),
    "normalization": lambda: chain(
        conv(4, 3, name="C"), keras.layers.BatchNormalization(), keras.layers.ReLU(), flatten(), dense(3),
    ),
    "a model as a layer": lambda: chain(
        conv(4, 3, name="C"), keras.Sequential([keras.Input((10, 10, 4)), conv(2, 3), flatten()]), dense(3),
    ),
    "branch before the layer": with_branch_before,
    "branch around the layer": lambda: randomized(around()),
    "operation behind the layer": lambda: randomized(with_an_operation()),
    "colours": lambda: chain(conv(4, 3, "tanh", name="C"), flatten(), dense(3), channels=3),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_a_map_set_to_zero_is_a_map_whose_weights_are_zero(name):
    model = HEADS[name]()
    images = np.random.default_rng(6).normal(size=(60, *model.inputs[0].shape[1:])).astype(np.float32)
    labels = np.arange(60) % 3

    def accuracy():
        right = model.predict(images, verbose=0).argmax(axis=1) == labels
        return [right[labels == c].mean() for c in range(3)]

    found = map_statistics(model, "C", images, labels, classes=3, batch_size=25)
    np.testing.assert_allclose(found.accuracy, accuracy())
    layer = model.get_layer("C")
    kernel, bias = layer.get_weights()
    for index in range(4):
        silent_kernel, silent_bias = kernel.copy(), bias.copy()
        silent_kernel[..., index] = silent_bias[index] = 0
        layer.set_weights([silent_kernel, silent_bias])
        np.testing.assert_allclose(found.ablated_accuracy[index], accuracy(), err_msg=str(index))
    assert (found.ablated_accuracy != found.accuracy).any()


@pytest.mark.parametrize("layer", ["Dense_1", "Output"])
def test_units_of_a_dense_layer_are_maps_of_one_position(new_cnn, images, layer):
    model = new_cnn()
    features = keras.Model(model.inputs[0], model.get_layer(layer).output).predict(images, verbose=0)
    found = map_statistics(model, layer, images, LABELS, classes=3, top=2)
    np.testing.assert_allclose(found.mean, features.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(
        found.class_positions[..., 0, 0], [features[c == LABELS].mean(axis=0) for c in range(3)], atol=1e-6
    )
    best = np.argsort(-features, axis=0, kind="stable")[:2].T
    np.testing.assert_array_equal(found.top_indices, best)
    assert (found.top_crops == [0, 0, 12, 12]).all()
    assert not found.top_rows.any()
    kernel, bias = (weight.astype(np.float64) for weight in model.get_layer("Output").get_weights())
    for index in range(features.shape[1]):
        without = features.astype(np.float64)
        without[:, index] = 0
        right = (without if layer == "Output" else without @ kernel + bias).argmax(axis=1) == LABELS
        np.testing.assert_allclose(found.ablated_accuracy[index], [right[c == LABELS].mean() for c in range(3)])


def test_the_maps_of_a_pool(new_cnn, images):
    found = map_statistics(new_cnn(), "Max_Pool_1", images, LABELS, classes=3, top=1)
    height, width = found.position_means.shape[1:]
    assert (height, width) == (5, 5)
    # a kernel of 3, two of its positions: 4 pixels a side
    assert {(b - t, r - left) for t, left, b, r in found.top_crops.reshape(-1, 4).tolist()} == {(4, 4)}


# what a node sees ----------------------------------------------------------------------------------------------------


def branched():
    x = inputs = keras.Input((13, 13, 1))
    x = conv(2, 3, strides=2, padding="same")(x)
    near, far = conv(2, 1)(x), conv(2, 3, padding="same")(x)
    joined = keras.layers.Concatenate()([keras.layers.Add()([near, far]), x])
    return keras.Model(inputs, conv(3, 2, name="C")(joined))


SEEN = {
    "unpadded": lambda: chain(conv(2, 3), pool(2), conv(3, 3, name="C")),
    "padded": lambda: chain(conv(2, 3, padding="same"), pool(2), conv(3, 3, padding="same", name="C")),
    "padded strides": lambda: chain(
        conv(2, 3, padding="same", strides=2), conv(3, 4, padding="same", strides=2, name="C"), side=13
    ),
    # the thirteenth row and column are dropped by the pool, so no padded position behind it sees them
    "padded behind a pool that drops a row": lambda: chain(pool(2), conv(3, 3, padding="same", name="C"), side=13),
    "dilated": lambda: chain(conv(2, 3, padding="same", dilation_rate=2), conv(3, 2, dilation_rate=3, name="C")),
    "no square": lambda: chain(conv(2, (3, 2)),
                               pool((1, 3)), conv(3, (2, 3), padding="same", name="C")),
    "padded pools": lambda: chain(
        conv(2, 3), pool(3, strides=2, padding="same"), keras.layers.AveragePooling2D(2, padding="same"),
        conv(3, 2, name="C"), side=13,
    ),
    "zeros around": lambda: chain(
        keras.layers.ZeroPadding2D(((2, 0), (1, 3))), conv(2, 3, strides=2), keras.layers.BatchNormalization(),
        keras.layers.ReLU(), conv(3, 2, name="C"),
    ),
    "depthwise": lambda: chain(
        keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        keras.layers.SeparableConv2D(3, 3, padding="same", strides=2), conv(3, 3, name="C"),
    ),
    "branches": lambda: randomized(branched()),
    "one node that sees all": lambda: chain(conv(3, 12, name="C")),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_a_crop_is_the_smallest_rectangle_of_the_pixels_that_change_a_node(name):
    model = SEEN[name]()
    model.set_weights([np.abs(weight) + 0.1 for weight in model.get_weights()])
    layer = model.get_layer("C")
    side, found = model.inputs[0].shape[1], crops(model, "C")
    # with positive weights and pixels every pixel that a node sees changes it
    pictures = np.ones((side**2 + 1, side, side, 1), np.float32)
    pictures[np.arange(side**2), *np.unravel_index(np.arange(side**2), (side, side)), 0] = 50
    outputs = keras.Model(model.inputs[0], layer.output).predict(pictures, batch_size=512, verbose=0)
    changed = (outputs[:-1] != outputs[-1]).any(axis=-1).reshape(side, side, *found.shape[:2])
    for row, column in product(*map(range, found.shape[:2])):
        rows, columns = (np.flatnonzero(changed[:, :, row, column].any(axis=axis)) for axis in (1, 0))
        expected = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        assert found[row, column].tolist() == expected, (row, column)


def test_crops_by_hand():
    def of(*layers, side=5):
        return crops(keras.Sequential([keras.Input((side, side, 1)), *layers]), layers[-1].name)

    # stride 2, two pixels of padding for 5 pixels and 3 positions: one before, one behind
    assert of(conv(1, 3, strides=2, padding="same")).tolist()[0] == [[0, 0, 2, 2], [0, 1, 2, 4], [0, 3, 2, 5]]
    # an even kernel has its odd pixel of padding behind
    assert of(conv(1, 2, padding="same"), side=2).tolist()[1] == [[1, 0, 2, 2], [1, 1, 2, 2]]
    # both taps of the first position fall on padding
    assert of(conv(1, 2, padding="same", dilation_rate=5), side=3).tolist()[0][0] == [0, 0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unpadded", "padded strides", "dilated", "branches"])
def test_no_pixel_outside_its_crop_changes_the_strongest_node(name):
    body = SEEN[name]()
    layer = body.get_layer("C")
    model = keras.Model(body.inputs[0], dense(3)(flatten()(layer.output)))
    side = model.inputs[0].shape[1]
    images = np.random.default_rng(8).normal(size=(9, side, side, 1)).astype(np.float32)
    found = map_statistics(model, "C", images, np.arange(9) % 3, classes=3, top=2)
    part = keras.Model(model.inputs[0], layer.output)
    edges = 0
    # where a map is silent no single pixel need bring it above 0
    for index, place in product(np.flatnonzero(found.top_nodes[:, 1]), range(2)):
        row, column = found.top_rows[index, place], found.top_columns[index, place]
        top, left, bottom, right = found.top_crops[index, place]
        image = images[found.top_indices[index, place]]
        changed = np.repeat(image[None], side**2 + 1, axis=0)
        changed[np.arange(side**2), *np.unravel_index(np.arange(side**2), (side, side)), 0] += 2
        nodes = part.predict(changed, batch_size=512, verbose=0)[:, row, column, index]
        np.testing.assert_allclose(nodes[-1], found.top_nodes[index, place], rtol=1e-5)
        same = (nodes[:-1] == nodes[-1]).reshape(side, side)
        assert not same[top:bottom, left:right].all()
        same[top:bottom, left:right] = True
        assert same.all()
        edges += (bottom - top) * (right - left) < side**2
    # a crop that is the whole picture would prove nothing
    assert edges > 0


# what is refused -----------------------------------------------------------------------------------------------------


def used_twice():
    x = inputs = keras.Input((12, 12, 1))
    c = conv(1, 3, padding="same", name="C")
    return keras.Model(inputs, dense(3)(flatten()(c(c(x)))))


def aside():
    x = inputs = keras.Input((12, 12, 1))
    c = conv(1, 3, name="C")(x)
    return keras.Model(inputs, [dense(3)(flatten()(x)), dense(3)(flatten()(c))])


def two_inputs():
    one, other = keras.Input((12, 12, 1)), keras.Input((12, 12, 1))
    c = conv(1, 3, name="C")(keras.layers.Add()([one, other]))
    return keras.Model([one, other], dense(3)(flatten()(c)))


class Subclassed(keras.Model):
    pass


def body(*layers):
    return lambda: chain(*layers, keras.layers.GlobalAveragePooling2D(), dense(3))


MODELS = {
    "used twice": (used_twice, "layer: takes a layer of the model; got the layer C is called several times: .* C#1 "),
    "two outputs": (aside, "model: takes a CNN .*; got expected one output; received the outputs dense"),
    "two inputs": (two_inputs, r"model: takes a CNN .*; got expected one input .* \(12, 12, 1\)"),
    "no such layer": (
        lambda: chain(flatten(), keras.layers.Dense(3, name="O")),
        "layer: takes a layer of the model; got no layer 'C': expected one of .*, O",
    ),
    "no layers of its own": (Subclassed, "model: takes a CNN that Keras knows the layers of; got .*Subclassed"),
    "layers that do not know their input": (
        lambda: keras.Sequential([dense(3)]), "model: .* received a Sequential without an input shape",
    ),
    "all sizes": (lambda: chain(conv(1, 3, name="C"), keras.layers.GlobalAveragePooling2D(), dense(3), side=None),
                  r"model: takes pictures of one size; got an input of the shape \(0, 0, 1\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_models_that_are_refused(name, images):
    build, words = MODELS[name]
    with pytest.raises(InputError, match=words) as caught:
        map_statistics(build(), "C", images, LABELS, classes=3)
    assert "\n" not in str(caught.value)


NOT_OF_THE_CLASSES = {
    "other classes": lambda: chain(conv(1, 3, name="C"), flatten(), dense(4)),
    "maps": lambda: chain(conv(3, 3, name="C")),
}


@pytest.mark.parametrize("name", NOT_OF_THE_CLASSES)
def test_of_a_model_of_other_classes_only_what_maps_answer_is_known(name, images):
    model = NOT_OF_THE_CLASSES[name]()
    found = map_statistics(model, "C", images, LABELS, classes=3)
    features = eager.layer_outputs(model, ["C"], images)["C"].mean(axis=(1, 2))
    np.testing.assert_allclose(found.class_means.T, [features[c == LABELS].mean(axis=0) for c in range(3)], atol=1e-6)
    assert np.isnan(found.accuracy).all()
    assert np.isnan(found.ablated_accuracy).all()
    assert not found.confusion.any()


def test_without_labels_nothing_is_said_of_classes(tiny_cnn, images):
    found = map_statistics(tiny_cnn(), "Conv2D_2", images, np.full(COUNT, -1), classes=0)
    with_labels = map_statistics(tiny_cnn(), "Conv2D_2", images, LABELS, classes=3)
    for name in ("mean", "deviation", "top_indices", "top_crops", "correlation"):
        np.testing.assert_array_equal(getattr(found, name), getattr(with_labels, name))
    np.testing.assert_allclose(found.position_means, with_labels.position_means)
    assert found.class_means.shape == (6, 0)
    assert (found.preferred_class == -1).all()
    assert found.confusion.shape == (0, 0)


ALL = {
    "enlarged": body(keras.layers.UpSampling2D(2, name="up"), conv(1, 3, name="C")),
    "a sum with a stretched branch": lambda: stretched(),
}


def stretched():
    inputs = keras.Input((12, 12, 1))
    x = keras.layers.Add(name="up")([inputs, keras.layers.MaxPooling2D(12)(inputs)])
    return keras.Model(inputs, dense(3)(flatten()(conv(1, 3, name="C")(x))))


@pytest.mark.parametrize("name", ALL)
def test_where_it_is_not_known_what_a_node_sees_it_is_all(name, images):
    found = map_statistics(ALL[name](), "C", images, LABELS, classes=3)
    assert (found.top_crops == [0, 0, 12, 12]).all()


@pytest.mark.parametrize("layer", ["conv2d_2", ""])
def test_a_layer_that_is_not_there_is_refused_with_those_that_are(tiny_cnn, images, layer):
    there = "Input, Conv2D_1, Max_Pool_1, Conv2D_2, Flatten, Dense_1, Output"
    words = f"layer: takes a layer of the model; got no layer {layer!r}: expected one of {there}"
    with pytest.raises(InputError, match=f"^{words}$"):
        map_statistics(tiny_cnn(), layer, images, LABELS, classes=3)


IMAGES = np.zeros((4, 12, 12, 1), np.float32)
FOUR = np.array([0, 1, 2, 0])
ARGUMENTS = {
    "no images": (
        IMAGES[:0],
        FOUR[:0],
        {},
        r"images: takes at least one image, as an array \(images, 12, 12, 1\); got",
    ),
    "no channel": (IMAGES[..., 0], FOUR, {}, r"images: .*; got the shape \(4, 12, 12\)"),
    "one image alone": (IMAGES[0], FOUR, {}, r"images: .*; got the shape \(12, 12, 1\)"),
    "other size": (IMAGES[:, 1:], FOUR, {}, r"images: .*; got the shape \(4, 11, 12, 1\)"),
    "too few labels": (
        IMAGES,
        FOUR[:3],
        {},
        r"labels: takes a whole number for each of the 4 images; got the shape \(3",
    ),
    "one hot": (IMAGES, np.eye(4, 3, dtype=int), {}, r"labels: .*; got the shape \(4, 3\)"),
    "fractions": (IMAGES, FOUR / 2, {}, r"labels: .*; got the shape \(4,\) of float64"),
    "too large": (IMAGES, FOUR + 1, {}, "labels: takes 0 to 2; got 3"),
    "negative": (IMAGES, FOUR - 1, {}, "labels: takes 0 to 2; got -1"),
    "no top": (IMAGES, FOUR, {"top": 0}, "top: takes a whole number of at least 1; got 0"),
    "no batch": (IMAGES, FOUR, {"batch_size": 0}, "batch_size: takes a whole number of at least 1; got 0"),
    "no class": (IMAGES, FOUR, {"classes": -1}, "classes: takes a whole number of at least 0; got -1"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_that_are_refused(tiny_cnn, name):
    images, labels, options, words = ARGUMENTS[name]
    with pytest.raises(InputError, match=words) as caught:
        map_statistics(tiny_cnn(), "Conv2D_2", images, labels, **{"classes": 3, **options})
    assert "\n" not in str(caught.value)
