"""`python -m pipeline.sync`: records in MLflow what was computed while its server was away."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.command import Command
from pipeline.commands.options import folder
from pipeline.engine import storage
from pipeline.engine.places import ARTIFACTS, MARK
from pipeline.engine.record import StageRecord
from pipeline.runtime.errors import BrokenFileError, InputError, one_line, without_passwords
from pipeline.runtime.locks import exclusive
from pipeline.runtime.numerics import settle_keras
from pipeline.runtime.processes import is_gone, this_process
from pipeline.tracking import backend
from pipeline.tracking.addresses import sqlite_file
from pipeline.tracking.backend import Connection
from pipeline.tracking.backfill import Brought, bring_in, upstream_run
from pipeline.tracking.deadline import Deadline
from pipeline.tracking.experiments import names_of_experiments
from pipeline.tracking.pending import Mark, Upstream, read_mark, remove_mark
from pipeline.tracking.stale import close_stale_runs, process_of

if TYPE_CHECKING:
    import keras

# Below the output folder; what is kept there has no marks.
NOT_RUNS = ("store", ARTIFACTS)
# Of a process of another machine nobody knows whether it is still at it; this long no stage is being recorded.
RECORDING_S = 3600
# Nobody waits for a result here, and a file may be large.
ENVIRONMENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


@dataclass(frozen=True)
class Marked:
    """A stage's folder with its mark."""

    folder: Path
    mark: Mark


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder with the results, and the address."""
    parser.add_argument("--output-dir", type=folder, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument(
        "--uri", help="where to record it; default: where it was to be recorded. Needed where it holds a password"
    )


def execute(options: argparse.Namespace) -> int:
    """Bring in what is marked; return 0 if all of it is in, 1 if something is left.

    Raises:
        InputError: it cannot be begun.
    """
    takes = "the folder with the results"
    try:
        if not options.output_dir.is_dir():
            raise _refusal(takes, options.output_dir)
    except OSError as error:
        raise _refusal(takes, f"{options.output_dir}: {error.strerror}") from error
    if options.uri is not None:
        try:
            backend.check_uri(options.uri)
        except InputError as error:
            raise InputError(" ".join(str(error).replace("tracking.uri", "--uri", 1).split())) from error
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        with exclusive(
            options.output_dir / ".sync.lock", on_wait=lambda: print("waiting for another sync", flush=True)
        ):
            return _Sync(options.output_dir, options.uri).run()
    except OSError as error:
        raise _refusal("a folder that can be written to", error) from error


class _Sync:
    """One pass over the marks."""

    def __init__(self, output_dir: Path, uri: str | None) -> None:
        self.output_dir = output_dir
        self.uri = uri
        self.in_now = self.in_before = self.left = 0
        # whether the record itself is
        self.is_broken = False
        self._connections: dict[str, Connection | None] = {}
        self._upstream: dict[tuple[str, str, str], str | None] = {}

    def run(self) -> int:
        """Record all that is marked, what others stand on first; returns the exit code."""
        found = sorted(self._marked(), key=lambda one: (len(one.mark.upstream), one.mark.start_time, str(one.folder)))
        for one in found:
            self._take(one)
        if not found:
            self._close_stale_of_all()
        for uri, connection in self._connections.items():
            if connection is not None:
                self._close_stale(uri, connection, {one.mark.experiment for one in found})
        print(f"{self.in_now} brought in, {self.in_before} recorded before, {self.left} left")
        return 1 if self.left or self.is_broken else 0

    def _marked(self) -> Iterator[Marked]:
        for parent, folders, files in os.walk(self.output_dir):
            if Path(parent) == self.output_dir:
                folders[:] = [name for name in folders if name not in NOT_RUNS]
            # drafts of folders, and what is hidden
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if MARK in files:
                try:
                    mark = read_mark(Path(parent))
                except InputError as error:
                    self._leave(Path(parent), str(error))
                    continue
                if mark is not None:
                    yield Marked(Path(parent), mark)

    def _take(self, one: Marked) -> None:
        """Bring in one stage, if its process is not still at it."""
        if _may_be_recording(one):
            self._leave(one.folder, "its process is still at it")
            return
        try:
            connection = self._connect(one.mark)
            if connection is not None:
                record = _record_of(one.folder)
                brought = self._bring_in(connection, one.mark, record, one.folder)
        except InputError as error:
            self._leave(one.folder, str(error))
            return
        except Exception as error:
            self._leave(one.folder, one_line(error))
            self._look_after(one.mark)
            return
        if connection is None:
            self._leave(one.folder)
            return
        remove_mark(one.mark, one.folder)
        self._count(brought, one.mark.stage, one.folder)

    def _bring_in(self, connection: Connection, mark: Mark, record: StageRecord, folder: Path) -> Brought:
        above = {stage: self._find_upstream(connection, mark, stage, known) for stage, known in mark.upstream.items()}
        upstream = {stage: run_id for stage, run_id in above.items() if run_id is not None}
        return bring_in(connection, mark, record, folder, upstream=upstream, load_model=lambda: _load_model(folder))

    def _find_upstream(self, connection: Connection, mark: Mark, stage: str, known: Upstream) -> str | None:
        """Return the run of what a stage stands on; brought in from the store if it was never recorded."""
        place = (connection.uri, mark.experiment, known.key)
        if self._upstream.get(place) is None:
            run_id = upstream_run(connection, mark, stage, known)
            stored = self.output_dir / "store" / stage / known.key
            if run_id is None and (stored / storage.RECORD).is_file():
                record = storage.load_record(stored)
                brought = self._bring_in(connection, _mark_of_stored(stored, record, mark), record, stored)
                self._count(brought, stage, stored)
                run_id = brought.run_id
            self._upstream[place] = run_id
        return self._upstream[place]

    def _connect(self, mark: Mark) -> Connection | None:
        """Return the connection that a mark asks for; None if it does not come about, which is said once."""
        uri = self.uri or mark.uri or backend.default_uri(self.output_dir)
        if self.uri is None and mark.needs_password:
            raise InputError(f"--uri: takes {uri} with its password, which is not kept; got nothing")
        file = sqlite_file(uri)
        if self.uri is None and mark.uri is not None and file is not None and not file.parent.is_dir():
            # it was moved: a new one in its old place would be nobody's
            raise InputError.at("--uri", takes="where its record lies now", got=f"{uri}, whose folder is gone")
        if uri not in self._connections:
            self._connections[uri] = None
            try:
                self._connections[uri] = backend.connect(uri, self.output_dir, Deadline(None))
            except Exception as error:
                _say(f"{without_passwords(uri)}: {one_line(error)}")
        return self._connections[uri]

    def _look_after(self, mark: Mark) -> None:
        """Look whether the backend is gone after a failure: then the rest is not tried."""
        uri = self.uri or mark.uri or backend.default_uri(self.output_dir)
        try:
            backend.connect(uri, self.output_dir, Deadline(None))
        except Exception as error:
            self._connections[uri] = None
            _say(f"{without_passwords(uri)}: {one_line(error)}")

    def _close_stale_of_all(self) -> None:
        """Close the runs of processes that were killed before they had a result, where nothing is marked."""
        uri = self.uri or backend.default_uri(self.output_dir)
        if self.uri is None and not os.path.lexists(self.output_dir / backend.FILE):
            return
        try:
            connection = backend.connect(uri, self.output_dir, Deadline(None))
            self._close_stale(uri, connection, names_of_experiments(connection))
        except Exception as error:
            self.is_broken = isinstance(error, BrokenFileError)
            _say(f"{without_passwords(uri)}: {one_line(error)}")

    def _close_stale(self, uri: str, connection: Connection, experiments: set[str]) -> None:
        for experiment in sorted(experiments):
            try:
                for run_id in close_stale_runs(connection, experiment):
                    print(f"run {run_id}: KILLED, its process is gone")
            except Exception as error:
                _say(f"{without_passwords(uri)}: stale runs are not looked for: {one_line(error)}")

    def _count(self, brought: Brought, stage: str, folder: Path) -> None:
        if brought.was_there:
            self.in_before += 1
        else:
            self.in_now += 1
            print(f"{stage:<12} {folder}  run {brought.run_id}", flush=True)

    def _leave(self, folder: Path, reason: str | None = None) -> None:
        self.left += 1
        if reason is not None:
            _say(f"{folder} is left: {reason}")


def _record_of(folder: Path) -> StageRecord:
    try:
        return storage.load_record(folder)
    except InputError as error:
        cause = error.__cause__
        what = cause.problem if isinstance(cause, BrokenFileError) else "is broken"
        raise InputError(f"its {storage.RECORD} {what}") from error


def _may_be_recording(one: Marked) -> bool:
    process = process_of(one.mark.tags)
    if one.mark.reason is not None or process is None or is_gone(process):
        return False
    if process.host == this_process().host:
        return True
    try:
        return (one.folder / MARK).stat().st_mtime > time.time() - RECORDING_S
    except OSError:
        return False


def _mark_of_stored(folder: Path, record: StageRecord, above: Mark) -> Mark:
    """Return the mark of a stage in the store that was never recorded; `above` is that of a stage that stands on it."""
    process = storage.load_process(folder)
    saved = int((folder / storage.RECORD).stat().st_mtime * 1000)
    pipeline_id = process.get("pipeline_id", above.pipeline_id)
    return Mark(
        uri=above.uri,
        needs_password=above.needs_password,
        experiment=above.experiment,
        stage=record.stage,
        key=record.key,
        pipeline_id=pipeline_id,
        name=record.name,
        tags={"stage": record.stage, "stage_key": record.key, "pipeline_id": pipeline_id},
        upstream={stage: Upstream(key=key, run_id=None) for stage, key in storage.load_upstream(folder).items()},
        start_time=process.get("start_time", saved),
        end_time=process.get("end_time", saved),
        reason=above.reason,
    )


def _load_model(folder: Path) -> "keras.Model":
    settle_keras()
    return storage.load_model(folder)


def _say(line: str) -> None:
    print(f"mnist-dream: {line}", file=sys.stderr, flush=True)


def _refusal(takes: str, got: object) -> InputError:
    return InputError(" ".join(f"--output-dir: takes {takes}; got {got}".split()))


main = Command(
    name="sync",
    about=__doc__,
    add_arguments=add_arguments,
    example="--output-dir outputs --uri http://127.0.0.1:5000",
    execute=execute,
)

if __name__ == "__main__":
    sys.exit(main.run())
