"""One photo dreamt by every map, at every level or with every strength, to be looked at side by side."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.model_range import check_range
from pipeline.core.objectives import part_up_to
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Advance, Progress, no_progress
from pipeline.settings.choices import Compare, DreamMethod
from pipeline.stages.dream.checks import check_inputs
from pipeline.stages.dream.faithful import MapReferences, references_for
from pipeline.stages.dream.methods import Dreamer, dreamer_of
from pipeline.stages.dream.octaves import Octaves
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream.variants import Variant, variants_of
from pipeline.stages.dream_sheet.result import DreamSheetResult

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn

# Of all pictures that are in work together: bounds the memory.
PIXELS_AT_A_TIME = 4 * 2**20


def dream_sheet(
    config: DreamConfig,
    model: "Cnn",
    photo: np.ndarray,
    *,
    seed: int,
    mask: np.ndarray | None = None,
    reference_images: np.ndarray | None = None,
    preprocessing: Preprocessing = STANDARDIZED,
    progress: Progress = no_progress,
) -> DreamSheetResult:
    """Make the dreams that `config.compare` asks for, each as `dream` would make it.

    The maps of octaves slide over their pictures together, which is faster.

    Args:
        config: as for `dream`; `compare` says in what the dreams differ.
        model: a CNN for images (height, width, 1) or (height, width, 3).
        photo: (height, width, 3) RGB or (height, width) grey levels, as for `dream`.
        seed: of the random shifts of octaves, the same for all dreams.
        mask: (height, width) from 0, the photo stays as it is, to 1.
        reference_images, preprocessing: as for `dream`.
        progress: is told how many units of work are done.
    Returns:
        The luma of every dream as grey levels, or all channels, and its objective at the first and at the last step.
    Raises:
        InputError: as `dream`.
    """
    check_keras()
    check_inputs(config, model, photo, mask)
    check_range(model, preprocessing)
    scale = Scale.of(model, preprocessing)
    original = scale.picture(photo)
    variants = variants_of(config, part_up_to(model, config.layer).output_shape[-1])
    references = references_for(config, model, scale, reference_images, progress)
    dreamers = list(_dreamers(config, model, scale, variants, references, original.size))
    shape = (original.shape[0], original.shape[1])
    advance = Advance("dream_sheet", progress, sum(dreamer.work(shape, mask) for dreamer in dreamers))
    pictures: list[np.ndarray] = []
    begun: list[float] = []
    objective: list[float] = []
    while dreamers:
        # not kept: what it slides over the photo takes memory
        dreamer = dreamers.pop(0)
        course = dreamer.dream(original, mask, seed=seed, on_work=advance)
        pictures.extend(scale.levels(photo, course.pictures))
        begun.extend(course.objective[0, 0])
        objective.extend(course.objective[-1, -1])
    return DreamSheetResult(
        photo=photo,
        names=np.array([variant.name for variant in variants]),
        steps=np.array([variant.step for variant in variants]),
        pictures=np.stack(pictures),
        begun=np.array(begun, np.float32),
        objective=np.array(objective, np.float32),
    )


def _dreamers(
    config: DreamConfig,
    model: "Cnn",
    scale: Scale,
    variants: Sequence[Variant],
    references: MapReferences | None,
    pixels: int,
) -> Iterator[Dreamer]:
    """Yield one for each variant; for maps by octaves one for as many as fit into the memory."""
    if config.method is DreamMethod.octaves and config.compare.by is Compare.maps:
        count = max(PIXELS_AT_A_TIME // pixels, 1)
        batches = [variants[first : first + count] for first in range(0, len(variants), count)]
        for some in batches:
            yield Octaves(some[0].config, model, scale, [variant.step for variant in some], repeats=len(batches))
    else:
        yield from (dreamer_of(variant.config, model, scale, references) for variant in variants)
