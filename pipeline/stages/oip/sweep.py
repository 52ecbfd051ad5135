"""The ascents of a sweep: what they share, and what came of the start images of each map."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pipeline.core import ascent, jitter
from pipeline.core.graph import Cnn
from pipeline.core.matching import Match
from pipeline.core.noise import Identity, standardized
from pipeline.core.objectives import OBJECTIVES, Target, after_activation, directions, weights_of
from pipeline.core.preprocessing import STANDARDIZED
from pipeline.core.priors import Priors
from pipeline.core.schedules import snapshot_steps, step_sizes
from pipeline.core.score import MOST_FEATURES, features_per_image, scores
from pipeline.core.units import is_linear
from pipeline.runtime.progress import Progress
from pipeline.settings.shared import ConvergenceConfig
from pipeline.stages.oip.checks import check_target, shape_of_layer
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.oip.space import Space
from pipeline.stages.oip.starts import Starts


class Found(NamedTuple):
    """What came of the starts of some maps; the maps are the first axis. All but the last two: of the best start."""

    start_images: np.ndarray
    images: np.ndarray
    snapshots: np.ndarray
    objective: np.ndarray
    converged_at: np.ndarray
    activation: np.ndarray
    start: np.ndarray
    all_images: np.ndarray
    all_activation: np.ndarray

    def put(self, maps: np.ndarray, others: "Found", names: Sequence[str]) -> None:
        """Replace what came of some maps by what came of other pictures of them, in the fields of these names."""
        for name in names:
            getattr(self, name)[maps] = getattr(others, name)


OF_THE_BEST = Found._fields[:-2]
# Of the levels from 0 to 1 about their mean, in which start images differ.
FLUCTUATION = 0.05
# The standard deviation of a picture in levels from 0 to 1, such as it takes for `verdicts` to hold there: measured.
LEVELS = 0.2
# No activation comes near it.
ABOVE_ALL = 1e30


class Recipe(NamedTuple):
    """How a picture of every target is made.

    Attributes:
        shaped_by: what is asked of it besides the objective.
        step_size: of the first step.
        match: what it is drawn to, None for nothing.
        mean: (height, width, channels), the levels that start images fluctuate about; None: they are the start.
        spread: the standard deviation of a picture, in the unit of its pixels on the way.
    """

    shaped_by: Priors
    step_size: float
    match: Match | None = None
    mean: np.ndarray | None = None
    spread: float = 1.0

    def moves(self, stages: Sequence[int], schedule: str) -> np.ndarray:
        """Return how far each step moves a picture, (steps,), in standard deviations of one."""
        sizes = np.concatenate([step_sizes(self.step_size, steps, schedule) for steps in stages])
        return sizes / np.float32(self.spread)

    def ranks(self, rows: np.ndarray, activation: np.ndarray, likeness: np.ndarray) -> np.ndarray:
        """Return by what the best of several pictures is chosen.

        It is the activation; where that has to reach a goal, of those that do the likeness.

        Args:
            rows: (pictures,) int, of their targets.
            activation, likeness: (pictures,).
        """
        if self.match is None or not self.match.is_least:
            return activation
        return np.where(activation >= self.match.goal[rows], ABOVE_ALL * (2.0 + likeness), activation)


class Sweep:
    """What all ascents of a sweep share."""

    def __init__(
        self,
        config: OipConfig,
        noise_config: NoiseConfig,
        model: Cnn,
        seed: int,
        space: Space,
        start_pictures: np.ndarray | None,
        progress: Progress,
    ) -> None:
        self._config, self._seed, self._space, self._progress = config, seed, space, progress
        self._starts = Starts(noise_config, config.strategy, space, seed=seed, pictures=start_pictures)
        shape = shape_of_layer(model, config.layer)
        check_target(config, shape)
        self.map_indices, self.names, direction = chosen_directions(config, shape[-1])
        position = None if config.position is None else (config.position[0], config.position[1])
        weights = weights_of(direction, shape, position)
        self.is_linear = is_linear(model, config.layer)
        self.scored = after_activation(model, config.layer, weights)
        self.aim = OBJECTIVES[config.objective.value](model, config.layer, weights)
        self._batch = min(config.batch_size, max(MOST_FEATURES // features_per_image(self.aim.part), 1))
        self._done = self._total = 0

    def expect(self, steps: int) -> None:
        """Count on so many more steps of single images."""
        self._total += steps

    def best_of(self, recipe: Recipe, maps: np.ndarray, numbers: np.ndarray, stages: Sequence[int]) -> Found:
        """Ascend the maps (rows of `map_indices`) from the start images of these numbers, (starts,) or (maps, starts).

        Of a map's starts only the best one's course is kept, so that memory does not grow with their number.
        """
        numbers = np.broadcast_to(numbers, (len(maps), np.shape(numbers)[-1]))
        starts, picture = numbers.shape[1], self._space.shape
        kept_steps = snapshot_steps(sum(stages), self._config.snapshots)
        found = Found(
            start_images=np.zeros((len(maps), *picture), np.float32),
            images=np.zeros((len(maps), *picture), np.float32),
            snapshots=np.zeros((len(maps), len(kept_steps), *picture), np.float32),
            objective=np.zeros((len(maps), sum(stages)), np.float32),
            converged_at=np.full(len(maps), -1),
            activation=np.full(len(maps), -np.inf, np.float32),
            start=np.zeros(len(maps), int),
            all_images=np.zeros((len(maps), starts, *picture), np.float32),
            all_activation=np.zeros((len(maps), starts), np.float32),
        )
        best = np.full(len(maps), np.nan)
        for chunk in self._chunks(len(maps), starts):
            rows, columns = np.divmod(chunk, starts)
            pairs = zip(self.map_indices[maps[rows]].tolist(), numbers[rows, columns].tolist(), strict=True)
            identities = list(pairs)
            begun = self._begun(recipe, identities)
            result = self._ascend(recipe, maps[rows], begun, identities, stages, kept_steps, starts)
            begun, snapshots = self._space.taken(begun), self._space.taken(result.snapshots)
            result = result._replace(images=self._space.taken(result.images), snapshots=snapshots)
            saved = self._space.preprocessing.as_saved(result.images)
            activation = scores(self.scored.chunk(maps[rows]), saved)
            ranks = recipe.ranks(maps[rows], activation, result.likeness)
            found.all_images[rows, columns], found.all_activation[rows, columns] = result.images, activation
            for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
                # anything is better than what is not a number
                if column == 0 or ranks[k] > best[row] or np.isnan(best[row]):
                    best[row] = ranks[k]
                    found.start_images[row], found.images[row] = begun[k], result.images[k]
                    found.snapshots[row], found.objective[row] = result.snapshots[:, k], result.objective[:, k]
                    found.converged_at[row], found.activation[row] = result.converged_at[k], activation[k]
                    found.start[row] = numbers[row, column]
        return found

    def _begun(self, recipe: Recipe, identities: Sequence[Identity]) -> np.ndarray:
        """Return the start images (identities, height, width, channels) in the space."""
        if recipe.mean is None:
            return self._starts.images(identities)
        levels = np.clip(recipe.mean + FLUCTUATION * self._starts.standardized(identities), 0.0, 1.0)
        return levels if self._space.of_levels else standardized(levels)

    def _chunks(self, maps: int, starts: int) -> Iterator[np.ndarray]:
        """Yield numbers of (map, start) pairs, as many at a time as a batch may have; never a part of a group."""
        size = self._batch
        if self._config.quality.diversity:
            size = max(size // starts, 1) * starts
        everything = np.arange(maps * starts)
        yield from (everything[first : first + size] for first in range(0, len(everything), size))

    def _ascend(
        self,
        recipe: Recipe,
        maps: np.ndarray,
        images: np.ndarray,
        identities: Sequence[Identity],
        stages: Sequence[int],
        kept_steps: Sequence[int],
        starts: int,
    ) -> ascent.Ascent:
        """Ascend once, or several times in succession, each from what the one before has reached, enriched."""
        parts: list[ascent.Ascent] = []
        first = 0
        transforms = self._transforms(identities, sum(stages))
        for number, steps in enumerate(stages):
            if number > 0:
                images = self._space.added(parts[-1].images, self._starts.fluctuation(number, identities))
            own = slice(first, first + steps)
            parts.append(
                _ascended(
                    self.aim.chunk(maps),
                    images,
                    step_sizes(recipe.step_size, steps, self._config.step_size_schedule.value),
                    convergence=convergence_of(self._config.convergence),
                    zero_steps=self._config.zero_steps,
                    snapshot_steps=[step - first for step in kept_steps if first <= step < first + steps],
                    match=None if recipe.match is None else recipe.match.chunk(maps),
                    shaped_by=recipe.shaped_by._replace(
                        group=starts, transforms=None if transforms is None else transforms[own]
                    ),
                    xla=self._config.xla,
                    on_steps=functools.partial(self._count, width=len(images)),
                )
            )
            first += steps
        last = parts[-1]
        return ascent.Ascent(
            images=last.images,
            objective=np.concatenate([part.objective for part in parts]),
            snapshots=np.concatenate([part.snapshots for part in parts]),
            converged_at=np.where(last.converged_at >= 0, last.converged_at + first - stages[-1], -1),
            likeness=last.likeness,
        )

    def _transforms(self, identities: Sequence[Identity], steps: int) -> np.ndarray | None:
        settings = vars(self._config.quality.jitter)
        if not any(settings.values()):
            return None
        shape = self._space.shape[:2]
        moves = [
            jitter.random_transforms(steps, shape, **settings, seed=self._seed, map_index=index, start=start)
            for index, start in identities
        ]
        return np.stack(moves, axis=1)

    def _count(self, steps: int, width: int) -> None:
        self._done += steps * width
        self._progress("oip", self._done, self._total)


def chosen_directions(config: OipConfig, maps: int) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return index, name and weights of the maps of everything that is to be ascended: (n,), n names, (n, maps).

    A direction has the index -1, as has the whole layer.
    """
    if config.direction is not None:
        weights = np.zeros((1, maps), np.float32)
        weights[0, config.map_indices] = config.direction
        return np.array([-1]), ["direction"], weights
    indices = list(range(maps)) if config.map_indices is None else config.map_indices
    names = ["layer" if index == -1 else str(index) for index in indices]
    return np.array(indices), names, directions(indices, maps)


def _ascended(
    aim: Target, images: np.ndarray, sizes: np.ndarray, *, shaped_by: Priors, **options: Any
) -> ascent.Ascent:
    """Ascend from images to such images: levels, or standardized ones, also where pixels are bounded on the way."""
    if not shaped_by.bounded or shaped_by.ends is not None:
        return ascent.ascend(aim, images, sizes, shaped_by=shaped_by, **options)
    found = ascent.ascend(aim, STANDARDIZED.levels(images), sizes, shaped_by=shaped_by, **options)
    snapshots = np.array([standardized(one) for one in found.snapshots]).reshape(found.snapshots.shape)
    return found._replace(
        images=standardized(found.images), snapshots=np.array(snapshots).reshape(found.snapshots.shape)
    )


def convergence_of(config: ConvergenceConfig) -> ascent.Convergence:
    """Return the settings as the ascent takes them."""
    return ascent.Convergence(config.criterion, config.after, config.patience, config.stop)
