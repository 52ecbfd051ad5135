"""A sweep as it is kept in its folder: sweep.json, and job.json in the folder of every job."""

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.runtime.errors import BrokenFileError
from pipeline.runtime.files import write_whole
from pipeline.runtime.reading import read_as
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.sweeps import jobs
from pipeline.sweeps.jobs import Job

FILE = "sweep.json"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep that was begun.

    command: the arguments of the command line but for the folder, given in `directory`; begun: seconds since the epoch;
    jobs: the overrides of every job, None if a sweeper makes them up as it goes; conf: the digest of the files with
    settings; output_dir, backend, uri, experiment: where its jobs keep results and records; run_id: of its own record
    in MLflow, None if it has none; folder: where it lay when it was last begun, which tells whether it was moved;
    launcher: the choice of hydra/launcher that starts its jobs.
    """

    id: str
    command: list[str]
    directory: str
    begun: float
    jobs: list[list[str]] | None
    conf: str
    output_dir: str
    backend: str
    uri: str | None
    experiment: str
    run_id: str | None
    # older versions do not say it
    folder: str | None = None
    launcher: str | None = None

    @property
    def tracking(self) -> TrackingConfig:
        """Return the settings of its record."""
        return TrackingConfig(backend=TrackingBackend(self.backend), uri=self.uri, experiment=self.experiment)


@dataclass(frozen=True)
class Row:
    """A job of a sweep. name: of its folder, or its number if it was never begun."""

    name: str
    overrides: list[str]
    state: str
    job: Job | None
    folder: Path | None


def read(folder: Path) -> Sweep | None:
    """Return the sweep of a folder, None if none was begun there.

    Raises:
        BrokenFileError: what is said of it cannot be read.
    """
    if not os.path.lexists(folder / FILE):
        return None
    sweep = read_as(Sweep, folder / FILE)
    if sweep.backend not in {backend.value for backend in TrackingBackend}:
        raise BrokenFileError(folder / FILE, f"has backend: {sweep.backend}, which is not known")
    return sweep


def write(sweep: Sweep, folder: Path) -> None:
    """Keep the sweep in its folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FILE, json.dumps(dataclasses.asdict(sweep), indent=1))


def rows(sweep: Sweep, folder: Path) -> list[Row]:
    """Return all jobs of a sweep, those that were never begun included, in their order."""
    begun = [(path.parent, job) for path in folder.rglob(jobs.FILE) if (job := jobs.read(path.parent)) is not None]
    found = [
        Row(place.relative_to(folder).as_posix(), job.overrides, jobs.state_of(job, place), job, place)
        for place, job in begun
        # other sweeps and runs may lie below this one
        if job.sweep_id == sweep.id
    ]
    known = [jobs.without_places(row.overrides) for row in found]
    missing = [
        Row(str(number), overrides, jobs.MISSING, None, None)
        for number, overrides in enumerate(sweep.jobs or [])
        if jobs.without_places(overrides) not in known
    ]
    return sorted([*found, *missing], key=lambda row: (len(row.name), row.name))


def swept(rows: Sequence[Row]) -> list[str]:
    """Return the settings in which the jobs differ, in the order in which they were given."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for key, value in settings(row).items():
            values.setdefault(key, set()).add(value)
    return [key for key, some in values.items() if len(some) > 1 or any(key not in settings(row) for row in rows)]


def told_apart(sweep: Sweep, overrides: Sequence[str]) -> list[str]:
    """Return what of a job's overrides tells it from the sweep's other jobs; all of them where that is not known.

    Args:
        overrides: of the job.
    """
    rows = [Row(str(number), given, "", None, None) for number, given in enumerate(sweep.jobs or [])]
    keys = swept(rows)
    told = [override for override in overrides if override.lstrip("+").partition("=")[0] in keys]
    return told or list(overrides)


def settings(row: Row) -> dict[str, str]:
    """Return the overrides of a job by their keys, but for places."""
    pairs = (override.lstrip("+").partition("=") for override in jobs.without_places(row.overrides))
    return {key: value for key, _, value in pairs}
