"""The record of one pipeline run: its runs in MLflow, until that fails for the first time."""

import getpass
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.data.dataset import DatasetSplit
from pipeline.engine.origin import Origin
from pipeline.runtime.errors import one_line, without_passwords
from pipeline.runtime.signals import stopped_is_stopped
from pipeline.tracking.addresses import sqlite_file
from pipeline.tracking.backend import DEADLINE_S, FILE, Connection, address_of, connect, folder_option, page_root
from pipeline.tracking.charts import chart_address, view_id
from pipeline.tracking.deadline import Deadline, is_refusal
from pipeline.tracking.experiments import experiment_name, finished_run
from pipeline.tracking.names import LONGEST_NAME
from pipeline.tracking.pending import Mark, Upstream
from pipeline.tracking.runs import StageRun
from pipeline.tracking.sqlite_lookup import finished_run as finished_run_in
from pipeline.tracking.stale import close_stale_runs, process_tags
from pipeline.tracking.worker import Worker

logger = logging.getLogger(__package__)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The place where the record is wanted, whether it can be made there or not.

    is_default: it is the SQLite file of `output_dir`, wherever that will be.
    """

    uri: str
    is_default: bool
    output_dir: Path

    @property
    def sync_command(self) -> str:
        """Return the command that brings the record in later."""
        return f"python -m pipeline.sync{folder_option(self.output_dir)}{' --uri URI' if self.needs_password else ''}"

    def marked_as(self, folder: Path) -> str | None:
        """Return what a mark in `folder` says of it: the URI without password.

        None for the SQLite file of an output folder around that, wherever it will be.
        """
        file = sqlite_file(self.uri)
        is_around = file is not None and file.name == FILE and file.parent in folder.resolve().parents
        return None if self.is_default or is_around else without_passwords(self.uri)

    @property
    def needs_password(self) -> bool:
        """Tell whether the URI holds what is not written to disk."""
        return without_passwords(self.uri) != self.uri


class Tracker:
    """The one that tells MLflow of the stages of one pipeline run, until that fails for the first time.

    What it is told goes to MLflow in order, but behind: `wait` until all of it is there.
    """

    def __init__(self, destination: Destination | None, *, experiment: str, pipeline_id: str) -> None:
        """Make a tracker that has connected to nothing yet.

        Args:
            destination: None if nothing is wanted, so that nothing is missed either.
            experiment: what stands before /STAGE in the names of the experiments.
        """
        self.destination = destination
        self.experiment = experiment
        # why the record ended, None as long as it did not
        self.failure: str | None = None
        self._worker = Worker()
        self._connection: Connection | None = None
        self._was_reached = False
        self._pipeline_id = pipeline_id

    @property
    def is_recording(self) -> bool:
        """Tell whether what it is told will, for all that is known, be in the record."""
        return self.destination is not None and self.failure is None

    @property
    def address(self) -> str | None:
        """Return where the record is to be seen; None if there is none, or it could not be reached."""
        if self.destination is None or (self.failure is not None and not self._was_reached):
            return None
        return address_of(self.destination.uri)

    def wait(self) -> None:
        """Wait until MLflow knows all, or nothing more can be told."""
        self._worker.now(lambda: None)

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
        split: DatasetSplit | None = None,
        origin: Origin | None = None,
        began: int | None = None,
    ) -> Iterator["StageRun"]:
        """Give the run of a stage, RUNNING until the block is left; then FINISHED, FAILED, or KILLED if it was stopped.

        Args:
            key: says what the result depends on; `find_run` finds the run by it.
            upstream: stage -> id of the run whose result this one stands on, None if it was not recorded.
            upstream_keys: stage -> its key, by which the run is found if it is recorded later.
            folder: where the results come to lie, and `StageRun.mark` with them.
            split: the half of the data, what the mark says of it.
            origin: of a stage that was computed before.
            began: when the stage began (ms), None for now.
        """
        known = {f"upstream.{other}": found for other, found in upstream.items() if found is not None}
        all_tags = {**(tags or {}), **known, "stage_key": key, **self._common_tags(stage)}
        if origin is not None:
            all_tags["pipeline_id"] = origin.pipeline_id
        keys = upstream_keys or {}
        mark = Mark(
            experiment=self.experiment,
            stage=stage,
            key=key,
            pipeline_id=all_tags["pipeline_id"],
            name=name[:LONGEST_NAME],
            tags=all_tags,
            upstream={other: Upstream(key=keys[other], run_id=upstream.get(other)) for other in keys},
            start_time=origin.start_time if origin else (began or _now()),
        )
        run = StageRun(self, mark, end=origin.end_time if origin else None, folder=folder, split=split)
        run.create()
        try:
            with stopped_is_stopped():
                yield run
        except BaseException as error:
            run.end("FAILED" if isinstance(error, Exception) else "KILLED", failure=one_line(error))
            raise
        run.end("FINISHED")

    def begin(self, stage: str, *, name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> str | None:
        """Begin a run that another process may end, and return its id, None if it is not recorded."""
        mark = Mark(
            experiment=self.experiment,
            stage=stage,
            key="",
            pipeline_id=self._pipeline_id,
            name=name[:LONGEST_NAME],
            tags={**tags, **self._common_tags(stage)},
            start_time=_now(),
        )
        run = StageRun(self, mark)
        run.create()
        run.log_params(params)
        return run.run_id

    def reopen(self, run_id: str) -> bool:
        """Let a run that was begun go on as one of this process; False if it is not there or nothing is recorded."""

        def again(connection: Connection) -> bool:
            try:
                connection.client.update_run(run_id, status="RUNNING")
                if "failure" in connection.client.get_run(run_id).data.tags:
                    # of its end until now
                    connection.client.delete_tag(run_id, "failure")
            except Exception as error:
                if is_refusal(error):
                    return False
                raise
            for name, value in process_tags().items():
                connection.client.set_tag(run_id, name, value)
            return True

        return bool(self.attempt(again))

    def resumed(self, run_id: str) -> StageRun:
        """Return a run that was begun before; figures that it has with this value are not repeated."""
        run = StageRun(self)
        run.attach(run_id)
        return run

    def _common_tags(self, stage: str) -> dict[str, str]:
        # a run that was killed stays RUNNING: those of the process tell whether that is still there
        return {"stage": stage, "pipeline_id": self._pipeline_id, **process_tags(), "mlflow.user": _user()}

    def find_run(self, stage: str, key: str) -> str | None:
        """Return the id of the newest run that finished `stage` with this key, None if there is none."""
        experiment = experiment_name(self.experiment, stage)
        file = sqlite_file(self.destination.uri) if self.destination is not None and self._connection is None else None
        if file is not None and (known := finished_run_in(file, experiment, key)) is not None:
            return known
        return self.attempt(lambda connection: finished_run(connection, self.experiment, stage, key))

    def page(self, stage: str) -> str | None:
        """Return the address of the comparison of a stage's runs on the server; None if the record is not on one."""
        if self.destination is None or not self.destination.uri.startswith("http"):
            return None

        def address(connection: Connection) -> str | None:
            found = connection.client.get_experiment_by_name(experiment_name(self.experiment, stage))
            if found is None:
                return None
            return chart_address(page_root(connection.uri), found.experiment_id, view_id(stage), found.tags)

        return self.attempt(address)

    def attempt(self, action: Callable[[Connection], T]) -> T | None:
        """Return what `action` returns, when all that was told before is done; None if it or anything before failed."""
        return self._worker.now(lambda: self._attempt(action))

    def soon(self, action: Callable[[Connection], T]) -> "Future[T | None]":
        """Let `action` be done as `attempt` does it, without waiting for it."""
        return self._worker.soon(lambda: self._attempt(action))

    def afterwards(self, action: Callable[[], None]) -> None:
        """Let `action` be done when all that was told before is done, or has failed."""
        self._worker.soon(action)

    def _attempt(self, action: Callable[[Connection], T]) -> T | None:
        if not self.is_recording:
            return None
        try:
            return action(self._connected())
        except Exception as error:
            logger.debug("the failure of MLflow", exc_info=True)
            if self._was_reached:
                self._lose("no longer recorded in MLflow", one_line(error))
            else:
                assert self.destination is not None
                self._lose("not recorded in MLflow", f"{without_passwords(self.destination.uri)}: {one_line(error)}")
            return None

    def _connected(self) -> Connection:
        assert self.destination is not None
        if self._connection is None:
            self._connection = connect(self.destination.uri, self.destination.output_dir, Deadline(DEADLINE_S))
            self._was_reached = True
            try:
                close_stale_runs(self._connection, self.experiment)
            except Exception:
                # the record itself goes on, or ends for a reason of its own
                logger.debug("stale runs are not looked for", exc_info=True)
        return self._connection

    def _lose(self, what: str, reason: str) -> None:
        """Say once that, and why, nothing more is recorded."""
        assert self.destination is not None
        self.failure = reason
        later = f"; `{self.destination.sync_command}` brings them in later"
        logger.warning("%s, results on disk are complete%s: %s", what, later, reason)


def _now() -> int:
    return int(time.time() * 1000)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # in a container the number may have no name
        return str(os.getuid())
