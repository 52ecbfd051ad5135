"""One MLflow run for each sweep, beside those of its jobs' stages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.record import StageRecord
from pipeline.tracking.tracker import Tracker

STAGE = "sweeps"
TABLE = "jobs.json"
# the tag by which MLflow's page finds tables, to compare them across runs
TABLES_TAG = "mlflow.loggedArtifacts"


def begin_sweep(
    tracker: Tracker, run_id: str | None, *, name: str, params: Mapping[str, str], sweep_id: str
) -> str | None:
    """Begin the run of a sweep, or go on with `run_id`; returns its id, None if nothing is recorded."""
    if run_id is not None and tracker.reopen(run_id):
        return run_id
    return tracker.begin(STAGE, name=name, params=params, tags={"sweep_id": sweep_id})


def end_sweep(tracker: Tracker, run_id: str | None, record: StageRecord, folder: Path, *, status: str) -> None:
    """Record what became of a sweep, with the files of `folder`, and end its run."""
    if run_id is None:
        return
    run = tracker.resumed(run_id)
    run.log_record(record, folder)
    run.end(status)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as MLflow's page reads it: https://mlflow.org/docs/latest/python_api (`log_table`)."""
    return json.dumps({"columns": list(columns), "data": [list(row) for row in rows]})


def table_tag(path: str) -> dict[str, str]:
    """The tag that tells MLflow's page of a table."""
    return {TABLES_TAG: json.dumps([{"path": path, "type": "table"}])}
