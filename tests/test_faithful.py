"""OIPs that keep to the data, on a tiny CNN: every step against NumPy, what is kept, and what the evidence says."""

from dataclasses import replace
from itertools import combinations

import keras
import numpy as np
import pytest
import reference
import rounding
import tensorflow as tf
from oip_settings import NOISE, OFF, OIP

from pipeline.core import ascent, matching, program
from pipeline.core.forward import plain_forward_pass
from pipeline.core.noise import standardized
from pipeline.core.objectives import after_activation, before_activation, directions, weights_of
from pipeline.core.priors import Priors, levels_of, shaped
from pipeline.core.references import layers_before, match_of, references_of
from pipeline.core.score import as_saved, top_scores
from pipeline.core.variation import covariance_power, spectrum_power
from pipeline.drawing.levels import image_levels, stretched
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import MatchKind, PixelRange, Spectrum, StartAt
from pipeline.stages.oip.believable import figures, path_index_of_layers
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.pictures.contact_sheet import side_by_side
from pipeline.stages.oip.result import BELOW, NEVER, REACHED, OipSweepResult

pytestmark = pytest.mark.slow

NEVER_STOPS = ascent.Convergence(criterion=0.0, after=0, patience=1, stop=False)
FAITHFUL = replace(OFF, range=PixelRange.data, covariance=0.5, start=StartAt.mean, match=MatchKind.maps, least=1.0)
COUNT, CLASSES, MAPS = 24, 3, 6


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Blobs: pictures whose neighbouring pixels are alike."""
    random = np.random.default_rng(5)
    noise = random.normal(size=(COUNT, 12, 12))
    smooth = sum(np.roll(noise, (down, right), (1, 2)) for down in range(3) for right in range(3))
    return np.stack([reference.standardize(one) for one in smooth])[..., None].astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.arange(COUNT) % CLASSES


@pytest.fixture
def sweep(tiny_cnn, images, labels):
    """sweep(model=..., **changes of OIP)."""

    def run(*, model=None, seed=3, **changes) -> OipSweepResult:
        config = replace(OIP, **{"faithful": FAITHFUL, "steps": 40} | changes)
        return sweep_oips(
            config, NOISE, model or tiny_cnn(), seed=seed, reference_images=images[COUNT // 2 :],
            reference_labels=labels[COUNT // 2 :], training_images=images[: COUNT // 2],
        )  # fmt: skip

    return run


def outputs(model, layer, images):
    return keras.Model(model.inputs[0], model.get_layer(layer).output).predict(images, verbose=0)


def unit(features: np.ndarray, kind: str) -> np.ndarray:
    """A picture's features (height, width, channels) as a row of mean 0 and length 1."""
    if kind == matching.DISTRIBUTIONS:
        features = np.sort(features.reshape(-1, features.shape[-1]), axis=0)
    row = features.ravel().astype(np.float64)
    row = row - row.mean()
    return row / np.linalg.norm(row)


# the pieces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 100])
def test_top_scores_are_those_of_a_sort(tiny_cnn, images, count):
    model = tiny_cnn()
    target = after_activation(model, "Conv2D_2", weights_of(directions([0, 4, -1], MAPS), (3, 3, MAPS)))
    many = np.concatenate([images] * 12)  # more than a batch, and every value twelve times
    values, which = top_scores(target, many, count)
    means = outputs(model, "Conv2D_2", many).mean(axis=(1, 2))
    expected = np.stack([means[:, 0], means[:, 4], means.mean(axis=1)])
    count = min(count, len(many))
    np.testing.assert_allclose(values, -np.sort(-expected, axis=1)[:, :count], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(expected, which, axis=1), values, atol=1e-5)
    assert [len(set(row)) for row in which.tolist()] == [count] * 3


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_a_power_of_the_covariance_is_that_of_numpy(images, power):
    levels = levels_of(images).reshape(COUNT, -1)
    assert levels.min(axis=1) == pytest.approx(0)
    assert levels.max(axis=1) == pytest.approx(1)
    covariance = np.cov(levels.astype(np.float64).T)
    covariance /= np.linalg.eigvalsh(covariance).max()
    found = covariance_power(images, power).astype(np.float64)
    whole = found if power == 1 else found @ found
    np.testing.assert_allclose(whole, covariance, atol=1e-5)
    gradient = np.random.default_rng(0).normal(size=(3, 12, 12, 1)).astype(np.float32)
    expected = (gradient.reshape(3, -1) @ found).reshape(gradient.shape)
    np.testing.assert_allclose(shaped(gradient, found.astype(np.float32)).numpy(), expected, atol=1e-4)


def test_a_power_of_the_spectrum_is_that_of_numpy(images):
    levels = levels_of(images)[..., 0].astype(np.float64)
    squares = np.mean([np.abs(np.fft.rfft2(one - levels.mean(axis=0))) ** 2 for one in levels], axis=0)
    np.testing.assert_allclose(spectrum_power(images, 0.5), np.sqrt(squares / squares.max()), rtol=1e-4)


@pytest.mark.parametrize("kind", [matching.MAPS, matching.DISTRIBUTIONS])
def test_patterns_are_mean_units_of_the_references(tiny_cnn, images, kind):
    model, chosen = tiny_cnn(), np.array([[0, 3, 5], [7, 3, 1]])
    valid = np.array([[True, True, False], [False, False, False]])
    for layer, pattern in zip(
        ["Conv2D_1", "Max_Pool_1"],
        matching.patterns_of(model, ["Conv2D_1", "Max_Pool_1"], kind, images, chosen, valid),
        strict=True,
    ):
        features = outputs(model, layer, images[[0, 3]])
        expected = np.mean([unit(one, kind) for one in features], axis=0)
        np.testing.assert_allclose(pattern[0], expected, atol=1e-5)
        assert (pattern[1] == 0).all()


# a step --------------------------------------------------------------------------------------------------------------


def aims(model, maps):
    weights = weights_of(directions(maps, MAPS), (3, 3, MAPS))
    return before_activation(model, "Conv2D_2", weights), after_activation(model, "Conv2D_2", weights)


def matched(model, images, maps, *, kind=matching.MAPS, weight=0.3, is_least=True, least=1.0):
    """The objective and what is matched of some maps, drawn to their top two images."""
    aim, scored = aims(model, maps)
    found = references_of(scored, images, 2)
    patterns = matching.patterns_of(model, ["Conv2D_1"], kind, images, found.chosen, found.drives)
    goal = (least * found.largest).astype(np.float32)
    return aim, matching.Match(kind, ("Conv2D_1",), patterns, scored, goal, 2 * goal, weight, is_least)


@pytest.mark.parametrize("kind", [matching.MAPS, matching.DISTRIBUTIONS])
def test_a_step_is_that_of_finite_differences(new_cnn, layers_up_to, images, kind):
    """Of  likeness + weight * objective / unit,  shaped by the data's covariance, between black and white."""
    model = new_cnn(activation="elu", seed=2)
    aim, match = matched(model, images, [3], kind=kind, is_least=False)
    covariance = covariance_power(images, 0.5)
    result = ascent.ascend(
        aim, levels_of(images[:1]), np.array([0.05], np.float32), convergence=NEVER_STOPS, snapshot_steps=[0],
        match=match,        shaped_by=Priors(bounded=True, covariance=covariance),
    )  # fmt: skip
    first, whole = layers_up_to(model, "Conv2D_1"), layers_up_to(model, "Conv2D_2")
    whole[-1] = whole[-1]._replace(activation="linear")

    def ascended(levels):
        shown = reference.standardize(levels)
        likeness = unit(reference.outputs(first, shown)[-1], kind) @ match.patterns[0][0]
        return likeness + 0.3 * reference.outputs(whole, shown)[-1][..., 3].mean() / match.unit[0]

    levels = levels_of(images[:1])[0, :, :, 0].astype(np.float64)
    gradient = np.zeros_like(levels)
    for place in np.ndindex(levels.shape):
        nudge = np.zeros_like(levels)
        nudge[place] = 1e-5
        gradient[place] = (ascended(levels + nudge) - ascended(levels - nudge)) / 2e-5
    way = (gradient.ravel() @ covariance).reshape(levels.shape)
    expected = np.clip(levels + 0.05 * way / np.sqrt((way**2).mean()), 0, 1)
    np.testing.assert_allclose(result.images[0, :, :, 0], expected, atol=2e-3)


@pytest.mark.parametrize("least", [1.0, 50.0])
def test_the_picture_that_is_kept_is_the_best_of_all_on_the_way(tiny_cnn, images, least):
    """The most alike of those that reach the goal; where none does, the one of the highest score."""
    model, maps, steps = tiny_cnn(), [0, 1, 3], 12
    aim, match = matched(model, images, maps, least=least)
    begun = levels_of(images[[4, 5, 6]])
    result = ascent.ascend(
        aim, begun, np.full(steps, 0.08, np.float32), convergence=NEVER_STOPS, snapshot_steps=range(steps), match=match,
        shaped_by=Priors(bounded=True),
    )  # fmt: skip
    # what a step changed is shown in the next one
    shown = np.concatenate([begun[None], result.snapshots[:-1]])
    seen = standardized(shown.reshape(-1, 12, 12, 1)).reshape(shown.shape)
    for row, m in enumerate(maps):
        score = outputs(model, "Conv2D_2", seen[:, row])[..., m].mean(axis=(1, 2))
        features = outputs(model, "Conv2D_1", seen[:, row])
        likeness = np.array([unit(one, matching.MAPS) @ match.patterns[0][row] for one in features])
        reaches = score >= matching.ENOUGH * match.goal[row]
        assert reaches.any() == (least == 1)
        best = int(np.where(reaches, 10 + likeness, score).argmax() if reaches.any() else score.argmax())
        np.testing.assert_allclose(result.images[row], shown[best, row], atol=1e-4)
        assert result.likeness[row] == pytest.approx(likeness[best], abs=1e-4)


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_steps_equal_numpy(tiny_cnn, layers_up_to, images, activation):
    """Of all maps at once, drawn to their images in the pool on the way, the weight following each score."""
    model, sizes = tiny_cnn(activation=activation), [0.1, 0.05, 0.02, 0.01]
    aim, scored = aims(model, range(MAPS))
    found = references_of(scored, images, 4)
    match = match_of(
        model, layers_before(model, "Conv2D_2"), matching.MAPS, scored=scored, aim=aim, images=images,
        references=found, goal=found.largest, weight=0.3, is_least=True,
    )  # fmt: skip
    assert match.layers == ("Max_Pool_1",)
    begun = np.random.default_rng(4).uniform(0, 1, (MAPS, 12, 12, 1)).astype(np.float32)
    covariance = covariance_power(images, 0.5)
    result = ascent.ascend(
        aim, begun, np.array(sizes, np.float32), convergence=NEVER_STOPS, snapshot_steps=range(4), match=match,
        shaped_by=Priors(bounded=True, covariance=covariance),
    )  # fmt: skip
    layers = layers_up_to(model, "Conv2D_2", pre_activation=True)
    for index in range(MAPS):
        now, factor = begun[index, ..., 0].astype(np.float64), 0.3
        # of the last one the picture that is kept is shown
        for number, size in enumerate(sizes[:-1]):
            step = reference.stroke(
                layers, now, match.patterns[0][index].astype(np.float64), index, goal=match.goal[index],
                unit=match.unit[index], shaping=covariance.astype(np.float64), step_size=size, factor=factor,
                activation=activation,
            )  # fmt: skip
            now, factor = step.pixels, step.factor
            np.testing.assert_allclose(result.snapshots[number, index, ..., 0], now, atol=1e-4)


def test_a_unit_is_what_leads_from_the_mean_image_to_the_goal(tiny_cnn, images):
    model = tiny_cnn()
    aim, scored = aims(model, range(MAPS))
    found = references_of(scored, images, 4)
    match = match_of(
        model, ["Conv2D_1"], matching.MAPS, scored=scored, aim=aim, images=images, references=found,
        goal=found.largest, weight=0.3, is_least=True,
    )  # fmt: skip
    mean = reference.standardize(levels_of(images).mean(axis=0)[..., 0].astype(np.float64))
    images_of_mean = tf.constant(mean[None, ..., None], tf.float32)
    before = plain_forward_pass(aim.part)(aim.part.weights(), images_of_mean).numpy()
    start = (before * aim.weights).sum(axis=(1, 2, 3)) + aim.offset
    np.testing.assert_allclose(match.unit, np.maximum(match.goal - start, match.goal), atol=1e-4)


def test_weight_and_kept_picture_follow_the_score():
    """Far below the goal; above it, and more alike; above it, less alike; below it where another one was above."""
    goal = np.array([2.0, 2.0, 2.0, 2.0], np.float32)
    pictures, before = (np.full((4, 1, 1, 1), value, np.float32) for value in (1.0, 0.0))
    way = program.Way(
        None, None, None, np.array([0.1, 0.5, 0.2, 0.9], np.float32), np.array([0.2, 2.1, 2.1, 1.9], np.float32)
    )
    course = [np.ones(4, np.float32), before, np.array([0.9, 0.3, 0.3, 0.3], np.float32),
              np.array([0.1, 2.2, 2.2, 2.2], np.float32)]  # fmt: skip
    weight, kept, likeness, score = (np.asarray(one) for one in program._followed(course, pictures, way, goal))
    lacking = np.array([1.0, 2 * (1.03 - 1.05), 2 * (1.03 - 1.05), 2 * (1.03 - 0.95)])
    np.testing.assert_allclose(weight, np.exp(0.25 * lacking), rtol=1e-5)
    assert kept.ravel().tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(likeness, [0.1, 0.5, 0.3, 0.3])
    np.testing.assert_allclose(score, [0.2, 2.1, 2.2, 2.2])


# a sweep -------------------------------------------------------------------------------------------------------------


def test_a_picture_drives_its_map_as_much_as_every_image_does(sweep, tiny_cnn, images):
    result = sweep()
    largest = outputs(tiny_cnn(), "Conv2D_2", images).mean(axis=(1, 2)).max(axis=0)
    np.testing.assert_allclose(result.goal, largest, atol=1e-5)
    driven = largest > 0
    saved = outputs(tiny_cnn(), "Conv2D_2", as_saved(result.images)).mean(axis=(1, 2))
    np.testing.assert_allclose(result.activation, saved.diagonal(), atol=1e-5)
    words = np.where(result.activation >= result.goal, REACHED, BELOW)
    assert result.verdicts[driven].tolist() == words[driven].tolist()
    assert np.mean(words[driven] == REACHED) > 0.5
    # the other picture is the one of a plain sweep
    plain = sweep(faithful=OFF)
    np.testing.assert_array_equal(result.plain_images, plain.images)
    np.testing.assert_array_equal(result.plain_activation, plain.activation)
    np.testing.assert_array_equal(result.images[~driven], plain.images[~driven])
    assert len(plain.plain_images) == 0
    # it drives its map more, and is less like its images
    assert np.median(plain.activation[driven]) > np.median(result.activation[driven])
    assert np.nanmedian(result.path_index[0]) > np.nanmedian(plain.path_index[0])


def test_a_map_that_no_image_drives_has_its_plain_picture(new_cnn, sweep):
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    bias.assign(np.where(np.arange(MAPS) == 2, -1000, bias))
    result = sweep(model=model)
    assert result.verdicts[2] == NEVER
    assert result.goal[2] == 0
    assert (result.references[2] == -1).all()
    np.testing.assert_array_equal(result.images[2], result.plain_images[2])
    assert (result.verdicts[[0, 1]] != NEVER).all()


def test_a_goal_that_is_out_of_reach_is_told_with_what_is_missing(sweep):
    result = sweep(faithful=replace(FAITHFUL, least=1000.0))
    driven = result.goal > 0
    assert set(result.verdicts[driven].tolist()) == {BELOW}
    row = int(np.flatnonzero(driven)[0])
    share = result.activation[row] / result.goal[row]
    assert result.verdict(row) == f"less than data ({share:.2f} of it)"


def test_same_seed_same_bits_in_every_batch(sweep):
    # at least one step has to pass in which the weight has changed
    steps = rounding.steps(24)
    whole, again = sweep(steps=steps), sweep(steps=steps)
    for name in ("images", "activation", "objective", "snapshots", "path_similarity"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(again, name))
    for batch in (1, 2, 4):
        apart = sweep(steps=steps, batch_size=batch)
        rounding.assert_same_in_every_batch(apart.images, whole.images)
    some = sweep(steps=steps, map_indices=[4, 1])
    rounding.assert_same_in_every_batch(some.images, whole.images[[4, 1]])


def test_pictures_out_of_other_noise_are_alike(sweep):
    one, other = (sweep(seed=seed).images for seed in (1, 2))
    plain = [sweep(seed=seed, faithful=OFF).images for seed in (1, 2)]

    def alike(first, second):
        return np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)])

    assert alike(one, other) > 0.6 > alike(*plain)


@pytest.mark.parametrize(
    "part",
    [
        {"range": PixelRange.data},
        {"covariance": 0.5},
        {"start": StartAt.mean},
        {"match": MatchKind.maps},
        {"match": MatchKind.distributions, "layers": ["Max_Pool_1"]},
        {"match": MatchKind.maps, "least": 1.0, "images": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("layer", ["Conv2D_1", "Max_Pool_1", "Conv2D_2", "Dense_1", "Output"])
def test_every_part_can_be_used_alone_in_every_layer(sweep, part, layer):
    if layer in ("Conv2D_1", "Max_Pool_1") and "layers" in part:
        part = part | {"layers": ["Input"]}
    result = sweep(layer=layer, map_indices=[1, -1], faithful=replace(OFF, **part), steps=6)
    assert np.isfinite(result.images).all()
    assert len(result.plain_images) == 2
    assert (result.images != result.plain_images).any(axis=(1, 2, 3))[result.goal > 0].all()


def test_several_starts_and_strategies_work_with_it(sweep):
    from pipeline.settings.choices import Strategy

    result = sweep(starts=2, strategy=Strategy.precursor, snapshots=3)
    assert result.all_images.shape[1] == 2
    staged = sweep(strategy=Strategy.coarse_to_fine, stage_steps=[5, 9])
    assert staged.objective.shape[0] == 14
    assert np.isfinite(staged.images).all()


def test_the_layers_before_are_what_convolutions_hand_on_or_the_pixels(tiny_cnn):
    assert layers_before(tiny_cnn(), "Conv2D_2") == ["Max_Pool_1"]
    assert layers_before(tiny_cnn(), "Output") == ["Max_Pool_1", "Conv2D_2"]
    assert layers_before(tiny_cnn(), "Max_Pool_1") == ["Conv2D_1"]
    assert layers_before(tiny_cnn(), "Conv2D_1") == ["Input"]
    inputs = keras.Input((12, 12, 1))
    first = keras.layers.Conv2D(2, 3, padding="same", name="first")(inputs)
    both = keras.layers.Add(name="both")([first, keras.layers.Conv2D(2, 3, padding="same", name="second")(first)])
    branched = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="third")(both))
    assert layers_before(branched, "third") == ["first", "second"]


# evidence ------------------------------------------------------------------------------------------------------------


def test_the_evidence_is_that_of_keras_and_numpy(sweep, tiny_cnn, images, labels, monkeypatch):
    monkeypatch.setattr("pipeline.stages.oip.compute.EVIDENCE_IMAGES", 4)
    found, model = sweep(faithful=OFF), tiny_cnn()
    images, labels = images[COUNT // 2 :], labels[COUNT // 2 :]
    assert found.path_layers.tolist() == ["Conv2D_1", "Conv2D_2"]
    means = outputs(model, "Conv2D_2", images).mean(axis=(1, 2))
    top = [[i for i in np.argsort(-means[:, m], kind="stable")[:4] if means[i, m] > 0] for m in range(MAPS)]
    pool = np.unique(np.argsort(-means, axis=0, kind="stable")[:4])
    oips = as_saved(found.images)

    def mean(values):
        return np.mean(values) if len(values) else np.nan

    for row, name in enumerate(found.path_layers.tolist()):
        of_oips, of_images = (outputs(model, name, some).reshape(len(some), -1) for some in (oips, images))

        def alike(one, other):
            return np.corrcoef(one, other)[0, 1]

        for m, chosen in enumerate(top):
            similarity = mean([alike(of_oips[m], of_images[i]) for i in chosen])
            same = mean([alike(of_images[i], of_images[j]) for i, j in combinations(chosen, 2)])
            others = mean(
                [mean([alike(of_images[i], of_images[j]) for j in pool if labels[j] != labels[i]]) for i in chosen]
            )
            measured = (found.path_similarity, found.path_same, found.path_others)
            assert [one[row, m] for one in measured] == pytest.approx([similarity, same, others], abs=1e-5, nan_ok=True)
            if same > others:
                index = (similarity - others) / (same - others)
                assert found.path_index[row, m] == pytest.approx(index, rel=1e-3, abs=1e-3)
    assert found.taken_for.tolist() == model.predict(oips, verbose=0).argmax(axis=1).tolist()
    most = [int(np.bincount(labels[chosen]).argmax()) if chosen else -1 for chosen in top]
    assert found.top_class.tolist() == most


def test_what_the_strongest_node_sees_is_compared_as_keras_and_numpy_do(sweep, tiny_cnn, images, labels):
    found, model = sweep(faithful=OFF, map_indices=[3, -1, 0]), tiny_cnn()
    images, labels = images[COUNT // 2 :], labels[COUNT // 2 :]
    assert found.field_index.shape == (1, 3)
    assert np.isnan(found.field_index[0, 1])
    oips = as_saved(found.images)
    every = outputs(model, "Conv2D_2", images).mean(axis=(1, 2))
    tops = [np.argsort(-one, kind="stable")[:10] for one in (every[:, 3], every.mean(axis=1), every[:, 0])]
    pool = np.unique(tops)
    for row, m in ((0, 3), (2, 0)):
        answers = [outputs(model, "Conv2D_2", some)[..., m] for some in (oips, images)]
        features = [outputs(model, "Conv2D_1", some) for some in (oips, images)]

        def seen(of, number, answers=answers, features=features):
            # a node of the second convolution sees 6 x 6 nodes of the first, every other one further on
            down, right = np.unravel_index(answers[of][number].argmax(), (3, 3))
            return features[of][number, 2 * down : 2 * down + 6, 2 * right : 2 * right + 6].ravel()

        means = answers[1].mean(axis=(1, 2))
        own = [i for i in np.argsort(-means, kind="stable")[:10] if means[i] > 0]
        alike = [np.corrcoef(seen(0, row), seen(1, i))[0, 1] for i in own]
        same = [np.corrcoef(seen(1, i), seen(1, j))[0, 1] for i, j in combinations(own, 2)]
        others = [
            np.mean([np.corrcoef(seen(1, i), seen(1, j))[0, 1] for j in pool if labels[i] != labels[j]]) for i in own
        ]
        measured = [one[0, row] for one in (found.field_similarity, found.field_same, found.field_others)]
        assert measured == pytest.approx([np.mean(alike), np.mean(same), np.mean(others)], abs=1e-4)


def test_figures_are_shares_and_medians_of_the_maps_that_images_drive(sweep):
    found = replace(
        sweep(faithful=OFF, map_indices=[0, 1, 3, 4]),
        layer="Conv2D_2",
        activation=np.array([1.0, 2.0, 3.0, 9.0]),
        data_maximum=np.array([2.0, 2.0, 1.0, 0.0]),
        path_layers=np.array(["Conv2D_1", "Conv2D_2"]),
        path_similarity=np.array([[0.1, 0.6, 0.9, 0.0], [0.2, 0.2, 0.2, 0.2]]),
        path_same=np.full((2, 4), 0.8),
        path_others=np.full((2, 4), 0.3),
        field_similarity=np.array([[0.4, 0.4, 0.6, 0.0]]),
        field_same=np.full((1, 4), 0.8),
        field_others=np.full((1, 4), 0.3),
        top_class=np.array([1, 2, 0, -1]),
        taken_for=np.array([1, 1, 0, 1]),
    )
    assert figures(found) == pytest.approx(
        {
            "as_much_as_data": 2 / 3,
            "path_index": 0.6,
            "nearer_than_strangers": 2 / 3,
            "class_agreement": 2 / 3,
        }
    )
    assert path_index_of_layers(found) == {
        "path_index_by_layer": pytest.approx({1: 0.6, 2: -0.2}),
        "path_index_in_field_by_layer": pytest.approx({1: 0.2}),
    }
    nobody = replace(found, data_maximum=np.full(4, np.nan))
    assert figures(nobody) == {}


def test_without_images_or_labels_nothing_is_known(tiny_cnn, images):
    for known in ({}, {"reference_images": images}):
        result = sweep_oips(OIP, NOISE, tiny_cnn(), seed=0, **known)
        assert result.path_similarity.shape == (0, MAPS)
        assert set(result.top_class.tolist()) == set(result.taken_for.tolist()) == {-1}


# settings ------------------------------------------------------------------------------------------------------------


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(InputError, match=r"oip\.faithful\.least: takes null with oip\.faithful\.match=none"):
        replace(FAITHFUL, match=MatchKind.none)
    with pytest.raises(InputError, match=r"oip\.faithful\.covariance: takes a number of at least 0 and at most 1"):
        replace(FAITHFUL, covariance=2.0)
    with pytest.raises(InputError, match=r"oip\.faithful\.range: takes free with oip\.quality\.spectrum=data"):
        replace(OIP, faithful=FAITHFUL, quality=replace(OIP.quality, spectrum=Spectrum.data))


def test_a_layer_that_is_not_before_the_target_is_refused(compose):
    with pytest.raises(InputError, match=r"oip\.faithful\.layers: takes layers before Conv2D_2"):
        compose("oip=faithful", "oip.layer=Conv2D_2", "oip.faithful.layers=[Conv2D_3]")


def test_images_that_no_reference_can_be_are_refused(tiny_cnn, images):
    config = replace(OIP, faithful=FAITHFUL)
    broken = images.copy()
    broken[3, 4, 4] = np.nan
    for wrong in (broken, images[:, :11], images[..., 0]):
        takes = r"^training_images: takes images of finite numbers, \(count, 12, 12, 1\); got "
        with pytest.raises(InputError, match=takes):
            sweep_oips(config, NOISE, tiny_cnn(), seed=0, training_images=wrong)


def test_images_are_asked_for_where_they_are_needed(tiny_cnn):
    with pytest.raises(ValueError, match="expected training_images, at least 2; received None or fewer"):
        sweep_oips(replace(OIP, faithful=FAITHFUL), NOISE, tiny_cnn(), seed=0)


# pictures ------------------------------------------------------------------------------------------------------------


def test_sheets_have_the_plain_picture_beside_the_faithful_one(sweep):
    result = sweep(snapshots=2)
    levels = side_by_side(result, image_levels)
    np.testing.assert_array_equal(levels[:, :, :12], stretched(result.images[..., 0]))
    np.testing.assert_array_equal(levels[:, :, 12:], stretched(result.plain_images[..., 0]))
    plain = sweep(snapshots=2, faithful=OFF)
    np.testing.assert_array_equal(side_by_side(plain, image_levels), stretched(plain.images[..., 0]))
    one, other = (render_oips(OIP, of)["contact_sheet.png"] for of in (result, plain))
    assert one.shape != other.shape
    assert np.asarray(render_oips(OIP, result)["maps/map_003.png"]).shape == (216, 216)
