"""Folders in which commands have run: made once for all tests, looked at by them, and copied to go on there."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import SMOKE, pipeline, succeeded

from pipeline.runtime.locks import exclusive
from pipeline.tracking.backend import Deadline, connect, default_uri

# where MLflow's SQLite file says where files are
LOCATIONS = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """The folder that `make` fills, once for all the processes that run tests."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "templates" / name
    with exclusive(root / f"{name}.lock"):
        if not (done := root / f"{name}.done").exists():
            folder.mkdir(parents=True)
            make(folder)
            done.touch()
    return folder


def copy_of(template: Path, folder: Path) -> Path:
    """A copy in a new folder, whose record says that its files are there."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    record = folder / "outputs" / "mlflow.db"
    if record.exists():
        with contextlib.closing(sqlite3.connect(record)) as database, database:
            for table, column in LOCATIONS:
                database.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, ?)",
                    (template.as_uri() + "/", folder.as_uri() + "/"),
                )
    return folder


@pytest.fixture(scope="session")
def empty_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with outputs/mlflow.db, in which nothing is recorded yet: making its tables takes a second."""

    def make(folder: Path) -> None:
        outputs = folder / "outputs"
        connect(default_uri(outputs), outputs, Deadline(None))

    return made_once(tmp_path_factory, "empty_record", make)


@pytest.fixture
def recorded_here(empty_record: Path, tmp_path: Path) -> Path:
    """The folder of a test, with an empty record."""
    return copy_of(empty_record, tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_record: Path) -> Path:
    """A folder in which the CNN of SMOKE was trained. Not to be changed."""

    def make(folder: Path) -> None:
        copy_of(empty_record, folder)
        succeeded(pipeline(folder, *SMOKE, "stages=[train]"))

    return made_once(tmp_path_factory, "trained", make)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which SMOKE has run, recorded in an MLflow file that it made. Not to be changed."""

    def make(folder: Path) -> None:
        output = succeeded(pipeline(folder, *SMOKE))
        assert "test accuracy" in output
        assert "of 3 maps got an OIP" in output
        assert "make ui" in output

    return made_once(tmp_path_factory, "smoke", make)


@pytest.fixture
def smoke_here(smoke: Path, tmp_path: Path) -> Path:
    """A copy of it, to go on in."""
    return copy_of(smoke, tmp_path)


@pytest.fixture
def trained_here(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to go on in."""
    return copy_of(trained, tmp_path)
