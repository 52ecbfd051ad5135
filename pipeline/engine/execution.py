"""One execution of the pipeline: a stage is computed once, or taken from the store if it is there."""

import contextlib
import dataclasses
import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.data.dataset import Dataset, DatasetSplit
from pipeline.engine import provenance, storage
from pipeline.engine.origin import Origin, origin_of
from pipeline.engine.record import StageRecord, params_of
from pipeline.engine.result import Result
from pipeline.engine.sources import sources_digest
from pipeline.engine.stage import Context, Drawing, Stage, run_name
from pipeline.engine.store import Store
from pipeline.runtime.progress import SAVING, Advance, Progress
from pipeline.runtime.tensorflow import gpus, start_tensorflow
from pipeline.settings.config import Config

if TYPE_CHECKING:
    from pipeline.tracking import StageRun, Tracker

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
        """Return what a summary of many runs says of it."""
        record = self.record
        return {"key": record.key, "reused": self.reused, "run_id": self.run_id, "metrics": record.metrics}


@dataclass(frozen=True)
class PinnedResult:
    """A result of an earlier run: its folder, and the id of its run in MLflow, None if that is not known."""

    folder: Path
    run_id: str | None


@dataclass(kw_only=True)
class Execution:
    """The inputs of one execution, and what is finished of it.

    stages: all there are, by name; inputs: stage -> what it has read; composed: the settings as YAML; process: what
    ran, see `provenance.describe_process`; pinned: results that are taken as they are, whatever the settings would lead
    to.
    """

    stages: Mapping[str, Stage[Any]]
    config: Config
    run_dir: Path
    dataset: Dataset
    inputs: Mapping[str, Mapping[str, Any]]
    composed: str
    process: Callable[[], dict[str, Any]]
    tags: Mapping[str, str]
    progress: Progress
    tracker: "Tracker"
    pinned: Mapping[str, PinnedResult] = field(default_factory=dict)
    _outcomes: dict[str, StageOutcome] = field(default_factory=dict)
    _run_ids: dict[str, str | None] = field(default_factory=dict)
    _handed_on: dict[str, Any] = field(default_factory=dict)
    _known_ingredients: dict[str, dict[str, Any]] = field(default_factory=dict)

    def finish(self, name: str) -> StageOutcome:
        """Return the outcome of a stage, with whatever it stands on."""
        if name not in self._outcomes:
            self._outcomes[name] = self._finished(self.stages[name])
        return self._outcomes[name]

    def _finished(self, stage: Stage[Any]) -> StageOutcome:
        name = stage.name
        if name in self.pinned:
            pinned = self.pinned[name]
            record = storage.load_record(pinned.folder)
            self._run_ids[name] = pinned.run_id or self.tracker.find_run(name, record.key)
            return StageOutcome(record, pinned.folder, reused=True, run_id=self._run_ids[name])
        key = self.key(name)
        place = self._store.place(name, key)
        if self.config.reuse and self._store.holds(name, key):
            run_id = self.tracker.find_run(name, key)
            if run_id is not None or not self.tracker.is_recording:
                return self._reuse(stage, place, run_id)
        for other in stage.upstream:
            # before this stage is locked: whoever holds both would keep others from the other meanwhile
            self.finish(other)
        if not self.config.reuse:
            return self._compute(stage, self.run_dir / name)
        with self._alone(name, key):
            if self._store.holds(name, key):
                return self._reuse(stage, place, self.tracker.find_run(name, key))
            return self._compute(stage, place)

    @contextlib.contextmanager
    def _alone(self, name: str, key: str) -> Iterator[None]:
        """Hold the right to compute and record a result alone: whoever waits for it will look for its run."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self._store.computing(name, key, on_wait=lambda: logger.warning(WAITING, name)))
            except OSError:
                # a store that may only be read
                if not self._store.holds(name, key):
                    raise
            yield
            self.tracker.afterwards(held.pop_all().close)

    def key(self, name: str) -> str:
        """Return the digest of everything that a stage's result depends on."""
        if name in self.pinned:
            return storage.load_record(self.pinned[name].folder).key
        return provenance.digest(self._ingredients(name))

    def _ingredients(self, name: str) -> dict[str, Any]:
        # once: it reads source files, and stages that stand on others ask for theirs again and again
        if name not in self._known_ingredients:
            stage = self.stages[name]
            self._known_ingredients[name] = {
                "stage": name,
                "settings": stage.settings(self.config),
                "upstream": {other: self.key(other) for other in stage.upstream},
                "inputs": self._input_digests(stage),
                **self._other_ingredients(stage),
                "sources": sources_digest(stage),
                "versions": provenance.numeric_versions(),
                "environment": provenance.numeric_switches(),
            }
        return self._known_ingredients[name]

    def _other_ingredients(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return what else a result depends on: a seed of no group, and the names of classes, which pictures show."""
        seed = stage.seed(self.config)
        classes = {} if stage.split is None else {"classes": list(self.dataset.class_names)}
        return classes if seed is None else {**classes, "seed": seed}

    def _input_digests(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return name -> digest of what a stage reads."""
        data = {} if stage.split is None else {"data": self.dataset.digest}
        return data | provenance.array_digests(self.inputs[stage.name])

    @property
    def _store(self) -> Store:
        return Store(Path(self.config.output_dir) / "store", list(self.stages))

    def _upstream(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return what the stages that a stage stands on hand on; loaded when the first one asks for it."""
        return {other: self._of(self.stages[other], self.finish(other).folder) for other in stage.upstream}

    def _of(self, stage: Stage[Any], folder: Path) -> Any:
        if stage.name not in self._handed_on:
            # what is loaded may be a model
            start_tensorflow(self.config.runtime)
            load = stage.load
            found = storage.load_result(stage.result, folder) if load is None else load(folder)
            self._handed_on[stage.name] = found
        return self._handed_on[stage.name]

    def _reuse(self, stage: Stage[Any], stored: Path, run_id: str | None) -> StageOutcome:
        name = stage.name
        record = storage.load_whole_record(stored)
        wanted, place = name in self.config.stages, self.run_dir / name
        self._run_ids[name] = run_id
        if run_id is None:
            # computed while nothing was recorded, or for another record
            with self._stage_run(stage, record, origin=origin_of(stored)) as stage_run:
                self._run_ids[name] = stage_run.begun()
                if wanted:
                    storage.copy_folder(stored, place, before=stage_run.mark)
                self._log(stage_run, stage, record, stored)
        elif wanted:
            storage.copy_folder(stored, place)
        return StageOutcome(record, place if wanted else stored, reused=True, run_id=self._run_ids[name])

    def _compute(self, stage: Stage[Any], target: Path) -> StageOutcome:
        """Return the outcome of a stage that is computed now, in `target` and in the folder of this run."""
        name = stage.name
        upstream = self._upstream(stage)
        start_tensorflow(self.config.runtime)
        begun = self._begun(stage)
        place = self.run_dir / name
        with self._stage_run(stage, begun) as stage_run:
            stage_run.log_params(begun.params)
            self.progress(name, 0, 1)
            context = self._context(stage, upstream, stage_run)
            result = stage.compute(context)
            # its import of MLflow and those of what draws would get in each other's way
            self._run_ids[name] = stage_run.begun()
            if stage.hand_on is not None:
                self._handed_on[name] = stage.hand_on(result)
            record = dataclasses.replace(begun, **vars(stage.metrics(result, context)))
            with storage.new_folder(target) as draft:
                digests = self._save(stage, context, begun, result, draft)
                process = {**self.process(), **stage_run.computed(), "gpus": gpus()}
                storage.save_record(
                    record, draft, ingredients=self._ingredients(name), digests=digests, process=process
                )
                if target == place:
                    stage_run.mark(draft)
            if target != place:
                storage.copy_folder(target, place, before=stage_run.mark)
            self._log(stage_run, stage, record, place)
        return StageOutcome(record, place, reused=False, run_id=self._run_ids.get(name))

    def _begun(self, stage: Stage[Any]) -> StageRecord:
        """Return what is known of a stage before it is computed."""
        common = {"dataset": self.dataset.name, "seed": str(self.config.seed)}
        return StageRecord(
            stage=stage.name,
            key=self.key(stage.name),
            name=run_name(self.stages, stage.name, self.process()["named_by"]),
            params=self._params(stage),
            metrics={},
            tags={**common, **self.tags, **stage.tags(self.config)},
        )

    def _params(self, stage: Stage[Any]) -> dict[str, str]:
        return params_of({**stage.settings(self.config), **stage.params(self.config, self.dataset)})

    def _context(self, stage: Stage[Any], upstream: Mapping[str, Any], stage_run: "StageRun") -> Context:
        def told(task: str, done: int, total: int, **values: float) -> None:
            if stage.is_live:
                stage_run.log_epoch(done, values)
            self.progress(task, done, total, **values)

        return Context(
            config=self.config,
            dataset=self.dataset,
            inputs=self.inputs[stage.name],
            upstream=upstream,
            progress=told,
        )

    def _save(
        self, stage: Stage[Any], context: Context, begun: StageRecord, result: Result, folder: Path
    ) -> dict[str, str]:
        """Save arrays, pictures, settings and what differs from the commit; return the digests of the arrays."""
        # matplotlib is not needed when everything is there already
        from pipeline.drawing import pictures as drawing

        self.progress(SAVING, 0, 1)
        drawn_with = Drawing(
            **vars(context),
            record=begun,
            command=shlex.join(["python", "-m", "pipeline", *self.process()["overrides"]]),
            params=lambda name: self._params(self.stages[name]),
        )
        pictures = stage.draw(result, drawn_with)
        on_saved = Advance(SAVING, self.progress, storage.size(result) + drawing.size(pictures))
        digests = storage.save_result(result, folder, on_saved=on_saved)
        drawing.save_pictures(pictures, folder, on_saved=on_saved)
        (folder / "config.yaml").write_text(self.composed, encoding="utf-8")
        if diff := provenance.git_diff():
            (folder / DIFF).write_text(diff, encoding="utf-8")
        return digests

    @contextlib.contextmanager
    def _stage_run(
        self, stage: Stage[Any], record: StageRecord, *, origin: Origin | None = None
    ) -> "Iterator[StageRun]":
        with self.tracker.stage_run(
            stage.name,
            record.key,
            name=record.name,
            upstream={other: self._run_ids.get(other) for other in stage.upstream},
            upstream_keys={other: self.key(other) for other in stage.upstream},
            tags=record.tags,
            folder=self.run_dir / stage.name,
            split=self._split(stage),
            origin=origin,
        ) as stage_run:
            yield stage_run

    def _log(self, stage_run: "StageRun", stage: Stage[Any], record: StageRecord, folder: Path) -> None:
        """Hand everything about a finished stage to the record."""
        if not self.tracker.is_recording:
            return
        if (split := self._split(stage)) is not None:
            stage_run.log_dataset(split)
        if (folder / storage.MODEL).is_file():
            stage_run.log_model(self._of(stage, folder), self.dataset.test_images[:4])
        stage_run.log_record(record, folder)

    def _split(self, stage: Stage[Any]) -> DatasetSplit | None:
        return None if stage.split is None else DatasetSplit(self.dataset, stage.split(self.config))
