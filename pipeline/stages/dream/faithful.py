"""Carving in the language of the data: strokes as training images have them, with the photo's brightness."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.core import ascent
from pipeline.core.canvas import Canvas, canvas_of
from pipeline.core.carving import shrink_tiles
from pipeline.core.chunks import receptive_field_of
from pipeline.core.finite import check_answers
from pipeline.core.keras_layers import describe_model
from pipeline.core.local_contrast import mean_and_spread
from pipeline.core.matching import MAPS, Match
from pipeline.core.objectives import after_activation, before_activation, directions, part_up_to, weights_of
from pipeline.core.priors import Priors
from pipeline.core.references import layers_before, match_of, references_of, shaped_like
from pipeline.core.tiles import Tiling
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Advance, Progress
from pipeline.stages.dream.fitting import check_references
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn

# Of a tile's side: how wide the neighbourhood is whose mean and contrast are kept.
NEIGHBOURHOOD = 1 / 6
# Of the objective at the beginning, see `Match`.
WEIGHT = 0.05
NEVER = ascent.Convergence(criterion=0.0, after=0, patience=1, stop=False)


class MapReferences(NamedTuple):
    """What dreams are drawn to, of every map of their layer.

    Attributes:
        match: a row for every map.
        largest: (maps,) float32, the largest mean of the map that a training image causes.
        shaped_by: what the tiles are asked for besides.
    """

    match: Match
    largest: np.ndarray
    shaped_by: Priors

    def of(self, rows: np.ndarray, shape: tuple[int, ...]) -> Match:
        """Return the same of mixtures of maps: the weighted means.

        Args:
            rows: (mixtures, maps) float32, weights whose sum is 1.
            shape: of the layer's output for one image.
        """
        scored = self.match.scored
        weights = weights_of(rows, shape)
        return self.match._replace(
            patterns=tuple(rows @ pattern for pattern in self.match.patterns),
            scored=scored._replace(weights=weights, offset=np.zeros(len(rows), np.float32)),
            goal=rows @ self.match.goal,
            unit=rows @ self.match.unit,
        )


def references_for(
    config: DreamConfig, model: "Cnn", scale: Scale, images: np.ndarray | None, progress: Progress
) -> MapReferences | None:
    """Return what the dreams of these settings are drawn to, None if that is nothing.

    Args:
        scale: in which numbers is dreamt.
        images: (images, height, width, channels) float32, as the CNN takes them: the training half of the data set.
        progress: is told how many images have been looked at.
    Raises:
        InputError: there are no images, or it is the first convolution, or no chain of layers leads to it.
    """
    settings, layer = config.faithful, config.layer
    if settings.references == 0:
        return None
    field = receptive_field_of(part_up_to(model, layer))
    check_references(config, field, describe_model(model).convolutions())
    if images is None or len(images) < 2:
        takes = "0 without training images (reference_images), at least 2"
        raise InputError.at("dream.faithful.references", takes=takes, got=settings.references)
    shape = part_up_to(model, layer).output_shape
    weights = weights_of(directions(range(shape[-1]), shape[-1]), shape)
    scored = after_activation(model, layer, weights)
    found = references_of(scored, images, settings.references, Advance("references", progress, len(images)))
    check_answers(layer, found.largest)
    match = match_of(
        model, layers_before(model, layer), MAPS, scored=scored, aim=before_activation(model, layer, weights),
        images=images, references=found, goal=found.largest, weight=WEIGHT, is_least=True,
        preprocessing=scale.preprocessing,
    )  # fmt: skip
    bounded = Priors(bounded=True, ends=scale.ends())
    shaped_by = shaped_like(images, settings.covariance, bounded, scale.preprocessing)
    return MapReferences(match, found.largest, shaped_by)


class Faithful:
    """One level's way of drawing into tiles.

    Args:
        scale: in which numbers is dreamt.
        original: (height, width[, 3]) float32, the photo in these numbers, whose mean and contrast are kept.
    """

    def __init__(
        self,
        config: DreamConfig,
        model: "Cnn",
        scale: Scale,
        references: MapReferences,
        original: np.ndarray,
        tiling: Tiling,
    ) -> None:
        self._config, self._model, self._scale, self._references = config, model, scale, references
        self._original, self._tiling = original, tiling

    def shares(self, means: np.ndarray) -> np.ndarray:
        """Return means (images, maps) as shares of the largest that a training image causes; 0 if none does."""
        largest = self._references.largest
        return np.where(largest > 0, means / np.where(largest > 0, largest, 1), 0)

    def shown(self, tiles: list[int]) -> np.ndarray:
        """Return what the CNN sees of tiles of the photo: (tiles, height, width, channels)."""
        now = shrink_tiles(self._original, self._tiling, tiles, self._scale.size)
        return self._scale.preprocessing.shown(self._canvas(tiles).pixels(now))

    def draw(
        self,
        now: np.ndarray,
        tiles: list[int],
        maps: list[list[int]],
        step_sizes: np.ndarray,
        on_steps: Callable[[int], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw into tiles.

        Args:
            now: (tiles, height, width, channels) float32, as they are.
            tiles: their numbers.
            maps: of each tile.
            step_sizes: (steps,) float32, in units of what lies between paper and ink.
            on_steps: is told how many steps more are done.
        Returns:
            The tiles afterwards, and the objective before every step: (steps, tiles).
        """
        layer = self._config.layer
        shape = part_up_to(self._model, layer).output_shape
        rows = np.stack([directions(of_tile, shape[-1]).mean(axis=0) for of_tile in maps])
        canvas = self._canvas(tiles)
        before = canvas.pixels(now)
        found = ascent.ascend(
            before_activation(self._model, layer, weights_of(rows, shape)),
            before,
            step_sizes,
            convergence=NEVER,
            shaped_by=self._references.shaped_by,
            match=self._references.of(rows, shape),
            on_steps=on_steps,
        )
        return now + canvas.change(before, found.images), found.objective

    def bounded(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture without what is darker or brighter than anything in the photo."""
        return np.clip(picture, self._original.min(), self._original.max())

    def _canvas(self, tiles: list[int]) -> Canvas:
        settings, original = self._config.faithful, self._original
        window = max(round(min(self._tiling.shape) * NEIGHBOURHOOD), 3)
        planes = mean_and_spread(tf.constant(original.reshape(1, *original.shape[:2], -1)), window)
        mean, spread = (shrink_tiles(plane.numpy()[0], self._tiling, tiles, self._scale.size) for plane in planes)
        unit = self._scale.step_sizes(np.ones(1, np.float32), original)
        spread = np.clip(spread, settings.least_contrast * unit, settings.most_contrast * unit)
        return canvas_of(mean, spread, float(original.min()), float(original.max()), settings.ink.value)
