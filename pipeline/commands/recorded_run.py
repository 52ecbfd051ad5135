"""A stage as it was recorded, in MLflow or in a folder."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.commands.several import ONE, refuse_several, refuse_sweep_run, sweep_folder
from pipeline.engine import provenance, storage
from pipeline.engine.places import RUNS
from pipeline.engine.stage import CNN_STAGES
from pipeline.engine.store import Store
from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.runtime.reading import read_text
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs
from pipeline.tracking.charts import SWEEPS_STAGE
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

    def has_changed(self, name: str) -> bool:
        """Tell whether a file is not as it was saved."""
        saved = self.described.get("files", {}).get(name)
        return saved is not None and saved[1] != provenance.file_digest(self.folder / name)

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
        refuse_several(folder)
        yield _read(folder, _training_of(folder, output_dir), None)
        return
    tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=uri, experiment="mnist-dream")
    with contextlib.ExitStack() as stack:
        try:
            files, tags = stack.enter_context(fetched(tracking, output_dir, run))
        except InputError:
            place = _on_disk(output_dir, run, {})
            if place is None and sweep_folder(output_dir, run) is not None:
                refuse_sweep_run(run, output_dir)
            if place is None:
                raise
            print(f"the results of {run} are taken from {place}, as the record does not tell of it", flush=True)
            yield _read(place, _training_of(place, output_dir), None)
            return
        if tags.get("stage") == SWEEPS_STAGE:
            refuse_sweep_run(run, output_dir)
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
        described = storage.load_described(folder)
        read_text(folder / CONFIG)
    except BrokenFileError as error:
        takes = f"{ONE} and {CONFIG}"
        raise InputError.at("RUN", takes=takes, got=f"{folder}, whose {error.file.name} {error.problem}") from error
    recorded = Recorded(folder, described, upstream, run_id)
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
