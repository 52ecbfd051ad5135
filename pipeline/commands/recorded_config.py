"""The settings of a stage as it was recorded, with what is given now."""

import re
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from pipeline.commands.recorded_run import CONFIG, Recorded
from pipeline.engine import provenance
from pipeline.engine.stage import needed
from pipeline.engine.storage import load_record
from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.runtime.reading import read_text
from pipeline.settings import schema
from pipeline.settings.compose import CONF, compose
from pipeline.settings.config import Config
from pipeline.settings.words import Reader, spelled
from pipeline.stages.registry import STAGES


def recorded_settings(recorded: Recorded, overrides: Sequence[str]) -> DictConfig:
    """Return the settings of the record, but for what is given now, `setting=value`; those that it lacks as of today.

    Raises:
        InputError: a word that is no such setting.
    """
    file = recorded.folder / CONFIG
    given = _loaded(file)
    _check(given, file)
    if recorded.has_changed(CONFIG):
        print(f"mnist-dream: {file} is not as it was saved", file=sys.stderr, flush=True)
    for key in schema.fill(given, OmegaConf.structured(compose())):
        value = OmegaConf.select(given, key)
        if (isinstance(value, DictConfig) and not _concerns(recorded.stage, key)) or _is_unread(recorded.stage, key):
            # of a stage that there was not yet, or of no result
            continue
        print(f"{key}: not in the record; {value.value if isinstance(value, Enum) else value} today")
    if given.runtime.threads is None:
        # the record may be of another machine, which had others
        given.runtime.threads = recorded.described["process"]["threads"]
    reader = Reader(_is_group, is_sweep=False, several="one value is taken here")
    for word in overrides:
        override = reader.read(spelled(word))
        key = override.key_or_group
        if re.match("hydra[./]", key):
            raise InputError(f"{word}: is of a command that starts runs, and no part of the record of one")
        if word[:1] in "+~" or _is_group(key):
            raise InputError(f"{word}: only single settings can be changed, such as noise.seed=1, not files of a group")
        schema.check_key(key)
        reader.check_values(override)
        OmegaConf.update(given, key, override.value())
    return given


def _is_group(name: str) -> bool:
    return bool(name) and (CONF / name).is_dir()


def checked(composed: DictConfig, recorded: Recorded, overrides: Sequence[str]) -> Config:
    """Return the typed settings of a record; what is wrong with them is told of its file, unless it is given now.

    Args:
        composed: see `recorded_settings`.
        overrides: what is given now.
    Raises:
        InputError: a value that makes no sense.
    """
    try:
        return schema.to_config(composed)
    except InputError as error:
        key = str(error).partition(":")[0]
        if key in {word.partition("=")[0] for word in overrides} or OmegaConf.select(composed, key) is None:
            raise
        raise InputError(f"{recorded.folder / CONFIG}: {error}") from error


def _loaded(file: Path) -> DictConfig:
    """Return the settings that a file holds, in which nothing is executed.

    Raises:
        InputError: it holds none.
    """
    try:
        # a file without settings would be taken for one of an older version, which lacks some
        given = OmegaConf.create(read_text(file))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1}: {error.problem})" if mark else ""
        raise BrokenFileError(file, f"is no YAML that this program wrote{where}") from error
    except (YAMLError, OmegaConfBaseException, AssertionError, RecursionError, ValueError, OSError) as error:
        raise BrokenFileError(file, "is no YAML that this program wrote") from error
    if not isinstance(given, DictConfig) or not given:
        raise BrokenFileError(file, "holds no settings")
    return given


def _check(given: DictConfig, file: Path) -> None:
    """Refuse settings of a record that do not exist, or have another type; those that it lacks are no fault.

    Raises:
        BrokenFileError: one of them.
    """
    try:
        schema.check_types(given)
    except InputError as error:
        raise BrokenFileError(file, f"does not hold the settings of a run: {error}") from error


def at_hand(composed: DictConfig, place: Path | None, overrides: Sequence[str]) -> None:
    """Let settings name the files that a stage reads where they are now: as they were, else as the record keeps them.

    A file of the user's own with layers is never taken from a record: it would be run.

    Args:
        composed: settings of a record; changed.
        place: the folder of that stage, such as the one that handed the CNN on; None if that is gone.
        overrides: what is given now stays as it is.
    """
    if place is None:
        return
    given = {word.partition("=")[0] for word in overrides}
    for key, copy in STAGES[load_record(place).stage].kept(place).items():
        path = OmegaConf.select(composed, key)
        if path is None or key in given or _is_copy(Path(path).expanduser(), copy):
            continue
        print(f"{key}: {path} is gone or has changed; its copy is taken, {copy}", flush=True)
        OmegaConf.update(composed, key, str(copy))


def _is_copy(path: Path, copy: Path) -> bool:
    """Tell whether a file is there, and the same as a copy of it."""
    try:
        return path.is_file() and provenance.file_digest(path) == provenance.file_digest(copy)
    except OSError:
        return False


def _concerns(stage: str, key: str) -> bool:
    """Tell whether a setting is of a group that a stage, or one that it stands on, reads; or of none of a stage."""
    group = key.partition(".")[0]
    readers = {name for name in STAGES if group in STAGES[name].reads}
    return not readers or not readers.isdisjoint(needed(STAGES, [stage]))


def _is_unread(stage: str, key: str) -> bool:
    """Tell whether all of a stage and those that it stands on that read the group of a setting leave that out."""
    readers = [name for name in needed(STAGES, [stage]) if key.partition(".")[0] in STAGES[name].reads]
    return bool(readers) and all(key in STAGES[name].unread for name in readers)
