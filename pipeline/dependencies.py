"""What the result of a stage depends on, beyond its settings: other stages, data, source files."""

from collections.abc import Iterable
from pathlib import Path

from pipeline import provenance
from pipeline.config import Stage

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

_DREAMING = ("stages/dreaming", "stages/oip.py", "stages/starts.py", "core")
# What a stage runs: when one of these files changes, its results are computed anew.
_SOURCES = {
    Stage.train: ("stages/train.py", "core/cnn.py", "core/training.py"),
    Stage.activations: ("stages/activations.py", "stages/selection.py", "core/cnn.py"),
    Stage.statistics: (
        *("stages/statistics.py", "stages/selection.py", "core/statistics.py", "core/crops.py", "core/ablation.py"),
        "core/forward.py",
    ),
    Stage.oip: ("stages/oip.py", "stages/starts.py", "core"),
    Stage.dream: ("stages/dream.py", *_DREAMING),
    Stage.atlas: ("stages/atlas.py", "stages/dream_sheet.py", *_DREAMING),
    Stage.dream_sheet: ("stages/dream_sheet.py", *_DREAMING),
}
# By what its pictures are drawn, in rendering/.
_DRAWN_BY = {
    Stage.train: ("train.py", "curves.py"),
    Stage.activations: ("activations.py", "levels.py", "sheets.py"),
    Stage.statistics: ("statistics.py", "curves.py", "levels.py", "sheets.py"),
    Stage.oip: ("oip", "curves.py", "levels.py", "sheets.py"),
    Stage.dream: ("dream.py", "curves.py", "levels.py", "sheets.py"),
    Stage.atlas: (".",),
    Stage.dream_sheet: ("dream_sheet.py", "dream.py", "oip/words.py", "curves.py", "levels.py", "sheets.py"),
}
# With what all of them are computed, and by what described and written.
_BY_ALL = ("numerics.py", "rendering/pictures.py", "record.py", "figures.py", "storage.py", "results.py")


def source_files_of(stage: Stage) -> list[Path]:
    """The source files that a result of this stage depends on."""
    drawn_by = [f"rendering/{name}" for name in _DRAWN_BY[stage]]
    return provenance.source_files([*_SOURCES[stage], *drawn_by, *_BY_ALL])


def needed(stages: Iterable[Stage]) -> set[Stage]:
    """These stages, and all that they stand on."""
    found = set(stages)
    for stage in stages:
        found |= needed(UPSTREAM[stage])
    return found


def sources_of(stage: Stage) -> str:
    """Their digest."""
    return provenance.source_digest(source_files_of(stage))
