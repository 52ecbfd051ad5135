"""The compiled ascent against the same method in plain NumPy, and what it promises beside."""

import itertools

import eager
import keras
import numpy as np
import pytest
import reference
import rounding
import tensorflow as tf

from pipeline.core import ascent, program
from pipeline.core.objectives import after_activation, before_activation, directions, weights_of
from pipeline.core.priors import Priors
from pipeline.core.schedules import step_sizes
from pipeline.core.spectra import frequency_filter


def aim_at(model, layer, map_indices, *, pre_activation):
    shape = model.get_layer(layer).output.shape[1:]
    weights = weights_of(directions(map_indices, shape[-1]), shape)
    return (before_activation if pre_activation else after_activation)(model, layer, weights)


NEVER = ascent.Convergence(criterion=0.0, after=0, patience=1, stop=False)


@pytest.fixture
def ascend(tiny_cnn):
    """ascend(images, map_indices, sizes, ...): on the last convolution of a tiny CNN, if nothing else is said."""

    def run(
        images,
        map_indices,
        sizes,
        *,
        model=None,
        layer="Conv2D_2",
        pre_activation=True,
        convergence=NEVER,
        **options,
    ):
        model = tiny_cnn() if model is None else model
        aim = aim_at(model, layer, map_indices, pre_activation=pre_activation)
        return ascent.ascend(aim, images, np.asarray(sizes, np.float32), convergence=convergence, **options)

    return run


@pytest.fixture
def model_with_silent_map(new_cnn):
    """A model whose map 2 of Conv2D_2 never fires, whatever the image."""
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    bias.assign(np.where(np.arange(6) == 2, -1000, bias))
    return model


LAYERS = [("Conv2D_1", 0), ("Conv2D_1", -1), ("Conv2D_2", 3), ("Conv2D_2", -1)]


@pytest.mark.parametrize(("layer", "map_index"), LAYERS)
@pytest.mark.parametrize(
    ("activation", "pre_activation"),
    [("relu", False), ("relu", True), ("elu", False), ("sigmoid", False), ("sigmoid", True), ("tanh", False)],
)
def test_gradient_of_the_reference_equals_finite_differences(
    tiny_cnn, layers_up_to, start_images, layer, map_index, activation, pre_activation
):
    layers = layers_up_to(tiny_cnn(activation=activation), layer, pre_activation=pre_activation)
    image = start_images[0, :, :, 0].astype(np.float64)
    gradient = reference.gradient(layers, image, map_index)
    h = 1e-6
    for y, x in [(0, 0), (3, 4), (5, 5), (7, 2), (11, 11)]:
        nudge = np.zeros_like(image)
        nudge[y, x] = h
        up, down = (reference.objective(layers, image + sign * nudge, map_index) for sign in (1, -1))
        assert gradient[y, x] == pytest.approx((up - down) / (2 * h), abs=1e-7)
    assert np.abs(gradient).max() > 1e-3


ALL_MAPS = ("relu", "Conv2D_2", [0, 1, 2, 3, 4, 5])
SOME_MAPS = [
    ("relu", "Conv2D_1", [3, -1, 0]),
    ("relu", "Conv2D_2", [-1, 5]),
    ("elu", "Conv2D_2", [4, -1]),
    ("sigmoid", "Conv2D_2", [1, -1]),
    ("tanh", "Conv2D_1", [2, -1]),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "layer", "map_indices", "pre_activation", "schedule"),
    [
        *((*ALL_MAPS, *way) for way in itertools.product([False, True], ["constant", "linear"])),
        *((*maps, *way) for maps in SOME_MAPS for way in [(False, "constant"), (True, "linear")]),
    ],
)
def test_ascent_equals_the_ascent_in_numpy(
    tiny_cnn, layers_up_to, ascend, start_images, activation, layer, map_indices, pre_activation, schedule
):
    model = tiny_cnn(activation=activation)
    sizes = step_sizes(0.2, 12, schedule)
    images = start_images[: len(map_indices)]
    result = ascend(images, map_indices, sizes, model=model, layer=layer, pre_activation=pre_activation)

    layers = layers_up_to(model, layer, pre_activation=pre_activation)
    for column, (image, map_index) in enumerate(zip(images[..., 0].astype(np.float64), map_indices, strict=True)):
        expected = reference.ascend(layers, image, map_index, sizes)
        np.testing.assert_allclose(result.images[column, :, :, 0], expected.images[-1], atol=1e-4)
        np.testing.assert_allclose(result.objective[:, column], expected.objective, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("pre_activation", [False, True], ids=["activation", "pre_activation"])
def test_the_objective_of_every_map_grows(tiny_cnn, ascend, start_images, pre_activation):
    result = ascend(start_images, range(6), step_sizes(0.5, 40, "linear"), pre_activation=pre_activation)
    reacting = result.objective[0] != 0
    assert reacting.sum() >= 3
    assert (result.objective[-1] > result.objective[0] + 0.1)[reacting].all()


def test_every_image_stays_standardized(ascend, start_images):
    result = ascend(start_images, range(6), [0.3] * 5, snapshot_steps=[0, 2, 4])
    np.testing.assert_allclose(result.snapshots.mean(axis=(2, 3, 4)), 0, atol=1e-6)
    np.testing.assert_allclose(result.snapshots.std(axis=(2, 3, 4)), 1, atol=1e-5)


def test_the_whole_layer_is_the_mean_over_its_maps(tiny_cnn, ascend, start_images):
    whole = ascend(start_images[:1], [-1], [0.1] * 3, pre_activation=False)
    feature_maps = eager.layer_outputs(tiny_cnn(), ["Conv2D_2"], start_images[:1])["Conv2D_2"]
    assert whole.objective[0, 0] == pytest.approx(feature_maps.mean(), rel=1e-5)


@pytest.mark.parametrize("chosen", [[4], [1, 3], [5, 4, 3, 2, 1, 0]], ids=["alone", "two", "reversed"])
@pytest.mark.parametrize("pre_activation", [False, True], ids=["activation", "pre_activation"])
def test_the_other_images_of_a_batch_do_not_change_a_result(ascend, start_images, chosen, pre_activation):
    sizes = step_sizes(0.3, 30, "linear")[: rounding.steps(30)]
    together = ascend(start_images, range(6), sizes, pre_activation=pre_activation)
    apart = ascend(start_images[chosen], chosen, sizes, pre_activation=pre_activation)
    rounding.assert_same_in_every_batch(apart.images, together.images[chosen])
    rounding.assert_same_in_every_batch(apart.objective, together.objective[:, chosen])


def test_same_arguments_give_the_same_bits(ascend, start_images):
    first, second = (ascend(start_images, range(6), [0.1] * 30, snapshot_steps=[3, 29]) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_arguments_are_left_as_they_were(ascend, start_images):
    images = start_images.copy()
    model_before = ascend(images, range(6), [0.1] * 3)
    np.testing.assert_array_equal(images, start_images)
    assert not np.array_equal(model_before.images, images)


@pytest.mark.parametrize("step", [0, 4, 24, 25, 29])
def test_a_snapshot_is_the_image_of_an_ascent_that_ends_there(ascend, start_images, step):
    long = ascend(start_images, range(6), [0.2] * 31, snapshot_steps=[0, 4, 24, 25, 29])
    short = ascend(start_images, range(6), [0.2] * (step + 1))
    np.testing.assert_array_equal(long.snapshots[[0, 4, 24, 25, 29].index(step)], short.images)


def test_without_snapshot_steps_nothing_is_kept(ascend, start_images):
    assert ascend(start_images, range(6), [0.2] * 3).snapshots.shape == (0, 6, 12, 12, 1)


@pytest.mark.parametrize(("steps", "snapshots"), [(1, []), (25, []), (26, [0]), (60, [0, 1, 3, 7, 15, 30, 59])])
def test_every_step_is_reported_once(ascend, start_images, steps, snapshots):
    done: list[int] = []
    ascend(start_images[:1], [0], [0.1] * steps, snapshot_steps=snapshots, on_steps=done.append)
    assert sum(done) == steps
    assert 0 < min(done) <= max(done) <= 25


# convergence -------------------------------------------------------------------------------------------------------

# With a step size of 0 the image, and so the objective, stands still: the next step is calm. The objective of step n
# is taken before the change of step n, so a step size of 0 in step n makes step n + 1 calm.
BIG = 0.5


@pytest.mark.parametrize(
    ("sizes", "after", "patience", "converged_at"),
    [
        ([0] * 30, 10, 4, 14),  # calm all the time; looked at in 11, 12, 13 and 14
        ([0] * 30, 0, 1, 1),
        ([0] * 30, 0, 4, 4),
        ([0] * 30, 26, 1, 27),
        ([0] * 30, 10, 19, 29),
        ([0] * 30, 10, 20, -1),  # one step too few
        ([BIG] * 20 + [0] * 10, 10, 4, 24),  # 21 is the first calm step
        ([BIG] * 20 + [0] * 3 + [BIG] + [0] * 10, 10, 4, 28),  # 21, 22, 23 calm, 24 not; 25 to 28 calm
        ([0] * 12 + [BIG] * 18, 10, 4, -1),  # only 11 and 12
        ([0] * 12 + [BIG] * 18, 8, 4, 12),
        ([BIG] * 30, 10, 1, -1),
    ],
)
def test_converged_when_the_objective_stands_still_in_successive_steps(
    ascend, start_images, sizes, after, patience, converged_at
):
    convergence = ascent.Convergence(criterion=1e-4, after=after, patience=patience, stop=False)
    result = ascend(start_images[:1], [3], sizes, convergence=convergence)
    # the big steps do change the objective, or the case would say nothing
    changes = np.abs(np.diff(result.objective[:, 0])) / np.abs(result.objective[1:, 0])
    assert all((change < 1e-4) == (size == 0) for change, size in zip(changes, sizes, strict=False))
    assert result.converged_at.tolist() == [converged_at]


@pytest.mark.parametrize(("criterion", "stop"), [(5e-2, False), (1e-2, True)])
def test_convergence_equals_that_of_the_ascent_in_numpy(tiny_cnn, layers_up_to, ascend, start_images, criterion, stop):
    sizes = step_sizes(0.3, 30, "linear")
    rule = {"criterion": criterion, "after": 3, "patience": 2, "stop": stop}
    result = ascend(start_images, range(6), sizes, convergence=ascent.Convergence(**rule))
    layers = layers_up_to(tiny_cnn(), "Conv2D_2", pre_activation=True)
    expected = [reference.ascend(layers, start_images[m, :, :, 0], m, sizes, **rule) for m in range(6)]
    assert result.converged_at.tolist() == [one.converged_at for one in expected]
    np.testing.assert_allclose(result.images[..., 0], [one.images[-1] for one in expected], atol=1e-4)
    np.testing.assert_allclose(result.objective.T, [one.objective for one in expected], atol=1e-4)
    assert (result.converged_at >= 0).any()
    assert len(set(result.converged_at.tolist())) > 2


def test_stop_leaves_an_image_as_it_was_when_it_converged(ascend, start_images):
    sizes = [0.0] * 20 + [BIG] * 20
    rule = ascent.Convergence(criterion=1e-4, after=10, patience=4, stop=True)
    stopped = ascend(start_images, range(6), sizes, convergence=rule)
    going_on = ascend(start_images, range(6), sizes, convergence=rule._replace(stop=False))
    assert stopped.converged_at.tolist() == going_on.converged_at.tolist() == [14] * 6
    np.testing.assert_allclose(stopped.images, start_images, atol=1e-5)
    assert (np.abs(going_on.images - start_images).max(axis=(1, 2, 3)) > 0.5).all()


def test_a_stopped_image_keeps_its_objective_whether_others_go_on_or_not(ascend, start_images):
    rule = ascent.Convergence(criterion=1e-2, after=3, patience=2, stop=True)
    sizes = step_sizes(0.3, 60, "constant")
    together = ascend(start_images, range(6), sizes, convergence=rule, snapshot_steps=[24, 59])
    assert (together.converged_at[[0, 1]] >= 0).all()
    for m in (0, 1):
        alone = ascend(start_images[[m]], [m], sizes, convergence=rule)
        assert alone.converged_at == together.converged_at[m] < 24
        rounding.assert_same_in_every_batch(alone.objective[:, 0], together.objective[:, m])
        np.testing.assert_allclose(alone.objective[alone.converged_at[0] :, 0], alone.objective[-1, 0], rtol=1e-6)
        np.testing.assert_array_equal(together.snapshots[0, m], together.snapshots[1, m])


@pytest.mark.parametrize("zero_steps", [None, 10])
def test_an_image_that_is_finished_costs_nothing_any_more(ascend, start_images, monkeypatch, zero_steps):
    sizes: list[int] = []
    original = program.compiled_segment

    def spied(*arguments):
        segment = original(*arguments)

        def counted(network, images, *others):
            sizes.append(len(images))
            return segment(network, images, *others)

        return counted

    rule = ascent.Convergence(criterion=1e-2, after=3, patience=2, stop=True)
    step = step_sizes(0.3, 200, "constant")
    expected = [ascend(start_images[[m]], [m], step, convergence=rule) for m in range(6)]
    at = [int(one.converged_at[0]) for one in expected]
    monkeypatch.setattr(ascent, "compiled_segment", spied)
    result = ascend(start_images, range(6), step, convergence=rule, snapshot_steps=[0, 50, 199], zero_steps=zero_steps)
    # 6 images in 8 lanes; after each stretch as many lanes as are needed, 2, 4 or 8, and none when all are done
    ends = [1, 25, 50, 51, 75, 100, 125, 150, 175, 199, 200]
    lanes, left = [], 8
    for end in [0, *ends[:-1]]:
        going = sum(not 0 <= step < end for step in at)
        if going <= left // 2:
            left = max(1 << (going - 1).bit_length(), 2) if going else 0
        if left:
            lanes.append(left)
    assert sizes == lanes
    assert sizes[0] == 8 > sizes[-1], at
    for m, one in enumerate(expected):
        rounding.assert_same_in_every_batch(result.images[m], one.images[0])
        rounding.assert_same_in_every_batch(result.objective[:, m], one.objective[:, 0])
        np.testing.assert_array_equal(result.snapshots[-1, m], result.images[m])
    assert result.converged_at.tolist() == at


# maps that do not react --------------------------------------------------------------------------------------------


def test_a_silent_map_stays_at_zero_and_its_image_does_not_change(ascend, start_images, model_with_silent_map):
    result = ascend(start_images, range(6), [0.3] * 30, model=model_with_silent_map, pre_activation=False)
    assert (result.objective[:, 2] == 0).all()
    np.testing.assert_array_equal(result.images[2], start_images[2])
    assert result.converged_at[2] == -1


def test_a_silent_map_does_not_disturb_the_others(ascend, start_images, model_with_silent_map):
    others = [0, 1, 3, 4, 5]
    options = {"model": model_with_silent_map, "pre_activation": False}
    result = ascend(start_images, range(6), [0.3] * rounding.steps(30), **options)
    without = ascend(start_images[others], others, [0.3] * rounding.steps(30), **options)
    assert np.isfinite(result.images).all()
    rounding.assert_same_in_every_batch(result.images[others], without.images)


@pytest.mark.parametrize("criterion", [0.0, 1e9])
def test_a_silent_map_does_not_count_as_converged(ascend, start_images, model_with_silent_map, criterion):
    rule = ascent.Convergence(criterion=criterion, after=0, patience=1, stop=True)
    result = ascend(
        start_images[:2], [2, 0], [0.3] * 5, model=model_with_silent_map, pre_activation=False, convergence=rule
    )
    assert result.converged_at.tolist() == [-1, 1 if criterion else -1]


@pytest.mark.parametrize("zero_steps", [None, 3, 10])
def test_giving_up_on_silent_maps_changes_no_result(ascend, start_images, model_with_silent_map, zero_steps):
    done: list[int] = []
    result = ascend(
        start_images[:2],
        [2, 2],
        [0.3] * 60,
        model=model_with_silent_map,
        pre_activation=False,
        zero_steps=zero_steps,
        snapshot_steps=[0, 59],
        on_steps=done.append,
    )
    assert result.objective.shape == (60, 2)
    assert not result.objective.any()
    assert sum(done) == 60
    for images in (result.images, *result.snapshots):
        np.testing.assert_array_equal(images, start_images[:2])


def test_a_map_that_stands_still_above_zero_is_not_given_up(ascend, start_images, model_with_silent_map):
    sizes = [0.0] * 30 + [BIG] * 30  # the first stretches change nothing
    options = {"model": model_with_silent_map, "pre_activation": False}
    patient, strict = (ascend(start_images[:2], [2, 0], sizes, zero_steps=zero, **options) for zero in (None, 3))
    assert np.abs(patient.images[1] - start_images[1]).max() > 0.5
    np.testing.assert_array_equal(strict.images, patient.images)
    np.testing.assert_array_equal(strict.objective, patient.objective)


def test_the_pre_activation_wakes_a_map_that_its_activation_leaves_silent(new_cnn, ascend, start_images):
    model = new_cnn()
    bias = model.get_layer("Conv2D_2").bias
    highest = eager.layer_outputs(eager.without_activation(model, "Conv2D_2"), ["Conv2D_2_linear"], start_images[:1])
    bias.assign(bias - highest["Conv2D_2_linear"].max() - 0.01)  # no map fires, by a hair
    asleep = ascend(start_images[:1], [0], [BIG] * 20, model=model, pre_activation=False)
    awake = ascend(start_images[:1], [0], [BIG] * 20, model=model, pre_activation=True)
    assert not asleep.objective.any()
    assert awake.objective[-1, 0] > awake.objective[0, 0] + 0.1
    assert eager.layer_outputs(model, ["Conv2D_2"], awake.images)["Conv2D_2"][..., 0].max() > 0


# one program -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_program_serves_all_maps_batch_sizes_step_counts_and_models_of_an_architecture(
    tiny_cnn, ascend, start_images, tmp_path
):
    program.compiled_segment.cache_clear()
    trained = tiny_cnn(seed=1)
    trained.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    for model, count, steps, snapshots in [
        (tiny_cnn(), 6, 30, [0, 7, 29]),
        (tiny_cnn(), 1, 3, []),
        (trained, 2, 61, [5]),
        (reloaded, 3, 1, [0]),
    ]:
        ascend(start_images[:count], range(count), [0.1] * steps, model=model, snapshot_steps=snapshots)
    assert program.compiled_segment.cache_info().misses == 1
    aim = aim_at(tiny_cnn(), "Conv2D_2", [0], pre_activation=True)
    segment = program.compiled_segment(aim.part, "parts", program.Form())
    assert segment.experimental_get_tracing_count() == 1
    assert program.compiled_segment.cache_info().misses == 1


def test_the_program_of_an_architecture_uses_the_weights_of_the_model_at_hand(tiny_cnn, ascend, start_images):
    first = ascend(start_images, range(6), [0.1] * 5, model=tiny_cnn(seed=0))
    other = ascend(start_images, range(6), [0.1] * 5, model=tiny_cnn(seed=1))
    again = ascend(start_images, range(6), [0.1] * 5, model=tiny_cnn(seed=0))
    assert np.abs(first.objective - other.objective).max() > 0.01
    np.testing.assert_array_equal(first.images, again.images)


@pytest.mark.slow
@pytest.mark.parametrize("xla", [True, False])
@pytest.mark.parametrize(
    "extra", [{}, {"frequency_filter": frequency_filter((12, 12), 1.0), "l2": 0.1}], ids=["", "priors"]
)
def test_compiled_by_xla_or_not_the_result_is_the_same(ascend, start_images, xla, extra):
    sizes = step_sizes(0.3, 12, "linear")
    options = {"snapshot_steps": [0, 5], "shaped_by": Priors(**extra)}
    result, expected = (ascend(start_images, range(6), sizes, xla=kind, **options) for kind in (xla, None))
    for one, other in zip(result, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("xla", "gpus", "compiler"),
    [
        (None, [], "parts"),
        (None, ["GPU:0"], "none"),
        (True, [], "whole"),
        (True, ["GPU:0"], "whole"),
        (False, [], "none"),
    ],
)
def test_what_xla_compiles_on_which_device(monkeypatch, xla, gpus, compiler):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus if kind == "GPU" else ["CPU:0"])
    assert ascent.compiler_of(xla) == compiler


def test_another_architecture_has_its_own_program(tiny_cnn):
    programs = {
        aim_at(tiny_cnn(activation=activation), layer, [0], pre_activation=pre_activation).part
        for activation in ("relu", "elu")
        for layer in ("Conv2D_1", "Conv2D_2")
        for pre_activation in (False, True)
    }
    # the layer's own activation is gone in its pre-activation, so Conv2D_1 is the same for relu and elu
    assert len(programs) == 7
