"""The CNN slid over whole pictures: chunk by chunk the same numbers as of the whole picture at once."""

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from pipeline.core import chunks, sliding
from pipeline.core.chunks import Chunks, chunks_of, layout, receptive_field_of
from pipeline.core.geometry import ReceptiveField, receptive_field
from pipeline.core.objectives import part_up_to
from pipeline.core.sliding import Slide


def conv(filters, size, activation="relu", **options):
    return keras.layers.Conv2D(filters, size, activation=activation, **options)


pool, average, normalization = (
    keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.BatchNormalization,
)  # fmt: skip


def chain(*layers, side=None, weights=None, channels=1):
    """A model of these layers for pictures of any size; the last layer is called `last`."""
    x = inputs = keras.Input((side, side, channels))
    for number, layer in enumerate(layers):
        config = {**layer.get_config(), "name": f"layer_{number}" if number < len(layers) - 1 else "last"}
        x = layer.__class__.from_config(config)(x)
    model = keras.Model(inputs, x)
    if weights is None:
        random = np.random.default_rng(1)
        # kernels; of biases and of what a normalization has, numbers that are positive
        shapes = [weight.shape for weight in model.get_weights()]
        weights = [random.normal(0.05, 0.3, s) if len(s) > 1 else random.uniform(0.1, 0.9, s) for s in shapes]
    model.set_weights(weights)
    return model


# receptive fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "side", "stride"),
    [
        ([], 1, 1),
        ([(3, 1)], 3, 1),
        ([(3, 1), (2, 2)], 4, 2),  # 3 + 1
        ([(3, 1), (2, 2), (3, 1)], 8, 2),  # 4 + 2 * 2
        ([(3, 1), (2, 2), (3, 1), (2, 2)], 10, 4),  # 8 + 1 * 2
        ([(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)], 18, 4),  # 10 + 2 * 4
        ([(5, 3), (2, 2)], 8, 6),  # 5 + 1 * 3
        ([(1, 2)], 1, 2),
    ],
)
def test_a_receptive_field_by_hand(windows, side, stride):
    assert receptive_field(windows) == (side, stride)


@pytest.mark.parametrize(
    ("length", "positions"), [(0, 0), (17, 0), (18, 1), (21, 1), (22, 2), (25, 2), (26, 3), (118, 26)]
)
def test_positions_that_fit_by_hand(length, positions):
    assert ReceptiveField(18, 4).positions(length) == positions


@pytest.mark.parametrize("field", [ReceptiveField(18, 4), ReceptiveField(3, 1), ReceptiveField(2, 5)], ids=str)
def test_so_many_pixels_are_just_enough_for_the_positions(field):
    for positions in range(1, 9):
        assert field.positions(field.pixels(positions)) == positions
        assert field.positions(field.pixels(positions) - 1) == positions - 1


def test_pixels_and_smallest_picture_by_hand():
    field = ReceptiveField(18, 4)
    assert [field.pixels(n) for n in (1, 2, 5)] == [18, 22, 34]
    assert field.smallest_picture == 21  # 18 and a shift by 0, 1, 2 or 3
    assert ReceptiveField(3, 1).smallest_picture == 3


CHAINS = {
    "convolution": [conv(2, 3)],
    "three convolutions and two pools": [conv(2, 3), pool(2), conv(2, 3), pool(2), conv(2, 3)],
    "strides": [conv(2, 3, strides=2), conv(2, 2, strides=3)],
    "dilation": [conv(2, 3, dilation_rate=2), pool(2), conv(2, 2, dilation_rate=3)],
    "average pools": [conv(2, 2), average(3), conv(2, 2), average(2)],
    "overlapping pools": [conv(2, 2), pool(3, strides=2), conv(2, 2)],
    "pool with gaps": [pool(2, strides=3), conv(2, 2)],
    "batch normalization": [conv(2, 3), normalization(), pool(2), conv(2, 2)],
    "layers that see one pixel": [conv(2, 3, "linear"), keras.layers.Activation("relu"), keras.layers.Dropout(0.5),
                                  conv(2, 1), keras.layers.ReLU(), pool(2)],
}  # fmt: skip


def seen_by(model, side, position):
    """(first row, last row, first column, last column) of the pixels that change the output there, one by one."""
    pictures = np.ones((side**2 + 1, side, side, 1), np.float32)
    pictures[np.arange(side**2), *np.unravel_index(np.arange(side**2), (side, side)), 0] = 50
    outputs = model.predict(pictures, batch_size=512, verbose=0)[:, *position]
    change = np.abs(outputs[:-1] / outputs[-1] - 1).max(axis=1).reshape(side, side)
    # a sum may be rounded differently in another place of the batch; with kernels of ones no pixel changes as little
    assert not ((change > 1e-5) & (change < 1e-2)).any()
    changed = change > 1e-3
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return rows[0], rows[-1], columns[0], columns[-1]


@pytest.mark.parametrize("name", CHAINS)
def test_the_receptive_field_is_what_changes_a_position(name):
    side = 24
    model = chain(*CHAINS[name], side=side)
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    field = receptive_field_of(model)
    assert field is not None
    # (down, across) one position further on
    assert seen_by(model, side, (0, 0)) == (0, field.side - 1, 0, field.side - 1)
    further = (0, field.side - 1, field.stride, field.stride + field.side - 1)
    assert seen_by(model, side, (0, 1)) == further
    assert seen_by(model, side, (1, 0)) == further[2:] + further[:2]
    assert model.output.shape[1] == field.positions(side)


NOT_THE_SAME_EVERYWHERE = {
    "padded convolution": [conv(2, 3, padding="same")],
    "padded pool": [conv(2, 3), pool(2, padding="same")],
    "kernel that is no square": [conv(2, (3, 2))],
    "strides that differ": [pool(2, strides=(1, 2))],
    "flattened": [conv(2, 3), keras.layers.Flatten()],
    "dense": [conv(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)],
    "mean of all": [conv(2, 3), keras.layers.GlobalAveragePooling2D()],
    "enlarged": [conv(2, 3), keras.layers.UpSampling2D(2)],
    "channels first": [conv(2, 3, data_format="channels_first")],
    "pool with channels first": [pool(2, data_format="channels_first")],
    "normalization of rows": [conv(2, 3), normalization(axis=1)],
}


@pytest.mark.parametrize("name", NOT_THE_SAME_EVERYWHERE)
def test_there_is_no_receptive_field_where_positions_are_not_alike(name):
    assert receptive_field_of(chain(*NOT_THE_SAME_EVERYWHERE[name], side=12, channels=12)) is None


def test_there_is_no_receptive_field_of_branches():
    inputs = keras.Input((12, 12, 1))
    one, other = conv(2, 3)(inputs), conv(2, 3)(inputs)
    assert receptive_field_of(keras.Model(inputs, keras.layers.Add()([one, other]))) is None
    shared = conv(1, 3)
    assert receptive_field_of(keras.Model(inputs, shared(shared(inputs)))) == (5, 1)


def test_a_part_of_a_cnn_has_a_field_where_the_whole_has_none(tiny_cnn):
    model = tiny_cnn()
    assert receptive_field_of(model) is None
    assert receptive_field_of(part_up_to(model, "Conv2D_1")) == (3, 1)
    assert receptive_field_of(part_up_to(model, "Max_Pool_1")) == (4, 2)
    assert receptive_field_of(part_up_to(model, "Conv2D_2")) == (8, 2)
    assert receptive_field_of(part_up_to(model, "Dense_1")) is None


# chunks --------------------------------------------------------------------------------------------------------------


def test_chunks_by_hand():
    some = Chunks(ReceptiveField(8, 2), 4, (9, 4))
    assert some.counts == (3, 1)
    assert some.side == 14  # 3 * 2 + 8
    assert some.pixels == 3 * 14 * 14
    assert some.canvas() == (11 * 2 + 8 + 1, 14 + 1)


def test_the_side_of_the_chunks_is_the_least_work(monkeypatch):
    # 10 x 10 positions: one chunk of 12 has 30^2 pixels, four of 6 have 18^2 each, nine of 4 have 14^2 each
    monkeypatch.setattr(chunks, "SIDES", (4, 6, 12))
    assert chunks_of(ReceptiveField(8, 2), 27, 27) == Chunks(ReceptiveField(8, 2), 12, (10, 10))
    # 2 x 10: 30^2 = 900 pixels; 2 * 18^2 = 648; 3 * 14^2 = 588
    assert chunks_of(ReceptiveField(8, 2), 11, 27) == Chunks(ReceptiveField(8, 2), 4, (2, 10))


@pytest.mark.parametrize(("shape", "margin"), [((40, 50), 9), ((8, 50), 7), ((50, 10), 9)])
def test_a_picture_is_continued_by_half_of_a_field_if_it_is_that_large(shape, margin):
    field = ReceptiveField(18, 4)
    expected, dealt = layout(field, shape)
    assert expected == margin
    for positions, length in zip(dealt.positions, shape, strict=True):
        # with a shift by up to 3 pixels all fit, and not one more
        assert field.pixels(positions) + 3 <= length + 2 * margin < field.pixels(positions + 1) + 3


def test_a_picture_that_is_too_small_is_refused_by_the_size_it_would_need():
    model = chain(conv(2, 3), pool(2), conv(2, 3), pool(2), conv(2, 3))
    with pytest.raises(ValueError, match="expected at least 21 pixels per side"):
        Slide(model, "last", "activation", np.ones((1, 2)), (7, 40), calls=1)
    with pytest.raises(ValueError, match="expected at least 21 pixels per side"):
        chunks_of(ReceptiveField(18, 4), 21, 20)
    assert chunks_of(ReceptiveField(18, 4), 21, 21).positions == (1, 1)
    assert Slide(model, "last", "activation", np.ones((1, 2)), (8, 40), calls=1).chunks.positions[0] == 1


# the slide -----------------------------------------------------------------------------------------------------------

# each with the activation of the last convolution left open, and the side and stride of the field
NETWORKS = {
    "one convolution": (lambda last: [conv(3, 3, last)], 3, 1),
    "convolution and pool": (lambda last: [conv(3, 3, last), pool(2)], 4, 2),
    "two convolutions": (lambda last: [conv(3, 3), pool(2), conv(4, 3, last)], 8, 2),
    "three convolutions": (lambda last: [conv(3, 3), pool(2), conv(4, 3), pool(2), conv(5, 3, last)], 18, 4),
    "strides": (lambda last: [conv(3, 3, strides=2), conv(4, 3, last, strides=2)], 7, 4),
    "sigmoid": (lambda last: [conv(3, 3, "sigmoid"), pool(3), conv(4, 2, last)], 8, 3),
    "all kinds": (
        lambda last: [conv(3, 2, "linear"), normalization(), keras.layers.Activation("tanh"), average(2),
                      keras.layers.Dropout(0.5), conv(4, 2, last, dilation_rate=2)], 7, 2,
    ),
}  # fmt: skip
OBJECTIVES = ["activation", "pre_activation", "l2"]


def whole_picture(layers, objective, direction, pictures, shift, *, side, stride):
    """Objective and gradient of every picture, of all of it at once, by Keras."""
    model = chain(*layers("relu"))
    if objective == "pre_activation":
        model = chain(*layers("linear"), weights=model.get_weights())
    margin = min(side // 2, min(pictures.shape[1:]) - 1)
    pictures = tf.constant(pictures)
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        continued = tf.pad(pictures, [[0, 0], [margin, margin], [margin, margin]], "REFLECT")[..., None]
        down, across = model(continued[:, stride - 1 :, stride - 1 :]).shape[1:3]
        maps = model(continued[:, shift[0] :, shift[1] :])[:, :down, :across]
        maps = maps**2 if objective == "l2" else maps
        values = tf.reduce_sum(tf.reduce_mean(maps, axis=(1, 2)) * direction, axis=1)
    return values.numpy(), tape.gradient(values, pictures).numpy() * down * across


def random_pictures(count, *shape):
    return np.random.default_rng(4).normal(size=(count, *shape)).astype(np.float32)


def directions(count, maps):
    return np.random.default_rng(5).normal(size=(count, maps)).astype(np.float32)


def slide_of(network, objective, direction, shape):
    layers, *_ = NETWORKS[network]
    return Slide(chain(*layers("relu"), side=28), "last", objective, direction, shape, calls=1)


def agree(slid, expected):
    for mine, other in zip(slid, expected, strict=True):
        assert np.abs(other).max() > 0.01
        np.testing.assert_allclose(mine, other, atol=2e-5 * np.abs(other).max())


def maps_of(network):
    layers, *_ = NETWORKS[network]
    return chain(*layers("relu")).output.shape[-1]


def is_the_whole_picture(network, objective, pictures, shift):
    layers, side, stride = NETWORKS[network]
    direction = directions(len(pictures), maps_of(network))
    slide = slide_of(network, objective, direction, pictures.shape[1:])
    expected = whole_picture(layers, objective, direction, pictures, shift, side=side, stride=stride)
    agree(slide.gradient(pictures, shift), expected)
    return slide


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("network", NETWORKS)
def test_chunk_by_chunk_is_the_whole_picture(network, objective, monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (4,))
    stride = NETWORKS[network][2]
    slide = is_the_whole_picture(network, objective, random_pictures(2, 37, 30), (stride - 1, stride // 2))
    assert min(slide.chunks.counts) > 1


@pytest.mark.parametrize("block", [1, 4, 10, 40])
@pytest.mark.parametrize("shape", [(4, 4), (9, 9), (16, 16), (21, 34), (33, 20), (4, 131), (150, 5)], ids=str)
def test_pictures_of_any_shape_and_chunks_of_any_side(shape, block, monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (block,))
    slide = is_the_whole_picture("two convolutions", "activation", random_pictures(1, *shape), (1, 0))
    assert slide.chunks.block == block


@pytest.mark.parametrize("shape", [(8, 8), (8, 200), (61, 47)], ids=str)
def test_any_shape_with_the_sides_that_are_chosen(shape):
    is_the_whole_picture("three convolutions", "pre_activation", random_pictures(1, *shape), (0, 3))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_single_chunk_equals_many(objective, monkeypatch):
    pictures, direction = random_pictures(2, 45, 38), directions(2, 5)

    def slid(block):
        monkeypatch.setattr(chunks, "SIDES", (block,))
        slide = slide_of("three convolutions", objective, direction, (45, 38))
        return slide.chunks.counts, slide.gradient(pictures, (2, 1))

    counts, of_one = slid(12)
    assert counts == (1, 1)
    counts, of_many = slid(3)
    assert counts == (4, 3)
    agree(of_many, of_one)


def test_every_shift_of_the_positions_is_that_of_the_whole_picture(monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (4,))
    pictures, direction = random_pictures(1, 26, 31), directions(1, 5)
    layers, side, stride = NETWORKS["three convolutions"]
    slide = slide_of("three convolutions", "activation", direction, (26, 31))
    seen = set()
    for shift in np.ndindex(stride, stride):
        found = slide.gradient(pictures, shift)
        agree(found, whole_picture(layers, "activation", direction, pictures, shift, side=side, stride=stride))
        seen.add(found[0].item())
    assert len(seen) == stride**2


@pytest.mark.parametrize(
    ("at_a_time", "expected"),
    [
        (1, [1] * 18),
        (14**2 * 3, [2] * 9),  # as many as a power of two
        (14**2 * 4, [4, 4, 4, 4, 2]),
        (14**2 * 16, [16, 2]),
        (2**18, [18]),
    ],
)
def test_so_many_pixels_are_computed_at_a_time(at_a_time, expected, monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (4,))
    pictures, direction = random_pictures(2, 21, 24), directions(2, 4)
    slide = slide_of("two convolutions", "pre_activation", direction, (21, 24))
    at_once = slide.gradient(pictures, (0, 1))
    monkeypatch.setattr(sliding, "PIXELS_AT_A_TIME", at_a_time)
    done = []
    agree(slide.gradient(pictures, (0, 1), done.append), at_once)
    assert done == [count * 14**2 for count in expected]
    assert sum(done) == slide.work


def test_a_picture_does_not_depend_on_those_beside_it(monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (4,))
    pictures, direction = random_pictures(3, 20, 27), directions(3, 4)
    together = slide_of("two convolutions", "pre_activation", direction, (20, 27)).gradient(pictures, (1, 1))
    for k in range(3):
        slide = slide_of("two convolutions", "pre_activation", direction[k : k + 1], (20, 27))
        alone = slide.gradient(pictures[k : k + 1], (1, 1))
        agree([each[k : k + 1] for each in together], alone)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_maps_that_are_not_asked_for_have_no_part(objective):
    one = np.array([[0, 2.0, 0, 0]], np.float32)
    layers, side, stride = NETWORKS["two convolutions"]
    pictures = random_pictures(1, 15, 12)
    found = slide_of("two convolutions", objective, one, (15, 12)).gradient(pictures, (0, 0))
    agree(found, whole_picture(layers, objective, one, pictures, (0, 0), side=side, stride=stride))


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("network", ["two convolutions", "strides"])
def test_compiled_by_xla_it_is_the_same(network, objective, monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", (4,))
    monkeypatch.setattr(sliding, "XLA_PAYS", 0)
    sliding._compiled.cache_clear()
    slide = is_the_whole_picture(network, objective, random_pictures(1, 17, 20), (1, 0))
    monkeypatch.setattr(sliding, "XLA_PAYS", 10**12)
    assert slide_of(network, objective, directions(1, 4), (17, 20))._gradient is not slide._gradient


def test_the_gradient_by_hand(monkeypatch):
    """One kernel of 1 x 1, whose square is taken: d/dx (2x)^2 = 8x at every pixel, and the mean of 4x^2."""
    monkeypatch.setattr(chunks, "SIDES", (2,))
    model = chain(conv(1, 1, "linear"), weights=[np.full((1, 1, 1, 1), 2.0), np.zeros(1)])
    slide = Slide(model, "last", "l2", np.ones((1, 1), np.float32), (2, 3), calls=1)
    picture = np.array([[[1, 2, 3], [4, 5, 6]]], np.float32)
    value, gradient = slide.gradient(picture, (0, 0))
    np.testing.assert_allclose(value, [4 * 91 / 6])
    np.testing.assert_allclose(gradient, 8 * picture)


@pytest.mark.slow
@pytest.mark.parametrize("map_index", [-1, 2])
@pytest.mark.parametrize("shift", [(0, 1), (1, 1)])
def test_the_gradient_is_how_fast_the_objective_changes(tiny_cnn, layers_up_to, shift, map_index, monkeypatch):
    """Pixel by pixel, in float64, of the objective that NumPy computes."""
    monkeypatch.setattr(chunks, "SIDES", (2,))
    model, picture = tiny_cnn(), random_pictures(1, 10, 13)
    layers = layers_up_to(model, "Conv2D_2")

    def objective(changed):
        return reference.slid(layers, changed, map_index, shift, side=8, stride=2).objective

    whole, step, slope = picture[0].astype(np.float64), 1e-6, np.empty((10, 13))
    for place in np.ndindex(10, 13):
        change = np.zeros((10, 13))
        change[place] = step
        slope[place] = (objective(whole + change) - objective(whole - change)) / (2 * step)
    direction = np.full((1, 6), 1 / 6) if map_index == -1 else np.eye(6)[[map_index]]
    slide = Slide(model, "Conv2D_2", "activation", direction.astype(np.float32), (10, 13), calls=1)
    expected = np.array([objective(whole)]), slope[None] * np.prod(slide.chunks.positions)
    agree(slide.gradient(picture, shift), expected)
    agree(reference.slid(layers, whole, map_index, shift, side=8, stride=2)[1:], [expected[1][0]])


@pytest.mark.parametrize("margin", [0, 1, 3, 5])
@pytest.mark.parametrize("shape", [(6, 6), (6, 11), (9, 7)], ids=str)
def test_folding_is_the_adjoint_of_continuing_by_the_mirror_image(shape, margin):
    random = np.random.default_rng(6)
    x, (height, width) = random.normal(size=(2, *shape)), shape
    y = random.normal(size=(2, height + 2 * margin, width + 2 * margin))
    continued = np.pad(x, [(0, 0), (margin, margin), (margin, margin)], "reflect")
    given = y.copy()
    np.testing.assert_allclose((x * sliding._folded(y, margin)).sum((1, 2)), (continued * y).sum((1, 2)))
    np.testing.assert_array_equal(y, given)


# compiled programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_cnns_and_pictures_of_one_shape_share_a_program(new_cnn, objective):
    pictures = random_pictures(2, 20, 20)
    sliding._compiled.cache_clear()

    def slid(seed):
        slide = Slide(new_cnn(seed=seed), "Conv2D_2", objective, directions(2, 6), (20, 20), calls=1)
        return slide._gradient, slide.gradient(pictures, (0, 0))

    program, first = slid(0)
    same, other = slid(1)
    assert same is program
    assert (sliding._compiled.cache_info().misses, sliding._compiled.cache_info().hits) == (1, 1)
    # and each has its own weights
    assert np.abs(first[1] - other[1]).max() > 0.1 * np.abs(first[1]).max()
    _, again = slid(0)
    np.testing.assert_array_equal(again[1], first[1])
