"""Octaves: sizes, neighbourhoods, an ascent over a whole picture, and what becomes of a photo's colours."""

import numpy as np
import pytest
import reference
import tensorflow as tf

from pipeline.core import chunks
from pipeline.core.colour import dreamt_colours, dreamt_grey_levels
from pipeline.core.geometry import octave_shapes, within
from pipeline.core.local_contrast import levelled, mean_and_spread
from pipeline.core.octaves import ascend_octave, resized
from pipeline.core.sliding import Slide

# sizes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "count", "scale", "shapes"),
    [
        (100, 60, 3, 2, [(25, 15), (50, 30), (100, 60)]),
        (30, 45, 3, 1.5, [(13, 20), (20, 30), (30, 45)]),  # 30 / 2.25 = 13.3
        (101, 77, 2, 1.4, [(72, 55), (101, 77)]),
        (10, 1, 3, 4, [(1, 1), (2, 1), (10, 1)]),  # 10 / 16 and 1 / 4: never less than a pixel; 2.5 to the even one
        (31, 17, 1, 3, [(31, 17)]),
    ],
)
def test_octaves_by_hand(height, width, count, scale, shapes):
    assert octave_shapes(height, width, count, scale) == shapes


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((3000, 2000), 1500, (1500, 1000)),
        ((2000, 3000), 1000, (667, 1000)),
        ((300, 200), 300, (300, 200)),
        ((30, 20), 300, (30, 20)),  # nothing gets larger
        ((1000, 3), 100, (100, 1)),
        ((1, 1000), 10, (1, 10)),
    ],
)
def test_proportions_stay_within_the_longest_side(shape, longest, expected):
    assert within(shape, longest) == expected


@pytest.mark.parametrize("shape", [(9, 11), (31, 40), (40, 12), (21, 17)], ids=str)
def test_resizing_is_bicubic_along_either_side(shape):
    pictures = np.random.default_rng(0).normal(size=(2, 21, 17)).astype(np.float32)
    down, across = (reference.bicubic_weights(*sizes) for sizes in zip((21, 17), shape, strict=True))
    np.testing.assert_allclose(resized(pictures, shape), down @ pictures @ across.T, atol=1e-5)


# neighbourhoods ------------------------------------------------------------------------------------------------------


def noise(*shape, mean=0.0, spread=1.0, seed=0):
    return (mean + spread * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def around(pictures, window):
    return [each.numpy()[..., 0] for each in mean_and_spread(tf.constant(pictures[..., None]), window)]


@pytest.mark.parametrize("window", [4, 12, 28, 40])
@pytest.mark.parametrize("shape", [(28, 28), (31, 45), (30, 17), (9, 61), (3, 5), (1, 1)], ids=str)
def test_mean_and_spread_by_explicit_loops(shape, window):
    pictures = noise(2, *shape, mean=0.4)
    for k, (mean, spread) in enumerate(zip(*around(pictures, window), strict=True)):
        expected_mean, expected_spread = reference.neighbourhood(pictures[k], window)
        np.testing.assert_allclose(mean, expected_mean, atol=1e-5)
        np.testing.assert_allclose(spread**2, expected_spread**2, atol=2e-5)


@pytest.mark.parametrize("width", [96, 97, 98, 99])
@pytest.mark.parametrize("window", [4, 12, 28, 32, 60])
def test_the_mean_around_a_pixel_of_a_ramp_is_the_pixel(window, width):
    """In a picture that fills no whole number of cells too, nothing is displaced."""
    ramp = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32), (1, 101, width))
    for pictures in (ramp, ramp.transpose(0, 2, 1)):
        mean, _ = around(pictures, window)
        inner = np.s_[:, window:-window, window:-window] if window < 30 else np.s_[:, 45:52, 45:52]
        np.testing.assert_allclose(mean[inner], pictures[inner], atol=2e-3 if window < 60 else 5e-3)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("window", [4, 28])
def test_an_even_picture_has_its_value_as_mean_and_no_spread(window, value):
    mean, spread = around(np.full((1, 33, 50), value, np.float32), window)
    np.testing.assert_allclose(mean, value, rtol=1e-6)
    np.testing.assert_allclose(spread, 0, atol=2e-3)  # of the root of what rounding leaves


def test_the_spread_of_a_chessboard_is_its_height():
    board = np.where(np.indices((40, 60)).sum(axis=0) % 2, 5.0, 1.0).astype(np.float32)[None]
    mean, spread = around(board, 28)
    np.testing.assert_allclose(mean, 3, atol=1e-5)
    np.testing.assert_allclose(spread, 2, atol=1e-5)


def test_a_neighbourhood_is_as_wide_as_the_window():
    """A point is seen with the weights of a Gaussian of a quarter of the window, and not beyond the window."""
    point = np.zeros((1, 81, 81), np.float32)
    point[0, 40, 40] = 1
    mean, _ = around(point, 12)
    away = np.arange(-6, 7)
    gaussian = np.exp(-(away**2) / (2 * 3**2))
    np.testing.assert_allclose(mean[0, 40, 34:47] / mean[0, 40, 40], gaussian, atol=1e-5)
    assert mean.sum() == pytest.approx(1, abs=1e-5)
    assert not mean[0, :, :34].any()


def level(pictures, mean, most, window):
    given = (tf.constant(each[..., None], tf.float32) for each in (pictures, mean, most))
    return levelled(*given, window).numpy()[..., 0]


@pytest.mark.parametrize("window", [12, 28])
def test_levelled_is_with_the_mean_that_was_asked_for_and_no_more_than_the_spread(window):
    slope = np.broadcast_to(np.linspace(-1, 1, 90), (2, 70, 90))
    uneven = 3 * slope + noise(2, 70, 90) * np.linspace(2, 5, 70)[:, None]
    mean, spread = around(level(uneven, slope, np.full(uneven.shape, 1.5), window), window)
    np.testing.assert_allclose(mean, slope, atol=0.4)
    np.testing.assert_allclose(spread, 1.5, atol=0.4)
    assert np.abs((mean - slope).mean()) < 0.01
    assert spread.mean() == pytest.approx(1.5, abs=0.05)


def test_levelled_by_the_formula():
    pictures = noise(1, 30, 41, mean=2, spread=0.5) * np.linspace(0.1, 4, 41, dtype=np.float32)
    wanted, most = noise(1, 30, 41, seed=1), 0.5 + noise(1, 30, 41, seed=2) ** 2
    mean, spread = (each[None] for each in reference.neighbourhood(pictures[0], 28))
    too_much = np.maximum(spread / most, 1)
    assert 0.1 < (too_much > 1).mean() < 0.9
    np.testing.assert_allclose(level(pictures, wanted, most, 28), wanted + (pictures - mean) / too_much, atol=1e-4)


def test_what_is_level_already_stays_as_it_is():
    pictures = noise(2, 30, 41, mean=1, spread=0.7)
    mean, spread = around(pictures, 28)
    for most in (spread, 2 * spread, np.ones_like(spread)):
        np.testing.assert_allclose(level(pictures, mean, most, 28), pictures, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_an_even_picture_levelled_is_even(value):
    even = np.full((1, 30, 41), value)
    np.testing.assert_allclose(level(even, np.full_like(even, 0.4), np.ones_like(even), 28), 0.4, atol=1e-5)


# the ascent ----------------------------------------------------------------------------------------------------------

# of the second convolution of the tiny CNN: 3 x 3, pool of 2, 3 x 3
FIELD = {"side": 8, "stride": 2}
WINDOW = 12


@pytest.fixture(params=[(3,), chunks.SIDES], ids=["small chunks", "chosen chunks"])
def sides(request, monkeypatch):
    monkeypatch.setattr(chunks, "SIDES", request.param)


def new_slide(model, shape, map_indices, steps, *, layer="Conv2D_2", objective="activation"):
    maps = model.get_layer(layer).output.shape[-1]
    direction = np.array([np.full(maps, 1 / maps) if m == -1 else np.eye(maps)[m] for m in map_indices], np.float32)
    return Slide(model, layer, objective, direction, shape, calls=steps)


def ascended(slide, pictures, step_sizes, *, seed=3, least_contrast=0.2, on_pixels=lambda done: None):
    return ascend_octave(
        slide, pictures, np.array(step_sizes, np.float32), window=WINDOW, least_contrast=least_contrast,
        random=np.random.default_rng(seed), on_pixels=on_pixels,
    )  # fmt: skip


@pytest.mark.parametrize("least_contrast", [0.2, 1.0])
@pytest.mark.parametrize("shape", [(14, 14), (11, 23)], ids=str)
@pytest.mark.usefixtures("sides")
def test_an_ascent_is_that_of_the_formulas(tiny_cnn, layers_up_to, shape, least_contrast):
    model, sizes, maps = tiny_cnn(), [0.5, 0.3, 0.2, 0.1], [2, -1]
    pictures = noise(2, *shape, mean=0.3, spread=0.8)
    result, objective = ascended(new_slide(model, shape, maps, 4), pictures, sizes, least_contrast=least_contrast)
    random = np.random.default_rng(3)
    shifts = [tuple(random.integers(2, size=2)) for _ in sizes]
    assert len(set(shifts)) > 1
    for k, map_index in enumerate(maps):
        expected, values = reference.ascend_octave(
            layers_up_to(model, "Conv2D_2"), pictures[k].astype(np.float64), map_index, sizes, shifts,
            window=WINDOW, least_contrast=least_contrast, **FIELD,
        )  # fmt: skip
        np.testing.assert_allclose(objective[:, k], values, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(result[k], expected, atol=1e-3)
        assert np.abs(result[k] - pictures[k]).max() > 0.1


@pytest.mark.parametrize("objective", ["activation", "pre_activation", "l2"])
def test_the_objective_grows(tiny_cnn, objective):
    slide = new_slide(tiny_cnn(), (30, 25), [0, 3], 12, objective=objective)
    _, values = ascended(slide, noise(2, 30, 25), [0.3] * 12)
    assert values.shape == (12, 2)
    assert (values[-3:].mean(axis=0) > values[:3].mean(axis=0) + 0.05).all()


def test_without_a_step_the_picture_comes_back(tiny_cnn):
    pictures = noise(2, 19, 26, mean=5, spread=3)
    for least_contrast in (0.0, 0.2):
        slide = new_slide(tiny_cnn(), (19, 26), [0, 1], 0)
        result, objective = ascended(slide, pictures, [], least_contrast=least_contrast)
        np.testing.assert_allclose(result, pictures, atol=1e-5)
        assert objective.shape == (0, 2)


def test_with_steps_of_size_0_the_picture_stays_as_it_is(tiny_cnn):
    pictures = noise(1, 19, 26, mean=5, spread=3)
    result, objective = ascended(new_slide(tiny_cnn(), (19, 26), [0], 3), pictures, [0, 0, 0])
    np.testing.assert_allclose(result, pictures, atol=1e-4)
    assert (objective > 0).all()


def test_where_a_photo_is_even_the_dream_has_the_least_contrast(tiny_cnn):
    pictures = np.full((1, 40, 40), 0.7, np.float32)
    pictures += noise(1, 40, 40, spread=1e-3)
    result, _ = ascended(new_slide(tiny_cnn(), (40, 40), [0], 6), pictures, [0.5] * 6, least_contrast=0.3)
    mean, spread = around(result, WINDOW)
    assert mean.mean() == pytest.approx(0.7, abs=0.02)
    assert spread.mean() == pytest.approx(0.3, abs=0.03)


def test_an_even_picture_gives_finite_numbers(tiny_cnn):
    for least_contrast in (0.0, 0.2):
        slide = new_slide(tiny_cnn(), (20, 20), [0], 3)
        result, objective = ascended(slide, np.zeros((1, 20, 20), np.float32), [0.5] * 3, least_contrast=least_contrast)
        assert np.isfinite(result).all()
        assert np.isfinite(objective).all()


def test_the_same_random_numbers_give_the_same_bits(tiny_cnn):
    pictures = noise(2, 22, 17)
    first, again = (ascended(new_slide(tiny_cnn(), (22, 17), [1, 2], 4), pictures, [0.3] * 4) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_positions_are_shifted_at_random_by_less_than_a_stride(tiny_cnn):
    """So pictures of other random numbers differ; with a stride of 1 there is nothing to shift by."""
    pictures, model = noise(1, 16, 16), tiny_cnn()

    def results(layer):
        slide = new_slide(model, (16, 16), [0], 1, layer=layer)
        return [ascended(slide, pictures, [0.5], seed=seed)[1].item() for seed in range(24)]

    assert len(set(results("Conv2D_2"))) == 4
    assert len(set(results("Conv2D_1"))) == 1


@pytest.mark.usefixtures("sides")
def test_progress_adds_up_to_the_work(tiny_cnn):
    slide, done = new_slide(tiny_cnn(), (33, 21), [0, 1, 2], 5), []
    ascended(slide, noise(3, 33, 21), [0.1] * 5, on_pixels=done.append)
    assert sum(done) == slide.work > 5 * 3 * 33 * 21


# colours -------------------------------------------------------------------------------------------------------------


def own_luma_standardized(photo):
    grey = (photo if photo.ndim == 2 else photo @ np.array([0.299, 0.587, 0.114])).astype(np.float64)
    return reference.standardize(grey).astype(np.float32)


def photo_of(*shape):
    return np.random.default_rng(8).integers(0, 256, shape, dtype=np.uint8)


PHOTOS = {
    "grey": photo_of(40, 60),
    "colour": photo_of(40, 60, 3),
    "odd": photo_of(131, 67, 3),
    "one row": photo_of(1, 9, 3),
    "one pixel": photo_of(1, 1, 3),
    "large": photo_of(700, 901, 3),
    "even": np.full((20, 30, 3), 137, np.uint8),
    "even colour": np.broadcast_to(np.array([13, 200, 77], np.uint8), (20, 30, 3)),
    "black": np.zeros((9, 9), np.uint8),
    "white": np.full((9, 9, 3), 255, np.uint8),
    "almost even": (np.arange(900).reshape(30, 30) == 77).astype(np.uint8),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_that_dreams_of_itself_comes_back_bit_for_bit(name):
    photo = PHOTOS[name]
    z = own_luma_standardized(photo)
    result = dreamt_colours(photo, z)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, photo)
    grey = photo if photo.ndim == 2 else photo @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(dreamt_grey_levels(photo, z), grey, atol=0.5 + 1e-4)


def test_a_dream_of_a_grey_photo_by_hand():
    photo = np.array([[0, 100]], np.uint8)  # mean 50, spread 50
    np.testing.assert_array_equal(dreamt_colours(photo, np.array([[1.0, -0.5]])), [[100, 25]])
    np.testing.assert_array_equal(dreamt_colours(photo, np.array([[9.0, -3.0]])), [[255, 0]])
    # of another size than the photo
    levels = dreamt_grey_levels(photo, np.array([[0.0, 0.5, 1.0], [2.0, 5.0, -2.0]]))
    assert levels.dtype == np.uint8
    np.testing.assert_array_equal(levels, [[50, 75, 100], [150, 255, 0]])


def test_a_dream_of_colours_by_hand():
    # luma 84.49 and 104.49: mean 94.49, spread 10
    photo = np.array([[[10, 100, 200], [30, 120, 220]]], np.uint8)
    picture = np.array([[2.0, -1.0]], np.float32)  # luma 114.49 and 84.49: 30 more and 20 less
    np.testing.assert_array_equal(dreamt_colours(photo, picture), [[[40, 130, 230], [10, 100, 200]]])
    np.testing.assert_array_equal(dreamt_grey_levels(photo, picture), [[114, 84]])


def test_an_even_photo_dreams_with_the_least_contrast():
    photo = np.full((2, 2), 100, np.uint8)  # a spread of 1 / sqrt(4)
    np.testing.assert_array_equal(dreamt_grey_levels(photo, np.array([[4.0, -8.0]])), [[102, 96]])
