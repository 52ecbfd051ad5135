"""Stage 3: one original input pattern (OIP) for every map, by activation maximization."""

from collections.abc import Sequence

import numpy as np

from pipeline.core.finite import check_answers, check_weights
from pipeline.core.graph import Cnn
from pipeline.core.model_range import check_range
from pipeline.core.noise import Shape
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.priors import Priors
from pipeline.core.references import References, layers_before, match_of, references_of, shaped_like
from pipeline.core.schedules import snapshot_steps
from pipeline.core.spectra import frequency_filter
from pipeline.core.variation import mean_image, mean_magnitudes
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Advance, Progress, no_progress
from pipeline.settings.choices import MatchKind, PixelRange, Spectrum, StartAt, Strategy
from pipeline.stages.oip.checks import check_images, check_labels, shape_of_pictures
from pipeline.stages.oip.evidence import EVIDENCE_IMAGES, evidence_of
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.oip.space import Space, space_of
from pipeline.stages.oip.sweep import LEVELS, OF_THE_BEST, Found, Recipe, Sweep
from pipeline.stages.oip.verdicts import is_silent, reached, verdicts


# long: by what is said of its arguments
def sweep_oips(
    config: OipConfig,
    noise_config: NoiseConfig,
    model: Cnn,
    *,
    seed: int,
    reference_images: np.ndarray | None = None,
    reference_labels: np.ndarray | None = None,
    training_images: np.ndarray | None = None,
    references: References | None = None,
    start_pictures: np.ndarray | None = None,
    preprocessing: Preprocessing = STANDARDIZED,
    classes: int | None = None,
    progress: Progress = no_progress,
) -> OipSweepResult:
    """Let an image grow out of noise for every map, until the map is activated as strongly as possible.

    The maps, each with `config.starts` start images, are ascended as batches of `config.batch_size`. A start image
    depends on (seed, map_index, start) only, its gradient is scaled by itself: neither the other maps nor the batch
    size have a say in its result (docs/oip.md says how exactly). Of several starts the picture that activates its map
    most is the map's OIP. A map that all its pictures leave silent is started again from other noise,
    `config.restarts` times at the most.

    With `config.faithful` each map that a real image drives gets two pictures: the one of this recipe is its OIP, the
    one that only drives it is kept beside that.

    A CNN that takes standardized pictures is ascended among these. For one that takes another range the ascent moves
    among levels from 0, black, to 1, white, and never leaves them; step sizes, given in standard deviations of a
    picture, are multiplied by that of the reference images' levels. Pictures of several channels move in colours that
    vary as those of the reference images do (`config.quality.colour`).

    Args:
        config: which maps of which layer, by which objective and strategy, how far.
        noise_config: what start images are made of.
        model: a functional CNN for images (height, width, channels).
        seed: of start images and random movements.
        reference_images: real images (count, height, width, channels) as the CNN takes them, in an array or in what
            gives one for a slice; with them the result says how strongly they activate each map at the most, and
            `config.quality.spectrum=data` takes its magnitudes from them.
        reference_labels: (count,) int, their classes, all -1 if these are not known; with them the result has the
            evidence on every picture.
        training_images: other such images, what `config.faithful` keeps to.
        references: which of these drive each target most, if that is known from another sweep of the same targets.
        start_pictures: (count, height, width, channels), what `noise_config.kind` picture or digit chooses from.
        preprocessing: what the CNN takes of a picture's levels.
        classes: how many the labels tell apart; None: as many as the CNN. One of another number is not asked for the
            class of a picture.
        progress: is told how many steps of single images are done.
    Returns:
        The OIP of every map, how it came about, and a verdict on it.
    Raises:
        InputError: a Keras that is set to something else, see `check_keras`; the model has no such layer, the layer no
            such map or position; weights or activations that are no finite numbers; images of another shape, or with
            numbers that are not finite; the model shows that it takes another range than `preprocessing`.
        ValueError: images that the settings need are missing.
    Reference:
        Erhan et al., 2009, "Visualizing Higher-Layer Features of a Deep Network"; start images and steps: the article
        series "A simple CNN for the MNIST dataset", 2020.
    """
    check_keras()
    shape = shape_of_pictures(model)
    check_range(model, preprocessing)
    check_images("reference_images", reference_images, shape)
    check_images("start_pictures", start_pictures, shape)
    check_labels(reference_labels, reference_images)
    check_weights(model)
    space = space_of(shape, preprocessing, config.quality.colour, reference_images)
    sweep = Sweep(config, noise_config, model, seed, space, start_pictures, progress)
    rows = np.arange(len(sweep.map_indices))
    plain = Recipe(_priors(config, space, reference_images), config.step_size * space.spread, spread=space.spread)
    made_by = [(plain, rows)]
    found, restarts = _swept(sweep, config, plain, rows, restarts=config.restarts if noise_config.is_random() else 0)
    real = None if reference_images is None else references_of(sweep.scored, reference_images, EVIDENCE_IMAGES)
    maximum = np.full(len(rows), np.nan, np.float32) if real is None else real.largest
    check_answers(config.layer, found.activation, found.objective, found.images, *([] if real is None else [maximum]))
    goal = np.full(len(rows), np.nan, np.float32)
    beside, beside_activation = found.images[:0], found.activation[:0]
    if config.faithful.is_on:
        images = _checked(training_images, shape)
        if references is None:
            on_images = Advance("references", progress, len(images))
            references = references_of(sweep.scored, images, config.faithful.images, on_images)
            references = references._replace(largest=np.fmax(references.largest, maximum))
        recipe, goal = _faithful(config, plain, model, sweep, space, images, references)
        check_answers(config.layer, goal)
        driven = np.flatnonzero(goal > 0)
        beside, beside_activation = found.images.copy(), found.activation.copy()
        faithful, _ = _swept(sweep, config, recipe, driven, restarts=0)
        check_answers(config.layer, faithful.activation, faithful.objective, faithful.images)
        found.put(driven, faithful, Found._fields)
        restarts[driven] = 0
        made_by.append((recipe, driven))
    words, converged_at = _judged(config, found, made_by, linear=sweep.is_linear)
    return OipSweepResult(
        layer=config.layer,
        map_indices=sweep.map_indices,
        names=np.array(sweep.names),
        snapshot_steps=np.array(snapshot_steps(sum(_stages(config)), config.snapshots)),
        start_images=found.start_images,
        images=found.images,
        snapshots=np.moveaxis(found.snapshots, 0, 1),
        objective=found.objective.T,
        activation=found.activation,
        converged_at=converged_at,
        restarts=restarts,
        start=found.start,
        all_images=found.all_images,
        all_activation=found.all_activation,
        data_maximum=maximum,
        goal=goal,
        references=np.zeros((len(rows), 0), int) if references is None else references.numbers,
        reference_maximum=goal if references is None else references.largest,
        plain_images=beside,
        plain_activation=beside_activation,
        verdicts=words if config.faithful.least is None else reached(words, found.activation, goal),
        **evidence_of(
            model,
            config.layer,
            found.images,
            sweep.map_indices,
            real,
            reference_images,
            reference_labels,
            preprocessing,
            classes,
        )._asdict(),
        pixel_range=np.full((2, shape[2]), np.nan, np.float32) if space.ends is None else space.ends,
    )


def _stages(config: OipConfig) -> list[int]:
    return config.stage_steps if config.strategy is Strategy.coarse_to_fine else [config.steps]


def _swept(
    sweep: Sweep, config: OipConfig, recipe: Recipe, maps: np.ndarray, *, restarts: int
) -> tuple[Found, np.ndarray]:
    """Make the pictures of some maps by a recipe, silent ones again; return them and how often they began again."""
    stages = _stages(config)
    sweep.expect(len(maps) * config.starts * sum(stages))
    if config.strategy is Strategy.precursor:
        sweep.expect(len(maps) * config.precursor.starts * config.precursor.steps)
        begun = sweep.best_of(recipe, maps, np.arange(config.precursor.starts), [config.precursor.steps])
        chosen = np.argsort(-begun.all_activation, axis=1, kind="stable")[:, : config.starts]
    else:
        chosen = np.arange(config.starts)
    found = sweep.best_of(recipe, maps, chosen, stages)
    again = np.zeros(len(maps), int)
    first_unused = config.precursor.starts if config.strategy is Strategy.precursor else config.starts
    for restart in range(1, restarts + 1):
        silent = np.flatnonzero(is_silent(found.activation, linear=sweep.is_linear))
        if len(silent) == 0:
            break
        sweep.expect(len(silent) * sum(stages))
        other = sweep.best_of(recipe, maps[silent], np.array([first_unused + restart - 1]), stages)
        found.put(silent, other, OF_THE_BEST)
        again[silent] = restart
    return found, again


def _judged(
    config: OipConfig, found: Found, made_by: Sequence[tuple[Recipe, np.ndarray]], *, linear: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the verdicts (maps,) and the steps of convergence, see `verdicts`.

    Args:
        made_by: recipes, and the maps whose pictures are made by them; of several the last one counts.
        linear: see `verdicts.is_silent`.
    """
    stages = _stages(config)
    moves = np.zeros((sum(stages), len(found.activation)), np.float32)
    for recipe, maps in made_by:
        moves[:, maps] = recipe.moves(stages, config.step_size_schedule.value)[:, None]
    stopped_at = found.converged_at if config.convergence.stop else np.full(len(found.activation), -1)
    return verdicts(
        found.activation, found.objective.T, moves, stopped_at, begun=sum(stages) - stages[-1], linear=linear
    )


def _checked(images: np.ndarray | None, shape: Shape) -> np.ndarray:
    """Return the images.

    Raises:
        ValueError: there are none, or only one, which has no covariance.
        InputError: they have another shape, or hold what is no number.
    """
    if images is None or len(images) < 2:
        raise ValueError("oip.faithful: expected training_images, at least 2; received None or fewer")
    check_images("training_images", images, shape)
    return images


def _faithful(
    config: OipConfig,
    plain: Recipe,
    model: Cnn,
    sweep: Sweep,
    space: Space,
    images: np.ndarray,
    references: References,
) -> tuple[Recipe, np.ndarray]:
    """Return the recipe of OIPs that keep to the data, and the score (maps,) that each has to reach, 0 or less for none
    that can be reached.

    Args:
        images: real ones, which the references are some of.
    """
    settings = config.faithful
    goal = references.largest * np.float32(1.0 if settings.least is None else settings.least)
    match = None
    if settings.match is not MatchKind.none:
        layers = settings.layers or layers_before(model, config.layer)
        match = match_of(
            model, layers, settings.match.value, scored=sweep.scored, aim=sweep.aim, images=images,
            references=references, goal=goal, weight=settings.weight, is_least=settings.least is not None,
            preprocessing=space.preprocessing,
        )  # fmt: skip
    bounded, shaped_by = settings.range is PixelRange.data, plain.shaped_by
    if bounded:
        # what is given is meant of levels
        shaped_by = shaped_by._replace(bounded=True, l2=config.quality.l2)
    return Recipe(
        shaped_by=shaped_like(images, settings.covariance, shaped_by, space.preprocessing),
        step_size=settings.step_size * (1.0 if bounded else space.spread),
        match=match,
        mean=mean_image(images, space.preprocessing) if settings.start is StartAt.mean else None,
        spread=LEVELS if bounded and not space.of_levels else space.spread,
    ), goal


def _priors(config: OipConfig, space: Space, reference_images: np.ndarray | None) -> Priors:
    quality, magnitudes = config.quality, None
    if quality.spectrum is Spectrum.data:
        if reference_images is None:
            raise ValueError("oip.quality.spectrum=data: expected reference_images; received None")
        magnitudes = mean_magnitudes(reference_images, space.preprocessing)
    decay = quality.frequency_decay
    return Priors(
        total_variation=quality.total_variation,
        # of differences in standard deviations of a picture
        l2=quality.l2 / space.spread,
        diversity=quality.diversity,
        frequency_filter=frequency_filter(space.shape[:2], decay) if decay else None,
        magnitudes=magnitudes,
        bounded=space.of_levels,
        colours=space.colours,
        ends=space.ends,
    )
