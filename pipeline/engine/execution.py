"""One execution of the pipeline: a stage is computed once, or taken from the store if it is there."""

import contextlib
import dataclasses
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.engine import provenance, storage
from pipeline.engine.calling import compute, draw
from pipeline.engine.dependencies import DREAMS, LOOK_AT_DATA, UPSTREAM, sources_of
from pipeline.engine.figures import figures
from pipeline.engine.inputs import Inputs
from pipeline.engine.record import StageRecord, params_of, run_name, settings_of
from pipeline.engine.results import StageResult
from pipeline.engine.store import Store
from pipeline.engine.tables import tables_of
from pipeline.runtime.progress import SAVING, Advance, Progress
from pipeline.runtime.tensorflow import gpus, start_tensorflow
from pipeline.settings.choices import Split, Stage
from pipeline.settings.config import Config
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics
from pipeline.stages.train.result import TrainResult
from pipeline.tracking import Half, Origin, StageRun, Tracker

if TYPE_CHECKING:
    import keras

# What the source files had that their commit has not.
DIFF = "git.diff"
WAITING = "%s: another process computes it; waiting for its result"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageOutcome:
    """A stage's record, the folder with its results, whether they were there before, and the id of its MLflow run."""

    record: StageRecord
    folder: Path
    reused: bool
    run_id: str | None

    def described(self) -> dict[str, Any]:
        """What a summary of many runs says of it."""
        record = self.record
        return {"key": record.key, "reused": self.reused, "run_id": self.run_id, "metrics": record.metrics}


@dataclass(frozen=True)
class Given:
    """A result of an earlier run: its folder, and the id of its run in MLflow, None if that is not known."""

    folder: Path
    run_id: str | None


@dataclass(kw_only=True)
class Execution:
    """The inputs of one execution, and what is finished of it.

    composed: the settings as YAML. process: what ran, see `provenance.describe_process`. given: results that are taken
    as they are, whatever the settings would lead to.
    """

    config: Config
    run_dir: Path
    inputs: Inputs
    composed: str
    process: Callable[[], dict[str, Any]]
    tags: Mapping[str, str]
    progress: Progress
    tracker: Tracker
    given: Mapping[Stage, Given] = field(default_factory=dict)
    _outcomes: dict[Stage, StageOutcome] = field(default_factory=dict)
    _run_ids: dict[Stage, str | None] = field(default_factory=dict)
    _results: dict[Stage, StageResult] = field(default_factory=dict)
    _known_ingredients: dict[Stage, dict[str, Any]] = field(default_factory=dict)
    _trained: "keras.Model | None" = None

    def finish(self, stage: Stage) -> StageOutcome:
        """The outcome of a stage, with whatever it stands on."""
        if stage not in self._outcomes:
            self._outcomes[stage] = self._finished(stage)
        return self._outcomes[stage]

    def _finished(self, stage: Stage) -> StageOutcome:
        if stage in self.given:
            given = self.given[stage]
            record = storage.load_record(given.folder)
            self._run_ids[stage] = given.run_id or self.tracker.find_run(stage.value, record.key)
            return StageOutcome(record, given.folder, reused=True, run_id=self._run_ids[stage])
        name, key = stage.value, self.key(stage)
        place = self._store.place(name, key)
        if self.config.reuse and self._store.holds(name, key):
            run_id = self.tracker.find_run(name, key)
            if run_id is not None or not self.tracker.is_recording:
                return self._reuse(stage, place, run_id)
        for other in UPSTREAM[stage]:
            # before this stage is locked: whoever holds both would keep others from the other meanwhile
            self.finish(other)
        if not self.config.reuse:
            return self._compute(stage, self.run_dir / stage.value)
        with self._alone(name, key):
            if self._store.holds(name, key):
                return self._reuse(stage, place, self.tracker.find_run(name, key))
            return self._compute(stage, place)

    @contextlib.contextmanager
    def _alone(self, name: str, key: str) -> Iterator[None]:
        """Be the only one who computes a result, and records it: whoever waits for it will look for its run."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self._store.computing(name, key, on_wait=lambda: logger.warning(WAITING, name)))
            except OSError:
                # a store that may only be read
                if not self._store.holds(name, key):
                    raise
            yield
            self.tracker.afterwards(held.pop_all().close)

    def key(self, stage: Stage) -> str:
        """The digest of everything that the stage's result depends on."""
        if stage in self.given:
            return storage.load_record(self.given[stage].folder).key
        return provenance.digest(self._ingredients(stage))

    def _ingredients(self, stage: Stage) -> dict[str, Any]:
        # once: it reads all source files, and stages that stand on others ask for theirs again and again
        if stage not in self._known_ingredients:
            self._known_ingredients[stage] = self._new_ingredients(stage)
        return self._known_ingredients[stage]

    def _new_ingredients(self, stage: Stage) -> dict[str, Any]:
        return {
            "stage": stage.value,
            "settings": settings_of(self.config, stage),
            "upstream": {other.value: self.key(other) for other in UPSTREAM[stage]},
            "inputs": self.inputs.digests(stage),
            "sources": sources_of(stage),
            "versions": provenance.numeric_versions(),
            "environment": provenance.numeric_switches(),
        }

    @property
    def _store(self) -> Store:
        return Store(Path(self.config.output_dir) / "store")

    def _model(self) -> "keras.Model":
        """The trained model; a stored one is loaded when the first stage that needs it runs."""
        outcome = self.finish(Stage.train)
        return self._model_of(outcome.folder)

    def _model_of(self, folder: Path) -> "keras.Model":
        if self._trained is None:
            start_tensorflow(self.config.runtime)
            self._trained = storage.load_model(folder)
        return self._trained

    def _reuse(self, stage: Stage, stored: Path, run_id: str | None) -> StageOutcome:
        record = storage.load_whole_record(stored)
        wanted, place = stage in self.config.stages, self.run_dir / stage.value
        self._run_ids[stage] = run_id
        if run_id is None:
            # computed while nothing was recorded, or for another record
            with self._stage_run(stage, record, origin=_origin(stored)) as stage_run:
                self._run_ids[stage] = stage_run.begun()
                if wanted:
                    storage.copy_folder(stored, place, before=stage_run.mark)
                self._log(stage_run, stage, record, stored)
        elif wanted:
            storage.copy_folder(stored, place)
        return StageOutcome(record, place if wanted else stored, reused=True, run_id=self._run_ids[stage])

    def _compute(self, stage: Stage, target: Path) -> StageOutcome:
        """The result of a stage, in `target` and in the folder of this run."""
        model = None if stage is Stage.train else self._model()
        start_tensorflow(self.config.runtime)
        begun = StageRecord(
            stage=stage.value,
            key=self.key(stage),
            name=run_name(stage, self.process()["named_by"]),
            params=params_of(self.config, stage, self.inputs.dataset),
            metrics={},
            tags=self._tags(stage),
        )
        place = self.run_dir / stage.value
        with self._stage_run(stage, begun) as stage_run:
            stage_run.log_params(begun.params)
            self.progress(stage.value, 0, 1)
            result = self._result(stage, model, stage_run)
            # its import of MLflow and those of what draws would get in each other's way
            self._run_ids[stage] = stage_run.begun()
            if isinstance(result, TrainResult):
                self._trained = result.model
            record = dataclasses.replace(begun, tables=tables_of(self.config, result), **vars(figures(result)))
            with storage.new_folder(target) as draft:
                digests = self._save(begun, result, draft)
                (draft / "config.yaml").write_text(self.composed, encoding="utf-8")
                if diff := provenance.git_diff():
                    (draft / DIFF).write_text(diff, encoding="utf-8")
                process = {**self.process(), **stage_run.computed(), "gpus": gpus()}
                storage.save_record(
                    record, draft, ingredients=self._ingredients(stage), digests=digests, process=process
                )
                if target == place:
                    stage_run.mark(draft)
            if target != place:
                storage.copy_folder(target, place, before=stage_run.mark)
            self._log(stage_run, stage, record, place)
        return StageOutcome(record, place, reused=False, run_id=self._run_ids.get(stage))

    def _result(self, stage: Stage, model: "keras.Model | None", stage_run: StageRun) -> StageResult:
        """Call the stage's function."""

        def told(task: str, done: int, total: int, **values: float) -> None:
            if stage is Stage.train:
                stage_run.log_epoch(done, values)
            self.progress(task, done, total, **values)

        return compute(stage, self.config, self.inputs, model=model, upstream=self._upstream(stage), progress=told)

    def _upstream(self, stage: Stage) -> dict[Stage, StageResult]:
        """The results that a stage stands on, but for the model."""
        return {other: self._loaded(other) for other in UPSTREAM[stage] if other is not Stage.train}

    def _loaded(self, stage: Stage) -> StageResult:
        if stage not in self._results:
            kinds: dict[Stage, type[StageResult]] = {Stage.statistics: MapStatistics, Stage.oip: OipSweepResult}
            self._results[stage] = storage.load_result(kinds[stage], self.finish(stage).folder)
        return self._results[stage]

    def _save(self, record: StageRecord, result: StageResult, folder: Path) -> dict[str, str]:
        """Arrays and pictures; the digests of the arrays."""
        from pipeline.drawing import pictures as drawing

        self.progress(SAVING, 0, 1)
        upstream = self._upstream(Stage(record.stage))
        command = shlex.join(["python", "-m", "pipeline", *self.process()["overrides"]])
        pictures = draw(result, self.config, self.inputs, upstream=upstream, record=record, command=command)
        on_saved = Advance(SAVING, self.progress, storage.size(result) + drawing.size(pictures))
        digests = storage.save_result(result, folder, on_saved=on_saved)
        drawing.save_pictures(pictures, folder, on_saved=on_saved)
        return digests

    @contextlib.contextmanager
    def _stage_run(self, stage: Stage, record: StageRecord, *, origin: Origin | None = None) -> Iterator[StageRun]:
        above = UPSTREAM[stage]
        with self.tracker.stage_run(
            stage.value,
            record.key,
            name=record.name,
            upstream={other.value: self._run_ids.get(other) for other in above},
            upstream_keys={other.value: self.key(other) for other in above},
            tags=record.tags,
            folder=self.run_dir / stage.value,
            half=self._half(stage),
            origin=origin,
        ) as stage_run:
            yield stage_run

    def _log(self, stage_run: StageRun, stage: Stage, record: StageRecord, folder: Path) -> None:
        """Hand everything about a finished stage to the record."""
        if not self.tracker.is_recording:
            return
        if (half := self._half(stage)) is not None:
            stage_run.log_dataset(half)
        if stage is Stage.train:
            stage_run.log_model(self._model_of(folder), self.inputs.dataset.test_images[:4])
        stage_run.log_record(record, folder)

    def _half(self, stage: Stage) -> Half | None:
        """What a stage looks at of the data; None for nothing."""
        if stage not in LOOK_AT_DATA:
            return None
        splits = {
            Stage.train: Split.train,
            Stage.activations: self.config.activations.split,
            Stage.statistics: self.config.statistics.split,
            Stage.atlas: self.config.statistics.split,
        }
        return Half(self.inputs.dataset, splits.get(stage, Split.test).value)

    def _tags(self, stage: Stage) -> dict[str, str]:
        tags = {"dataset": self.inputs.dataset.name, "seed": str(self.config.seed), **self.tags}
        if stage in (Stage.oip, Stage.atlas):
            tags["layer"] = self.config.oip.layer
        if stage is Stage.statistics:
            tags["layer"] = self.config.statistics.layer
        if stage in DREAMS:
            tags |= {"layer": self.config.dream.layer, "photo": Path(self.config.dream.photo).name}
        return tags


def _origin(stored: Path) -> Origin | None:
    """Who computed what is in the store, and when; None if it does not say so."""
    process = storage.load_process(stored)
    try:
        return Origin(
            pipeline_id=process["pipeline_id"], start_time=process["start_time"], end_time=process["end_time"]
        )
    except KeyError:
        return None
