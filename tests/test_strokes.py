"""Pictures drawn to what real images look like inside a CNN: references, canvas and steps, against NumPy."""

import numpy as np
import pytest
import reference

from pipeline.core.canvas import canvas_of
from pipeline.core.references import References, inside, references_of, shaping_of, unit_rows
from pipeline.core.strokes import FIRST_FACTOR, Wanted, draw_strokes, part_of

LAYER = "Conv2D_2"


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """(30, 12, 12, 1) float32, standardized: bars, no two alike."""
    y, x = np.mgrid[:12, :12]
    angles = np.linspace(0, np.pi, 30)[:, None, None]
    bars = np.exp(-((np.cos(angles) * (x - 5.5) + np.sin(angles) * (y - 5.0)) ** 2) / 3)
    noisy = bars + np.random.default_rng(2).normal(0, 0.02, bars.shape)
    return np.stack([reference.standardize(image) for image in noisy])[..., None].astype(np.float32)


@pytest.fixture(scope="module")
def references(tiny_cnn, images) -> References:
    return references_of(tiny_cnn(), LAYER, images, count=4, power=0.5)


# references ----------------------------------------------------------------------------------------------------------


def test_references_are_the_mean_of_what_the_strongest_images_look_like_inside(
    tiny_cnn, layers_up_to, images, references
):
    layers = layers_up_to(tiny_cnn(), LAYER)
    made = [reference.outputs(layers, image[..., 0].astype(np.float64)) for image in images]
    means = np.array([outputs[-1].mean(axis=(0, 1)) for outputs in made])
    insides = np.array([(flat - flat.mean()) / np.linalg.norm(flat - flat.mean()) for *_, pool, _ in made
                        for flat in [pool.ravel()]])  # fmt: skip
    assert inside(tiny_cnn(), LAYER) == ["Max_Pool_1"]
    np.testing.assert_allclose(references.largest, means.max(axis=0), atol=1e-5)
    for index in range(6):
        strongest = [number for number in np.argsort(-means[:, index])[:4] if means[number, index] > 0]
        expected = insides[strongest].mean(axis=0) if strongest else np.zeros(insides.shape[1])
        np.testing.assert_allclose(references.features[0][index], expected, atol=1e-5)


def test_a_map_that_no_image_triggers_has_no_references(new_cnn, images):
    model = new_cnn()
    kernel, bias = model.get_layer(LAYER).get_weights()
    bias[2] = -1000
    model.get_layer(LAYER).set_weights([kernel, bias])
    found = references_of(model, LAYER, images, count=4, power=0)
    assert found.largest[2] == 0
    assert not found.features[0][2].any()


def test_several_maps_count_as_their_mean_and_a_layer_as_that_of_all(references):
    (features,), largest = references.of([[1], [3, 4], [-1]])
    every = references.features[0]
    np.testing.assert_allclose(features, [every[1], (every[3] + every[4]) / 2, every.mean(axis=0)], atol=1e-6)
    each = references.largest
    np.testing.assert_allclose(largest, [each[1], (each[3] + each[4]) / 2, each.mean()], rtol=1e-6)


def test_progress_is_told_of_every_image(tiny_cnn, images, monkeypatch):
    monkeypatch.setattr("pipeline.core.references.IMAGES_AT_A_TIME", 8)
    told: list[int] = []
    references_of(tiny_cnn(), LAYER, images, count=1, power=0, on_images=told.append)
    assert told == [8, 8, 8, 6]


def test_the_gradient_is_shaped_by_a_power_of_the_covariance(images):
    low, high = images.min(axis=(1, 2, 3), keepdims=True), images.max(axis=(1, 2, 3), keepdims=True)
    covariance = np.cov(((images - low) / (high - low)).reshape(30, -1).T.astype(np.float64), bias=True)
    covariance /= np.linalg.eigvalsh(covariance)[-1]
    np.testing.assert_array_equal(shaping_of(images, 0), np.eye(144, dtype=np.float32))
    np.testing.assert_allclose(shaping_of(images, 1), covariance, atol=1e-5)
    root = shaping_of(images, 0.5).astype(np.float64)
    np.testing.assert_allclose(root @ root, covariance, atol=1e-5)


def test_rows_that_are_even_have_no_direction():
    np.testing.assert_allclose(unit_rows(np.array([[1, 1, 4], [2, 2, 2]], np.float32)),
                               [[-1 / 6**0.5, -1 / 6**0.5, 2 / 6**0.5], [0, 0, 0]], atol=1e-6)  # fmt: skip


# steps ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def start() -> np.ndarray:
    return np.random.default_rng(4).uniform(0, 1, (6, 12, 12, 1)).astype(np.float32)


def wanted_of(references: References, maps: list[int]) -> Wanted:
    features, largest = references.of([[index] for index in maps])
    weights = np.zeros((len(maps), 3, 3, 6), np.float32)
    weights[np.arange(len(maps)), :, :, maps] = 1 / 9
    return Wanted(features, weights, largest, references.shaping)


def drawn(model, start: np.ndarray, wanted: Wanted, sizes: list[float], **more) -> tuple[np.ndarray, np.ndarray]:
    activation = model.get_layer(LAYER).activation
    return draw_strokes(part_of(model, LAYER), activation, start, np.array(sizes, np.float32), wanted, **more)


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_steps_equal_numpy(tiny_cnn, layers_up_to, images, start, activation):
    model = tiny_cnn(activation=activation)
    references = references_of(model, LAYER, images, count=4, power=0.5)
    layers = layers_up_to(model, LAYER, pre_activation=True)
    sizes = [0.1, 0.05, 0.02]
    pixels, likeness = drawn(model, start, wanted_of(references, [*range(6)]), sizes)
    for index in range(6):
        now, factor = start[index, ..., 0].astype(np.float64), FIRST_FACTOR
        goal = references.largest[index] if references.largest[index] > 0 else 1.0
        for number, size in enumerate(sizes):
            step = reference.stroke(
                layers, now, references.features[0][index].astype(np.float64), index, goal=goal,
                shaping=references.shaping.astype(np.float64), step_size=size, factor=factor, activation=activation,
            )  # fmt: skip
            assert likeness[number, index] == pytest.approx(step.likeness, abs=1e-3)
            now, factor = step.pixels, step.factor
        np.testing.assert_allclose(pixels[index, ..., 0], now, atol=2e-3)


def test_pictures_become_like_the_references_and_stay_in_their_range(tiny_cnn, references, start):
    told: list[int] = []
    pixels, likeness = drawn(tiny_cnn(), start, wanted_of(references, [*range(6)]), [0.1] * 30, on_steps=told.append)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    alive = references.largest > 0
    assert (likeness[-1, alive] > likeness[0, alive] + 0.1).all()
    assert told == [25, 5]


def test_a_picture_depends_on_no_other(tiny_cnn, references, start):
    together, likeness = drawn(tiny_cnn(), start, wanted_of(references, [*range(6)]), [0.1] * 12)
    for rows in ([0], [4, 5], [3, 1, 2]):
        alone, own = drawn(tiny_cnn(), start[rows], wanted_of(references, rows), [0.1] * 12)
        np.testing.assert_array_equal(alone, together[rows])
        np.testing.assert_array_equal(own, likeness[:, rows])


def test_the_same_picture_comes_again_and_the_start_stays(tiny_cnn, references, start):
    kept = start.copy()
    first, second = (drawn(tiny_cnn(), start, wanted_of(references, [*range(6)]), [0.1] * 5)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(start, kept)


# canvas --------------------------------------------------------------------------------------------------------------


def planes(*values: float) -> np.ndarray:
    return np.stack([np.full((3, 3, 1), value, np.float32) for value in values])


@pytest.mark.parametrize(
    ("ink", "paper", "inked"),
    [
        # around -0.5, 0 and 1.5 with a spread of 0.5, in a photo from -1 to 2
        ("light", [-1, -0.5, 0.5], [0.5, 1, 2]),
        ("dark", [0.5, 0.5, 2], [-1, -1, 0.5]),
        ("either", [-1, -0.5, 2], [0.5, 1, 0.5]),
    ],
)
def test_paper_and_ink_lie_around_the_mean_of_the_place_within_the_photos_range(ink, paper, inked):
    canvas = canvas_of(planes(-0.5, 0, 1.5), planes(0.5, 0.5, 0.5), -1, 2, ink)
    np.testing.assert_allclose(canvas.paper[:, 0, 0, 0], paper, atol=1e-6)
    np.testing.assert_allclose(canvas.ink[:, 0, 0, 0], inked, atol=1e-6)


def test_what_is_drawn_on_a_canvas_has_its_brightness():
    canvas = canvas_of(planes(0, 0), planes(0.5, 0.25), -2, 2, "light")
    pixels = canvas.pixels(planes(-0.5, 5))
    np.testing.assert_allclose(pixels[:, 0, 0, 0], [0, 1])
    np.testing.assert_allclose(canvas.change(pixels, planes(1, 0))[:, 0, 0, 0], [1.5, -0.75])


def test_an_even_photo_has_nothing_to_draw_with():
    canvas = canvas_of(planes(0), planes(0.5), 0, 0, "either")
    assert not canvas.pixels(planes(0)).any()
    assert not canvas.change(planes(0), planes(1)).any()
