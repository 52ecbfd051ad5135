"""One MLflow run for each sweep, beside those of its jobs' stages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.record import StageRecord
from pipeline.tracking.backend import Connection
from pipeline.tracking.experiments import experiment_id
from pipeline.tracking.runs import Tracker
from pipeline.tracking.stale import process_tags
from pipeline.tracking.writing import RunWriter, mlflow_tags

STAGE = "sweeps"


def begin_sweep(
    tracker: Tracker, run_id: str | None, *, name: str, params: Mapping[str, str], sweep_id: str
) -> str | None:
    """Begin the run of a sweep, or go on with `run_id`; returns its id, None if it is not recorded."""

    def begin(connection: Connection) -> str:
        client = connection.client
        if run_id is not None:
            client.update_run(run_id, status="RUNNING")
            RunWriter(connection, client.get_run(run_id), begun_before=True).tags(process_tags())
            return run_id
        experiment = experiment_id(connection, tracker.experiment, STAGE)
        tags = mlflow_tags({"stage": STAGE, "sweep_id": sweep_id, **process_tags()})
        run = client.create_run(experiment, tags=tags, run_name=name)
        RunWriter(connection, run).params(params)
        return run.info.run_id

    return tracker.attempt(begin)


def end_sweep(
    tracker: Tracker,
    run_id: str | None,
    record: StageRecord,
    draft: Path,
    place: Path,
    *,
    failed: bool,
) -> None:
    """Record what became of a sweep, with the files of `draft`, which becomes the folder `place`, and end its run.

    If it cannot be recorded now, `sync` finds a mark in `place`.
    """
    with tracker.stage_run(
        STAGE, record.key, name=record.name, upstream={}, tags=record.tags, folder=place, run_id=run_id
    ) as run:
        run.mark(draft)
        draft.rename(place)
        run.log_params(record.params)
        # as they are now: an earlier end of the same sweep had others
        figures = [(name, value) for name, value in record.metrics.items()]
        tracker.attempt(lambda connection: [connection.client.log_metric(run.run_id, *figure) for figure in figures])
        run.log_record(record, place)
        ended = run.run_id
    if failed and ended is not None:
        tracker.attempt(lambda connection: connection.client.set_terminated(ended, "FAILED"))


def interrupt_sweep(tracker: Tracker, run_id: str | None) -> None:
    """End the run of a sweep that a signal has ended; it may go on later."""
    if run_id is not None:
        tracker.attempt(lambda connection: connection.client.set_terminated(run_id, "KILLED"))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as MLflow's page reads it: https://mlflow.org/docs/latest/python_api (`log_table`)."""
    return json.dumps({"columns": list(columns), "data": [list(row) for row in rows]})


def table_tag(path: str) -> dict[str, str]:
    """The tag that tells MLflow's page of a table."""
    return {"mlflow.loggedArtifacts": json.dumps([{"path": path, "type": "table"}])}
