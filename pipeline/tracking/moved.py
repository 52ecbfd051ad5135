"""An SQLite record that was moved or copied with its folder: MLflow keeps absolute places, which have to follow.

Its tables are not promised to stay as they are: what is not found in them needs no change.
"""

import contextlib
import logging
import sqlite3
from pathlib import Path

from pipeline.engine.folders import is_same_folder
from pipeline.engine.places import ARTIFACTS
from pipeline.tracking.addresses import file_uri, local_path

# What another process writes at the moment is waited for.
TIMEOUT_S = 60
# Where MLflow says where files lie: table, column, rows.
PLACES = (
    ("experiments", "artifact_location", "true"),
    ("runs", "artifact_uri", "true"),
    ("logged_models", "artifact_location", "true"),
    ("model_versions", "source", "true"),
    ("model_versions", "storage_location", "true"),
    ("trace_tags", "value", "key = 'mlflow.artifactLocation'"),
    ("workspaces", "default_artifact_root", "true"),
    ("workspaces", "trace_archival_location", "true"),
)

logger = logging.getLogger(__package__)


def follow(file: Path) -> None:
    """Let a record that lay in another folder look for its files, and keep new ones, where it lies now.

    Places outside of that other folder stay as they are. All is changed, or nothing.

    Raises:
        PermissionError: it cannot be changed.
    """
    try:
        with contextlib.closing(opened_to_read(file)) as database:
            old = _old_home(database, file.parent)
    except sqlite3.Error:
        # no record, of which MLflow will tell
        return
    if old is None:
        return
    try:
        # without Python's own transactions
        with contextlib.closing(sqlite3.connect(file, TIMEOUT_S, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            # another process may have been faster
            if _old_home(database, file.parent) == old:
                _change(database, old, file.parent)
            database.execute("COMMIT")
    except sqlite3.Error as error:
        way_out = "make the file and its folder writable, or take a copy that is"
        raise PermissionError(
            f"it was moved or copied from {old}, and cannot be told so: {way_out} ({error})"
        ) from error
    logger.info("the record was moved or copied from %s to %s, and so were its places", old, file.parent)


def opened_to_read(file: Path) -> sqlite3.Connection:
    """Open an SQLite file that is there, without a right to change it."""
    return sqlite3.connect(f"{file_uri(file)}?mode=ro", uri=True)


def artifact_root(location: str) -> Path | None:
    """Return the folder of artifacts that one of MLflow's places lies in; None if it lies in no such folder."""
    place = local_path(location)
    return None if place is None else next((parent for parent in place.parents if parent.name == ARTIFACTS), None)


def _old_home(database: sqlite3.Connection, home: Path) -> Path | None:
    """Return the folder in which the record lay before; None if that was `home`, or is not known."""
    default: Path | None = None
    ours: set[Path] = set()
    for number, name, location in database.execute("SELECT experiment_id, name, artifact_location FROM experiments"):
        place = local_path(location)
        if place is None or place.parent.name != ARTIFACTS:
            continue
        if number == 0 and place.name == "0":
            default = place.parent.parent
        elif place.name == name.rpartition("/")[2]:
            ours.add(place.parent.parent)
    # a record that this package made has both in one place; one that somebody else made, or that is new, has not
    candidates = {default} if default in {*ours, home} or not ours else ours
    old = next(iter(candidates)) if len(candidates) == 1 else None
    if old is None or old == home or is_same_folder(old, home):
        return None
    if default not in ours and (old / ARTIFACTS).is_dir() and not (home / ARTIFACTS).is_dir():
        # they lie there on purpose
        return None
    return old


def _change(database: sqlite3.Connection, old: Path, home: Path) -> None:
    for table, column, rows in PLACES:
        if database.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)).fetchone() is None:
            continue
        for row, location in database.execute(f"SELECT rowid, {column} FROM {table} WHERE {rows}").fetchall():
            place = local_path(location)
            # what lies in the new folder need not be told, where that is below the old one
            if place is None or not place.is_relative_to(old) or (old in home.parents and place.is_relative_to(home)):
                continue
            new = file_uri(home / place.relative_to(old))
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
