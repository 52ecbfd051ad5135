"""The beginning of a sweep: its record, and the place where its jobs will record themselves."""

import dataclasses
import shlex
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.runtime.locks import hold
from pipeline.runtime.progress import recording
from pipeline.settings.process import TrackingConfig
from pipeline.sweeps import folder as folders
from pipeline.sweeps.folder import Row, Sweep, settings, swept
from pipeline.sweeps.jobs import without_places
from pipeline.tracking import open_tracker
from pipeline.tracking.sweeps import begin_sweep

LOCK, SUMMARY = ".sweep.lock", "summary"
# Hydra's own record of a sweep.
MULTIRUN = "multirun.yaml"


def refuse_another(folder: Path, command: Sequence[str]) -> None:
    """Hold the folder of a sweep until this process ends.

    Raises:
        InputError: another process holds it, it is the folder of a sweep with another command, or something else has
            a name in it that the sweep will give.
    """
    key, takes = "hydra.sweep.dir", "a new folder, or that of the same sweep"
    try:
        before = folders.read(folder)
    except BrokenFileError as error:
        raise InputError.at(key, takes=takes, got=f"{folder}, whose {folders.FILE} {error.problem}") from error
    if before is None:
        for name in (folders.FILE, MULTIRUN, SUMMARY):
            if (folder / name).exists():
                raise InputError.at(key, takes=takes, got=f"{folder}, which has a {name} of something else")
    elif without_places(before.command) != without_places(command):
        raise InputError.at(key, takes=takes, got=f"{folder}, the sweep {shlex.join(before.command)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hold(folder / LOCK)
    except BlockingIOError:
        raise InputError.at(key, takes=takes, got=f"{folder}, on whose sweep another process works") from None
    except OSError:
        # it cannot be written to, of which Hydra tells, or knows no locks
        return


def begin(
    folder: Path,
    *,
    command: Sequence[str],
    jobs: list[list[str]] | None,
    conf: str,
    launcher: str,
    tracking: TrackingConfig,
    output_dir: Path,
) -> Sweep:
    """Begin a sweep in `folder`, or go on with the one that was begun there.

    A new SQLite file is made here, before jobs start that would all make it at once.

    Args:
        command: the words of its command line.
        jobs: the overrides of each; None if they are not known before they begin.
        conf: the digest of the files with settings.
        launcher: the choice of hydra/launcher.
    """
    before = folders.read(folder)
    sweep = Sweep(
        id=before.id if before else uuid.uuid4().hex,
        command=list(command),
        directory=str(Path.cwd()),
        begun=before.begun if before else time.time(),
        jobs=jobs,
        conf=before.conf if before else conf,
        output_dir=str(output_dir.absolute()),
        backend=tracking.backend.value,
        uri=tracking.uri,
        experiment=tracking.experiment,
        run_id=before.run_id if before else None,
        folder=str(folder),
        launcher=launcher,
    )
    # first without a record: whatever happens to that, the sweep can be resumed
    folders.write(sweep, folder)
    tracker = open_tracker(tracking, output_dir, pipeline_id=sweep.id)
    named, params = name_of(jobs, folder), params_of(jobs)
    with recording():
        run_id = begin_sweep(tracker, sweep.run_id, name=named, params=params, sweep_id=sweep.id)
    sweep = dataclasses.replace(sweep, run_id=run_id)
    folders.write(sweep, folder)
    return sweep


def _rows(jobs: list[list[str]] | None) -> list[Row]:
    return [Row(str(number), overrides, "", None, None) for number, overrides in enumerate(jobs or [])]


def name_of(jobs: list[list[str]] | None, folder: Path) -> str:
    """Return what is swept, in words, or the folder's name."""
    rows = _rows(jobs)
    return f"{len(rows)} jobs: {', '.join(swept(rows))}" if len(rows) > 1 else folder.name


def params_of(jobs: list[list[str]] | None) -> dict[str, str]:
    """Return the values of every swept setting."""
    rows = _rows(jobs)
    values = {key: dict.fromkeys(settings(row).get(key, "") for row in rows) for key in swept(rows)}
    return {key: " ".join(some) for key, some in values.items()}
