"""Stage 4: the CNN dreams into a photo, tile by tile or slid over all of it."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.colour import dreamt_colours
from pipeline.core.model_range import check_range
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Advance, Progress, no_progress
from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.checks import check_inputs
from pipeline.stages.dream.faithful import references_for
from pipeline.stages.dream.methods import dreamer_of
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream.zoom import Zoom

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


def dream(
    config: DreamConfig,
    model: "Cnn",
    photo: np.ndarray,
    *,
    seed: int,
    mask: np.ndarray | None = None,
    reference_images: np.ndarray | None = None,
    preprocessing: Preprocessing = STANDARDIZED,
    progress: Progress = no_progress,
) -> DreamResult:
    """Carve into a photo what the chosen maps react to; with a grey CNN its colour stays.

    The luma Y = 0.299 R + 0.587 G + 0.114 B of the photo is dreamt into, with a CNN of colour images all of its
    channels: by `carve.Carving` or by `octaves.Octaves`. See `scale.Scale` for the numbers that are worked with.

    Args:
        config: by which method, towards which maps of which layer, how far.
        model: a CNN for images (height, width, 1) or (height, width, 3).
        photo: (height, width, 3) RGB or (height, width) grey levels, of any size; 0 to 255, or any range with a CNN of
            standardized images.
        seed: of the random shifts of octaves; carving draws nothing.
        mask: (height, width) from 0, the photo stays as it is, to 1.
        reference_images: (images, height, width, channels) float32, as the CNN takes them, which `config.faithful`
            chooses its references from: the training half of the data set.
        preprocessing: what the CNN takes of a picture.
        progress: is told how many units of work are done.
    Returns:
        The luma, or the colours, after the dream, as it was on the way, and the objective of every step.
    Raises:
        InputError: what `check_inputs` refuses; the photo is too small for these octaves or levels, a tile is not
            there, the CNN cannot be slid, or its answers are no numbers; references without images to choose from; a
            Keras that is set to something else, see `check_keras`.
    Reference:
        The article series "Deep Dreams of a CNN trained on MNIST data", 2020/21 (carving); Mordvintsev et al., 2015,
        "DeepDream - a code example for visualizing Neural Networks" (octaves).
    """
    check_keras()
    check_inputs(config, model, photo, mask)
    check_range(model, preprocessing)
    scale = Scale.of(model, preprocessing)
    original = scale.picture(photo)
    shape = (original.shape[0], original.shape[1])
    references = references_for(config, model, scale, reference_images, progress)
    dreamer, flight = dreamer_of(config, model, scale, references), Zoom(config, model, shape, scale, references)
    advance = Advance("dream", progress, dreamer.work(shape, mask) + flight.work)
    course = dreamer.dream(original, mask, seed=seed, on_work=advance)
    rounds, steps, _ = course.objective.shape
    picture = scale.in_deviations(photo, course.pictures[0])
    turns = config.turns if config.method is DreamMethod.carving else 1
    return DreamResult(
        photo=photo,
        picture=picture,
        frames=scale.levels(photo, course.frames),
        objective=course.objective[..., 0].reshape(turns, rounds // turns, steps),
        tile_maps=course.tile_maps,
        zoom=flight.frames(dreamt_colours(photo, picture), seed=seed, on_work=advance),
    )
