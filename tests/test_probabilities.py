"""Probabilities of what a CNN gives out, by hand."""

import numpy as np

from pipeline.core.probabilities import are_probabilities, probabilities


def test_what_are_probabilities_stays_bit_for_bit() -> None:
    given = np.random.default_rng(0).dirichlet(np.ones(5), 4).astype(np.float32)
    assert probabilities(given) is given
    # classes that are judged each by itself
    alone = np.array([[0.9, 0.8, 0.0]])
    assert probabilities(alone) is alone


def test_logits_become_their_softmax() -> None:
    logits = np.array([[np.log(1), np.log(3)], [-467.0, -467.0], [1000.0, 0.0]])
    np.testing.assert_allclose(probabilities(logits), [[0.25, 0.75], [0.5, 0.5], [1, 0]], atol=1e-12)
    assert not are_probabilities(logits)


def test_one_output_is_the_second_of_two_classes() -> None:
    np.testing.assert_allclose(probabilities(np.array([[0.25], [1.0]])), [[0.75, 0.25], [0, 1]])
    # its logit where it is no probability: 1 / (1 + exp(-log 3)) = 3 / 4
    np.testing.assert_allclose(probabilities(np.array([[np.log(3)], [0.0]])), [[0.25, 0.75], [0.5, 0.5]])


def test_rows_that_are_no_numbers_say_nothing_of_the_others() -> None:
    given = np.array([[0.25, 0.75], [np.nan, np.nan]])
    assert probabilities(given) is given
    found = probabilities(np.array([[0.0, np.log(3)], [np.nan, 1.0], [np.inf, 0.0]]))
    np.testing.assert_allclose(found[0], [0.25, 0.75])
    assert np.isnan(found[1:]).all()
    assert probabilities(np.zeros((0, 3))).shape == (0, 3)
