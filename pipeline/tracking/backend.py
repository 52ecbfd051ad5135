"""MLflow's place of the record: checked, reached within seconds, and made whole if it is a new SQLite file."""

import os
import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.engine.places import ARTIFACTS
from pipeline.runtime.errors import InputError, without_passwords
from pipeline.runtime.files import whole_file
from pipeline.runtime.locks import exclusive
from pipeline.runtime.output import shell_word
from pipeline.runtime.progress import say_waiting
from pipeline.tracking.addresses import file_uri, mlflow_uri, sqlite_file, sqlite_uri
from pipeline.tracking.deadline import Deadline, WithDeadline
from pipeline.tracking.moved import artifact_root, follow
from pipeline.tracking.sqlite_lookup import check_sqlite

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its retries wait for minutes, and repeat what must not be done twice: see `Deadline`.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # it logs a page of traceback for what it then raises, which is told in one line
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# What a program around this one has set for its own runs: figures would be told of its model, or be told later, when a
# failure is only printed.
OTHERS = ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID", "MLFLOW_ENABLE_ASYNC_LOGGING")
FILE = "mlflow.db"
TIMEOUT_S = 5
# Waited for a server in all, by one pipeline run. With answers that take a second each, of which a fifth is no waiting,
# these are the 30 s that are promised.
DEADLINE_S = 24.0
# any number that nobody else uses
CREATION_LOCK = 5_318_008_317


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A record that was reached.

    client: an MlflowClient, called with `deadline`; artifacts: where new experiments keep their files, None if the
    server decides; options: by which a command finds it again, as in " --output-dir X".
    """

    uri: str
    client: Any
    artifacts: Path | None
    deadline: Deadline
    options: str

    def repository(self, artifact_uri: str) -> Any:
        """Return MLflow's way to the files of a run or a model."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        self.check_place(artifact_uri)
        return WithDeadline(get_artifact_repository(artifact_uri, tracking_uri=self.uri), self.deadline)

    def check_place(self, location: str) -> None:
        """Raise a FileNotFoundError if files would be kept where an output folder was that has been moved away."""
        if self.artifacts is None:
            # where files lie is the server's business
            return
        root = artifact_root(location)
        if root is not None and root != self.artifacts and not root.parent.is_dir():
            way_out = "move it back, put a link there, or let tracking.experiment take another name"
            raise FileNotFoundError(f"the record keeps its files in {root}, whose folder is gone: {way_out}")


def default_uri(output_dir: Path) -> str:
    """Return the URI of the record of an output folder."""
    return sqlite_uri(output_dir.resolve() / FILE)


def check_uri(uri: str) -> None:
    """Raise an InputError for a URI that is not of a server, an SQLite file or PostgreSQL."""
    try:
        port_is_possible = urlsplit(uri).port != 0
    except ValueError:
        port_is_possible = False
    if not port_is_possible or not re.match(r"https?://[^/]|sqlite:///[^?]|postgresql(\+\w+)?://.", uri):
        takes = "null, http(s)://HOST:PORT, sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise InputError.at("tracking.uri", takes=takes, got=without_passwords(uri) if uri else "nothing")


def options_of(uri: str, output_dir: Path) -> str:
    """Return the options by which a command finds a record, each behind a blank; a password is left to the user."""
    where = folder_option(output_dir)
    if uri == default_uri(output_dir):
        return where
    return f"{where} --uri {'URI' if without_passwords(uri) != uri else shell_word(uri)}"


def folder_option(output_dir: Path) -> str:
    """Return the option that names an output folder to a command, behind a blank; nothing for the usual one."""
    return "" if output_dir == Path("outputs") else f" --output-dir {shell_word(output_dir)}"


def page_root(uri: str) -> str:
    """Return the address of a server's pages."""
    return without_passwords(uri).rstrip("/")


def address_of(uri: str) -> str:
    """Return what to tell the user of the record: its page, or where it lies."""
    if uri.startswith("http"):
        # without the query the page opens on traces of language models
        return f"{page_root(uri)}/#/experiments?workflowType=machine_learning"
    return without_passwords(uri)


def connect(uri: str, output_dir: Path, deadline: Deadline) -> Connection:
    """Connect to a record; one that is not there is made, unless it is on a server.

    The artifacts of an SQLite record lie beside it, wherever that was moved, those of a PostgreSQL record under
    `output_dir`.

    Args:
        deadline: with a server; a file takes as long as it takes.
    Raises:
        Exception: of whatever kind MLflow, or what it stands on, raises.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in OTHERS:
        os.environ.pop(name, None)
    if "mlflow" not in sys.modules and threading.current_thread() is threading.main_thread():
        # nobody waits for the thread of a record
        say_waiting("loading MLflow")
    from mlflow import MlflowClient

    artifacts, options = None, options_of(uri, output_dir)
    if uri.startswith("http"):
        deadline.call(lambda: _reach_server(uri), repeatable=False)
    elif uri.startswith("postgresql"):
        beside = artifacts = output_dir.resolve() / ARTIFACTS
        _import_store()
        deadline.call(lambda: _reach_database(uri, connect_timeout=TIMEOUT_S), repeatable=False)
        deadline.call(lambda: _create_postgresql(uri, beside))
    else:
        deadline = Deadline(None)
        file = sqlite_file(uri)
        assert file is not None
        artifacts = file.parent / ARTIFACTS
        check_sqlite(file)
        _create_sqlite(file, artifacts)
        follow(file)
        uri = f"{mlflow_uri(file)}{''.join(uri.partition('?')[1:])}"
        _reach_database(uri, timeout=TIMEOUT_S)
    client = WithDeadline(MlflowClient(uri), deadline)
    return Connection(uri=uri, client=client, artifacts=artifacts, deadline=deadline, options=options)


def _import_store() -> None:
    """Import MLflow's store, so that the time that this takes is not held against the database."""
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def _reach_server(uri: str) -> None:
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    # MLflow's own request, as it knows the tokens and certificates that its environment variables name
    try:
        answer = http_request(get_default_host_creds(uri), "/health", "GET", timeout=TIMEOUT_S, max_retries=0)
    except Exception as error:
        raise ConnectionError(f"no server answers ({_root(error)})") from error
    if answer.status_code != 200:
        raise ConnectionError(f"/health answers {answer.status_code} {answer.reason}")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error


def _reach_database(uri: str, **timeout: int) -> None:
    """Connect once: MLflow itself would try ten times, for minutes, with a warning each."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, connect_args=timeout)
    try:
        sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def _create_postgresql(uri: str, artifacts: Path) -> None:
    """Make the tables of a new record, one process at a time: of several only the first would succeed."""
    import sqlalchemy
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    engine = sqlalchemy.create_engine(uri, connect_args={"connect_timeout": TIMEOUT_S})
    try:
        # the database gives the lock back when the connection ends
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({CREATION_LOCK})"))
            if not sqlalchemy.inspect(connection).has_table("runs"):
                SqlAlchemyStore(uri, file_uri(artifacts)).engine.dispose()
            connection.rollback()
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_unlock({CREATION_LOCK})"))
    finally:
        engine.dispose()


def _create_sqlite(file: Path, artifacts: Path) -> None:
    """Make a new record whole or not at all.

    Two processes that create the tables at once spoil the file for good, and so does one that is killed meanwhile.
    """
    if file.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with exclusive(file.with_name(f".{file.name}.lock")):
        if file.exists():
            return
        for left in file.parent.glob(f".{file.name}.draft*"):
            # whoever left it was killed, or it would hold the lock
            left.unlink()
        with whole_file(file) as draft:
            SqlAlchemyStore(mlflow_uri(draft), file_uri(artifacts)).engine.dispose()
