"""The judge of `benchmarks.natural`: real images are as alike to real images as those are, noise is not."""

import numpy as np
import pytest

from benchmarks.case import Case, case_of, judged
from pipeline.core.score import as_saved, scores
from pipeline.data.dataset import Dataset


@pytest.fixture(scope="module")
def case(new_cnn, compose) -> Case:
    """Two untrained CNNs, and images of three classes, each with its own bright row."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = 0.3 * rng.standard_normal((60, 12, 12, 1))
    images[np.arange(60), 3 + 2 * labels] += 3.0
    images = ((images - images.mean((1, 2, 3), keepdims=True)) / images.std((1, 2, 3), keepdims=True)).astype("f4")
    halves = (images[:30], labels[:30], images[30:], labels[30:])
    words = ["oip.layer=Conv2D_2"]
    return case_of(new_cnn(), new_cnn(seed=1), compose(*words), words, Dataset("rows", "", *halves, ("a", "b", "c")))


def test_a_real_image_is_near_and_noise_is_not(case: Case) -> None:
    every = list(range(case.maps))
    best = judged(case, case.dataset.test_images[case.real.chosen[:, 0]], every)
    noise = judged(case, case.starts(0), every)
    assert best.maps == case.driven.sum() > 0
    assert best.path[0] > 1 > 0.5 > noise.path[0]
    assert len(best.second_path) == 1
    assert best.second_path[0] > noise.second_path[0]
    assert best.score > noise.score


def test_some_maps_are_judged_as_they_are_among_all(case: Case) -> None:
    """The strangers are images of all maps, the medians over the maps that were asked for."""
    pictures = case.starts(1)
    row = int(np.flatnonzero(case.driven)[0])
    alone, whole = judged(case, pictures[[row]], [row]), judged(case, pictures, list(range(case.maps)))
    assert alone.maps == 1
    assert whole.maps > 1
    score = scores(case.scored, as_saved(pictures))[row]
    assert alone.score == pytest.approx(score / case.references.largest[row])
    strengths = (scores(case.scored, as_saved(pictures)) / case.references.largest)[case.driven]
    assert whole.score == pytest.approx(np.median(strengths))


def test_what_is_the_same_from_both_seeds_agrees(case: Case) -> None:
    every, pictures = list(range(case.maps)), case.starts(0)
    assert judged(case, pictures, every, pictures).agreement == pytest.approx(1, abs=1e-5)
    assert abs(judged(case, pictures, every, case.starts(1)).agreement) < 0.9
    assert np.isnan(judged(case, pictures, every).agreement)
