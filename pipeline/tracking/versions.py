"""Of which version of MLflow an SQLite file is, told without MLflow, whose import takes long.

Each of its files names the last of the changes of its tables, and MLflow keeps all that it knows as scripts.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from pipeline.runtime.errors import BrokenFileError
from pipeline.runtime.output import shell_word
from pipeline.tracking.addresses import mlflow_uri

SCRIPTS = "store/db_migrations/versions"


def check_version(file: Path, revisions: set[str]) -> None:
    """Refuse a file of another version of MLflow than the one that is installed: nothing may be changed in it.

    Args:
        revisions: what the file names.
    Raises:
        BrokenFileError: it is one.
    """
    ours, known = _installed()
    # which of MLflow's own scripts are not found as they are expected, so that only MLflow can tell
    if len(ours) != 1 or revisions == ours:
        return
    if revisions <= known:
        command = f"`mlflow db upgrade {shell_word(mlflow_uri(file))}`"
        raise BrokenFileError(file, f"was made by an older version of MLflow: take a copy of it, then {command}")
    way_out = "record elsewhere, with another output_dir or tracking.uri, or use that version"
    raise BrokenFileError(file, f"was made by a newer version of MLflow than the one that is installed: {way_out}")


def _installed() -> tuple[set[str], set[str]]:
    """Return the last change of the tables that MLflow knows, and all; empty if they are not found."""
    found = find_spec("mlflow")
    if found is None or found.origin is None:
        return set(), set()
    scripts = [file.read_text(encoding="utf-8") for file in (Path(found.origin).parent / SCRIPTS).glob("*.py")]
    known = {name for text in scripts for name in re.findall(r"(?m)^revision\b.*?=\s*[\"'](\w+)", text)}
    followed = {
        name
        for text in scripts
        for line in re.findall(r"(?m)^down_revision\b.*?=(.*)", text)
        for name in re.findall(r"\w+", line)
    }
    return known - followed, known
