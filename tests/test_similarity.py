"""How alike two CNNs are: numbers worked out by hand, and by NumPy's own functions."""

import itertools

import numpy as np
import pytest

from pipeline.core.similarity import Correlations, correlations_of, gram_of, linear_cka, matching_of

NAN = float("nan")


def correlations(values: list[list[float]], dead: tuple[int, ...] = (), other: tuple[int, ...] = ()) -> Correlations:
    found = np.array(values)
    maps, others = (np.isin(np.arange(size), which) for size, which in zip(found.shape, (dead, other), strict=True))
    return Correlations(np.where(maps[:, None] | others, 0.0, found), maps, others)


def test_correlations_by_hand() -> None:
    x = np.array([[1, 1], [2, 1], [3, 5], [4, 5]], np.float32)
    y = np.array([[2, 8], [4, 6], [6, 4], [8, 2]], np.float32)
    found = correlations_of([(x[:1], y[:1]), (x[1:], y[1:])])
    # of 1 1 5 5 and 2 4 6 8, less their means: sum(-2 -2 2 2 * -3 -1 1 3) = 16, over sqrt(16 * 20)
    expected = 16 / np.sqrt(16 * 20)
    np.testing.assert_allclose(found.values, [[1, -1], [expected, -expected]], rtol=0, atol=1e-15)
    assert not found.dead.any()
    assert not found.other_dead.any()


def test_correlations_are_those_of_numpy_however_the_samples_are_split() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 4)).astype(np.float32)
    y = (x @ random.normal(size=(4, 7)) + random.normal(size=(500, 7))).astype(np.float32)
    # a large mean must not cost what is small
    x[:, 2] += 10_000
    expected = np.corrcoef(x.astype(np.float64).T, y.astype(np.float64).T)[:4, 4:]
    for sizes in ((500,), (1, 2, 497), (100,) * 5):
        ends = [0, *itertools.accumulate(sizes)]
        batches = ((x[a:b], y[a:b]) for a, b in itertools.pairwise(ends))
        np.testing.assert_allclose(correlations_of(batches).values, expected, rtol=0, atol=1e-11)


def test_a_map_of_one_value_is_dead_and_correlates_with_nothing() -> None:
    x = np.array([[0, 1, 0.1], [0, 2, 0.1], [0, 3, 0.1]], np.float32)
    y = np.array([[3.0, 1], [3.0, 2], [3.0, 2]], np.float32)
    found = correlations_of([(x[:2], y[:2]), (x[2:], y[2:])])
    assert found.dead.tolist() == [True, False, True]
    assert found.other_dead.tolist() == [True, False]
    np.testing.assert_array_equal(found.values[[0, 2]], 0)
    np.testing.assert_array_equal(found.values[:, 0], 0)
    assert found.values[1, 1] == pytest.approx(np.sqrt(3) / 2)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        correlations_of([])


def test_the_sum_of_all_correlations_is_the_largest_and_not_the_first_of_them() -> None:
    # who takes 0.9 first is left with 0.1: 1.0 instead of 1.5
    found = matching_of(correlations([[0.9, 0.8], [0.7, 0.1]]))
    assert found.maps.tolist() == [0, 1]
    assert found.others.tolist() == [1, 0]
    assert found.correlation.tolist() == [0.8, 0.7]


@pytest.mark.parametrize("seed", range(5))
def test_the_matching_is_the_best_of_all(seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, (4, 6))
    found = matching_of(correlations(values.tolist()))
    best = max(sum(values[range(4), order]) for order in itertools.permutations(range(6), 4))
    assert found.correlation.sum() == pytest.approx(best)
    turned = matching_of(correlations(values.T.tolist()))
    assert sorted(zip(turned.others.tolist(), turned.maps.tolist(), strict=True)) == list(
        zip(found.maps.tolist(), found.others.tolist(), strict=True)
    )


def test_dead_maps_come_last_with_each_other_and_take_no_live_one() -> None:
    values = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9], [0.0, 0.9, 0.0]]
    found = matching_of(correlations(values, dead=(1,), other=(0, 2)))
    # of live maps there are 0, 2 and 3 here, and 1 there
    assert list(zip(found.maps.tolist(), found.others.tolist(), strict=True)) == [(3, 1), (1, 0)]
    assert found.correlation.tolist() == [0.9, 0.0]
    assert found.dead.tolist() == [False, True]
    all_dead = matching_of(correlations(values, dead=(0, 1, 2, 3), other=(0, 1, 2)))
    assert list(zip(all_dead.maps.tolist(), all_dead.others.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert all_dead.dead.all()


def test_a_gram_matrix_by_hand() -> None:
    # less its mean, 2: -2, 0, 2; the second feature says nothing
    found = gram_of(np.array([[0, 5], [2, 5], [4, 5]], np.float32))
    np.testing.assert_array_equal(found, [[4, 0, -4], [0, 0, 0], [-4, 0, 4]])


def test_linear_cka_by_hand() -> None:
    # less their means: x = -1 0 1, y = -1 2 -1 is orthogonal to it, z = x + y
    x, y = np.array([[-1.0], [0], [1]]), np.array([[-1.0], [2], [-1]])
    both = np.concatenate([x, y], axis=1)
    found = linear_cka([gram_of(x)], [gram_of(x * 7 + 3), gram_of(y), gram_of(both), gram_of(x + y)])
    # ||y^T x||^2 / (||x^T x|| ||y^T y||): of both (2^2 + 0) / (2 * sqrt(2^2 + 6^2)), of the sum 2^2 / (2 * 8)
    np.testing.assert_allclose(found, [[1, 0, 4 / (2 * np.sqrt(40)), 0.25]], rtol=0, atol=1e-15)


def test_linear_cka_is_that_of_the_formula_over_features() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(30, 5, 2)), random.normal(size=(30, 9))
    a, b = x.reshape(30, -1), y
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norm = np.linalg.norm
    expected = norm(b.T @ a) ** 2 / (norm(a.T @ a) * norm(b.T @ b))
    np.testing.assert_allclose(linear_cka([gram_of(x)], [gram_of(y)]), [[expected]], rtol=1e-12)
    rotation, _ = np.linalg.qr(random.normal(size=(9, 9)))
    np.testing.assert_allclose(linear_cka([gram_of(y)], [gram_of(3 * y @ rotation)]), [[1]], rtol=1e-12)


def test_cka_of_a_layer_that_always_answers_the_same_is_not_known() -> None:
    even, other = gram_of(np.full((4, 3), 0.1, np.float32)), gram_of(np.arange(4.0)[:, None])
    assert not even.any()
    np.testing.assert_array_equal(linear_cka([even, other], [even, other]), [[NAN, NAN], [NAN, 1]])
