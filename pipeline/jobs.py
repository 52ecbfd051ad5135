"""What became of a job: job.json in its folder, from before its first stage to after its last one."""

import contextlib
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import storage
from pipeline.config import Stage
from pipeline.errors import one_line
from pipeline.locking import exclusive
from pipeline.processes import ProcessId, is_gone, this_process
from pipeline.stopping import stopped_is_stopped

FILE, LOCK = "job.json", ".job.lock"
# What of a command says where its results and their record lie, and not what they are.
PLACES = ("output_dir", "tracking.uri", "hydra.sweep.dir")
# Where the folders of runs and of sweeps lie below an output folder, unless they were said to lie elsewhere.
RUNS = ("runs", "multirun")
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
    """A job that is being executed here."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder, self._job = folder, job
        write_whole(folder / FILE, dataclasses.asdict(job))

    def end(self, state: str, **changes: Any) -> None:
        """It is over; changes: of the fields of `Job`."""
        self._job = dataclasses.replace(self._job, ended=time.time(), state=state, **changes)
        write_whole(self._folder / FILE, dataclasses.asdict(self._job))


@contextlib.contextmanager
def attempt(folder: Path, overrides: Sequence[str], *, sweep_id: str | None = None) -> Iterator[Attempt | None]:
    """Execute a job in its folder: the block ends it as FINISHED, an error in it as FAILED, a signal as KILLED.

    Waits for a process that executes it at this moment, such as one that outlived the sweep that started it. What an
    earlier attempt left of its stages is removed; what it had computed is in the store.

    Args:
        sweep_id: of the sweep that it is a job of: if it was finished before, None is yielded.
    """
    with exclusive(folder / LOCK):
        before = read(folder)
        if before is not None:
            same = (before.sweep_id, without_places(before.overrides)) == (sweep_id, without_places(overrides))
            if sweep_id is not None and same and state_of(before, folder) == FINISHED:
                yield None
                return
            _remove_stages(folder)
        job = Job(overrides=list(overrides), sweep_id=sweep_id, process=this_process(), begun=time.time())
        attempt = Attempt(folder, job)
        try:
            with stopped_is_stopped():
                yield attempt
        except Exception as error:
            attempt.end(FAILED, failure=one_line(error))
            raise
        except BaseException as error:
            attempt.end(KILLED, failure="interrupted" if isinstance(error, KeyboardInterrupt) else "terminated")
            raise


def _remove_stages(folder: Path) -> None:
    for stage in Stage:
        for path in (folder / stage.value, *folder.glob(f".{stage.value}-*")):
            shutil.rmtree(path, ignore_errors=True)


def without_places(overrides: Sequence[str]) -> list[str]:
    """The words of a command but for those that say where something lies, which a folder that was moved changes."""
    return [word for word in overrides if word.lstrip("+").partition("=")[0] not in PLACES]


def new_run_dir(output_dir: Path) -> Path:
    """A new folder for a run that Hydra does not make one for, named by the time as its are."""
    place = output_dir / "runs" / datetime.now().strftime("%Y-%m-%d/%H-%M-%S-%f")
    place.mkdir(parents=True)
    return place


def read(folder: Path) -> Job | None:
    """The job of a folder, None if none was begun there."""
    try:
        fields = json.loads((folder / FILE).read_text())
        return Job(**{**fields, "process": ProcessId(*fields["process"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_of(job: Job | None, folder: Path) -> str:
    """What became of a job: of one that was never begun, or whose results are not there any more, MISSING, of one whose
    process is gone KILLED."""
    if job is None:
        return MISSING
    if job.state == FINISHED:
        whole = all(storage.problem(folder / stage, thorough=False) is None for stage in job.stages)
        return FINISHED if whole else MISSING
    return KILLED if job.state == RUNNING and is_gone(job.process) else job.state


def write_whole(file: Path, content: Any) -> None:
    """Content as JSON into a file, which is the old or the new one at every moment."""
    draft = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        draft.write_text(json.dumps(content, indent=1))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
