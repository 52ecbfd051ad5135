"""Where MLflow keeps the record: checked, reached within seconds, and made whole if it is a new SQLite file."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.locking import exclusive
from pipeline.tracking.wording import without_passwords

# Read by MLflow when it is imported. With its own retries a server that went away costs minutes a call.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # it logs a page of traceback for what it then raises, which is told in one line
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class Connection:
    """client: an MlflowClient; address: what to tell the user; artifacts: where new experiments keep their files,
    None if the server decides."""

    client: Any
    address: str
    artifacts: Path | None


def default_uri(output_dir: Path) -> str:
    return f"sqlite:///{output_dir.resolve() / 'mlflow.db'}"


def check_uri(uri: str) -> None:
    """Raise an InputError for a URI that is not of a server, an SQLite file or PostgreSQL."""
    if not re.match(r"https?://[^/]|sqlite:///[^?]|postgresql(\+\w+)?://.", uri):
        takes = "null, http(s)://HOST:PORT, sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise InputError.at("tracking.uri", takes=takes, got=without_passwords(uri) if uri else "nothing")


def connect(uri: str, output_dir: Path) -> Connection:
    """The artifacts of an SQLite record lie beside it, those of a PostgreSQL record under `output_dir`.

    Raises:
        Exception: of whatever kind MLflow, or what it stands on, raises.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    address = without_passwords(uri).rstrip("/")
    if uri.startswith("http"):
        _reach_server(uri)
        # without the query the page opens on traces of language models
        address = f"{address}/#/experiments?workflowType=machine_learning"
        return Connection(client=MlflowClient(uri), address=address, artifacts=None)
    if uri.startswith("postgresql"):
        _reach_database(uri, connect_timeout=TIMEOUT_S)
        return Connection(client=MlflowClient(uri), address=address, artifacts=output_dir.resolve() / "mlartifacts")
    name, question_mark, options = uri.removeprefix("sqlite:///").partition("?")
    file = Path(name).resolve()
    artifacts = file.parent / "mlartifacts"
    _create_sqlite(file, artifacts)
    uri = f"sqlite:///{file}{question_mark}{options}"
    _reach_database(uri, timeout=TIMEOUT_S)
    return Connection(client=MlflowClient(uri), address=uri, artifacts=artifacts)


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


def _create_sqlite(file: Path, artifacts: Path) -> None:
    """Make a new record whole or not at all: two processes that create the tables at once spoil the file for good, and
    so does one that is killed meanwhile."""
    if file.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with exclusive(file.with_name(f".{file.name}.lock")):
        if file.exists():
            return
        draft = file.with_name(f".{file.name}.draft")
        draft.unlink(missing_ok=True)
        SqlAlchemyStore(f"sqlite:///{draft}", artifacts.as_uri()).engine.dispose()
        draft.rename(file)
