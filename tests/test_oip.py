"""Targets, start images, strategies and quality options of an OIP sweep on a tiny CNN."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import eager
import keras
import numpy as np
import pytest
import reference
import rounding
from oip_settings import NOISE, OIP, PLAIN

from pipeline.core import ascent, jitter
from pipeline.core.noise import chosen_pictures, fourier_noise, multi_wavelength_noise, standardized
from pipeline.core.objectives import after_activation
from pipeline.core.score import as_saved, largest_scores
from pipeline.core.spectra import frequencies
from pipeline.settings.choices import Objective, Spectrum, StartImage, Strategy
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.oip.result import CONVERGED, NEVER, RISING, OipSweepResult
from pipeline.stages.oip.settings import JitterConfig, PrecursorConfig

pytestmark = pytest.mark.slow


@pytest.fixture
def sweep(tiny_cnn):
    """sweep(noise=..., **changes of OIP)."""

    def run(*, noise=NOISE, model=None, **changes) -> OipSweepResult:
        inputs = {name: changes.pop(name) for name in ("reference_images", "start_pictures") if name in changes}
        return sweep_oips(replace(OIP, **changes), noise, model or tiny_cnn(), seed=3, **inputs)

    return run


# targets -----------------------------------------------------------------------------------------------------------


def features(model, layers_up_to, layer, image, *, pre_activation):
    """The output of any layer in NumPy, before or after its activation function."""
    if layer not in ("Dense_1", "Output"):
        layers = layers_up_to(model, layer)
        if pre_activation:
            # the pool of a pre-activation, or the pre-activation itself
            last = max(k for k, one in enumerate(layers) if isinstance(one, reference.Convolution))
            layers[last] = layers[last]._replace(activation="linear")
        return reference.outputs(layers, image)[-1]
    x = reference.outputs(layers_up_to(model, "Conv2D_2"), image)[-1].ravel()
    for name in ("Dense_1", "Output"):
        dense = model.get_layer(name)
        kernel, bias = (weight.astype(np.float64) for weight in dense.get_weights())
        x = x @ kernel + bias
        if not (name == layer and pre_activation):
            x = reference.activate(x, dense.activation.__name__)
        if name == layer:
            return x
    raise AssertionError(layer)


TARGETS = {
    "a map": ({"map_indices": [3]}, lambda f: f[..., 3].mean()),
    "the layer": ({"map_indices": [-1]}, np.mean),
    "a node": ({"map_indices": [3], "position": [2, 1]}, lambda f: f[2, 1, 3]),
    "a node of the layer": ({"map_indices": [-1], "position": [0, 2]}, lambda f: f[0, 2].mean()),
    "a direction": (
        {"map_indices": [1, 3], "direction": [1.0, -0.5]},
        lambda f: f[..., 1].mean() - 0.5 * f[..., 3].mean(),
    ),
    "a direction at a place": (
        {"map_indices": [0, 2], "direction": [0.2, 2.0], "position": [1, 1]},
        lambda f: 0.2 * f[1, 1, 0] + 2 * f[1, 1, 2],
    ),
    "a map of a pool": ({"layer": "Max_Pool_1", "map_indices": [2]}, lambda f: f[..., 2].mean()),
    "a node of a pool": ({"layer": "Max_Pool_1", "map_indices": [1], "position": [4, 0]}, lambda f: f[4, 0, 1]),
    "a unit": ({"layer": "Dense_1", "map_indices": [4]}, lambda f: f[4]),
    "a dense layer": ({"layer": "Dense_1", "map_indices": [-1]}, np.mean),
    "a class": ({"layer": "Output", "map_indices": [2]}, lambda f: f[2]),
    "a class against another": (
        {"layer": "Output", "map_indices": [2, 0], "direction": [1.0, -1.0]},
        lambda f: f[2] - f[0],
    ),
}


@pytest.mark.parametrize("objective", list(Objective), ids=lambda objective: objective.value)
@pytest.mark.parametrize("name", TARGETS)
def test_every_kind_of_target_ascends_along_its_gradient(sweep, new_cnn, layers_up_to, name, objective):
    settings, value_of = TARGETS[name]
    # elu: smooth, so that finite differences are its gradient, and silent nowhere
    model = new_cnn(activation="elu", seed=2)
    layer = settings.get("layer", "Conv2D_2")
    result = sweep(model=model, objective=objective, steps=3, step_size=0.1, **settings)
    before = objective is Objective.pre_activation

    def value(image, *, pre_activation=before, squared=objective is Objective.l2):
        found = features(model, layers_up_to, layer, image, pre_activation=pre_activation)
        return value_of(found**2 if squared else found)

    image = result.start_images[0, :, :, 0].astype(np.float64)
    assert result.objective[0, 0] == pytest.approx(value(image), abs=1e-5)
    gradient = np.zeros_like(image)
    for place in np.ndindex(image.shape):
        nudge = np.zeros_like(image)
        nudge[place] = 1e-5
        gradient[place] = (value(image + nudge) - value(image - nudge)) / 2e-5
    step = image + 0.1 * gradient / (np.sqrt((gradient**2).mean()) + 1e-7)
    np.testing.assert_allclose(result.snapshots[0, 0, :, :, 0], reference.standardize(step), atol=1e-3)
    assert result.objective[-1, 0] > result.objective[0, 0]
    saved = as_saved(result.images)[0, :, :, 0].astype(np.float64)
    assert result.activation[0] == pytest.approx(value(saved, pre_activation=False, squared=False), abs=1e-5)


@pytest.mark.parametrize("layer", ["conv", "sum", "pool", "norm", "late"])
def test_a_cnn_of_another_kind_is_ascended_too(sweep, layer):
    """Padding, strides, a shortcut, a normalization and an activation as a layer of its own."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="elu", name="conv")(inputs)
    y = layers.Add(name="sum")([x, layers.Conv2D(4, 5, padding="same")(x)])
    y = layers.MaxPooling2D(3, 2, name="pool")(y)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.ELU()(layers.Conv2D(5, 3, strides=2, name="late")(y))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(y)))
    result = sweep(model=model, layer=layer, steps=12)
    means = eager.layer_outputs(model, [layer], as_saved(result.images))[layer].mean(axis=(1, 2))
    np.testing.assert_allclose(result.activation, np.diag(means), atol=1e-4)
    assert (result.objective[-1] > result.objective[0]).all()


@pytest.mark.parametrize(
    ("settings", "indices", "names"),
    [
        ({"map_indices": [4, -1, 0]}, [4, -1, 0], ["4", "layer", "0"]),
        ({"map_indices": [4, 0], "direction": [1.0, 1.0]}, [-1], ["direction"]),
        ({"layer": "Dense_1"}, [0, 1, 2, 3, 4], ["0", "1", "2", "3", "4"]),
        ({"layer": "Output"}, [0, 1, 2], ["0", "1", "2"]),
        ({"layer": "Max_Pool_1", "position": [0, 0]}, [0, 1, 2, 3], ["0", "1", "2", "3"]),
    ],
    ids=str,
)
def test_what_is_ascended_has_a_name(sweep, settings, indices, names):
    result = sweep(steps=1, **settings)
    assert result.map_indices.tolist() == indices
    assert result.names.tolist() == names


def test_of_real_images_the_largest_value_of_the_same_target_is_reported(sweep, tiny_cnn, layers_up_to, start_images):
    settings = {"map_indices": [1, 3], "direction": [1.0, -0.5], "position": [1, 2]}
    result = sweep(steps=1, reference_images=start_images, **settings)
    maps = [
        features(tiny_cnn(), layers_up_to, "Conv2D_2", image.astype(np.float64), pre_activation=False)
        for image in start_images[..., 0]
    ]
    assert result.data_maximum[0] == pytest.approx(max(f[1, 2, 1] - 0.5 * f[1, 2, 3] for f in maps), abs=1e-5)


def test_the_largest_value_of_a_target_has_the_same_bits_whatever_other_targets_are_asked_for(tiny_cnn):
    images = np.random.default_rng(5).normal(size=(300, 12, 12, 1)).astype(np.float32)
    weights = np.random.default_rng(6).normal(size=(100, 3, 3, 6)).astype(np.float32)
    target = after_activation(tiny_cnn(), "Conv2D_2", weights)
    together = largest_scores(target, images)
    for rows in ([0], [99, 41], list(range(7, 50))):
        np.testing.assert_array_equal(largest_scores(target.chunk(np.array(rows)), images), together[rows])


def test_the_score_is_that_of_the_picture_with_256_levels():
    images = np.random.default_rng(1).normal(size=(2, 5, 5, 1)).astype(np.float32)
    for image, saved in zip(images[..., 0].astype(np.float64), as_saved(images)[..., 0], strict=True):
        levels = np.round((image - image.min()) / (image.max() - image.min()) * 255)
        assert levels.max() == 255
        np.testing.assert_allclose(saved, reference.standardize(levels), atol=1e-5)
    assert not as_saved(np.full((1, 5, 5, 1), 3.0, np.float32)).any()


# start images ------------------------------------------------------------------------------------------------------

IDENTITIES = [(4, 0), (-1, 0), (4, 1)]


def test_a_fourier_series_falls_with_its_frequency():
    images = fourier_noise((16, 16, 1), 2.0, [(m, s) for m in range(200) for s in range(2)], seed=1)[..., 0]
    np.testing.assert_allclose(images.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(images.std(axis=(1, 2)), 1, atol=1e-4)
    strength = np.sqrt((np.abs(np.fft.rfft2(images)) ** 2).mean(axis=0))
    # the mean is taken out, and a border frequency of a real picture has half of the power: look inside
    inside = np.s_[1:7, 1:7]
    slope = np.polyfit(np.log(frequencies((16, 16))[inside].ravel()), np.log(strength[inside].ravel()), 1)[0]
    assert slope == pytest.approx(-2.0, abs=0.05)


def test_a_fourier_series_of_a_map_depends_on_seed_map_and_start_only():
    together = fourier_noise((12, 12, 1), 1.0, IDENTITIES, seed=1)
    for row, identity in enumerate(IDENTITIES):
        np.testing.assert_array_equal(fourier_noise((12, 12, 1), 1.0, [identity], seed=1)[0], together[row])
    assert len({image.tobytes() for image in (*together, *fourier_noise((12, 12, 1), 1.0, IDENTITIES, seed=2))}) == 6


def test_pixel_noise_is_a_wave_of_one_cell_per_pixel(sweep):
    pixels = sweep(noise=replace(NOISE, kind=StartImage.pixels), map_indices=[4], steps=1)
    np.testing.assert_allclose(
        pixels.start_images, multi_wavelength_noise((12, 12, 1), [12], [1.0], [(4, 0)], seed=3), atol=1e-6
    )


@pytest.mark.parametrize("kind", [StartImage.picture, StartImage.digit], ids=lambda kind: kind.value)
def test_a_sweep_starts_from_given_pictures(sweep, start_images, kind):
    pictures = start_images * 40 + 100
    result = sweep(
        noise=replace(NOISE, kind=kind, picture="rose.jpg" if kind is StartImage.picture else None),
        start_pictures=pictures,
        steps=1,
    )
    drawn = [min(range(6), key=lambda k: np.abs(start_images[k] - image).max()) for image in result.start_images]
    np.testing.assert_allclose(result.start_images, start_images[drawn], atol=1e-4)
    assert len(set(drawn)) > 2
    chosen = standardized(chosen_pictures(pictures, [(2, 0)], seed=3))
    np.testing.assert_array_equal(chosen[0], result.start_images[2])


def test_waves_are_blended_over_a_picture(sweep, start_images):
    noise = replace(NOISE, kind=StartImage.picture, picture="rose.jpg", blend=0.25)
    result = sweep(noise=noise, start_pictures=start_images[:1], map_indices=[2], steps=1)
    waves = multi_wavelength_noise((12, 12, 1), [3, 12], [0.5, 0.5], [(2, 0)], seed=3)[0, :, :, 0]
    expected = reference.standardize(0.75 * start_images[0, :, :, 0].astype(np.float64) + 0.25 * waves)
    np.testing.assert_allclose(result.start_images[0, :, :, 0], expected, atol=1e-4)


@pytest.mark.parametrize("kind", [StartImage.picture, StartImage.digit], ids=lambda kind: kind.value)
def test_pictures_to_start_from_have_to_be_there(sweep, kind):
    with pytest.raises(ValueError, match=rf"^noise\.kind={kind.value}: expected start_pictures; received None$"):
        sweep(noise=replace(NOISE, kind=kind, picture="rose.jpg" if kind is StartImage.picture else None))


def silenced(new_cnn, *maps):
    """A CNN whose named maps of Conv2D_2 never fire."""
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    bias.assign(np.where(np.isin(np.arange(6), maps), -1000, bias))
    return model


@pytest.mark.parametrize(("blend", "restarts"), [(0.0, 0), (0.5, 2)])
def test_the_same_picture_is_not_tried_again(sweep, new_cnn, start_images, blend, restarts):
    noise = replace(NOISE, kind=StartImage.picture, picture="rose.jpg", blend=blend)
    result = sweep(noise=noise, model=silenced(new_cnn, 2), start_pictures=start_images[:1], restarts=2)
    assert result.restarts[2] == restarts


# several starts ----------------------------------------------------------------------------------------------------


def test_of_several_starts_the_best_is_kept_and_all_are_reported(sweep):
    single = sweep(steps=rounding.steps(20))
    result = sweep(steps=rounding.steps(20), starts=3)
    assert result.all_images.shape == (6, 3, 12, 12, 1)
    rounding.assert_same_in_every_batch(result.all_images[:, 0], single.images)
    rounding.assert_same_in_every_batch(result.all_activation[:, 0], single.activation)
    best = result.all_activation.argmax(axis=1)
    assert result.start.tolist() == best.tolist()
    assert len(set(best.tolist())) > 1
    np.testing.assert_array_equal(result.images, result.all_images[np.arange(6), best])
    np.testing.assert_array_equal(result.activation, result.all_activation.max(axis=1))
    expected = multi_wavelength_noise((12, 12, 1), [3, 12], [0.5, 0.5], list(enumerate(best.tolist())), seed=3)
    np.testing.assert_array_equal(result.start_images, expected)
    np.testing.assert_array_equal(result.snapshots[-1], result.images)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 18])
def test_the_batch_size_bounds_what_is_computed_at_a_time_and_changes_nothing(sweep, monkeypatch, batch_size):
    sizes: list[int] = []
    original = ascent.ascend

    def spied(target, images, *arguments, **options):
        sizes.append(len(images))
        return original(target, images, *arguments, **options)

    settings = {"starts": 3, "steps": rounding.steps(16)}
    expected = sweep(batch_size=18, **settings)
    monkeypatch.setattr(ascent, "ascend", spied)
    result = sweep(batch_size=batch_size, **settings)
    assert max(sizes) == batch_size
    assert sum(sizes) == 18
    for name in ("all_images", "objective", "all_activation"):
        rounding.assert_same_in_every_batch(getattr(result, name), getattr(expected, name))
    assert result.start.tolist() == expected.start.tolist()


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")], ids=["", "given"])
def test_onednn_is_asked_for_unless_somebody_has_decided(given, expected):
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("TensorFlow decides on other CPUs")
    others = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    program = """
import os, sys
class Note:
    @staticmethod
    def find_spec(name, *_):
        if name == "tensorflow":
            print(os.environ["TF_ENABLE_ONEDNN_OPTS"])
sys.meta_path.insert(0, Note)
import pipeline
pipeline.train
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=others | given, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


MOVED = JitterConfig(shift=2.0, rotation=5.0, scale=0.05)
IN_ANY_BATCH = {
    "squares of maps": {"objective": Objective.l2, "starts": 2},
    "all that a picture may be asked for": {
        "quality": replace(
            PLAIN, total_variation=0.1, l2=0.05, frequency_decay=0.5, spectrum=Spectrum.data, jitter=MOVED
        )
    },
    "pictures kept apart": {"quality": replace(PLAIN, diversity=2.0), "starts": 3},
    "units": {"layer": "Dense_1", "objective": Objective.activation},
    "classes": {"layer": "Output", "map_indices": [0, 1, 2], "starts": 2},
}


@pytest.mark.parametrize("name", IN_ANY_BATCH)
def test_what_a_map_becomes_depends_on_no_other_map_and_on_no_batch(sweep, tiny_cnn, start_images, name):
    """With elu, whose exponential has to be the same wherever in the batch a number stands."""
    settings = {"steps": rounding.steps(30), "model": tiny_cnn(activation="elu"), "reference_images": start_images}
    settings |= IN_ANY_BATCH[name]
    indices = settings.pop("map_indices", [0, 1, 2, 3, 4])
    starts = settings.get("starts", 1)
    together = sweep(map_indices=indices, batch_size=20, **settings)
    for chosen, batch_size in ((indices, starts), (indices[::-1], 2 * starts), (indices[-1:], 20)):
        apart = sweep(map_indices=chosen, batch_size=batch_size, **settings)
        rows = [indices.index(index) for index in chosen]
        for field in ("all_images", "all_activation", "activation", "data_maximum"):
            rounding.assert_same_in_every_batch(getattr(apart, field), getattr(together, field)[rows])
        rounding.assert_same_in_every_batch(apart.objective, together.objective[:, rows])


def test_a_map_that_all_starts_leave_silent_is_started_again_from_unused_noise(sweep, new_cnn):
    result = sweep(model=silenced(new_cnn, 2), starts=2, restarts=3)
    assert result.restarts.tolist() == [0, 0, 3, 0, 0, 0]
    assert result.start[2] == 4  # 0 and 1 are the starts, 2, 3 and 4 the restarts
    np.testing.assert_array_equal(
        result.start_images[2], multi_wavelength_noise((12, 12, 1), [3, 12], [0.5, 0.5], [(2, 4)], seed=3)[0]
    )


# strategies --------------------------------------------------------------------------------------------------------


def test_coarse_to_fine_equals_its_stages_in_numpy(sweep, tiny_cnn, layers_up_to):
    noise = replace(NOISE, wavelengths=[12, 3, 6], amplitudes=[0.2, 0.5, 0.4])
    result = sweep(noise=noise, strategy=Strategy.coarse_to_fine, stage_steps=[3, 5, 4], map_indices=[3, 0])
    layers = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True)
    assert result.snapshot_steps.tolist() == [0, 3, 6, 11]
    for row, map_index in enumerate([3, 0]):
        grids = {c: np.asarray(cells(c, map_index), np.float64) for c in (3, 6, 12)}
        image, images, values = reference.standardize(reference.resize(0.5 * grids[3], 12)), [], []
        np.testing.assert_allclose(result.start_images[row, :, :, 0], image, atol=1e-5)
        for number, (steps, waves, amplitude) in enumerate([(3, 3, 0.5), (5, 6, 0.4), (4, 12, 0.2)]):
            if number > 0:
                image = reference.standardize(image + amplitude * reference.resize(grids[waves], 12))
            part = reference.ascend(layers, image, map_index, 0.3 * (1 - np.arange(steps) / steps))
            image = part.images[-1]
            images += part.images
            values += part.objective
        np.testing.assert_allclose(result.images[row, :, :, 0], image, atol=2e-4)
        np.testing.assert_allclose(result.objective[:, row], values, atol=2e-4)
        for kept, step in enumerate([0, 3, 6, 11]):
            np.testing.assert_allclose(result.snapshots[kept, row, :, :, 0], images[step], atol=2e-4)


def cells(count, map_index):
    from pipeline.core.noise import random_cells

    return random_cells(count, seed=3, map_index=map_index)


def test_convergence_in_the_last_stage_is_counted_from_the_beginning(sweep):
    calm = replace(OIP.convergence, criterion=1e9, after=2, patience=2, stop=True)
    result = sweep(strategy=Strategy.coarse_to_fine, stage_steps=[6, 8], convergence=calm)
    # calm from the step after number 2 of the stage on: 3 and 4
    assert set(result.converged_at.tolist()) == {6 + 4}
    assert result.verdict(0) == "converged at step 10"
    going_on = sweep(strategy=Strategy.coarse_to_fine, stage_steps=[6, 60])
    assert set(going_on.verdicts) == {CONVERGED}
    assert (going_on.converged_at >= 6).all()


def test_the_precursor_ascends_the_start_that_is_best_after_a_few_steps(sweep):
    few = sweep(steps=4, starts=5)
    steps = rounding.steps(12)
    result = sweep(strategy=Strategy.precursor, precursor=PrecursorConfig(starts=5, steps=4), steps=steps)
    best = few.all_activation.argmax(axis=1)
    assert result.start.tolist() == best.tolist()
    assert len(set(best.tolist())) > 1
    from_the_start = sweep(steps=steps, starts=5)
    rounding.assert_same_in_every_batch(result.images, from_the_start.all_images[np.arange(6), best])
    assert result.all_images.shape[1] == 1


def test_the_precursor_keeps_as_many_starts_as_are_wanted(sweep):
    few = sweep(steps=4, starts=5)
    steps = rounding.steps(6)
    result = sweep(strategy=Strategy.precursor, precursor=PrecursorConfig(starts=5, steps=4), steps=steps, starts=2)
    two = np.argsort(-few.all_activation, axis=1)[:, :2]
    of_the_two = np.take_along_axis(sweep(steps=steps, starts=5).all_activation, two, axis=1)
    rounding.assert_same_in_every_batch(result.all_activation, of_the_two)


@pytest.mark.parametrize("strategy", list(Strategy), ids=lambda strategy: strategy.value)
def test_progress_only_grows_and_ends_at_its_total(tiny_cnn, strategy):
    told: list[tuple[str, int, int]] = []
    config = replace(OIP, strategy=strategy, starts=2, batch_size=4)
    sweep_oips(config, NOISE, tiny_cnn(), seed=3, progress=lambda *place, **_: told.append(place))
    done = [one for _, one, _ in told]
    assert done == sorted(set(done))
    assert told[-1][1] == told[-1][2]
    assert len({total for _, _, total in told}) == 1


# quality -----------------------------------------------------------------------------------------------------------


def roughness(images):
    return np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean()


@pytest.mark.parametrize("term", ["total_variation", "l2"])
def test_a_rough_picture_becomes_smoother_the_larger_the_weight(sweep, term):
    results = [sweep(steps=30, quality=replace(PLAIN, **{term: weight})) for weight in (0.0, 0.05, 0.2)]
    values = [roughness(result.images) for result in results]
    assert values[0] > 1.1 * values[1] > 1.1**2 * values[2]
    assert results[0].activation.mean() > results[2].activation.mean()


def test_a_step_with_a_term_is_the_normalized_gradient_minus_its_gradient(sweep, tiny_cnn, layers_up_to):
    result = sweep(map_indices=[3], steps=1, step_size=0.1, quality=replace(PLAIN, total_variation=0.3, l2=0.1))
    image = result.start_images[0, :, :, 0].astype(np.float64)
    gradient = reference.gradient(layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True), image, 3)
    way = gradient / np.sqrt((gradient**2).mean())
    for axis in (0, 1):
        difference = np.diff(image, axis=axis)
        slope = 0.3 * np.sign(difference) + 0.1 * 2 * difference
        before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        way -= np.pad(slope, before) - np.pad(slope, after)
    np.testing.assert_allclose(result.images[0, :, :, 0], reference.standardize(image + 0.1 * way), atol=1e-4)


def test_frequency_decay_takes_short_waves_out_of_the_gradient(sweep, tiny_cnn, layers_up_to):
    result = sweep(map_indices=[3], steps=1, step_size=0.1, quality=replace(PLAIN, frequency_decay=1.5))
    image = result.start_images[0, :, :, 0].astype(np.float64)
    gradient = reference.gradient(layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True), image, 3)
    way = np.fft.irfft2(np.fft.rfft2(gradient) / frequencies((12, 12)) ** 1.5, (12, 12))
    step = image + 0.1 * way / np.sqrt((way**2).mean())
    np.testing.assert_allclose(result.images[0, :, :, 0], reference.standardize(step), atol=1e-4)


def test_with_the_spectrum_of_the_data_every_picture_has_its_magnitudes(sweep, start_images):
    result = sweep(reference_images=start_images, quality=replace(PLAIN, spectrum=Spectrum.data))
    wanted = np.abs(np.fft.rfft2(start_images[..., 0])).mean(axis=0)
    found = np.abs(np.fft.rfft2(result.images[..., 0]))
    wanted[0, 0] = found[:, 0, 0] = 1
    # standardized, so up to one factor for each picture
    ratios = found / wanted
    np.testing.assert_allclose(ratios[:, 1:6, 1:6], np.broadcast_to(ratios[:, 1:2, 1:2], (6, 5, 5)), rtol=2e-3)
    assert (result.objective[-1] > result.objective[0]).all()
    with pytest.raises(ValueError, match=r"^oip\.quality\.spectrum=data: expected reference_images; received None$"):
        sweep(quality=replace(PLAIN, spectrum=Spectrum.data))


def test_jitter_moves_the_picture_that_the_cnn_is_shown_in_every_step(sweep, tiny_cnn, layers_up_to):
    settings = {"shift": 2.0, "rotation": 5.0, "scale": 0.05}
    result = sweep(map_indices=[3], steps=4, quality=replace(PLAIN, jitter=JitterConfig(**settings)))
    transforms = jitter.random_transforms(4, (12, 12), **settings, seed=3, map_index=3, start=0)
    layers = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True)
    images = [result.start_images[0], *result.snapshots[:, 0]]
    # snapshots of 4 steps: 0, 1, 2 and 3
    for image, transform, value in zip(images, transforms, result.objective[:, 0], strict=False):
        shown = jitter.warp(image[None], transform[None]).numpy()[0, :, :, 0].astype(np.float64)
        assert value == pytest.approx(reference.objective(layers, shown, 3), abs=1e-4)
    assert len(images) == 5


def test_diversity_keeps_the_pictures_of_a_map_apart(sweep, tiny_cnn):
    def likeness(result):
        parts = eager.layer_outputs(tiny_cnn(), ["Max_Pool_1"], result.all_images.reshape(-1, 12, 12, 1))["Max_Pool_1"]
        places = parts.reshape(6, 3, -1, parts.shape[-1])
        grams = np.einsum("mspc,mspd->mscd", places, places).reshape(6, 3, -1)
        grams /= np.linalg.norm(grams, axis=-1, keepdims=True)
        cosines = np.einsum("msg,mtg->mst", grams, grams)
        return (cosines.sum(axis=(1, 2)) - 3).mean() / 6

    alike, apart = (
        sweep(starts=3, steps=30, batch_size=9, quality=replace(PLAIN, diversity=weight)) for weight in (0.0, 2.0)
    )
    assert likeness(apart) < likeness(alike) - 0.02


def test_a_silent_map_stays_as_it_was_whatever_the_picture_is_asked_for(sweep, new_cnn):
    quality = replace(PLAIN, total_variation=0.2, jitter=JitterConfig(shift=1.0, rotation=0.0, scale=0.0))
    result = sweep(model=silenced(new_cnn, 2), objective=Objective.activation, quality=quality)
    np.testing.assert_array_equal(result.images[2], result.start_images[2])
    assert result.verdicts[2] == NEVER


# verdicts ----------------------------------------------------------------------------------------------------------


def test_verdicts_in_words():
    empty = np.zeros(4)
    result = OipSweepResult(
        **dict.fromkeys(OipSweepResult.__dataclass_fields__, empty)
        | {
            "verdicts": np.array([CONVERGED, RISING, NEVER, CONVERGED]),
            "converged_at": np.array([48, -1, -1, 7]),
            "restarts": np.array([0, 1, 3, 2]),
            "data_maximum": np.array([1.5, np.nan, 0.0, 0.0]),
            "reference_maximum": np.full(4, np.nan),
        }
    )
    assert [result.verdict(row) for row in range(4)] == [
        "converged at step 48",
        "still rising, restarted once",
        "never triggered, restarted 3 times, fires on no image of the data set",
        "converged at step 7, restarted 2 times, fires on no image of the data set",
    ]
    assert result.fires_on_no_image.tolist() == [False, False, True, True]
