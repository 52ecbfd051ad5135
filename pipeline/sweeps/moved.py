"""A sweep whose folder was moved or copied with the output folder around it: it goes on in the new place."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.engine.folders import is_same_folder
from pipeline.sweeps.folder import Sweep
from pipeline.sweeps.jobs import without_places
from pipeline.tracking.addresses import sqlite_file, sqlite_uri
from pipeline.tracking.backend import FILE

# What tells an output folder, and how deep a sweep lies in it unless it was said to lie elsewhere.
MARKS = (FILE, "store")
DEPTH = 3


def followed(sweep: Sweep, folder: Path) -> Sweep:
    """Return the sweep as its command has to be given for `folder`, where it lies now; itself if it was not moved.

    Results and record lie in the output folder around it, if they did so before. The command is given where it was, or,
    if that folder is gone because it was moved as well, where that lies now.
    """
    old = Path(sweep.output_dir)
    was = _place_before(sweep, folder)
    if was is None or was == folder or not was.is_relative_to(old) or is_same_folder(was, folder):
        return sweep
    new = _now(old, was, folder)
    if new is None:
        return sweep
    directory = Path(sweep.directory)
    if not directory.is_dir() and was.is_relative_to(directory):
        directory = _now(directory, was, folder) or directory
    output_dir = new.relative_to(directory) if new.is_relative_to(directory) else new
    places = [f"output_dir={quoted(str(output_dir))}"]
    uri = sweep.uri
    file = None if uri is None else sqlite_file(uri, Path(sweep.directory))
    if file is not None and file.is_relative_to(old.resolve()):
        uri = sqlite_uri(new / file.relative_to(old.resolve()))
        places.append(f"tracking.uri={quoted(uri)}")
    else:
        places += _said(sweep, "tracking.uri")
    command = [*without_places(sweep.command), *places]
    return dataclasses.replace(sweep, command=command, directory=str(directory), output_dir=str(new), uri=uri)


def quoted(text: str) -> str:
    """Return a text as a value on Hydra's command line, where backslashes are counted before a quote alone."""
    escaped = re.sub(r"(\\*)('|\Z)", lambda found: found[1] * 2 + found[2].replace("'", "\\'"), text)
    return f"'{escaped}'"


def _place_before(sweep: Sweep, folder: Path) -> Path | None:
    """Return where the sweep lay; None if that cannot be told."""
    if sweep.folder is not None:
        return Path(sweep.folder)
    if folder.is_relative_to(sweep.output_dir) or len(folder.parts) <= DEPTH:
        return None
    # a sweep of an older version, if it lay where sweeps do
    return Path(sweep.output_dir, *folder.parts[-DEPTH:])


def _now(path: Path, was: Path, folder: Path) -> Path | None:
    """Return where a folder lies that was around `was`, which is `folder` now; None if that one has left it."""
    inner = was.relative_to(path).parts
    if len(inner) >= len(folder.parts):
        return None
    found = Path(*folder.parts[: len(folder.parts) - len(inner)])
    if folder.parts[len(found.parts) :] == inner or any((found / name).exists() for name in MARKS):
        return found
    return None


def _said(sweep: Sweep, key: str) -> Iterator[str]:
    return (word for word in sweep.command if word.lstrip("+").partition("=")[0] == key)
