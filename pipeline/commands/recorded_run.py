"""A stage as it was recorded, in MLflow or in a folder, and its settings."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from pipeline.engine import provenance, storage
from pipeline.engine.places import RUNS
from pipeline.engine.stage import CNN_STAGES, needed
from pipeline.engine.store import Store
from pipeline.runtime.errors import InputError
from pipeline.settings import schema
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.compose import CONF, compose
from pipeline.settings.process import TrackingConfig
from pipeline.settings.words import Reader, spelled
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs
from pipeline.tracking.fetching import fetched

CONFIG = "config.yaml"


class Said(NamedTuple):
    """What was given on a command line: overrides, all of it; named_by: what of it names the runs."""

    overrides: list[str]
    named_by: list[str]


@dataclass(frozen=True)
class Recorded:
    """A stage as it was recorded. described: its stage.json; upstream: the run or folder of its training, or of
    the CNN out of a file that it stands on; run_id: its
    own in MLflow, None for a folder."""

    folder: Path
    described: dict[str, Any]
    upstream: str | None
    run_id: str | None

    @property
    def stage(self) -> str:
        """Return its name."""
        name: str = self.described["record"]["stage"]
        return name

    def said(self, more: Sequence[str]) -> Said:
        """Return what was given then, and `more` that is given now."""
        process = self.described["process"]
        overrides = process.get("overrides", [])
        return Said([*overrides, *more], [*process.get("named_by", overrides), *more])


@contextlib.contextmanager
def opened(run: str, output_dir: Path, uri: str | None) -> Iterator[Recorded]:
    """Give what the id of a run in MLflow, or the folder of a stage, stands for, until the block is left.

    Args:
        uri: of the MLflow server, None for the file in `output_dir`.
    Raises:
        InputError: it is neither.
    """
    if not run.strip():
        raise InputError.at("RUN", takes="the id of a run, or the folder of a stage", got="nothing")
    folder = Path(run).absolute()
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise InputError.at("RUN", takes="the id of a run, or the folder of a stage", got=error.strerror) from error
    if is_folder:
        yield _read(folder, _training_of(folder, output_dir), None)
        return
    tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=uri, experiment="mnist-dream")
    with contextlib.ExitStack() as stack:
        try:
            files, tags = stack.enter_context(fetched(tracking, output_dir, run))
        except InputError:
            place = _on_disk(output_dir, run, {})
            if place is None:
                raise
            print(f"the results of {run} are taken from {place}, as the record does not tell of it", flush=True)
            yield _read(place, _training_of(place, output_dir), None)
            return
        # its model MLflow keeps elsewhere
        if files is None or storage.problem(files, thorough=True, without=[storage.MODEL]) is not None:
            place = _on_disk(output_dir, run, tags)
            if place is not None:
                print(f"the results of {run} are taken from {place}, as they are not whole in its record", flush=True)
                files = place
        if files is None:
            takes = f"a run whose files are in the record, or in a folder of its stage below {output_dir}"
            raise InputError.at("RUN", takes=takes, got=f"{run}, of which there are none")
        yield _read(
            files, next((tags[name] for name in map("upstream.{}".format, CNN_STAGES) if name in tags), None), run
        )


def cnn_stage_of(folder: Path) -> str:
    """Return the stage that has handed the CNN on to the stage of this folder, or that it is itself."""
    upstream = {*storage.load_upstream(folder), storage.load_record(folder).stage}
    return next((name for name in CNN_STAGES if name in upstream), CNN_STAGES[0])


def _training_of(folder: Path, output_dir: Path) -> str | None:
    """Return the folder of the training, or of the CNN out of a file, that a stage stands on: beside it, else in the
    store; None if it is in neither.

    Args:
        folder: of the stage.
        output_dir: whose store is meant.
    """
    try:
        name = cnn_stage_of(folder)
    except InputError:
        # it is told when the folder is read
        return None
    beside = folder.parent / name
    if beside.is_dir():
        return None if beside == folder else str(beside)
    stored = stored_result(output_dir, name, storage.load_upstream(folder).get(name))
    return None if stored is None else str(stored)


def _on_disk(output_dir: Path, run: str, tags: Mapping[str, str]) -> Path | None:
    """Return the folder below `output_dir` with the whole results of a run, which MLflow does not have any more.

    It is that of the pipeline run which recorded it, else one of the store.

    Args:
        tags: of the run; empty if the record does not know it.
    """
    for top in RUNS:
        for file in sorted((output_dir / top).rglob(jobs.FILE)):
            place = _of_job(file.parent, run, tags)
            if place is not None and storage.problem(place, thorough=True) is None:
                return place
    key = tags.get("stage_key")
    return stored_result(output_dir, tags.get("stage", ""), key)


def _of_job(folder: Path, run: str, tags: Mapping[str, str]) -> Path | None:
    """Return the folder of the stage that a run in MLflow is of, if a job made or reused it."""
    job = jobs.read(folder)
    for stage, described in job.stages.items() if job is not None else ():
        if described.get("run_id") == run:
            return folder / stage
    # a job that was killed before its end
    place = folder / tags.get("stage", "")
    with contextlib.suppress(InputError):
        of_place = storage.load_record(place).key, storage.load_process(place).get("pipeline_id")
        if of_place == (tags.get("stage_key"), tags.get("pipeline_id")):
            return place
    return None


def _read(folder: Path, upstream: str | None, run_id: str | None) -> Recorded:
    try:
        described = json.loads((folder / storage.RECORD).read_text(encoding="utf-8"))
        recorded = Recorded(folder, described, upstream, run_id)
        _ = recorded.stage, described["process"]["threads"], described["digests"]
        (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        takes = f"a stage (not a sweep, or a run of several) with a whole {storage.RECORD} and {CONFIG}"
        raise InputError.at("RUN", takes=takes, got=f"{folder}: {type(error).__name__}: {error}") from error
    if recorded.stage not in STAGES:
        takes = f"a stage that is known here: {', '.join(STAGES)}"
        raise InputError.at("RUN", takes=takes, got=f"{folder}, of the stage {recorded.stage}")
    return recorded


def stored_result(output_dir: Path, stage: str, key: str | None) -> Path | None:
    """Return the folder of a result in the store, if it is there, whole."""
    if key is None:
        return None
    place = Store(output_dir / "store", STAGES).place(stage, key)
    return place if place.is_dir() and storage.problem(place, thorough=True) is None else None


def recorded_settings(recorded: Recorded, overrides: Sequence[str]) -> DictConfig:
    """Return the settings of the record, but for what is given now, `setting=value`; those that it lacks as of today.

    Raises:
        InputError: a word that is no such setting.
    """
    given = OmegaConf.load(recorded.folder / CONFIG)
    assert isinstance(given, DictConfig)
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
        if word[:1] in "+~" or _is_group(key):
            raise InputError(f"{word}: only single settings can be changed, such as noise.seed=1, not files of a group")
        schema.check_key(key)
        reader.check_values(override)
        OmegaConf.update(given, key, override.value())
    return given


def _is_group(name: str) -> bool:
    return bool(name) and (CONF / name).is_dir()


def at_hand(composed: DictConfig, place: Path | None, overrides: Sequence[str]) -> None:
    """Let settings name the files of a CNN where they are now: as they were, else as the record keeps them.

    A file of the user's own with layers is never taken from a record: it would be run.

    Args:
        composed: settings of a record; changed.
        place: the folder of the stage that handed the CNN on; None if that is gone.
        overrides: what is given now stays as it is.
    """
    if place is None:
        return
    given = {word.partition("=")[0] for word in overrides}
    for key, copy in STAGES[cnn_stage_of(place)].kept(place).items():
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
