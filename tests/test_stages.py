"""The stages activations and oip on a tiny CNN, against the method in plain NumPy. (train: test_training.py)"""

from dataclasses import replace

import eager
import numpy as np
import pytest
import reference
import rounding
from oip_settings import NOISE, OIP

from pipeline.core.noise import multi_wavelength_noise
from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import ColorMap, MapScaling, Objective, Split
from pipeline.stages.activations.compute import extract_activations
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.oip.compute import sweep_oips, verdicts

# activations -------------------------------------------------------------------------------------------------------

ACTIVATIONS = ActivationsConfig(
    layers=["Conv2D_2", "Max_Pool_1", "Dense_1"],
    split=Split.test,
    image_indices=None,
    columns=8,
    color_map=ColorMap.magma,
    scaling=MapScaling.raw,
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    images = np.random.default_rng(5).normal(size=(13, 12, 12, 1)).astype(np.float32)
    train_labels = np.array([7, 7, 2, 0, 2])
    test_labels = np.array([2, 2, 9, 0, 9, 0, 2, 5])
    return Dataset("noise", "", images[:5], train_labels, images[5:], test_labels, tuple("0123456789"))


def test_activations_are_those_of_the_first_image_of_every_class(tiny_cnn, layers_up_to, dataset):
    result = extract_activations(ACTIVATIONS, tiny_cnn(), dataset)
    assert result.indices.tolist() == [3, 0, 7, 2]
    assert result.labels.tolist() == [0, 2, 5, 9]
    np.testing.assert_array_equal(result.images, dataset.test_images[[3, 0, 7, 2]])
    assert list(result.feature_maps) == ACTIVATIONS.layers
    for layer in ("Conv2D_2", "Max_Pool_1"):
        layers = layers_up_to(tiny_cnn(), layer)
        expected = [reference.outputs(layers, image[..., 0])[-1] for image in result.images]
        np.testing.assert_allclose(result.feature_maps[layer], expected, atol=1e-5)
    kernel, bias = tiny_cnn().get_layer("Dense_1").get_weights()
    flat = result.feature_maps["Conv2D_2"].reshape(4, -1)
    np.testing.assert_allclose(result.feature_maps["Dense_1"], np.maximum(flat @ kernel + bias, 0), atol=1e-5)


def test_activations_of_the_images_asked_for_in_their_order(tiny_cnn, dataset):
    config = replace(ACTIVATIONS, split=Split.train, image_indices=[4, 1])
    result = extract_activations(config, tiny_cnn(), dataset)
    assert result.labels.tolist() == [2, 7]
    np.testing.assert_array_equal(result.images, dataset.train_images[[4, 1]])
    alone = extract_activations(replace(config, image_indices=[1]), tiny_cnn(), dataset)
    np.testing.assert_allclose(result.feature_maps["Conv2D_2"][1], alone.feature_maps["Conv2D_2"][0], atol=1e-6)


@pytest.mark.parametrize(("split", "index", "last"), [(Split.train, 5, 4), (Split.test, 8, 7)])
def test_an_image_that_the_data_set_has_not_is_refused(tiny_cnn, dataset, split, index, last):
    config = replace(ACTIVATIONS, split=split, image_indices=[0, index])
    with pytest.raises(
        InputError, match=rf"^activations\.image_indices: takes 0 to {last}, .*{split.value}.*got {index}$"
    ):
        extract_activations(config, tiny_cnn(), dataset)


# oip ---------------------------------------------------------------------------------------------------------------


def noise(identities):
    """The start images of NOISE with the seed 3."""
    return multi_wavelength_noise((12, 12, 1), [3, 12], [0.5, 0.5], identities, seed=3)


@pytest.fixture(scope="module")
def sweep(tiny_cnn):
    return sweep_oips(OIP, NOISE, tiny_cnn(), seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("objective", list(Objective), ids=lambda objective: objective.value)
@pytest.mark.parametrize("stop", [False, True], ids=["going on", "stopping"])
def test_a_sweep_equals_the_ascents_in_numpy(tiny_cnn, layers_up_to, objective, stop):
    convergence = replace(OIP.convergence, stop=stop)
    config = replace(OIP, objective=objective, convergence=convergence, map_indices=[4, -1, 0, 2])
    result = sweep_oips(config, NOISE, tiny_cnn(), seed=3)

    starts = noise([(4, 0), (-1, 0), (0, 0), (2, 0)])
    np.testing.assert_array_equal(result.start_images, starts)
    ascended = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=objective is Objective.pre_activation)
    whole = layers_up_to(tiny_cnn(), "Conv2D_2")
    sizes = 0.3 * (1 - np.arange(16) / 16)
    assert result.snapshot_steps.tolist() == [0, 4, 8, 15]
    for row, map_index in enumerate([4, -1, 0, 2]):
        rule = {"criterion": 2e-2, "after": 5, "patience": 3, "stop": stop, "squared": objective is Objective.l2}
        expected = reference.ascend(ascended, starts[row, :, :, 0].astype(np.float64), map_index, sizes, **rule)
        np.testing.assert_allclose(result.images[row, :, :, 0], expected.images[-1], atol=2e-4)
        np.testing.assert_allclose(result.objective[:, row], expected.objective, atol=1e-4)
        judged = verdicts(
            result.activation[row : row + 1],
            np.array([expected.objective]).T,
            sizes[:, None],
            np.array([expected.converged_at if stop else -1]),
        )
        assert (result.verdicts[row], result.converged_at[row]) == (judged[0][0], judged[1][0])
        for kept, step in enumerate([0, 4, 8, 15]):
            np.testing.assert_allclose(result.snapshots[kept, row, :, :, 0], expected.images[step], atol=2e-4)
        # the score is the activation, whichever objective was ascended, of the picture as a file of 256 levels keeps it
        levels = np.rint(255 * (expected.images[-1] - expected.images[-1].min()) / np.ptp(expected.images[-1]))
        activation = reference.objective(whole, reference.standardize(levels), map_index)
        assert result.activation[row] == pytest.approx(activation, abs=2e-3)
        assert (result.verdicts[row] == "never triggered") == (activation == 0)


def test_null_is_every_map_of_the_layer(tiny_cnn, sweep):
    assert sweep.map_indices.tolist() == [0, 1, 2, 3, 4, 5]
    first = sweep_oips(replace(OIP, layer="Conv2D_1", steps=1), NOISE, tiny_cnn(), seed=3)
    assert first.map_indices.tolist() == [0, 1, 2, 3]
    assert (sweep.layer, first.layer) == ("Conv2D_2", "Conv2D_1")


@pytest.mark.parametrize(
    ("map_indices", "batch_size"), [(None, 1), (None, 4), ([5], 6), ([3, 0], 6), ([5, 4, 3, 2, 1, 0], 2)], ids=str
)
def test_neither_the_batch_size_nor_the_other_maps_change_a_result(tiny_cnn, map_indices, batch_size):
    config = replace(OIP, steps=rounding.steps(OIP.steps))
    sweep = sweep_oips(config, NOISE, tiny_cnn(), seed=3)
    config = replace(config, map_indices=map_indices, batch_size=batch_size)
    result = sweep_oips(config, NOISE, tiny_cnn(), seed=3)
    rows = list(range(6)) if map_indices is None else map_indices
    np.testing.assert_array_equal(result.start_images, sweep.start_images[rows])
    rounding.assert_same_in_every_batch(result.images, sweep.images[rows])
    rounding.assert_same_in_every_batch(result.snapshots, sweep.snapshots[:, rows])
    rounding.assert_same_in_every_batch(result.activation, sweep.activation[rows])
    assert result.verdicts.tolist() == sweep.verdicts[rows].tolist()


def test_same_seed_same_bits_other_seed_other_images(tiny_cnn, sweep):
    again, other = (sweep_oips(OIP, NOISE, tiny_cnn(), seed=seed) for seed in (3, 4))
    np.testing.assert_array_equal(again.images, sweep.images)
    np.testing.assert_array_equal(again.objective, sweep.objective)
    assert (np.abs(other.images - sweep.images).max(axis=(1, 2, 3)) > 0.1).all()


def test_a_map_that_cannot_fire_was_never_triggered_and_the_others_do_not_notice(new_cnn, tiny_cnn):
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    bias.assign(np.where(np.arange(6) == 2, -1000, bias))
    config = replace(OIP, objective=Objective.activation)
    result, intact = (sweep_oips(config, NOISE, cnn_, seed=3) for cnn_ in (model, tiny_cnn()))
    assert result.verdicts[2] == "never triggered"
    assert result.activation[2] == 0
    assert not result.objective[:, 2].any()
    np.testing.assert_array_equal(result.images[2], result.start_images[2])
    others = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(result.images[others], intact.images[others], rtol=0, atol=1e-5)
    assert result.verdicts[others].tolist() == intact.verdicts[others].tolist()
    assert result.triggered == np.count_nonzero(result.activation > 0) <= 5


def test_a_map_whose_pre_activation_rises_below_zero_was_never_triggered(new_cnn):
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    bias.assign(np.where(np.arange(6) == 2, -1000, bias))
    result = sweep_oips(OIP, NOISE, model, seed=3)
    assert result.objective[-1, 2] > result.objective[0, 2]
    assert result.verdicts[2] == "never triggered"


def test_verdicts_tell_converged_from_still_rising(tiny_cnn):
    long = sweep_oips(replace(OIP, steps=120), NOISE, tiny_cnn(), seed=3)
    short = sweep_oips(replace(OIP, steps=5), NOISE, tiny_cnn(), seed=3)
    assert set(long.verdicts) == {"converged"}
    assert set(short.verdicts) == {"still rising"}
    assert (long.activation > short.activation).all()
    # of what was gained 5 % at most is left from there on
    gained = (long.objective - long.objective[0]) / (long.objective.max(axis=0) - long.objective[0])
    assert (gained[long.converged_at, np.arange(6)] >= 0.95).all()
    assert (gained[long.converged_at - 1, np.arange(6)] < 0.95).all()


def test_a_silent_map_is_started_again_from_other_noise_and_the_others_are_not(new_cnn):
    model = new_cnn()
    layer = model.get_layer("Conv2D_2")
    options = {"objective": Objective.activation}
    once = sweep_oips(replace(OIP, **options), NOISE, model, seed=3)
    # the strongest pre-activation that each start image causes decides whether it can be woken at all
    before = eager.without_activation(model, "Conv2D_2")
    highest = [before(noise([(4, start)])).numpy()[0, ..., 4].max() for start in range(4)]
    best = int(np.argmax(highest))
    assert best > 0, "another seed is needed: the first start image is the best one already"
    others = np.sort(highest)[-2]
    layer.bias.assign(layer.bias - np.where(np.arange(6) == 4, (highest[best] + others) / 2, 0).astype(np.float32))
    again = sweep_oips(replace(OIP, **options, restarts=3), NOISE, model, seed=3)
    assert again.restarts[4] == best
    assert again.verdicts[4] != "never triggered"
    assert again.activation[4] > 0
    np.testing.assert_array_equal(again.start_images[4], noise([(4, best)])[0])
    untouched = np.flatnonzero((again.restarts == 0) & (np.arange(6) != 4))
    assert len(untouched) > 0
    np.testing.assert_array_equal(again.images[untouched], once.images[untouched])


def test_the_largest_activation_over_real_images_is_reported(tiny_cnn, start_images):
    result = sweep_oips(
        replace(OIP, map_indices=[3, -1], steps=1), NOISE, tiny_cnn(), seed=3, reference_images=start_images
    )
    feature_maps = eager.layer_outputs(tiny_cnn(), ["Conv2D_2"], start_images)["Conv2D_2"]
    means = feature_maps.mean(axis=(1, 2))
    np.testing.assert_allclose(result.data_maximum, [means[:, 3].max(), means.mean(axis=1).max()], rtol=1e-5)


def test_without_real_images_nothing_is_said_about_them(sweep):
    assert np.isnan(sweep.data_maximum).all()


def test_the_progress_of_a_sweep_ends_at_its_total(tiny_cnn):
    told: list[tuple[str, int, int]] = []
    config = replace(OIP, batch_size=4)
    sweep_oips(config, NOISE, tiny_cnn(), seed=3, progress=lambda *place, **_: told.append(place))
    assert told[-1] == ("oip", 96, 96)
    done = [one for _, one, _ in told]
    assert done == sorted(set(done))
