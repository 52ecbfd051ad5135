"""Dreaming by carving: the whole photo and ever smaller tiles of it, shrunk to the CNN's size, ascended, enlarged."""

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core import ascent
from pipeline.core.carving import beside_channels, carve_tiles, shrink_tiles, take_out_spread
from pipeline.core.finite import check_answers
from pipeline.core.objectives import OBJECTIVES, directions, part_up_to, weights_of
from pipeline.core.schedules import step_sizes
from pipeline.core.score import map_means
from pipeline.core.tiles import Tiling
from pipeline.settings.choices import Correction
from pipeline.stages.dream.course import Course, OnWork, as_frame
from pipeline.stages.dream.faithful import Faithful, MapReferences
from pipeline.stages.dream.fitting import check_maps, tilings_of
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.oip.sweep import convergence_of

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn

# How many tiles are ascended as one batch: bounds the memory. All of a level, but for levels of very many tiles.
TILES_AT_A_TIME = 1024


class Carving:
    """Every turn goes through the levels. A level of n looks at the picture as tiles of 1/n of its shorter side, or
    of the largest part of it in the CNN's proportions.

    For all tiles at once: shrink to the CNN's size, take mean and spread out, ascend, put mean and spread back,
    enlarge, add the detail that shrinking the original tile (or with an updated correction the present one) loses;
    tiles fade into each other where they overlap. Then the picture is standardized, and where the mask says so, the
    original put back. With a CNN that takes no standardized images the picture is one of levels: the tiles are ascended
    as they are, and both are clipped, see `Scale`.

    With references, `faithful.Faithful` draws into the tiles instead, and the picture is not standardized but kept in
    the photo's range.
    """

    def __init__(
        self, config: DreamConfig, model: "Cnn", scale: Scale, references: MapReferences | None = None
    ) -> None:
        self._config, self._model, self._scale, self._references = config, model, scale, references

    def work(self, shape: tuple[int, int], mask: np.ndarray | None) -> int:
        """Return the units of work: steps of single tiles."""
        levels = enumerate(tilings_of(self._config, shape, self._scale.size))
        tiles = sum(sum(_touched(tiling, _chosen(self._config, number, tiling), mask)) for number, tiling in levels)
        return self._config.turns * tiles * self._config.steps

    def dream(self, original: np.ndarray, mask: np.ndarray | None, *, seed: int, on_work: OnWork) -> Course:
        """Dream as `methods.Dreamer` says. Carving draws nothing at random."""
        del seed
        config, shape = self._config, (original.shape[0], original.shape[1])
        check_maps(config)
        tilings = enumerate(tilings_of(config, shape, self._scale.size))
        levels = [
            _Level(config, self._model, self._scale, self._references, original, mask, number, tiling)
            for number, tiling in tilings
        ]
        picture, frames, objectives = original, [], []
        for _ in range(config.turns):
            for level in levels:
                picture, objective = level.carve(picture, on_work)
                check_answers(config.layer, objective, picture)
                frames.append(as_frame(picture, config))
                objectives.append(objective)
        return Course(
            pictures=picture[None],
            frames=np.stack(frames),
            objective=np.stack(objectives)[..., None],
            tile_maps=_rectangle([maps for level in levels for maps in level.maps]),
        )


class _Level:
    """One level of every turn. maps: of every tile that is worked on, the maps that it is driven towards."""

    def __init__(
        self,
        config: DreamConfig,
        model: "Cnn",
        scale: Scale,
        references: MapReferences | None,
        original: np.ndarray,
        mask: np.ndarray | None,
        number: int,
        tiling: Tiling,
    ) -> None:
        self._config, self._model, self._scale, self._original = config, model, scale, original
        self._mask = None if mask is None else beside_channels(mask, original)
        self._tiling, self._tiles = tiling, _chosen(config, number, tiling)
        self._faithful = None if references is None else Faithful(config, model, scale, references, original, tiling)
        self._strength = config.strengths()[number]
        self._sizes = step_sizes(config.step_size, config.steps, config.step_size_schedule.value)
        if self._faithful is None:
            self._sizes = scale.step_sizes(self._sizes, original)
        touched = _touched(tiling, self._tiles, mask)
        self.maps = list(itertools.compress(self._maps(number), touched))
        self._tiles = list(itertools.compress(self._tiles, touched))
        # by the first tile of each batch
        aim = functools.partial(OBJECTIVES[config.objective.value], model, config.layer)
        firsts = range(0, len(self._tiles) if self._faithful is None else 0, TILES_AT_A_TIME)
        self._targets = {first: aim(self._weights(self.maps[first : first + TILES_AT_A_TIME])) for first in firsts}

    def carve(self, picture: np.ndarray, on_work: OnWork) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture after this level, and the mean objective of its tiles before every step.

        Args:
            picture: (height, width[, 3]), in the numbers of the scale.
            on_work: is told how many units of work more are done.
        """
        onto = picture.copy()
        total = np.zeros(self._config.steps)
        for first in range(0, len(self._tiles), TILES_AT_A_TIME):
            tiles = self._tiles[first : first + TILES_AT_A_TIME]
            now = shrink_tiles(picture, self._tiling, tiles, self._scale.size)
            new, objective = self._changed(first, now, functools.partial(_count, on_work, len(tiles)))
            if self._config.correction is Correction.updated:
                corrected, changes = picture, new - now
            else:
                corrected = self._original
                changes = new - shrink_tiles(self._original, self._tiling, tiles, self._scale.size)
            carve_tiles(
                picture,
                corrected,
                self._tiling,
                tiles,
                changes,
                onto=onto,
                strength=self._strength,
                enlargement=self._config.enlargement.value,
            )
            total += objective.sum(axis=1, dtype=np.float64)
        onto = self._scale.settled(onto) if self._faithful is None else self._faithful.bounded(onto)
        if self._mask is not None:
            onto = self._original + self._mask * (onto - self._original)
        return onto, total / max(len(self._tiles), 1)

    def _changed(self, first: int, now: np.ndarray, on_steps: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tiles from the first on, (tiles, height, width, channels), changed; and the objective."""
        if self._faithful is not None:
            rows = slice(first, first + len(now))
            return self._faithful.draw(now, self._tiles[rows], self.maps[rows], self._sizes, on_steps)
        ascend = functools.partial(
            ascent.ascend, convergence=convergence_of(self._config.convergence), on_steps=on_steps
        )
        if self._scale.standardizes:
            images, mean, std = take_out_spread(now)
            result = ascend(self._targets[first], images, self._sizes)
            return result.images * std + mean, result.objective
        levels = np.clip(now, 0, 1)
        result = ascend(self._targets[first], levels, self._sizes, shaped_by=self._scale.priors())
        return now + (result.images - levels), result.objective

    def _weights(self, maps: list[list[int]]) -> np.ndarray:
        """Return of every tile the mean over its maps."""
        shape = part_up_to(self._model, self._config.layer).output_shape
        rows = [directions(of_tile, shape[-1]).mean(axis=0) for of_tile in maps]
        return weights_of(np.array(rows, np.float32).reshape(-1, shape[-1]), shape)

    def _maps(self, number: int) -> list[list[int]]:
        config, count = self._config, len(self._tiles)
        if config.auto_maps is not None:
            return self._most_triggered(config.auto_maps)
        if config.tile_maps is not None:
            maps = config.tile_maps[number] * (count if len(config.tile_maps[number]) == 1 else 1)
            return [[index] for index in maps]
        assert config.map_indices is not None
        return [[config.map_indices[number if len(config.map_indices) > 1 else 0]]] * count

    def _most_triggered(self, wanted: int) -> list[list[int]]:
        """Return of the maps asked for those that a tile of the photo itself triggers most, the strongest first."""
        asked = self._config.map_indices
        chosen = []
        for first in range(0, len(self._tiles), TILES_AT_A_TIME):
            tiles = self._tiles[first : first + TILES_AT_A_TIME]
            images = self._shown(tiles) if self._faithful is None else self._faithful.shown(tiles)
            means = map_means(self._model, self._config.layer, images)
            if self._faithful is not None:
                means = self._faithful.shares(means)
            candidates = np.arange(means.shape[1]) if asked is None else np.array(asked)
            order = np.argsort(-means[:, candidates], axis=1, kind="stable")[:, :wanted]
            chosen.extend(candidates[order].tolist())
        return chosen

    def _shown(self, tiles: list[int]) -> np.ndarray:
        """Return what the CNN takes of tiles of the photo: (tiles, height, width, channels)."""
        images = shrink_tiles(self._original, self._tiling, tiles, self._scale.size)
        if self._scale.standardizes:
            return take_out_spread(images)[0]
        return self._scale.preprocessing.shown(np.clip(images, 0, 1))


def _count(on_work: OnWork, tiles: int, steps: int) -> None:
    on_work(steps * tiles)


def _chosen(config: DreamConfig, level: int, tiles: Tiling) -> list[int]:
    """Return the tiles that are asked for."""
    return list(range(len(tiles))) if config.tiles is None else config.tiles[level]


def _touched(tiling: Tiling, tiles: list[int], mask: np.ndarray | None) -> list[bool]:
    """Tell of each tile whether the mask leaves anything of it to be changed."""
    return [mask is None or bool(mask[tiling.place(tile)].any()) for tile in tiles]


def _rectangle(maps: list[list[int]]) -> np.ndarray:
    return np.array(maps, np.int64).reshape(len(maps), len(maps[0]) if maps else 1)
