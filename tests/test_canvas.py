"""The range of brightness that is drawn with at every place of a photo."""

import numpy as np
import pytest

from pipeline.core.canvas import canvas_of


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
