"""The order in which a CNN counts its classes."""

import numpy as np

from pipeline.commands.picture_range import other_order


def test_an_order_that_fits_far_better_is_found():
    labels = np.arange(60) % 4
    order = np.array([2, 0, 3, 1])
    # the number that says class c is its place in the order
    said = np.array([order.tolist().index(label) for label in labels])
    found = other_order(labels, said, 4)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_array_equal(found[said], labels)


def test_a_class_that_is_never_said_gets_the_number_that_is_left():
    labels = np.arange(60) % 3
    said = np.array([1, 3, 0])[labels]
    assert other_order(labels, said, 4).tolist() == [2, 0, 3, 1]


def test_there_is_none_where_the_own_one_is_right_or_nothing_fits():
    labels = np.arange(60) % 3
    assert other_order(labels, labels, 3) is None
    assert other_order(labels, np.random.default_rng(0).integers(3, size=60), 3) is None
    assert other_order(labels, np.zeros(60, int), 3) is None
