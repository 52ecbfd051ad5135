"""One execution of the pipeline: a stage is computed once, or taken from the store if it is there."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import provenance, storage
from pipeline.config import Config, Stage
from pipeline.progress import SAVING, Advance, Progress
from pipeline.record import StageRecord, figures, params_of, run_name, settings_of
from pipeline.results import (
    ActivationsResult,
    Dataset,
    DreamResult,
    DreamSheetResult,
    OipSweepResult,
    StageResult,
    TrainResult,
)
from pipeline.runtime import gpus, start_tensorflow
from pipeline.store import Store
from pipeline.tables import tables_of
from pipeline.tracking import Origin, StageRun, Tracker

if TYPE_CHECKING:
    import keras

    from pipeline import rendering

DREAMING = ("stages/dreaming", "stages/oip.py", "stages/starts.py", "core")
# What a stage runs, beyond the settings: when one of these files changes, its results are computed anew.
SOURCES = {
    Stage.train: ("stages/train.py", "core/cnn.py", "core/training.py"),
    Stage.activations: ("stages/activations.py", "stages/selection.py", "core/cnn.py"),
    Stage.oip: ("stages/oip.py", "stages/starts.py", "core"),
    Stage.dream: ("stages/dream.py", *DREAMING),
    Stage.dream_sheet: ("stages/dream_sheet.py", *DREAMING),
}
# The stages that dream into a photo.
DREAMS = (Stage.dream, Stage.dream_sheet)
# The stages whose record names the data set.
LOOK_AT_DATA = (Stage.train, Stage.activations)
# What the source files had that their commit has not.
DIFF = "git.diff"
PICTURES = ("rendering", "record.py", "storage.py", "results.py")
WAITING = "%s: another process computes it; waiting for its result"

logger = logging.getLogger(__name__)


def sources_of(stage: str) -> str:
    """The digest of the source files that a result of this stage depends on."""
    return provenance.source_digest([*SOURCES[Stage(stage)], *PICTURES])


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


@dataclass(kw_only=True)
class Execution:
    """The inputs of one execution, and what is finished of it.

    composed: the settings as YAML. process: what ran, see `provenance.describe_process`.
    """

    config: Config
    run_dir: Path
    dataset: Dataset
    photo: np.ndarray | None
    mask: np.ndarray | None
    start_pictures: np.ndarray | None
    initial_weights: dict[str, np.ndarray] | None
    composed: str
    process: Callable[[], dict[str, Any]]
    tags: Mapping[str, str]
    progress: Progress
    tracker: Tracker
    _outcomes: dict[Stage, StageOutcome] = field(default_factory=dict)
    _run_ids: dict[Stage, str | None] = field(default_factory=dict)
    _trained: "keras.Model | None" = None

    def finish(self, stage: Stage) -> StageOutcome:
        """The outcome of a stage, with whatever it stands on."""
        if stage not in self._outcomes:
            self._outcomes[stage] = self._finished(stage)
        return self._outcomes[stage]

    def _finished(self, stage: Stage) -> StageOutcome:
        if not self.config.reuse:
            return self._compute(stage, self.run_dir / stage.value)
        name, key = stage.value, self.key(stage)
        place = self._store.place(name, key)
        if self._store.holds(name, key):
            run_id = self.tracker.find_run(name, key)
            if run_id is not None or not self.tracker.is_recording:
                return self._reuse(stage, place, run_id)
        if stage is not Stage.train:
            # before this stage is locked: whoever holds both would keep others from the training meanwhile
            self.finish(Stage.train)
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
        return provenance.digest(self._ingredients(stage))

    def _ingredients(self, stage: Stage) -> dict[str, Any]:
        return {
            "stage": stage.value,
            "settings": settings_of(self.config, stage),
            "upstream": None if stage is Stage.train else self.key(Stage.train),
            "inputs": self._input_digests(stage),
            "sources": sources_of(stage.value),
            "versions": provenance.numeric_versions(),
        }

    def _input_digests(self, stage: Stage) -> dict[str, Any]:
        if stage in DREAMS:
            inputs = {"photo": self.photo, "mask": self.mask}
            return {name: provenance.array_digest(array) for name, array in inputs.items() if array is not None}
        if stage is Stage.oip and self.start_pictures is not None:
            return {"data": self.dataset.digest, "start_pictures": provenance.array_digest(self.start_pictures)}
        if stage is Stage.train and self.initial_weights is not None:
            weights = {name: provenance.array_digest(array) for name, array in self.initial_weights.items()}
            return {"data": self.dataset.digest, "initial_weights": weights}
        return {"data": self.dataset.digest}

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
            name=run_name(stage, self.process()["overrides"]),
            params=params_of(self.config, stage, self.dataset),
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
                digests = self._save(result, draft)
                (draft / "config.yaml").write_text(self.composed)
                if diff := provenance.git_diff():
                    (draft / DIFF).write_text(diff)
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
        config = self.config

        if stage is Stage.train:
            from pipeline.stages.train import train

            def progress(task: str, done: int, total: int, **values: float) -> None:
                stage_run.log_epoch(done, values)
                self.progress(task, done, total, **values)

            weights = self.initial_weights
            return train(
                config.train,
                config.model,
                self.dataset,
                seed=config.train.seed,
                initial_weights=weights,
                progress=progress,
            )
        assert model is not None
        if stage is Stage.activations:
            from pipeline.stages.activations import extract_activations

            return extract_activations(config.activations, model, self.dataset, progress=self.progress)
        if stage is Stage.oip:
            from pipeline.stages.oip import sweep_oips

            return sweep_oips(
                config.oip,
                config.noise,
                model,
                seed=config.noise.seed,
                reference_images=self.dataset.test_images,
                start_pictures=self.start_pictures,
                progress=self.progress,
            )
        assert self.photo is not None
        if stage is Stage.dream_sheet:
            from pipeline.stages.dream_sheet import dream_sheet

            return dream_sheet(
                config.dream, model, self.photo, seed=config.seed, mask=self.mask, progress=self.progress
            )
        from pipeline.stages.dream import dream

        return dream(config.dream, model, self.photo, seed=config.seed, mask=self.mask, progress=self.progress)

    def _save(self, result: StageResult, folder: Path) -> dict[str, str]:
        """Arrays and pictures; the digests of the arrays."""
        # matplotlib is not needed when everything is there already
        from pipeline import rendering

        self.progress(SAVING, 0, 1)
        pictures = self._draw(result)
        on_saved = Advance(SAVING, self.progress, storage.size(result) + rendering.size(pictures))
        digests = storage.save_result(result, folder, on_saved=on_saved)
        rendering.save_pictures(pictures, folder, on_saved=on_saved)
        return digests

    def _draw(self, result: StageResult) -> "rendering.Pictures":
        from pipeline import rendering

        match result:
            case TrainResult():
                return rendering.render_train(result)
            case ActivationsResult():
                return rendering.render_activations(self.config.activations, result, self.dataset.class_names)
            case OipSweepResult():
                dense = self.config.oip.layer in self.config.model.dense
                return rendering.render_oips(self.config.oip, result, dense=dense)
            case DreamResult():
                return rendering.render_dream(self.config.dream, result)
            case DreamSheetResult():
                return rendering.render_dream_sheet(self.config.dream, result)

    @contextlib.contextmanager
    def _stage_run(self, stage: Stage, record: StageRecord, *, origin: Origin | None = None) -> Iterator[StageRun]:
        above = [] if stage is Stage.train else [Stage.train]
        with self.tracker.stage_run(
            stage.value,
            record.key,
            name=record.name,
            upstream={other.value: self._run_ids.get(other) for other in above},
            upstream_keys={other.value: self.key(other) for other in above},
            tags=record.tags,
            folder=self.run_dir / stage.value,
            dataset=self.dataset if stage in LOOK_AT_DATA else None,
            origin=origin,
        ) as stage_run:
            yield stage_run

    def _log(self, stage_run: StageRun, stage: Stage, record: StageRecord, folder: Path) -> None:
        """Hand everything about a finished stage to the record."""
        if not self.tracker.is_recording:
            return
        if stage in LOOK_AT_DATA:
            stage_run.log_dataset(self.dataset)
        if stage is Stage.train:
            stage_run.log_model(self._model_of(folder), self.dataset.test_images[:4])
        stage_run.log_record(record, folder)

    def _tags(self, stage: Stage) -> dict[str, str]:
        tags = {"dataset": self.dataset.name, "seed": str(self.config.seed), **self.tags}
        if stage is Stage.oip:
            tags["layer"] = self.config.oip.layer
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
