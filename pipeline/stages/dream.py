"""Stage 4: the CNN dreams into a photo, on the whole of it and on ever smaller tiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pipeline.config import DreamConfig, Objective
from pipeline.core import ascent, carving
from pipeline.core.objective import directions, step_sizes
from pipeline.core.target import after_activation, before_activation, weights_of
from pipeline.progress import Progress, no_progress
from pipeline.results import DreamResult
from pipeline.stages.oip import convergence_of

if TYPE_CHECKING:
    import keras


def dream(
    config: DreamConfig,
    model: "keras.Model",
    photo: np.ndarray,
    *,
    seed: int,
    progress: Progress = no_progress,
) -> DreamResult:
    """Carve into the photo what the chosen maps react to.

    Every turn goes through the levels; a level with n tiles per side cuts the picture into n x n tiles, and for all of
    them at once: shrink to the CNN's size, take mean and spread out, ascend, put mean and spread back, enlarge, add the
    detail that shrinking the original tile loses; then the picture is standardized.

    Args:
        photo: (size, size) grey levels of any range.
        seed: carving draws nothing; it is there as all stages have one.
    """
    del seed
    size = model.inputs[0].shape[1]
    maps = model.get_layer(config.layer).output.shape[-1]
    aim = before_activation if config.objective is Objective.pre_activation else after_activation
    sizes = step_sizes(config.step_size, config.steps, "constant")
    original = tf.image.per_image_standardization(tf.constant(photo, tf.float32)[..., None])[..., 0]
    corrections = [carving.lost_detail(carving.cut_tiles(original, n), size) for n in config.levels]
    map_indices = config.map_indices * (len(config.levels) if len(config.map_indices) == 1 else 1)

    def ascend_level(picture: tf.Tensor, level: int) -> tuple[tf.Tensor, np.ndarray]:
        per_side = config.levels[level]
        tiles = carving.cut_tiles(picture, per_side)
        chosen = _chosen_tiles(config.tiles, level, per_side)
        images, mean, std = carving.take_out_spread(carving.resize(tf.gather(tiles, chosen), size))
        along = directions([map_indices[level]] * len(chosen), maps)
        weights = weights_of(along, model.get_layer(config.layer).output.shape[1:])
        result = ascent.ascend(
            aim(model, config.layer, weights),
            images,
            sizes,
            convergence=convergence_of(config.convergence),
        )
        carved = carving.resize(result.images * std + mean, tiles.shape[1]) + tf.gather(corrections[level], chosen)
        tiles = tf.tensor_scatter_nd_update(tiles, [[tile] for tile in chosen], carved)
        return carving.join_tiles(tiles), result.objective.mean(axis=1)

    picture, frames, objectives = original, [], []
    total = config.turns * len(config.levels)
    for turn in range(config.turns):
        for level in range(len(config.levels)):
            picture, objective = ascend_level(picture, level)
            picture = tf.image.per_image_standardization(picture[..., None])[..., 0]
            frames.append(picture.numpy())
            objectives.append(objective)
            progress("dream", turn * len(config.levels) + level + 1, total, objective=float(objective[-1]))
    return DreamResult(
        photo=original.numpy(),
        picture=picture.numpy(),
        frames=np.stack(frames),
        objective=np.stack(objectives).reshape(config.turns, len(config.levels), config.steps),
    )


def _chosen_tiles(tiles: Sequence[Sequence[int]] | None, level: int, per_side: int) -> list[int]:
    return list(range(per_side**2)) if tiles is None else list(tiles[level])
