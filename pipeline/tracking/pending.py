"""The mark of a stage that MLflow does not know of, or not all: a small file in the stage's folder, for `sync`."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline.engine.places import MARK
from pipeline.runtime.errors import InputError
from pipeline.runtime.files import write_whole
from pipeline.runtime.reading import read_as


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A stage that another one stands on: its key, and its run as far as that is known."""

    key: str
    run_id: str | None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The things that the record of a stage needs beyond its stage.json.

    uri: without passwords; None for the SQLite file of the output folder, wherever that is moved. needs_password:
    whether something was left out. start_time, end_time: of the stage, in ms. status: what the run ends with when all
    is recorded. run_id: of the run that was begun, None if there is none. dataset: see `datasets.described`;
    image_type: NumPy's name for the type of its images. reason: why it is not recorded; None while it may still be.
    """

    experiment: str
    stage: str
    key: str
    pipeline_id: str
    name: str
    tags: dict[str, str]
    upstream: dict[str, Upstream] = field(default_factory=dict)
    start_time: int
    end_time: int = 0
    uri: str | None = None
    needs_password: bool = False
    status: str = "FINISHED"
    run_id: str | None = None
    dataset: dict[str, str] | None = None
    image_type: str = "float32"
    reason: str | None = None

    def write(self, folder: Path) -> None:
        """Leave the mark in a stage's folder, whole or not at all."""
        write_whole(folder / MARK, json.dumps(asdict(self), indent=1))

    def with_reason(self, reason: str) -> "Mark":
        """Return the same mark with the reason why it is not recorded."""
        return replace(self, reason=reason)

    def is_of(self, other: "Mark") -> bool:
        """Tell whether both are of one execution of a stage."""
        return (self.stage, self.key, self.pipeline_id) == (other.stage, other.key, other.pipeline_id)


def read_mark(folder: Path) -> Mark | None:
    """Return the mark of a stage's folder; None if there is none.

    Raises:
        InputError: it is broken.
    """
    return read_as(Mark, folder / MARK) if os.path.lexists(folder / MARK) else None


def remove_mark(mark: Mark, folder: Path) -> None:
    """Take the mark away, unless it is of another execution. One that cannot be removed costs a look by `sync`."""
    with contextlib.suppress(OSError, InputError):
        found = read_mark(folder)
        if found is not None and found.is_of(mark):
            (folder / MARK).unlink()
