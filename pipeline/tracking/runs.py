"""One MLflow run for each execution of a stage."""

import getpass
import logging
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pipeline.errors import one_line, without_passwords
from pipeline.record import StageRecord
from pipeline.results import Dataset
from pipeline.tracking.backend import Connection
from pipeline.tracking.datasets import described
from pipeline.tracking.experiments import experiment_id, finished_run
from pipeline.tracking.marks import Mark, Upstream, remove_mark
from pipeline.tracking.stale import process_tags
from pipeline.tracking.wording import LONGEST_NAME
from pipeline.tracking.writing import RunWriter, mlflow_tags

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__package__)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the record was wanted, whether it is there or not. uri: None for the SQLite file of `output_dir`."""

    uri: str | None
    output_dir: Path

    @property
    def sync_command(self) -> str:
        """What brings the record in later."""
        where = "" if self.output_dir == Path("outputs") else f" --output-dir {shlex.quote(str(self.output_dir))}"
        return f"python -m pipeline.sync{where}{' --uri URI' if self.needs_password else ''}"

    @property
    def needs_password(self) -> bool:
        """Whether the URI holds what is not written to disk."""
        return self.uri is not None and without_passwords(self.uri) != self.uri


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who computed a stage, and when (ms), if it is not the pipeline that records it."""

    pipeline_id: str
    start_time: int
    end_time: int


class Tracker:
    """Tells MLflow of the stages of one pipeline run, until that fails for the first time.

    address: where the record is to be seen, None if there is none.
    """

    def __init__(
        self,
        connection: Connection | None,
        *,
        experiment: str,
        pipeline_id: str,
        tags: Mapping[str, str] | None = None,
        destination: Destination | None = None,
    ) -> None:
        """destination: None if nothing is wanted, so that nothing is missed either."""
        self.address = connection.address if connection else None
        self.destination = destination
        self.experiment = experiment
        # why the record ended, None as long as it did not
        self.failure: str | None = None
        self._connection = connection
        self._pipeline_id = pipeline_id
        self._tags = dict(tags or {})

    @contextmanager
    def stage_run(
        self,
        stage: str,
        key: str,
        *,
        name: str,
        upstream: Mapping[str, str | None],
        upstream_keys: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        folder: Path | None = None,
        dataset: Dataset | None = None,
        origin: Origin | None = None,
        run_id: str | None = None,
    ) -> Iterator["StageRun"]:
        """The run of a stage, RUNNING until the block is left; then FINISHED, FAILED, or KILLED if it was stopped.

        Args:
            key: says what the result depends on; `find_run` finds the run by it.
            upstream: stage -> id of the run whose result this one stands on, None if it was not recorded.
            upstream_keys: stage -> its key, by which the run is found if it is recorded later.
            folder: where the results come to lie, and `StageRun.mark` with them.
            dataset: what the mark says of the data.
            origin: of a stage that was computed before.
            run_id: of a run that was begun before and is to be continued; None for a new one.
        """
        known = {f"upstream.{other}": found for other, found in upstream.items() if found is not None}
        all_tags = {
            **(tags or {}),
            **known,
            "stage": stage,
            "stage_key": key,
            "pipeline_id": origin.pipeline_id if origin else self._pipeline_id,
            **self._tags,
            # a run that was killed stays RUNNING: these tell whether its process is still there
            **process_tags(),
            "mlflow.user": _user(),
        }
        keys = upstream_keys or {}
        mark = Mark(
            uri=None,
            needs_password=False,
            experiment=self.experiment,
            stage=stage,
            key=key,
            pipeline_id=all_tags["pipeline_id"],
            name=name[:LONGEST_NAME],
            tags=all_tags,
            upstream={other: Upstream(key=keys[other], run_id=upstream.get(other)) for other in keys},
            start_time=origin.start_time if origin else _now(),
            end_time=0,
            run_id=run_id,
            dataset=None,
            reason=None,
        )
        run = StageRun(self, mark, end=origin.end_time if origin else None, folder=folder, dataset=dataset)
        run._start()
        try:
            yield run
        except BaseException as error:
            run._end("FAILED" if isinstance(error, Exception) else "KILLED", failure=one_line(error))
            raise
        run._end("FINISHED")

    def find_run(self, stage: str, key: str) -> str | None:
        """The id of the newest run that finished `stage` with this key, None if there is none."""
        return self.attempt(lambda connection: finished_run(connection, self.experiment, stage, key))

    def attempt(self, action: Callable[[Connection], T]) -> T | None:
        """What `action` returns; None if it fails, or if something failed before."""
        if self._connection is None:
            return None
        try:
            return action(self._connection)
        except Exception as error:
            self._connection = None
            logger.debug("the failure of MLflow", exc_info=True)
            self.lose("no longer recorded in MLflow", one_line(error))
            return None

    def lose(self, what: str, reason: str) -> None:
        """Say once that, and why, nothing more is recorded."""
        self.failure = reason
        later = f"; `{self.destination.sync_command}` brings them in later" if self.destination else ""
        logger.warning("%s, results on disk are complete%s: %s", what, later, reason)


class StageRun:
    """A stage that is being executed, as MLflow sees it. run_id: None if it is not recorded.

    Order: `log_model` before `log_record`, so that the record's figures stand beside the model and its file is kept
    once.
    """

    def __init__(
        self, tracker: Tracker, mark: Mark, *, end: int | None, folder: Path | None, dataset: Dataset | None
    ) -> None:
        self.run_id: str | None = None
        self._tracker = tracker
        self._mark = mark
        self._end_time = end
        self._folder = folder
        self._dataset = dataset
        self._marked = False
        self._writer: RunWriter | None = None

    def computed(self) -> dict[str, int]:
        """Note that the stage is computed, what follows being the record alone; when it began and ended, in ms."""
        if self._end_time is None:
            self._end_time = _now()
        return {"start_time": self._mark.start_time, "end_time": self._end_time}

    def mark(self, draft: Path) -> None:
        """Leave in the stage's folder, before it is moved to its place, what `sync` needs if the record is lost.

        The mark goes when the run is finished. If no record is wanted there is none.
        """
        destination = self._tracker.destination
        if destination is None:
            return
        self._mark = replace(
            self._mark,
            uri=None if destination.uri is None else without_passwords(destination.uri),
            needs_password=destination.needs_password,
            end_time=self.computed()["end_time"],
            run_id=self.run_id,
            dataset=_described(self._dataset),
            image_type=self._dataset.test_images.dtype.name if self._dataset else self._mark.image_type,
            reason=self._tracker.failure,
        )
        self._mark.write(draft)
        self._marked = True

    def log_params(self, params: Mapping[str, str]) -> None:
        """Settings, which MLflow never changes again; long values are cut."""
        self._write(lambda writer: writer.params(params))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """What to filter by; may be changed later."""
        self._write(lambda writer: writer.tags(tags))

    def log_epoch(self, step: int, values: Mapping[str, float]) -> None:
        """The newest figures, seen in MLflow at once; `log_record` does not repeat them."""
        self._write(lambda writer: writer.series({name: {step: value} for name, value in values.items()}))

    def log_record(self, record: StageRecord, folder: Path) -> None:
        """All of a record, and the files of the stage's `folder` as artifacts under results/.

        A name that is both a metric and a series is logged as a series, whose last value MLflow shows as the figure.
        """
        self._write(lambda writer: writer.record(record, folder, time_ms=self.computed()["end_time"]))

    def log_folder(self, folder: Path, path: str) -> None:
        """The files of a folder as artifacts under `path`; files of the same names are replaced."""
        self._write(lambda writer: writer.folder(folder, path))

    def log_table(self, columns: Mapping[str, Sequence[Any]], path: str) -> None:
        """Columns of equal length as the artifact `path` (.json) that MLflow's pages show as a table."""
        self._write(lambda writer: writer.table(columns, path))

    def log_model(self, model: "keras.Model", example: np.ndarray) -> None:
        """The model, for `mlflow.tensorflow.load_model("models:/...")`; `example`: a few of its inputs."""
        self._write(lambda writer: writer.model(model, example))

    def log_dataset(self, dataset: Dataset) -> None:
        """Name, digest and shapes of the training data; the arrays stay where they are."""
        self._write(lambda writer: writer.dataset(described(dataset)))

    def log_text(self, text: str, path: str) -> None:
        """A text as the artifact `path`."""
        self._write(lambda writer: writer.text(text, path))

    def _write(self, action: Callable[[RunWriter], None]) -> None:
        writer = self._writer
        if writer is not None:
            self._tracker.attempt(lambda _: action(writer))

    def _start(self) -> None:
        self._tracker.attempt(self._continue if self._mark.run_id is not None else self._create)

    def _create(self, connection: Connection) -> None:
        mark = self._mark
        experiment = experiment_id(connection, mark.experiment, mark.stage)
        tags = mlflow_tags(mark.tags)
        run = connection.client.create_run(experiment, start_time=mark.start_time, tags=tags, run_name=mark.name)
        self.run_id = run.info.run_id
        self._writer = RunWriter(connection, run)

    def _continue(self, connection: Connection) -> None:
        run = connection.client.get_run(self._mark.run_id)
        connection.client.update_run(run.info.run_id, status="RUNNING")
        self.run_id = run.info.run_id
        self._writer = RunWriter(connection, run, begun_before=True)
        self._writer.tags(self._mark.tags)

    def _end(self, status: str, *, failure: str | None = None) -> None:
        end = self._end_time if status == "FINISHED" else None
        self._write(lambda writer: writer.end(status, failure=failure, time_ms=end))
        if not self._marked or self._folder is None:
            return
        if self._writer is not None and self._tracker.failure is None and status == "FINISHED":
            remove_mark(self._mark, self._folder)
        else:
            # that nobody is still at it
            with suppress(OSError):
                self._mark.with_reason(self._tracker.failure or failure or "").write(self._folder)


def _described(dataset: Dataset | None) -> dict[str, str] | None:
    if dataset is None:
        return None
    try:
        return described(dataset)
    except Exception:
        # the mark is worth more than this part of it
        logger.debug("the data set cannot be described", exc_info=True)
        return None


def _now() -> int:
    return int(time.time() * 1000)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # in a container the number may have no name
        return str(os.getuid())
