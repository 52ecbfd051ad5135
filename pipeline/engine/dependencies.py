"""What the result of a stage depends on, beyond its settings: other stages, data, source files."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.engine import provenance
from pipeline.settings.choices import Stage

# The stages whose results a stage stands on.
UPSTREAM: dict[Stage, tuple[Stage, ...]] = {
    Stage.train: (),
    Stage.activations: (Stage.train,),
    Stage.statistics: (Stage.train,),
    Stage.oip: (Stage.train,),
    Stage.dream: (Stage.train,),
    Stage.atlas: (Stage.train, Stage.statistics, Stage.oip),
    Stage.dream_sheet: (Stage.train,),
}
# The stages that dream into a photo as `dream=` says.
DREAMS = (Stage.dream, Stage.dream_sheet)
# The stages whose record names the data set.
LOOK_AT_DATA = (Stage.train, Stage.activations, Stage.statistics, Stage.oip, Stage.atlas)

_COMMON = ("core", "runtime/numerics.py", "drawing", "engine/record.py", "engine/figures.py", "engine/storage.py")
# What a stage runs and draws: when one of these files changes, its results are computed anew.
_SOURCES: dict[Stage, tuple[str, ...]] = {
    Stage.train: (
        *("stages/train", "core/cnn.py", "core/training.py", "drawing/pictures.py", "drawing/curves.py"),
        *_COMMON[1:2],
        *_COMMON[3:],
    ),
    Stage.activations: ("stages/activations", "data/dataset.py", *_COMMON),
    Stage.statistics: ("stages/statistics", "data/dataset.py", *_COMMON),
    Stage.oip: ("stages/oip", *_COMMON),
    Stage.dream: ("stages/dream", "stages/oip", *_COMMON),
    Stage.atlas: ("stages/atlas", "stages/dream_sheet", "stages/dream", "stages/oip", "stages/statistics", *_COMMON),
    Stage.dream_sheet: ("stages/dream_sheet", "stages/dream", "stages/oip", *_COMMON),
}


def source_files_of(stage: Stage) -> list[Path]:
    """The source files that a result of this stage depends on."""
    return provenance.source_files(_SOURCES[stage])


def needed(stages: Iterable[Stage]) -> set[Stage]:
    """These stages, and all that they stand on."""
    found = set(stages)
    for stage in stages:
        found |= needed(UPSTREAM[stage])
    return found


def sources_of(stage: Stage) -> str:
    """Their digest."""
    return provenance.source_digest(source_files_of(stage))
