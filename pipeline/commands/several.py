"""What stands for several stages where one is to be named: a sweep, or a run; it is told which it has."""

import shlex
from pathlib import Path

from pipeline.engine import storage
from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.runtime.output import shell_word, shown
from pipeline.stages.registry import STAGES
from pipeline.sweeps import folder as folders
from pipeline.sweeps.folder import Row, Sweep, settings, swept

# Jobs of a sweep that are named.
NAMED = 3
ONE = f"a stage (not a sweep, or a run of several) with a whole {storage.RECORD}"


def sweep_folder(output_dir: Path, run_id: str) -> Path | None:
    """Return the folder of the sweep whose run in MLflow has this id; None if it is not below the output folder."""
    for file in sorted(output_dir.rglob(folders.FILE)):
        sweep = _sweep_in(file.parent)
        if sweep is not None and run_id in (sweep.run_id, sweep.id):
            return file.parent
    return None


def refuse_several(folder: Path) -> None:
    """Refuse the folder of a sweep, or of a run, and tell the stages in it.

    Raises:
        InputError: it is one of them.
    """
    if (folder / storage.RECORD).exists():
        return
    try:
        sweep = folders.read(folder)
    except BrokenFileError as error:
        got = f"{folder}, a sweep whose {folders.FILE} {error.problem}"
        raise InputError.at("RUN", takes=ONE, got=got) from error
    if sweep is not None:
        refuse_sweep(str(folder), sweep, folder)
    stages = _stages_in(folder)
    if stages:
        raise InputError.at("RUN", takes=ONE, got=f"{folder}, a run that has {', '.join(stages)}")


def refuse_sweep(run: str, sweep: Sweep, folder: Path) -> None:
    """Refuse a sweep, and tell its jobs and how all of it is given again.

    Args:
        run: what was given for it.
    Raises:
        InputError: always.
    """
    rows = folders.rows(sweep, folder)
    jobs = [job for row in rows for job in _jobs_in(row, rows)]
    named = ", ".join(jobs[:NAMED]) + (f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else "")
    again = f"the sweep again in a new folder by `python -m pipeline {shlex.join(sweep.command)}`"
    where = f"each is taken by its folder: {named}; {again}" if jobs else again
    raise InputError.at("RUN", takes=ONE, got=f"{run}, a sweep of {len(rows)} jobs; {where}")


def refuse_sweep_run(run_id: str, output_dir: Path) -> None:
    """Refuse the id of a sweep's run.

    Raises:
        InputError: always.
    """
    folder = sweep_folder(output_dir, run_id)
    sweep = None if folder is None else _sweep_in(folder)
    if folder is not None and sweep is not None:
        refuse_sweep(run_id, sweep, folder)
    found = f"whose folder is not below {output_dir}; in MLflow its jobs are the runs with the same tag sweep_id"
    raise InputError.at("RUN", takes=ONE, got=f"{run_id}, a sweep {found}")


def _sweep_in(folder: Path) -> Sweep | None:
    try:
        return folders.read(folder)
    except BrokenFileError:
        return None


def _stages_in(folder: Path) -> list[str]:
    return [str(shown(folder / name)) for name in STAGES if (folder / name / storage.RECORD).is_file()]


def _jobs_in(row: Row, rows: list[Row]) -> list[str]:
    """Return the stages of a job that was begun, with what tells it from the others."""
    if row.folder is None:
        return []
    words = " ".join(f"{key}={settings(row).get(key, '')}" for key in swept(rows))
    stages = _stages_in(row.folder)
    # those before it are the same for all jobs, as a rule
    return [f"{shell_word(stages[-1])}{f' ({words})' if words else ''}"] if stages else []
