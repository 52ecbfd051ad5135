"""A look into MLflow's SQLite file without MLflow, whose import takes longer than a pipeline that only reuses results.

Its tables are not promised to stay as they are: whatever is not found here has to be asked of MLflow.
"""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pipeline.runtime.errors import BrokenFileError
from pipeline.tracking.addresses import local_path
from pipeline.tracking.moved import opened_to_read
from pipeline.tracking.notes import NOTE_TAG
from pipeline.tracking.versions import check_version

# That every file of MLflow has, of whatever version; others may have one or the other.
TABLES = {"experiments", "runs", "alembic_version"}
OF_OTHERS = "is an SQLite file of something else than MLflow"

# as `experiments.finished_run` asks MLflow
FINISHED_RUN = """
    SELECT runs.run_uuid FROM runs
    JOIN experiments USING (experiment_id)
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'stage_key'
    WHERE experiments.name = ? AND experiments.lifecycle_stage = 'active'
        AND tags.value = ? AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    ORDER BY runs.start_time DESC LIMIT 1
"""

# of the runs that were told of their files, as which their note counts
PLACES_OF_FILES = f"""
    SELECT artifact_uri FROM runs JOIN tags USING (run_uuid)
    WHERE tags.key = '{NOTE_TAG}' AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
"""


@dataclass(frozen=True)
class Lost:
    """The number of runs that have lost their files, of how many."""

    runs: int
    of: int


def check_sqlite(file: Path) -> None:
    """Refuse a file that is there and can be no record, before MLflow does it, or makes its tables in it.

    An empty one is a record that is still to be made.

    Raises:
        BrokenFileError: it is none.
    """
    if not os.path.lexists(file):
        return
    if not file.is_file():
        raise BrokenFileError(file, "is no file" if file.exists() else "is a link that leads nowhere")
    try:
        with contextlib.closing(opened_to_read(file)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            revisions: set[str] = set()
            if tables >= TABLES:
                # of a file that was cut the list of tables may be whole
                database.execute("SELECT max(start_time) FROM runs").fetchone()
                revisions = {name for (name,) in database.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.OperationalError as error:
        if "no such column" in str(error):
            raise BrokenFileError(file, OF_OTHERS) from error
        if not os.access(file, os.R_OK):
            raise BrokenFileError(file, "may not be read") from error
        # another process writes, or only MLflow can open it
        return
    except sqlite3.DatabaseError as error:
        raise BrokenFileError(file, f"is no whole SQLite file ({error})") from error
    if tables and not tables >= TABLES:
        raise BrokenFileError(file, OF_OTHERS)
    if tables:
        check_version(file, revisions)


def lost_files(file: Path) -> Lost:
    """Count the runs whose files should lie on this machine and do not."""
    places: list[Path] = []
    with contextlib.suppress(sqlite3.Error), contextlib.closing(opened_to_read(file)) as database:
        found = (local_path(location) for (location,) in database.execute(PLACES_OF_FILES))
        places = [place for place in found if place is not None]
    return Lost(sum(not place.is_dir() for place in places), len(places))


def finished_run(file: Path, experiment: str, key: str) -> str | None:
    """Return the id of the newest run that finished a stage with this key; None of none, or if it cannot be told.

    Args:
        file: of the record.
        experiment: the name of the stage's experiment.
    """
    if not file.is_file():
        return None
    with contextlib.suppress(sqlite3.Error):
        with contextlib.closing(opened_to_read(file)) as database:
            found = database.execute(FINISHED_RUN, (experiment, key)).fetchone()
        return None if found is None else found[0]
    return None
