"""What ascends, the sizes of the steps, and which pictures are kept: numbers that can be computed by hand."""

import numpy as np
import pytest

from pipeline.core.objective import directions, mean_along, snapshot_steps, step_sizes


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


# two images of 1 x 2 positions and 3 maps
FEATURE_MAPS = np.array([[[[1, 10, -4], [3, 30, 0]]], [[[5, 0, 7], [7, 2, 9]]]], np.float32)


@pytest.mark.parametrize(
    ("map_indices", "means"),
    [
        ([0, 0], [2, 6]),
        ([1, 2], [20, 8]),
        ([2, 1], [-2, 1]),
        ([-1, -1], [40 / 6, 30 / 6]),  # the sum of all six values by six
        ([-1, 0], [40 / 6, 6]),
    ],
)
def test_the_objective_is_the_mean_of_a_map_or_of_the_whole_layer(map_indices, means):
    values = mean_along(FEATURE_MAPS, directions(map_indices, 3)).numpy()
    np.testing.assert_allclose(values, means, rtol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "sizes"),
    [("constant", [0.5, 0.5, 0.5, 0.5, 0.5]), ("linear", [0.5, 0.4, 0.3, 0.2, 0.1])],
)
def test_step_sizes_stay_or_shrink_evenly_to_reach_zero_after_the_last_step(schedule, sizes):
    np.testing.assert_allclose(step_sizes(0.5, 5, schedule), sizes, rtol=1e-6)
