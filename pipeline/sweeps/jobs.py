"""The fate of a job: job.json in its folder, from before its first stage to after its last one."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.engine import storage
from pipeline.engine.folders import missing_folders, remove_drafts, remove_empty
from pipeline.engine.places import FOLDERS
from pipeline.runtime.errors import BrokenFileError, InputError, one_line
from pipeline.runtime.files import write_whole
from pipeline.runtime.locks import exclusive
from pipeline.runtime.processes import ProcessId, is_gone, this_process
from pipeline.runtime.reading import part, read_as
from pipeline.runtime.signals import stopped_is_stopped
from pipeline.stages.registry import STAGES

FILE, LOCK = "job.json", ".job.lock"
# The settings of a job, in its folder.
SETTINGS = ".hydra"
# What of a command says where its results and their record lie, and not what they are.
PLACES = ("output_dir", "tracking.uri", "hydra.sweep.dir")
RUNNING, FINISHED, FAILED, KILLED, MISSING = "running", "finished", "failed", "killed", "missing"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One composition of settings that was, or is being, executed.

    state: RUNNING, FINISHED or FAILED, with the reason in `failure`; `state_of` also tells the other two; sweep_id: of
    the sweep that it is a job of; begun, ended: seconds since the epoch; stages: of every wanted stage that is finished
    its key, run_id in MLflow, whether it was reused, and its metrics.
    """

    overrides: list[str]
    sweep_id: str | None
    process: ProcessId
    begun: float
    state: str = RUNNING
    ended: float | None = None
    failure: str | None = None
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)


class Attempt:
    """A job that is being executed here, in a folder that an earlier one may have finished in."""

    def __init__(self, folder: Path, job: Job, settings: Mapping[str, str], *, earlier: Job | None) -> None:
        """Begin it.

        Args:
            settings: file below the folder -> its content, what the job was composed of.
            earlier: the job that is finished in the folder: its files stay until this one is finished too.
        """
        self._folder, self._job = folder, job
        self._earlier = earlier
        self._files = {FILE: self._described(), **settings}
        self._missing = [folder / name for name in self._files if not (folder / name).exists()]
        self._stages = _stages_in(folder)
        if earlier is None:
            self._write()

    @property
    def has_results(self) -> bool:
        """Tell whether it has made the folder of a stage."""
        return not _stages_in(self._folder) <= self._stages

    def end(self, state: str, **changes: Any) -> None:
        """End the attempt.

        Args:
            state: FINISHED, FAILED or KILLED.
            changes: of the other fields of `Job`.
        """
        self._job = dataclasses.replace(self._job, ended=time.time(), state=state, **changes)
        self._files[FILE] = self._described()
        if self._earlier is None:
            write_whole(self._folder / FILE, self._files[FILE])
        elif state == FINISHED:
            self._write()

    def forget(self) -> None:
        """Remove the files that this attempt has made."""
        for file in self._missing:
            file.unlink(missing_ok=True)
        remove_empty(file.parent for file in self._missing if file.parent != self._folder)

    def _described(self) -> str:
        return json.dumps(dataclasses.asdict(self._job), indent=1)

    def _write(self) -> None:
        for name, content in self._files.items():
            (self._folder / name).parent.mkdir(exist_ok=True)
            write_whole(self._folder / name, content)


@contextlib.contextmanager
def attempt(
    folder: Path,
    overrides: Sequence[str],
    *,
    sweep_id: str | None = None,
    settings: Mapping[str, str] | None = None,
    alone: bool = False,
) -> Iterator[Attempt | None]:
    """Execute a job in its folder: the block ends it as FINISHED, an error in it as FAILED, a signal as KILLED.

    Waits for a process that executes it at this moment, such as one that outlived the sweep that started it. Of an
    earlier attempt only drafts are removed. Where another job is finished in the folder, its files stay as they are
    until this one is finished too. A single job that is refused before it has a result leaves nothing.

    Args:
        sweep_id: of the sweep that it is a job of: if it was finished before, None is yielded.
        settings: file below the folder -> its content, what the job was composed of.
        alone: whether no other job of its sweep may have been executed in the folder.
    Raises:
        InputError: the folder has files of these names that are not of a job, or is that of another job of the sweep.
    """
    with exclusive(folder / LOCK):
        before = read(folder)
        same = before is not None and (
            (before.sweep_id, without_places(before.overrides)) == (sweep_id, without_places(overrides))
        )
        if sweep_id is not None and same and state_of(before, folder) == FINISHED:
            yield None
            return
        if alone and before is not None and before.sweep_id == sweep_id and not same:
            raise shared(f"{folder}, that of the job {' '.join(before.overrides)}")
        taken = [name for name in (FILE, *(settings or {})) if (folder / name).exists()]
        if before is None and taken:
            takes = "a new folder, or that of an earlier run"
            raise InputError.at(FOLDERS, takes=takes, got=f"{folder}, {_taken(folder, taken[0])}")
        remove_drafts(folder, STAGES)
        job = Job(overrides=list(overrides), sweep_id=sweep_id, process=this_process(), begun=time.time())
        is_kept = before is not None and before.state == FINISHED and not (sweep_id is not None and same)
        attempt = Attempt(folder, job, settings or {}, earlier=before if is_kept else None)
        try:
            with stopped_is_stopped():
                yield attempt
        except Exception as error:
            if sweep_id is None and isinstance(error, InputError | OSError) and not attempt.has_results:
                attempt.forget()
            else:
                attempt.end(FAILED, failure=one_line(error))
            raise
        except BaseException as error:
            attempt.end(KILLED, failure="interrupted" if isinstance(error, KeyboardInterrupt) else "terminated")
            raise


def shared(got: str) -> InputError:
    """Return what refuses a folder that two jobs of a sweep would have."""
    return InputError.at("hydra.sweep.subdir", takes="another folder for every job: ${hydra.job.num}", got=got)


def in_the_way(folder: Path) -> str | None:
    """Return what keeps a job from being done in a folder where none can be read; None if nothing does."""
    taken = next((name for name in (FILE, SETTINGS) if (folder / name).exists()), None)
    return None if taken is None else f"{folder} is in its way, {_taken(folder, taken)}"


def _taken(folder: Path, name: str) -> str:
    if name == FILE:
        try:
            _whole(folder / FILE)
        except BrokenFileError as error:
            return f"whose {FILE} {error.problem}"
    return f"which has a {name} of something else"


def _stages_in(folder: Path) -> set[str]:
    return {name for name in STAGES if (folder / name).exists()}


def without_places(overrides: Sequence[str]) -> list[str]:
    """Return the words of a command but for places, which a folder that was moved changes."""
    return [word for word in overrides if word.lstrip("+").partition("=")[0] not in PLACES]


@contextlib.contextmanager
def new_run_dir(output_dir: Path) -> Iterator[Path]:
    """Make a folder for a run that Hydra does not make one for, named by the time as its are.

    It goes, with those above it that were made for it, if the block is refused something and has left nothing there.
    """
    place = output_dir / "runs" / datetime.now().strftime("%Y-%m-%d/%H-%M-%S-%f")
    made = missing_folders(place)
    place.mkdir(parents=True)
    try:
        yield place
    except (InputError, OSError):
        remove_empty(made)
        raise


def read(folder: Path) -> Job | None:
    """Return the job of a folder, None if none was begun there, or its file is broken."""
    try:
        return _whole(folder / FILE)
    except BrokenFileError:
        return None


def _whole(file: Path) -> Job:
    job = read_as(Job, file)
    for described in job.stages.values():
        for name, kind in (("metrics", dict[str, float]), ("run_id", str | None)):
            part(described, name, kind, file)
    return job


def state_of(job: Job | None, folder: Path) -> str:
    """Return what became of a job.

    Of one that was never begun, or whose results are not there any more: MISSING; of one whose process is gone: KILLED.
    """
    if job is None:
        return MISSING
    if job.state == FINISHED:
        whole = all(storage.problem(folder / stage, thorough=False) is None for stage in job.stages)
        return FINISHED if whole else MISSING
    return KILLED if job.state == RUNNING and is_gone(job.process) else job.state
