"""A stage's results out of MLflow, to be looked at again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.runtime.errors import BrokenFileError, InputError, one_line, without_passwords
from pipeline.settings.process import TrackingConfig
from pipeline.tracking import backend
from pipeline.tracking.addresses import sqlite_file
from pipeline.tracking.deadline import Deadline
from pipeline.tracking.writing import MODEL_FILE

RESULTS = "results"
# What MLflow says of an id that is none of its runs, or cannot be one.
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def _uri(tracking: TrackingConfig, output_dir: Path) -> str:
    return backend.default_uri(output_dir) if tracking.uri is None else tracking.uri


@contextmanager
def fetched(tracking: TrackingConfig, output_dir: Path, run_id: str) -> Iterator[tuple[Path | None, dict[str, str]]]:
    """Give the folder with the files of a run's stage, None if they are gone; and the run's tags.

    The folder is there until the block is left.

    Raises:
        InputError: the record does not answer, or has no such run.
    """
    uri = _uri(tracking, output_dir)
    backend.check_uri(uri)
    takes = "the id of a run of a stage in the record, or the folder of a stage"
    if tracking.uri is None and not os.path.lexists(output_dir / backend.FILE):
        raise InputError.at("RUN", takes=takes, got=f"{run_id}, and nothing is recorded in {output_dir.resolve()}")
    try:
        client = backend.connect(uri, output_dir, Deadline(None)).client
        tags = dict(client.get_run(run_id).data.tags)
    except BrokenFileError:
        raise
    except Exception as error:
        if getattr(error, "error_code", None) in UNKNOWN:
            got = f"{run_id}, which is no folder here, and no run in {sqlite_file(uri) or without_passwords(uri)}"
            raise InputError.at("RUN", takes=takes, got=got) from error
        raise InputError.at("RUN", takes=takes, got=f"{run_id}, {without_passwords(uri)}: {one_line(error)}") from error
    with TemporaryDirectory() as scratch:
        folder: Path | None = None
        # whatever MLflow raises: there may be another way to them
        with suppress(Exception):
            folder = Path(client.download_artifacts(run_id, RESULTS, scratch))
        yield folder, tags


def fetch_model(tracking: TrackingConfig, output_dir: Path, run_id: str, target: Path) -> None:
    """Put the model of a training's run into the folder `target`, under the name that it has in a stage's folder.

    Raises:
        InputError: the record does not answer, or the run has no model.
    """
    try:
        connection = backend.connect(_uri(tracking, output_dir), output_dir, Deadline(None))
        (output,) = connection.client.get_run(run_id).outputs.model_outputs
        location = connection.client.get_logged_model(output.model_id).artifact_location
        with TemporaryDirectory() as scratch:
            found = connection.repository(location).download_artifacts(f"data/{MODEL_FILE}", scratch)
            shutil.move(found, target / MODEL_FILE)
    except BrokenFileError:
        raise
    except Exception as error:
        takes = "a run of a training, or of a stage that stands on one, whose model is in the record"
        raise InputError.at("RUN", takes=takes, got=f"{run_id}: {one_line(error)}") from error
