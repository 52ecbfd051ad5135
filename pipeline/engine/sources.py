"""The source files that a stage's result depends on: its own, and whatever they import."""

import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.engine.provenance import PACKAGE, SOURCES, source_digest
from pipeline.engine.stage import Stage

# What stands in the folder of a stage and changes no result: settings are part of the key by their values, words are
# not part of a result.
_NOT_OF_RESULT = ("settings.py", "noise_settings.py", "faithful_settings.py", "shows.py")
# What is imported and changes no result: settings; data, which is part of the key by its content; what describes a
# stage, and what a process needs, but for what is in _BY_ALL.
_NOT_FOLLOWED = ("settings/", "data/", "engine/", "runtime/")
# By what all images are made, and every result is written.
_BY_ALL = (
    "core/preprocessing.py",
    "engine/record.py",
    "engine/storage.py",
    "drawing/pictures.py",
    "runtime/numerics.py",
)
_TYPE_CHECKING = re.compile(r"^if TYPE_CHECKING:\n(?:(?:[ ]+.*)?\n)+", re.MULTILINE)
_IMPORT = re.compile(r"^\s*from (pipeline[\w.]*) import (\([^)]*\)|[^\n]*)|^\s*import (pipeline[\w.]*)", re.MULTILINE)


def source_files(stage: Stage[Any]) -> list[Path]:
    """Return the files of a stage's folder, or the one file that declares it, and all that they import, sorted."""
    found: set[Path] = set()
    todo = [*_own_files(stage), *(PACKAGE / name for name in _BY_ALL)]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += [other for other in (*_imported(file), *_templates(file)) if _counts(other)]
    return sorted(found)


def sources_digest(stage: Stage[Any]) -> str:
    """Return the digest of the source files of a stage."""
    return source_digest(source_files(stage))


def _own_files(stage: Stage[Any]) -> list[Path]:
    declared = importlib.import_module(stage.compute.__module__)
    assert declared.__file__ is not None
    file = Path(declared.__file__).resolve()
    if not file.is_relative_to(PACKAGE / "stages"):
        # it comes from outside
        return [file]
    return [path for path in file.parent.rglob("*") if path.suffix in SOURCES and path.name not in _NOT_OF_RESULT]


def _counts(file: Path) -> bool:
    name = file.relative_to(PACKAGE).as_posix()
    return not name.startswith(_NOT_FOLLOWED) and file.name not in _NOT_OF_RESULT


@functools.cache
def _imported(file: Path) -> tuple[Path, ...]:
    """Return the files of this package that a file imports, those for type checking left out."""
    if file.suffix != ".py":
        return ()
    text = _TYPE_CHECKING.sub("", file.read_text(encoding="utf-8"))
    names: set[str] = set()
    for module, imported, plainly in _IMPORT.findall(text):
        names |= {module, *(f"{module}.{name}" for name in re.findall(r"\w+", imported))} if module else {plainly}
    return tuple(path for name in sorted(names) if (path := _file_of(name)) is not None)


def _templates(file: Path) -> Iterator[Path]:
    """Yield what pages are made of that stands beside a file with code."""
    if file.suffix == ".py":
        yield from (path for path in (file.parent / "templates").glob("*") if path.suffix in SOURCES)


def _file_of(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found if found.is_file() else None
