"""Addresses of files, as MLflow and SQLAlchemy read them: here alone they are made of paths, and read again."""

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

SQLITE = "sqlite:///"


def file_uri(path: Path) -> str:
    """Return the address of a folder of files; whatever means something else in it is escaped.

    Args:
        path: an absolute one.
    """
    return path.as_uri()


def sqlite_uri(file: Path) -> str:
    """Return the address of an SQLite file; what would mean something else in it is escaped."""
    return f"{SQLITE}{file}".replace("%", "%25").replace("?", "%3F")


def mlflow_uri(file: Path) -> str:
    """Return the address by which MLflow is to know an SQLite file.

    MLflow makes the folder that it finds in it, and takes what is escaped there for its name: so of such a folder no
    slash is to be seen.
    """
    plain = sqlite_uri(file)
    return plain if plain == f"{SQLITE}{file}" else f"{SQLITE}{quote(str(file), safe='')}"


def sqlite_file(uri: str, directory: Path = Path()) -> Path | None:
    """Return the file of an SQLite record, which a relative path means in `directory`; None of another one."""
    name = uri.removeprefix(SQLITE)
    # as SQLAlchemy reads it
    return None if name == uri else (directory / unquote(name.partition("?")[0])).resolve()


def local_path(location: str | None) -> Path | None:
    """Return the path of one of MLflow's places; None if it is not on this machine."""
    if location is not None and location.startswith("file:"):
        parts = urlsplit(location)
        return Path(unquote(parts.path)) if parts.netloc in ("", "localhost") else None
    # MLflow takes plain paths for escaped ones, too
    return Path(unquote(location)) if location is not None and location.startswith("/") else None
