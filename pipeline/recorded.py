"""A stage as it was recorded, in MLflow or in a folder, and its settings."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from pipeline import schema, storage
from pipeline.__main__ import CONF, compose
from pipeline.config import Stage, TrackingBackend, TrackingConfig
from pipeline.errors import InputError
from pipeline.store import Store
from pipeline.tracking.fetching import fetched

CONFIG = "config.yaml"
UPSTREAM = f"upstream.{Stage.train.value}"


class Said(NamedTuple):
    """What was given on a command line: overrides, all of it; named_by: what of it names the runs."""

    overrides: list[str]
    named_by: list[str]


@dataclass(frozen=True)
class Recorded:
    """A stage as it was recorded. described: its stage.json; upstream: the run or folder of its training; run_id: its
    own in MLflow, None for a folder."""

    folder: Path
    described: dict[str, Any]
    upstream: str | None
    run_id: str | None

    @property
    def stage(self) -> str:
        """Its name."""
        return Stage(self.described["record"]["stage"]).value

    def said(self, more: Sequence[str]) -> Said:
        """What was given then, and `more` that is given now."""
        process = self.described["process"]
        overrides = process.get("overrides", [])
        return Said([*overrides, *more], [*process.get("named_by", overrides), *more])


@contextlib.contextmanager
def opened(run: str, output_dir: Path, uri: str | None) -> Iterator[Recorded]:
    """What the id of a run in MLflow, or the folder of a stage, stands for, until the block is left.

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
        training = folder.parent / Stage.train.value
        yield _read(folder, str(training) if training != folder and training.is_dir() else None, None)
        return
    tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=uri, experiment="mnist-dream")
    with fetched(tracking, output_dir, run) as (folder, tags):
        yield _read(folder, tags.get(UPSTREAM), run)


def _read(folder: Path, upstream: str | None, run_id: str | None) -> Recorded:
    try:
        described = json.loads((folder / storage.RECORD).read_text(encoding="utf-8"))
        recorded = Recorded(folder, described, upstream, run_id)
        _ = (
            recorded.stage,
            described["process"]["threads"],
            described["digests"],
            (folder / CONFIG).read_text(encoding="utf-8"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        takes = f"a stage (not a sweep, or a run of several) with a whole {storage.RECORD} and {CONFIG}"
        raise InputError.at("RUN", takes=takes, got=f"{folder}: {type(error).__name__}: {error}") from error
    return recorded


def stored_result(output_dir: Path, stage: str, key: str | None) -> Path | None:
    """The folder of a result in the store, if it is there, whole."""
    if key is None:
        return None
    place = Store(output_dir / "store").place(stage, key)
    return place if place.is_dir() and storage.problem(place, thorough=True) is None else None


def recorded_settings(recorded: Recorded, overrides: Sequence[str]) -> DictConfig:
    """The settings of the record, but for what is given now, `setting=value`; those that it lacks as of today.

    Raises:
        InputError: a word that is no such setting.
    """
    given = OmegaConf.load(recorded.folder / CONFIG)
    assert isinstance(given, DictConfig)
    for key in schema.fill(given, OmegaConf.structured(compose())):
        value = OmegaConf.select(given, key)
        print(f"{key}: not in the record; {value.value if isinstance(value, Enum) else value} today")
    if given.runtime.threads is None:
        # the record may be of another machine, which had others
        given.runtime.threads = recorded.described["process"]["threads"]
    for word in overrides:
        key, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"{word}: takes the form setting=value")
        if (CONF / key).is_dir():
            raise InputError(f"{word}: only single settings can be changed, such as noise.seed=1, not files of a group")
        schema.check_key(key)
        value = OmegaConf.create(f"value: {text}").value
        schema.check_value(key, value)
        OmegaConf.update(given, key, value)
    return given
