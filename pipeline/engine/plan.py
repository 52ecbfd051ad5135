"""The results that settings ask for: the key of each, and what it is computed with."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.data.dataset import Dataset, DatasetSplit
from pipeline.engine import provenance, storage
from pipeline.engine.ahead import Computed
from pipeline.engine.record import params_of
from pipeline.engine.sources import sources_digest
from pipeline.engine.stage import Context, Stage, needed
from pipeline.engine.store import Store
from pipeline.runtime.progress import Progress
from pipeline.runtime.tensorflow import start_tensorflow

if TYPE_CHECKING:
    from pipeline.settings.config import Config


@dataclass(frozen=True)
class PinnedResult:
    """A result of an earlier run: its folder, and the id of its run in MLflow, None if that is not known."""

    folder: Path
    run_id: str | None


class Next(NamedTuple):
    """A stage that can be computed before its turn: its key, and the function that does it."""

    key: str
    compute: Callable[[Progress], Computed]


@dataclass(kw_only=True)
class Plan:
    """The settings of one run with all that they name.

    stages: all there are, by name; inputs: stage -> what it has read; pinned: results that are taken as they are,
    whatever the settings would lead to; folders: stage -> where its result lies, of those that are finished; underway:
    the stages that are being computed, drawn or recorded.
    """

    stages: Mapping[str, Stage[Any]]
    config: "Config"
    dataset: Dataset
    inputs: Mapping[str, Mapping[str, Any]]
    pinned: Mapping[str, PinnedResult] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    underway: set[str] = field(default_factory=set)
    _handed_on: dict[str, Any] = field(default_factory=dict)
    _known_ingredients: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Return the store of the output folder."""
        return Store(Path(self.config.output_dir) / "store", list(self.stages))

    def key(self, name: str) -> str:
        """Return the digest of everything that a stage's result depends on."""
        if name in self.pinned:
            return storage.load_record(self.pinned[name].folder).key
        return provenance.digest(self.ingredients(name))

    def ingredients(self, name: str) -> dict[str, Any]:
        """Return everything that a stage's result depends on."""
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
                # which need not have these bits the next time
                **({} if self.config.runtime.deterministic else {"deterministic": False}),
            }
        return self._known_ingredients[name]

    def params(self, stage: Stage[Any]) -> dict[str, str]:
        """Return what the record has of a stage's settings."""
        return params_of({**stage.settings(self.config), **stage.params(self.config, self.dataset)})

    def split(self, stage: Stage[Any]) -> DatasetSplit | None:
        """Return the half of the data set that a stage looks at; None if it looks at none."""
        split = stage.split(self.config)
        return None if split is None else DatasetSplit(self.dataset, split)

    def upstream(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return what the finished stages that a stage stands on hand on.

        Raises:
            InputError: nothing can stand on that, see `Stage.check`.
        """
        return {other: self._checked(other, self.folders[other]) for other in stage.upstream}

    def _checked(self, name: str, folder: Path) -> Any:
        """Return what a stage hands on, if others can stand on it."""
        stage = self.stages[name]
        found = self.handed_on(stage, folder)
        stage.check(found)
        return found

    def handed_on(self, stage: Stage[Any], folder: Path) -> Any:
        """Return what a stage hands on; loaded when somebody first asks for it."""
        if stage.name not in self._handed_on:
            # what is loaded may be a model
            start_tensorflow(self.config.runtime)
            load = stage.load
            self._handed_on[stage.name] = (
                storage.load_result(stage.result, folder) if load is None else load(folder, self.config)
            )
        return self._handed_on[stage.name]

    def hand_on(self, stage: Stage[Any], result: Any) -> None:
        """Keep what a result that was just computed hands on, if it need not be loaded for that."""
        if stage.hand_on is not None:
            self._handed_on[stage.name] = stage.hand_on(result)

    def context(
        self, stage: Stage[Any], upstream: Mapping[str, Any], progress: Progress, *, checkpoint: Path | None = None
    ) -> Context:
        """Return the things that a stage is computed with."""
        return Context(
            config=self.config,
            dataset=self.dataset,
            inputs=self.inputs[stage.name],
            upstream=upstream,
            progress=progress,
            checkpoint=checkpoint,
        )

    def next(self) -> Next | None:
        """Return the first stage that is neither there nor underway, and stands on what is there; None if none does.

        One whose progress is recorded while it is computed has to wait for its turn.
        """
        for name in needed(self.stages, self.config.stages):
            stage = self.stages[name]
            if name in self.pinned or name in self.folders or name in self.underway or stage.is_live:
                continue
            key = self.key(name)
            folders = {other: place for other in stage.upstream if (place := self._place(other)) is not None}
            if (self.config.reuse and self.store.holds(name, key)) or len(folders) < len(stage.upstream):
                continue
            # before it counts as begun, which it is not if that is refused
            upstream = {other: self._checked(other, folder) for other, folder in folders.items()}
            return Next(key, functools.partial(self._ahead, stage, upstream))
        return None

    def _place(self, name: str) -> Path | None:
        """Return where the result of a stage lies; None if it is not there yet."""
        if name in self.folders:
            return self.folders[name]
        if name in self.pinned:
            return self.pinned[name].folder
        if name in self._handed_on:
            # it is not looked into
            return Path()
        key = self.key(name)
        return self.store.place(name, key) if self.config.reuse and self.store.holds(name, key) else None

    def _ahead(self, stage: Stage[Any], upstream: Mapping[str, Any], progress: Progress) -> Computed:
        start_tensorflow(self.config.runtime)
        return Computed(stage.compute(self.context(stage, upstream, progress)), upstream)

    def _other_ingredients(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return what else a result depends on: a seed of no group, and the names of classes, which pictures show."""
        seed = stage.seed(self.config)
        classes = {} if stage.split(self.config) is None else {"classes": list(self.dataset.class_names)}
        return classes if seed is None else {**classes, "seed": seed}

    def _input_digests(self, stage: Stage[Any]) -> dict[str, Any]:
        """Return name -> digest of what a stage reads."""
        data = {} if stage.split(self.config) is None else {"data": self.dataset.digest}
        return data | provenance.array_digests(self.inputs[stage.name])
