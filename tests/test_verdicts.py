"""Verdicts on curves of the objective whose sums can be done by hand."""

import numpy as np
import pytest

from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, UNSTEADY
from pipeline.stages.oip.verdicts import gain_of_twice_the_steps, is_silent, reached, verdicts

# Nine steps, each of which moves the picture by one standard deviation: the second half begins at step 4 and moves it
# four times. All that gained gained 8, of which 0.4 is little.
RISES = [0, 1, 2, 3, 4, 5, 6, 7, 8]
SETTLES = [0, 4, 6, 7, 7.5, 7.75, 7.9, 7.95, 8]
FALLS = [0, 4, 8, 8, 7, 6, 6, 6, 6]
FLAT = [3] * 9
# what the second half gained, divided by four
CURVES = {"rises": (RISES, 1.0), "settles": (SETTLES, 0.125), "falls": (FALLS, -0.25), "flat": (FLAT, 0.0)}


def judge(*curves, moves=1.0, activation=None, stopped_at=None, begun=0):
    """The words and steps on some curves."""
    objective = np.array(curves, np.float32).T
    count = len(curves)
    words, at = verdicts(
        np.ones(count) if activation is None else np.array(activation),
        objective,
        np.broadcast_to(np.reshape(moves, (-1, 1)), objective.shape),
        np.full(count, -1) if stopped_at is None else np.array(stopped_at),
        begun,
    )
    return words.tolist(), at.tolist()


def a_parabola(steps):
    """1 - (1 - u)^2 over the share u of the steps that are done: however many they are, its end is as flat."""
    return 1.0 - (1.0 - np.arange(steps) / (steps - 1)) ** 2


@pytest.mark.parametrize(("curve", "expected"), CURVES.values(), ids=CURVES)
def test_twice_the_steps_gain_what_another_standard_deviation_would(curve, expected):
    objective = np.array([curve], float).T
    assert gain_of_twice_the_steps(objective, np.ones_like(objective)) == pytest.approx(expected)
    # the same curve on a way half as long is twice as steep
    assert gain_of_twice_the_steps(objective, np.full_like(objective, 0.5)) == pytest.approx(2 * expected)


def test_verdicts_on_what_rises_settles_falls_and_stays():
    words, at = judge(RISES, SETTLES, FALLS, FLAT)
    assert words == [RISING, CONVERGED, UNSTEADY, CONVERGED]
    # 95 % of 8 is 7.6, first reached at step 5; what is flat had all there is from the first step on
    assert at == [-1, 5, -1, 0]


def test_a_gain_of_exactly_5_percent_is_little():
    # gains 64 in all; in the second half 12.8, or 12.81, on a way of 4: 3.2 is 5 %
    exactly, more = [0, 50, 51, 51, 51.2, 64, 64, 64, 64], [0, 50, 51, 51, 51.19, 64, 64, 64, 64]
    assert judge(exactly, more)[0] == [CONVERGED, RISING]


@pytest.mark.parametrize(("scale", "shift"), [(1000, 0), (2**-10, 0), (1, -20), (0.5, 7)])
def test_neither_scale_nor_shift_nor_the_other_maps_matter(scale, shift):
    curves = [RISES, SETTLES, FALLS]
    words, at = judge(*(np.array(curve, float) * scale + shift for curve in curves))
    assert (words, at) == judge(*curves)
    alone = [judge(np.array(curve, float) * scale + shift) for curve in curves]
    assert ([word for [word], _ in alone], [step for _, [step] in alone]) == (words, at)


def test_a_curve_that_flattens_by_its_schedule_alone_has_not_converged():
    words = {}
    for steps in (8, 16, 48):
        sizes = 1.2 * (1 - np.arange(steps) / steps)
        words[steps] = judge(a_parabola(steps), moves=sizes)[0]
    # a quarter of the gain in the second half, of which the way is 1.2 * steps / 4: 10 %, 5.2 % and 1.7 %
    assert words == {8: [RISING], 16: [RISING], 48: [CONVERGED]}


def test_a_picture_that_is_moved_at_random_is_not_unsteady_for_a_single_low_step():
    shaken = np.repeat(SETTLES, 4).astype(float)
    shaken[-1] -= 1.0
    assert judge(shaken)[0] == [CONVERGED]
    shaken[-4:] -= 1.0
    assert judge(shaken)[0] == [UNSTEADY]


def test_a_silent_picture_and_one_without_a_number_were_never_triggered():
    curves = [SETTLES, SETTLES, [np.nan] * 9, RISES]
    words, at = judge(*curves, activation=[0.0, np.nan, np.nan, -1.0], stopped_at=[-1, 4, -1, -1])
    assert words == [NEVER] * 4
    assert at == [-1] * 4


def test_a_map_that_was_stopped_converged_there():
    assert judge(RISES, FALLS, SETTLES, stopped_at=[3, 6, -1]) == ([CONVERGED] * 3, [3, 6, 5])


def test_a_single_step_says_nothing():
    assert judge([1.0], [0.0]) == ([RISING] * 2, [-1] * 2)
    assert judge([1.0, 1.0], [1.0, 2.0])[0] == [CONVERGED, RISING]


def test_the_last_stage_is_judged_by_all_that_was_gained():
    # the stage before was higher, and what it ended with was changed
    before = [-40, 0, 9, 9.5]
    words, at = judge(before + RISES, before + SETTLES, before + FALLS, begun=4)
    # of a gain of 48 another 1 is little: 2.1 %
    assert words == [CONVERGED, CONVERGED, CONVERGED]
    # 95 % of 48 over -40: 5.6
    assert at == [4 + 6, 4 + 2, 4 + 2]
    assert judge([0, 0, 9, 9.5, *RISES], begun=4)[0] == [RISING]


def test_a_picture_that_has_to_reach_a_score_is_judged_by_that():
    words = np.array([CONVERGED, RISING, NEVER, RISING])
    goal = np.array([1.0, 2.0, 1.0, np.nan])
    assert reached(words, np.array([1.0, 1.9, 0.0, 1.0]), goal).tolist() == [REACHED, BELOW, NEVER, RISING]


def test_maps_without_an_activation_function_are_not_silent_below_0():
    activation = np.array([1.0, -2.0, 0.0, np.nan])
    assert is_silent(activation).tolist() == [False, True, True, True]
    assert is_silent(activation, linear=True).tolist() == [False, False, True, True]
