"""What ascends, the sizes of the steps, and which pictures are kept: numbers that can be computed by hand."""

import numpy as np
import pytest

from pipeline.core.objectives import OBJECTIVES, directions
from pipeline.core.schedules import snapshot_steps, step_sizes
from pipeline.settings.choices import Objective


@pytest.mark.parametrize(
    ("steps", "snapshots", "kept"),
    [
        (600, 6, [0, 9, 18, 36, 72, 144, 288, 599]),  # the article's
        (600, 1, [0, 300, 599]),
        (400, 6, [0, 6, 12, 24, 48, 96, 192, 399]),
        (64, 3, [0, 8, 16, 32, 63]),
        (10, 2, [0, 2, 4, 9]),
        (60, 6, [0, 1, 2, 4, 8, 16, 32, 59]),  # fewer than 2^6 steps: from 1 on
        (5, 30, [0, 1, 2, 4]),
        (2, 1, [0, 1]),
        (1, 6, [0]),
    ],
)
def test_snapshots_double_their_distance_and_include_the_first_and_last_step(steps, snapshots, kept):
    assert snapshot_steps(steps, snapshots) == kept


def test_a_direction_is_one_map_or_all_of_them_alike():
    np.testing.assert_array_equal(directions([2, -1, 0], 4), [[0, 0, 1, 0], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0]])


@pytest.mark.parametrize(
    ("schedule", "sizes"),
    [
        ("constant", [0.5, 0.5, 0.5, 0.5, 0.5]),
        ("linear", [0.5, 0.4, 0.3, 0.2, 0.1]),
        # (1 + cos 0, 36, 72, 108, 144 degrees) / 4
        ("cosine", [0.5, 0.4522542, 0.3272542, 0.1727458, 0.0477458]),
    ],
)
def test_step_sizes_stay_or_shrink_to_reach_zero_after_the_last_step(schedule, sizes):
    np.testing.assert_allclose(step_sizes(0.5, 5, schedule), sizes, rtol=1e-6)


def test_every_word_of_the_settings_is_an_objective() -> None:
    assert {word.value for word in Objective} == set(OBJECTIVES)
