"""Stage 4: the CNN dreams into a photo, tile by tile or slid over all of it."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.colour import dreamt_colours, dreamt_grey_levels, luma
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Advance, Progress, no_progress
from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.course import standardized_picture
from pipeline.stages.dream.faithful import references_for
from pipeline.stages.dream.methods import dreamer_of
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream.zoom import Zoom

if TYPE_CHECKING:
    import keras


def dream(
    config: DreamConfig,
    model: "keras.Model",
    photo: np.ndarray,
    *,
    seed: int,
    mask: np.ndarray | None = None,
    reference_images: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> DreamResult:
    """Carve into a photo what the chosen maps react to; its colour stays.

    The luma Y = 0.299 R + 0.587 G + 0.114 B of the photo, standardized, is dreamt into: by `carve.Carving` or by
    `octaves.Octaves`.

    Args:
        config: by which method, towards which maps of which layer, how far.
        model: a CNN for images (size, size, 1).
        photo: (height, width, 3) RGB or (height, width) grey levels, of any size and range.
        seed: of the random shifts of octaves; carving draws nothing.
        mask: (height, width) from 0, the photo stays as it is, to 1.
        reference_images: (images, size, size, 1) float32, standardized, which `config.faithful` chooses its references
            from: the training half of the data set.
        progress: is told how many units of work are done.
    Returns:
        The luma after the dream, as it was on the way, and the objective of every step.
    Raises:
        InputError: the photo is too small for these octaves or levels, a tile is not there, the CNN cannot be slid,
            references without images to choose from; a Keras that is set to something else, see `check_keras`.
    Reference:
        The article series "Deep Dreams of a CNN trained on MNIST data", 2020/21 (carving); Mordvintsev et al., 2015,
        "DeepDream - a code example for visualizing Neural Networks" (octaves).
    """
    check_keras()
    original = standardized_picture(luma(photo))
    shape = (original.shape[0], original.shape[1])
    references = references_for(config, model, reference_images, progress)
    dreamer, flight = dreamer_of(config, model, references), Zoom(config, model, shape, references)
    advance = Advance("dream", progress, dreamer.work(shape, mask) + flight.work)
    course = dreamer.dream(original, mask, seed=seed, on_work=advance)
    rounds, steps, _ = course.objective.shape
    turns = config.turns if config.method is DreamMethod.carving else 1
    return DreamResult(
        photo=photo,
        picture=course.pictures[0],
        frames=dreamt_grey_levels(photo, course.frames),
        objective=course.objective[..., 0].reshape(turns, rounds // turns, steps),
        tile_maps=course.tile_maps,
        zoom=flight.frames(dreamt_colours(photo, course.pictures[0]), seed=seed, on_work=advance),
    )
