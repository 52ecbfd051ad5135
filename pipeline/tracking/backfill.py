"""The record of what could not be recorded when it was computed, made later: once, and as of then."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.engine.record import StageRecord
from pipeline.runtime.errors import one_line
from pipeline.tracking.backend import Connection
from pipeline.tracking.deadline import is_refusal
from pipeline.tracking.experiments import experiment_id, finished_run, runs_where
from pipeline.tracking.pending import Mark, Upstream
from pipeline.tracking.stale import close_as_killed
from pipeline.tracking.writing import MODEL_FILE, RunWriter, mlflow_tags

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__package__)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """The finished run of a stage, and whether it was there already."""

    run_id: str
    was_there: bool


def bring_in(
    connection: Connection,
    mark: Mark,
    record: StageRecord,
    folder: Path,
    *,
    upstream: Mapping[str, str],
    load_model: Callable[[], "keras.Model"],
) -> Brought:
    """Record the stage of a mark as the pipeline itself would have.

    A run of this execution that is finished is left as it is, one that was begun is completed.

    Args:
        upstream: stage -> id of its run.
        load_model: the trained model in `folder`; called if it has to be recorded.
    Raises:
        Exception: of whatever kind MLflow raises; given again it goes on from there.
    """
    experiment = experiment_id(connection, mark.experiment, mark.stage)
    query = f"tags.stage_key = '{mark.key}' and tags.pipeline_id = '{mark.pipeline_id}'"
    # also a run of which the mark does not know, as the answer was lost
    runs = runs_where(connection, [experiment], query)
    finished = next((run.info.run_id for run in runs if run.info.status == mark.status), None)
    runs.sort(key=lambda run: run.info.run_id != mark.run_id)
    run_id = finished
    if run_id is None and runs:
        try:
            run_id = _complete(connection, runs[0], mark, record, folder, upstream, load_model)
        except Exception as error:
            if not is_refusal(error):
                raise
            logger.warning("run %s cannot be completed, so it is made anew: %s", runs[0].info.run_id, one_line(error))
    if run_id is None:
        run = connection.client.create_run(
            experiment, start_time=mark.start_time, tags=mlflow_tags(mark.tags), run_name=mark.name
        )
        run_id = _complete(connection, run, mark, record, folder, upstream, load_model)
    for run in runs:
        if run.info.run_id != run_id and run.info.status == "RUNNING":
            close_as_killed(connection, run.info.run_id, f"recorded as run {run_id}")
    return Brought(run_id=run_id, was_there=finished is not None)


def upstream_run(connection: Connection, mark: Mark, stage: str, known: Upstream) -> str | None:
    """Return the id of the run that a stage stands on, if it is finished by now.

    Args:
        mark: of the stage that stands on it.
        stage: that it stands on.
        known: what the mark knows of that one.
    """
    if known.run_id is not None:
        from mlflow.exceptions import MlflowException

        try:
            if connection.client.get_run(known.run_id).info.status == "FINISHED":
                return known.run_id
        except MlflowException as error:
            # the run was removed
            if not is_refusal(error):
                raise
    return finished_run(connection, mark.experiment, stage, known.key)


def _complete(
    connection: Connection,
    run: Any,
    mark: Mark,
    record: StageRecord,
    folder: Path,
    upstream: Mapping[str, str],
    load_model: Callable[[], "keras.Model"],
) -> str:
    """Tell a run everything, in the order of the pipeline; what it knows stays as it is. Return its id."""
    writer = RunWriter(connection, run, begun_before=True)
    writer.tags(mark.tags | {f"upstream.{stage}": run_id for stage, run_id in upstream.items()})
    writer.params(record.params)
    if mark.dataset is not None:
        writer.dataset(mark.dataset)
    if (folder / MODEL_FILE).is_file():
        # of a training the epochs were told before there was a model
        writer.series(record.series, time_ms=mark.end_time)
        model = load_model()
        writer.model(model, np.zeros((1, *model.input_shape[1:]), mark.image_type))
    writer.record(record, folder, time_ms=mark.end_time)
    if "failure" in run.data.tags:
        connection.client.delete_tag(run.info.run_id, "failure")
    writer.end(mark.status, time_ms=mark.end_time)
    return writer.run_id
