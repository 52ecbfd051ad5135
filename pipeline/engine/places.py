"""The places where the results of a run come to lie, and what lay there before."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.engine import storage
from pipeline.engine.folders import replace_folder, work_folder
from pipeline.runtime.errors import InputError

# The settings that say where a run lies.
FOLDERS = "hydra.run.dir, hydra.sweep.dir"
# Where the folders of runs and of sweeps lie below an output folder, unless they were said to lie elsewhere.
RUNS = ("runs", "multirun")
# Where the record of an output folder keeps its files.
ARTIFACTS = "mlartifacts"
# In the folder of a result of which the record does not know, or not all.
MARK = "unrecorded.json"

logger = logging.getLogger(__name__)

KEPT = "%s was there and is not, file by file, a result as it was saved; it is kept as %s"


def check_place(run_dir: Path, stages: Sequence[str], *, output_dir: Path) -> None:
    """Refuse a folder for the results of a run in which they would take the place of something else.

    Args:
        stages: all of which a folder may be made.
        output_dir: where the store and the artifacts of the record are.
    Raises:
        InputError: it is part of what `output_dir` keeps, or a stage's name is taken by what is no result.
    """
    takes = "a folder in which the names of the stages are free, or hold results"
    for kept in (output_dir / "store", output_dir / ARTIFACTS):
        if run_dir.resolve().is_relative_to(kept.resolve()):
            raise InputError.at(FOLDERS, takes=takes, got=f"{run_dir}, where {kept} is kept")
    for stage in stages:
        place = run_dir / stage
        if place.is_dir() and not (place / storage.RECORD).is_file() and any(place.iterdir()):
            raise InputError.at(FOLDERS, takes=takes, got=f"{run_dir}, whose {stage} has no {storage.RECORD}")
        if os.path.lexists(place) and not place.is_dir():
            raise InputError.at(FOLDERS, takes=takes, got=f"{run_dir}, where {stage} is a file")


@contextlib.contextmanager
def folder_to_fill(run_dir: Path, stages: Sequence[str]) -> Iterator[Path]:
    """Give the folder in which the stages' folders are made, `run_dir` itself unless one of them is there already.

    Then they take the places of the earlier ones when the block ends, all of them are whole; if it fails, those stay.
    What of an earlier one is not as it was saved, such as a file that the user has put there, is kept beside it.

    Args:
        stages: all of which a folder may be made.
    """
    if not any((run_dir / stage).exists() for stage in stages):
        yield run_dir
        return
    with work_folder(run_dir) as work:
        yield work
        for stage in stages:
            if (work / stage).exists():
                put(work / stage, run_dir / stage)


def put(new: Path, place: Path) -> None:
    """Move a whole result to its place; an earlier one goes, unless it holds what is not of it, and is kept beside."""
    kept = replace_folder(new, place, is_ours=_may_go(place, new))
    if kept is not None:
        logger.warning(KEPT, place, kept)


def _may_go(old: Path, new: Path) -> bool:
    """Tell whether an earlier result holds only what was saved, and nothing that is still to be recorded."""
    try:
        if (old / MARK).exists() and storage.load_record(old).key != storage.load_record(new).key:
            return False
        return storage.holds_only_saved(old, besides={MARK})
    except InputError:
        return False
