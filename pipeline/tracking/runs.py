"""One MLflow run for each execution of a stage."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.data.dataset import DatasetSplit
from pipeline.engine.record import StageRecord
from pipeline.tracking.backend import Connection
from pipeline.tracking.datasets import described
from pipeline.tracking.experiments import experiment_id
from pipeline.tracking.pending import Mark, remove_mark
from pipeline.tracking.writing import RunWriter, mlflow_tags

if TYPE_CHECKING:
    import keras

    from pipeline.tracking.tracker import Tracker

logger = logging.getLogger(__package__)


class StageRun:
    """A stage that is being executed, as MLflow sees it; it is told behind, see `Tracker`.

    Order: `log_model` before `log_record`, so that the record's figures stand beside the model and its file is kept
    once.
    """

    def __init__(
        self,
        tracker: "Tracker",
        mark: Mark | None = None,
        *,
        end: int | None = None,
        folder: Path | None = None,
        split: DatasetSplit | None = None,
    ) -> None:
        """Stand for a run that `create` begins, or `attach` goes on with.

        Args:
            mark: what the run begins with, None if it was begun before.
            end: when the stage ended (ms), if it has.
        """
        self._run_id: str | None = None
        self._begun: Future[None] | None = None
        self._tracker = tracker
        self._mark = mark
        self._end_time = end
        self._folder = folder
        self._split = split
        self._marked = False
        self._writer: RunWriter | None = None

    @property
    def run_id(self) -> str | None:
        """Return its id, when all that it was told is in the record; None if it is not recorded."""
        self._tracker.wait()
        return self._run_id

    def begun(self) -> str | None:
        """Wait until the run is there, and return its id, None if it is not recorded.

        Not before there is something to do meanwhile: MLflow is imported.
        """
        if self._begun is not None:
            self._begun.result()
        return self._run_id

    def computed(self) -> dict[str, int]:
        """Note that the stage is computed, what follows being the record alone.

        Returns when it began and ended, in ms.
        """
        assert self._mark is not None
        return {"start_time": self._mark.start_time, "end_time": self._ended()}

    def mark(self, draft: Path) -> None:
        """Leave in the stage's folder, before it is moved to its place, what `sync` needs if the record is lost.

        The mark goes when the run is finished. If no record is wanted there is none.
        """
        destination = self._tracker.destination
        if destination is None or self._mark is None:
            return
        self._mark = replace(
            self._mark,
            uri=destination.marked_as(draft),
            needs_password=destination.needs_password,
            end_time=self._ended(),
            run_id=self.begun(),
            dataset=_described(self._split),
            image_type=self._split.dataset.test_images.dtype.name if self._split else self._mark.image_type,
            reason=self._tracker.failure,
        )
        self._mark.write(draft)
        self._marked = True

    def log_params(self, params: Mapping[str, str]) -> None:
        """Record settings, which MLflow never changes again; long values are cut."""
        self._write(lambda writer: writer.params(params))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Record what to filter by; it may be changed later."""
        self._write(lambda writer: writer.tags(tags))

    def log_epoch(self, step: int, values: Mapping[str, float]) -> None:
        """Record the newest figures, seen in MLflow at once; `log_record` does not repeat them.

        Args:
            step: of the progress, such as the epoch.
            values: name -> figure.
        """
        series, now = {name: {step: value} for name, value in values.items()}, _now()
        self._write(lambda writer: writer.series(series, time_ms=now))

    def log_record(self, record: StageRecord, folder: Path) -> None:
        """Record all of `record`, and the files of the stage's `folder` as artifacts under results/.

        A name that is both a metric and a series is logged as a series, whose last value MLflow shows as the figure.
        """
        ended = self._ended()
        self._write(lambda writer: writer.record(record, folder, time_ms=ended))

    def log_model(self, model: "keras.Model", example: np.ndarray) -> None:
        """Record the model, for `mlflow.tensorflow.load_model("models:/...")`; `example`: a few of its inputs."""
        self._write(lambda writer: writer.model(model, example))

    def log_dataset(self, split: DatasetSplit) -> None:
        """Record name, digest and shapes of what the stage looks at; the arrays stay where they are."""
        self._write(lambda writer: writer.dataset(described(split)))

    def create(self) -> None:
        """Begin the run."""
        self._begun = self._tracker.soon(self._create)

    def attach(self, run_id: str) -> None:
        """Go on with a run that was begun before."""
        self._begun = self._tracker.soon(lambda connection: self._attach(connection, run_id))

    def end(self, status: str, *, failure: str | None = None) -> None:
        """End the run as FINISHED, FAILED or KILLED.

        Args:
            failure: why, None if nothing failed.
        """
        mark, folder = self._mark, self._folder
        is_whole = mark is not None and status == mark.status
        time_ms = self._end_time if is_whole else _now()
        self._write(lambda writer: writer.end(status, failure=failure, time_ms=time_ms))
        if self._marked and mark is not None and folder is not None:
            self._tracker.afterwards(lambda: self._settle(mark, folder, failure, is_whole=is_whole))

    def _settle(self, mark: Mark, folder: Path, failure: str | None, *, is_whole: bool) -> None:
        """Remove the mark of a run that is recorded; let that of any other one say why."""
        if self._writer is not None and self._tracker.failure is None and is_whole:
            remove_mark(mark, folder)
        else:
            # that nobody is still at it
            with suppress(OSError):
                mark.with_reason(self._tracker.failure or failure or "").write(folder)

    def _create(self, connection: Connection) -> None:
        mark = self._mark
        assert mark is not None
        experiment = experiment_id(connection, mark.experiment, mark.stage)
        tags = mlflow_tags(mark.tags)
        run = connection.client.create_run(experiment, start_time=mark.start_time, tags=tags, run_name=mark.name)
        self._run_id = run.info.run_id
        self._writer = RunWriter(connection, run)

    def _attach(self, connection: Connection, run_id: str) -> None:
        run = connection.client.get_run(run_id)
        self._run_id = run.info.run_id
        self._writer = RunWriter(connection, run, begun_before=True)

    def _write(self, action: Callable[[RunWriter], None]) -> None:
        def written(connection: Connection) -> None:
            if self._writer is not None:
                action(self._writer)

        self._tracker.soon(written)

    def _ended(self) -> int:
        if self._end_time is None:
            self._end_time = _now()
        return self._end_time


def _described(split: DatasetSplit | None) -> dict[str, str] | None:
    if split is None:
        return None
    try:
        return described(split)
    except Exception:
        # the mark is worth more than this part of it
        logger.debug("the data set cannot be described", exc_info=True)
        return None


def _now() -> int:
    return int(time.time() * 1000)
