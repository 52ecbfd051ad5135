"""Stage 4: the CNN dreams into a photo, on the whole of it and on ever smaller tiles."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.config import DreamConfig, Objective
from pipeline.core import ascent
from pipeline.core.carving import carved, shrunk_tiles, take_out_spread
from pipeline.core.noise import standardized
from pipeline.core.objective import directions, step_sizes
from pipeline.core.target import after_activation, before_activation, weights_of
from pipeline.core.tiles import tiling
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

    Every turn goes through the levels. A level of n looks at the picture as square tiles of 1/n of its side, which
    overlap by `config.overlap`; for all of them at once: shrink to the CNN's size, take mean and spread out, ascend,
    put mean and spread back, enlarge, add the detail that shrinking the original tile loses; tiles fade into each
    other where they overlap. Then the picture is standardized.

    Args:
        photo: (size, size) grey levels of any range.
        seed: carving draws nothing; it is there as all stages have one.
    """
    del seed
    size = model.inputs[0].shape[1]
    maps = model.get_layer(config.layer).output.shape[-1]
    aim = before_activation if config.objective is Objective.pre_activation else after_activation
    sizes = step_sizes(config.step_size, config.steps, "constant")
    original = standardized(np.asarray(photo, np.float32)[None, ..., None])[0, ..., 0]
    tilings = [tiling(len(original), len(original[0]), n, config.overlap) for n in config.levels]
    chosen = [list(range(len(tiles))) for tiles in tilings] if config.tiles is None else config.tiles
    originals = [shrunk_tiles(original, *level, size) for level in zip(tilings, chosen, strict=True)]
    map_indices = config.map_indices * (len(config.levels) if len(config.map_indices) == 1 else 1)

    def carve_level(picture: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
        tiles = chosen[level]
        images, mean, std = take_out_spread(shrunk_tiles(picture, tilings[level], tiles, size))
        along = directions([map_indices[level]] * len(tiles), maps)
        weights = weights_of(along, model.get_layer(config.layer).output.shape[1:])
        result = ascent.ascend(
            aim(model, config.layer, weights),
            images,
            sizes,
            convergence=convergence_of(config.convergence),
        )
        changes = result.images * std + mean - originals[level]
        return carved(picture, original, tilings[level], tiles, changes), result.objective.mean(axis=1)

    picture, frames, objectives = original, [], []
    total = config.turns * len(config.levels)
    for turn in range(config.turns):
        for level in range(len(config.levels)):
            picture, objective = carve_level(picture, level)
            picture = standardized(picture[None, ..., None])[0, ..., 0]
            frames.append(picture)
            objectives.append(objective)
            progress("dream", turn * len(config.levels) + level + 1, total, objective=float(objective[-1]))
    return DreamResult(
        photo=original,
        picture=picture,
        frames=np.stack(frames),
        objective=np.stack(objectives).reshape(config.turns, len(config.levels), config.steps),
    )
