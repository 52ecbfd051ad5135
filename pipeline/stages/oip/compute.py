"""Stage 3: one original input pattern (OIP) for every map, by activation maximization."""

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core import ascent, jitter, priors
from pipeline.core.noise import Identity, standardized
from pipeline.core.objectives import OBJECTIVES, Target, after_activation, directions, weights_of
from pipeline.core.priors import Priors
from pipeline.core.schedules import snapshot_steps, step_sizes
from pipeline.core.score import as_saved, largest_scores, scores
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.choices import Spectrum, Strategy
from pipeline.settings.shared import ConvergenceConfig
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.oip.starts import Starts
from pipeline.stages.oip.verdicts import verdicts

if TYPE_CHECKING:
    import keras


def sweep_oips(
    config: OipConfig,
    noise_config: NoiseConfig,
    model: "keras.Model",
    *,
    seed: int,
    reference_images: np.ndarray | None = None,
    start_pictures: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> OipSweepResult:
    """Let an image grow out of noise for every map, until the map is activated as strongly as possible.

    The maps, each with `config.starts` start images, are ascended as batches of `config.batch_size`. A start image
    depends on (seed, map_index, start) only, its gradient is scaled by itself: neither the other maps nor the batch
    size have a say in its result (docs/oip.md says how exactly). Of several starts the picture that activates its map
    most is the map's OIP. A map that all its pictures leave silent is started again from other noise,
    `config.restarts` times at the most.

    Args:
        config: which maps of which layer, by which objective and strategy, how far.
        noise_config: what start images are made of.
        model: a functional CNN for images (size, size, 1).
        seed: of start images and random movements.
        reference_images: real images (count, size, size, 1); with them the result says how strongly they activate
            each map at the most, and `config.quality.spectrum=data` takes its magnitudes from them.
        start_pictures: (count, size, size, 1), what `noise_config.kind` picture or digit chooses from.
        progress: is told how many steps of single images are done.
    Returns:
        The OIP of every map, how it came about, and a verdict on it.
    Raises:
        InputError: a Keras that is set to something else, see `check_keras`.
        ValueError: images that the settings need are missing; the model has no layer of that name.
    Reference:
        Erhan et al., 2009, "Visualizing Higher-Layer Features of a Deep Network"; start images and steps: the article
        series "A simple CNN for the MNIST dataset", 2020.
    """
    check_keras()
    sweep = _Sweep(config, noise_config, model, seed, reference_images, start_pictures, progress)
    everyone = np.arange(len(sweep.map_indices))
    stages = config.stage_steps if config.strategy is Strategy.coarse_to_fine else [config.steps]
    sweep.expect(len(everyone) * config.starts * sum(stages))
    if config.strategy is Strategy.precursor:
        sweep.expect(len(everyone) * config.precursor.starts * config.precursor.steps)
        begun = sweep.best_of(everyone, np.arange(config.precursor.starts), [config.precursor.steps])
        chosen = np.argsort(-begun.all_activation, axis=1, kind="stable")[:, : config.starts]
    else:
        chosen = np.arange(config.starts)
    found = sweep.best_of(everyone, chosen, stages)
    restarts = np.zeros(len(everyone), int)
    first_unused = config.precursor.starts if config.strategy is Strategy.precursor else config.starts
    for restart in range(1, config.restarts + 1 if noise_config.is_random() else 1):
        silent = np.flatnonzero(~(found.activation > 0))
        if len(silent) == 0:
            break
        sweep.expect(len(silent) * sum(stages))
        again = sweep.best_of(silent, np.array([first_unused + restart - 1]), stages)
        for name in _OF_THE_BEST:
            getattr(found, name)[silent] = getattr(again, name)
        restarts[silent] = restart
    return OipSweepResult(
        layer=config.layer,
        map_indices=sweep.map_indices,
        names=np.array(sweep.names),
        snapshot_steps=np.array(snapshot_steps(sum(stages), config.snapshots)),
        start_images=found.start_images,
        images=found.images,
        snapshots=np.moveaxis(found.snapshots, 0, 1),
        objective=found.objective.T,
        activation=found.activation,
        converged_at=found.converged_at,
        restarts=restarts,
        start=found.start,
        all_images=found.all_images,
        all_activation=found.all_activation,
        data_maximum=sweep.data_maximum(),
        verdicts=verdicts(found.activation, found.converged_at, found.objective.T),
    )


class _Found(NamedTuple):
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


_OF_THE_BEST = _Found._fields[:-2]


class _Sweep:
    """What all ascents of a sweep share."""

    def __init__(
        self,
        config: OipConfig,
        noise_config: NoiseConfig,
        model: "keras.Model",
        seed: int,
        reference_images: np.ndarray | None,
        start_pictures: np.ndarray | None,
        progress: Progress,
    ) -> None:
        self._config, self._seed, self._progress = config, seed, progress
        self._reference_images = reference_images
        self._size = model.inputs[0].shape[1]
        self._starts = Starts(noise_config, config.strategy, self._size, seed=seed, pictures=start_pictures)
        shape = model.get_layer(config.layer).output.shape[1:]
        self.map_indices, self.names, direction = chosen_directions(config, shape[-1])
        position = None if config.position is None else (config.position[0], config.position[1])
        weights = weights_of(direction, shape, position)
        self._scored = after_activation(model, config.layer, weights)
        self._aim = OBJECTIVES[config.objective.value](model, config.layer, weights)
        self._priors = _priors(config, self._size, reference_images)
        self._done = self._total = 0

    def expect(self, steps: int) -> None:
        """Count on so many more steps of single images."""
        self._total += steps

    def best_of(self, maps: np.ndarray, numbers: np.ndarray, stages: Sequence[int]) -> _Found:
        """Ascend the maps (rows of `map_indices`) from the start images of these numbers, (starts,) or (maps, starts).

        Of a map's starts only the best one's course is kept, so that memory does not grow with their number.
        """
        numbers = np.broadcast_to(numbers, (len(maps), np.shape(numbers)[-1]))
        starts, picture = numbers.shape[1], (self._size, self._size, 1)
        kept_steps = snapshot_steps(sum(stages), self._config.snapshots)
        found = _Found(
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
        for chunk in self._chunks(len(maps), starts):
            rows, columns = np.divmod(chunk, starts)
            pairs = zip(self.map_indices[maps[rows]].tolist(), numbers[rows, columns].tolist(), strict=True)
            identities = list(pairs)
            begun = self._starts.images(identities)
            result = self._ascend(self._aim.chunk(maps[rows]), begun, identities, stages, kept_steps, starts)
            activation = scores(self._scored.chunk(maps[rows]), as_saved(result.images))
            found.all_images[rows, columns], found.all_activation[rows, columns] = result.images, activation
            for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
                # anything is better than what is not a number
                if column == 0 or activation[k] > found.activation[row] or np.isnan(found.activation[row]):
                    found.start_images[row], found.images[row] = begun[k], result.images[k]
                    found.snapshots[row], found.objective[row] = result.snapshots[:, k], result.objective[:, k]
                    found.converged_at[row], found.activation[row] = result.converged_at[k], activation[k]
                    found.start[row] = numbers[row, column]
        return found

    def _chunks(self, maps: int, starts: int) -> Iterator[np.ndarray]:
        """Yield numbers of (map, start) pairs, as many at a time as a batch may have; never a part of a group."""
        size = self._config.batch_size
        if self._config.quality.diversity:
            size = max(size // starts, 1) * starts
        everything = np.arange(maps * starts)
        yield from (everything[first : first + size] for first in range(0, len(everything), size))

    def _ascend(
        self,
        aim: Target,
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
                images = standardized(parts[-1].images + self._starts.fluctuation(number, identities))
            own = slice(first, first + steps)
            parts.append(
                ascent.ascend(
                    aim,
                    images,
                    step_sizes(self._config.step_size, steps, self._config.step_size_schedule.value),
                    convergence=convergence_of(self._config.convergence),
                    zero_steps=self._config.zero_steps,
                    snapshot_steps=[step - first for step in kept_steps if first <= step < first + steps],
                    shaped_by=self._priors._replace(
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
        )

    def _transforms(self, identities: Sequence[Identity], steps: int) -> np.ndarray | None:
        settings = vars(self._config.quality.jitter)
        if not any(settings.values()):
            return None
        moves = [
            jitter.random_transforms(steps, self._size, **settings, seed=self._seed, map_index=index, start=start)
            for index, start in identities
        ]
        return np.stack(moves, axis=1)

    def _count(self, steps: int, width: int) -> None:
        self._done += steps * width
        self._progress("oip", self._done, self._total)

    def data_maximum(self) -> np.ndarray:
        """Return the largest activation that a real image causes in each map; not a number without images."""
        if self._reference_images is None:
            return np.full(len(self.map_indices), np.nan, np.float32)
        return largest_scores(self._scored, self._reference_images)


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


def _priors(config: OipConfig, size: int, reference_images: np.ndarray | None) -> Priors:
    quality, magnitudes = config.quality, None
    if quality.spectrum is Spectrum.data:
        if reference_images is None:
            raise ValueError("oip.quality.spectrum=data: expected reference_images; received None")
        magnitudes = priors.mean_magnitudes(reference_images)
    decay = quality.frequency_decay
    return Priors(
        total_variation=quality.total_variation,
        l2=quality.l2,
        diversity=quality.diversity,
        frequency_filter=priors.frequency_filter(size, decay) if decay else None,
        magnitudes=magnitudes,
    )


def convergence_of(config: ConvergenceConfig) -> ascent.Convergence:
    """Return the settings as the ascent takes them."""
    return ascent.Convergence(config.criterion, config.after, config.patience, config.stop)
