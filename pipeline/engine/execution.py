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
from pipeline.engine.ahead import Ahead
from pipeline.engine.origin import Origin, origin_of
from pipeline.engine.plan import Next, Plan
from pipeline.engine.record import StageRecord
from pipeline.engine.result import Result
from pipeline.engine.stage import Context, Drawing, Stage, run_name
from pipeline.runtime.devices import gpu_names
from pipeline.runtime.progress import SAVING, Advance, Progress
from pipeline.runtime.tensorflow import start_tensorflow

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


@dataclass(kw_only=True)
class Execution:
    """One execution of a plan, and what is finished of it.

    composed: the settings as YAML; process: what ran, see `provenance.describe_process`; ahead: what computes the next
    result while one is drawn and recorded; after_all: finds what is next when nothing is left of this plan.
    """

    plan: Plan
    run_dir: Path
    composed: str
    process: Callable[[], dict[str, Any]]
    tags: Mapping[str, str]
    progress: Progress
    tracker: "Tracker"
    ahead: Ahead
    after_all: Callable[[], Next | None] = lambda: None
    _outcomes: dict[str, StageOutcome] = field(default_factory=dict)
    _run_ids: dict[str, str | None] = field(default_factory=dict)

    def finish(self, name: str) -> StageOutcome:
        """Return the outcome of a stage, with whatever it stands on."""
        if name not in self._outcomes:
            outcome = self._outcomes[name] = self._finished(self.plan.stages[name])
            self.plan.folders[name] = outcome.folder
            self.plan.underway.discard(name)
        return self._outcomes[name]

    def _finished(self, stage: Stage[Any]) -> StageOutcome:
        name = stage.name
        if name in self.plan.pinned:
            pinned = self.plan.pinned[name]
            record = storage.load_record(pinned.folder)
            self._run_ids[name] = pinned.run_id or self.tracker.find_run(name, record.key)
            return StageOutcome(record, pinned.folder, reused=True, run_id=self._run_ids[name])
        key = self.plan.key(name)
        place = self.plan.store.place(name, key)
        if self.plan.config.reuse and self.plan.store.holds(name, key):
            run_id = self.tracker.find_run(name, key)
            if run_id is not None or not self.tracker.is_recording:
                return self._reuse(stage, place, run_id)
        for other in stage.upstream:
            # before this stage is locked: whoever holds both would keep others from the other meanwhile
            self.finish(other)
        if not self.plan.config.reuse:
            return self._compute(stage, self.run_dir / name)
        with self._alone(name, key):
            if self.plan.store.holds(name, key):
                return self._reuse(stage, place, self.tracker.find_run(name, key))
            return self._compute(stage, place)

    @contextlib.contextmanager
    def _alone(self, name: str, key: str) -> Iterator[None]:
        """Hold the right to compute and record a result alone: whoever waits for it will look for its run."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self.plan.store.computing(name, key, on_wait=lambda: logger.warning(WAITING, name)))
            except OSError:
                # a store that may only be read
                if not self.plan.store.holds(name, key):
                    raise
            yield
            self.tracker.afterwards(held.pop_all().close)

    def _reuse(self, stage: Stage[Any], stored: Path, run_id: str | None) -> StageOutcome:
        name = stage.name
        record = storage.load_whole_record(stored)
        wanted, place = name in self.plan.config.stages, self.run_dir / name
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
        name, key = stage.name, self.plan.key(stage.name)
        self.plan.underway.add(name)
        # its bar appears before TensorFlow is imported
        self.progress(name, 0, 1)
        start_tensorflow(self.plan.config.runtime)
        began = self.ahead.begun(key)
        if began is None:
            # what cannot be loaded is told before there is a run of this stage
            self.plan.upstream(stage)
        begun = self._begun(stage)
        place = self.run_dir / name
        with self._stage_run(stage, begun, began=began) as stage_run:
            stage_run.log_params(begun.params)
            computed = self.ahead.take(key, self.progress)
            context = self._context(stage, computed.upstream if computed else self.plan.upstream(stage), stage_run)
            result = computed.result if computed else stage.compute(context)
            self.plan.hand_on(stage, result)
            self.ahead.begin(self._next)
            # its import of MLflow and those of what draws would get in each other's way
            self._run_ids[name] = stage_run.begun()
            record = dataclasses.replace(begun, **vars(stage.metrics(result, context)))
            with storage.new_folder(target) as draft:
                digests = self._save(stage, context, begun, result, draft)
                process = {**self.process(), **stage_run.computed(), "gpus": gpu_names()}
                storage.save_record(
                    record, draft, ingredients=self.plan.ingredients(name), digests=digests, process=process
                )
                if target == place:
                    stage_run.mark(draft)
            if context.checkpoint is not None:
                # what is left is nobody's, and `store prune` removes it
                with contextlib.suppress(OSError):
                    context.checkpoint.unlink()
            if target != place:
                storage.copy_folder(target, place, before=stage_run.mark)
            self._log(stage_run, stage, record, place)
        return StageOutcome(record, place, reused=False, run_id=self._run_ids.get(name))

    def _begun(self, stage: Stage[Any]) -> StageRecord:
        """Return what is known of a stage before it is computed."""
        common = {"dataset": self.plan.dataset.name, "seed": str(self.plan.config.seed)}
        return StageRecord(
            stage=stage.name,
            key=self.plan.key(stage.name),
            name=run_name(self.plan.stages, stage.name, self.process()["named_by"], stage.subject(self.plan.config)),
            params=self.plan.params(stage),
            metrics={},
            tags={**common, **self.tags, **stage.tags(self.plan.config)},
        )

    def _context(self, stage: Stage[Any], upstream: Mapping[str, Any], stage_run: "StageRun") -> Context:
        def told(task: str, done: int, total: int, **values: float) -> None:
            if stage.is_live:
                stage_run.log_epoch(done, values)
            self.progress(task, done, total, **values)

        # where nothing is stored nobody else may know of it
        store, key = self.plan.store, self.plan.key(stage.name)
        checkpoint = store.checkpoint(stage.name, key) if self.plan.config.reuse else None
        return self.plan.context(stage, upstream, told, checkpoint=checkpoint)

    def _next(self) -> Next | None:
        """Return what can be computed next, of this plan or after it."""
        return self.plan.next() or self.after_all()

    def _save(
        self, stage: Stage[Any], context: Context, begun: StageRecord, result: Result, folder: Path
    ) -> dict[str, str]:
        """Save arrays, pictures, settings and what differs from the commit; return the digests of the arrays."""
        # matplotlib is not needed when everything is there already
        from pipeline.drawing import pictures as drawing

        self.progress(SAVING, 0, 1)
        process = self.process()
        own = provenance.naming_own_settings(process.get("command", []))
        drawn_with = Drawing(
            **vars(context),
            record=begun,
            command=shlex.join(["python", "-m", "pipeline", *own, *process["overrides"]]),
            params=lambda name: self.plan.params(self.plan.stages[name]),
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
        self, stage: Stage[Any], record: StageRecord, *, origin: Origin | None = None, began: int | None = None
    ) -> "Iterator[StageRun]":
        with self.tracker.stage_run(
            stage.name,
            record.key,
            name=record.name,
            upstream={other: self._run_ids.get(other) for other in stage.upstream},
            upstream_keys={other: self.plan.key(other) for other in stage.upstream},
            tags=record.tags,
            folder=self.run_dir / stage.name,
            split=self.plan.split(stage),
            origin=origin,
            began=began,
        ) as stage_run:
            yield stage_run

    def _log(self, stage_run: "StageRun", stage: Stage[Any], record: StageRecord, folder: Path) -> None:
        """Hand everything about a finished stage to the record."""
        if not self.tracker.is_recording:
            return
        if (split := self.plan.split(stage)) is not None:
            stage_run.log_dataset(split)
        if (folder / storage.MODEL).is_file():
            stage_run.log_model(self.plan.handed_on(stage, folder), self.plan.dataset.test_images[:4])
        stage_run.log_record(record, folder)
