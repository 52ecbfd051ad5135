"""Carving in the language of the data: strokes as training images have them, with the photo's brightness."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pipeline.core.canvas import Canvas, canvas_of
from pipeline.core.carving import shrink_tiles
from pipeline.core.chunks import receptive_field_of
from pipeline.core.keras_layers import describe_model
from pipeline.core.local_contrast import mean_and_spread
from pipeline.core.noise import standardized
from pipeline.core.objectives import directions, part_up_to, weights_of
from pipeline.core.references import References, references_of
from pipeline.core.strokes import Wanted, draw_strokes, part_of
from pipeline.core.tiles import Tiling
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Advance, Progress
from pipeline.stages.dream.fitting import check_references
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    import keras

# Of a tile's side: how wide the neighbourhood is whose mean and contrast are kept.
NEIGHBOURHOOD = 1 / 6


def references_for(
    config: DreamConfig, model: "keras.Model", images: np.ndarray | None, progress: Progress
) -> References | None:
    """Return what the dreams of these settings are drawn to, None if that is nothing.

    Args:
        images: (images, size, size, 1) float32, standardized: the training half of the data set.
        progress: is told how many images have been looked at.
    Raises:
        InputError: there are no images, or it is the first convolution, or no chain of layers leads to it.
    """
    settings = config.faithful
    if settings.references == 0:
        return None
    field = receptive_field_of(part_up_to(model, config.layer))
    check_references(config, field, describe_model(model).convolutions())
    if images is None or len(images) == 0:
        takes = "0 without training images (reference_images)"
        raise InputError.at("dream.faithful.references", takes=takes, got=settings.references)
    advance = Advance("references", progress, len(images))
    return references_of(
        model, config.layer, images, count=settings.references, power=settings.covariance, on_images=advance
    )


class Faithful:
    """One level's way of drawing into tiles.

    Args:
        original: (height, width) float32, the standardized luma of the photo, whose mean and contrast are kept.
    """

    def __init__(
        self, config: DreamConfig, model: "keras.Model", references: References, original: np.ndarray, tiling: Tiling
    ) -> None:
        self._config, self._model, self._references = config, model, references
        self._original, self._tiling = original, tiling
        self._size = model.inputs[0].shape[1]
        self._part = part_of(model, config.layer)

    def shares(self, means: np.ndarray) -> np.ndarray:
        """Return means (images, maps) as shares of the largest that a training image causes; 0 if none does."""
        largest = self._references.largest
        return np.where(largest > 0, means / np.where(largest > 0, largest, 1), 0)

    def shown(self, tiles: list[int]) -> np.ndarray:
        """Return what the CNN sees of tiles of the photo: (tiles, size, size, 1), standardized."""
        now = shrink_tiles(self._original, self._tiling, tiles, self._size)
        return standardized(self._canvas(tiles).pixels(now))

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
            now: (tiles, size, size, 1) float32, as they are.
            tiles: their numbers.
            maps: of each tile.
            step_sizes: (steps,) float32, see `draw_strokes`.
            on_steps: is told how many steps more are done.
        Returns:
            The tiles afterwards, and the likeness before every step: (steps, tiles).
        """
        layer = self._model.get_layer(self._config.layer)
        shape = layer.output.shape[1:]
        rows = np.stack([directions(of_tile, shape[-1]).mean(axis=0) for of_tile in maps])
        features, largest = self._references.of(maps)
        wanted = Wanted(features, weights_of(rows, shape), largest, self._references.shaping)
        canvas = self._canvas(tiles)
        before = canvas.pixels(now)
        after, likeness = draw_strokes(self._part, layer.activation, before, step_sizes, wanted, on_steps=on_steps)
        return now + canvas.change(before, after), likeness

    def bounded(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture without what is darker or brighter than anything in the photo."""
        return np.clip(picture, self._original.min(), self._original.max())

    def _canvas(self, tiles: list[int]) -> Canvas:
        settings, original = self._config.faithful, self._original
        window = max(round(self._tiling.side * NEIGHBOURHOOD), 3)
        planes = mean_and_spread(tf.constant(original[None, ..., None]), window)
        mean, spread = (shrink_tiles(plane.numpy()[0, ..., 0], self._tiling, tiles, self._size) for plane in planes)
        spread = np.clip(spread, settings.least_contrast, settings.most_contrast)
        return canvas_of(mean, spread, float(original.min()), float(original.max()), settings.ink.value)
