"""The stages, by name and in the order in which they are computed and told of; and their groups of settings.

A new stage is a folder beside this file, a line in NAMES, and a field in `StageSettings` if it has settings of its own.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.engine.stage import CNN_STAGES, Stage
from pipeline.settings.common import CommonSettings
from pipeline.settings.model import ModelConfig
from pipeline.settings.ranges import OneOf, rule
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.atlas.settings import AtlasConfig
from pipeline.stages.compare.settings import CompareConfig
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.settings import OipConfig
from pipeline.stages.statistics.settings import StatisticsConfig
from pipeline.stages.train.settings import TrainConfig

NAMES = ("train", "model", "activations", "statistics", "oip", "dream", "atlas", "dream_sheet", "compare")


# The stages that hand on the CNN: what trains it, and what reads it from a file instead.
TRAINING, MODEL = CNN_STAGES


class Registry(Mapping[str, Stage[Any]]):
    """The stages by name. Their declarations are imported when they are asked for."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._stages: dict[str, Stage[Any] | None] = dict.fromkeys(names)

    def add(self, stage: Stage[Any]) -> None:
        """Add a stage that is declared elsewhere, as the last one.

        Of other processes, such as the workers of a launcher, those know it that import its file too; what it has
        recorded is read through that file.

        Raises:
            ValueError: there is one of this name, or the name is none that a folder and a setting can have.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", stage.name):
            raise ValueError(f"a stage's name is small letters, digits and _; got {stage.name!r}")
        if stage.name in self._stages:
            raise ValueError(f"there is a stage {stage.name} already")
        self._stages[stage.name] = stage

    def __getitem__(self, name: str) -> Stage[Any]:
        found = self._stages[name]
        if found is None:
            found = self._stages[name] = importlib.import_module(f"pipeline.stages.{name}.stage").STAGE
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)


STAGES = Registry(NAMES)


class _Stages(Mapping[str, Stage[Any]]):
    """All stages but one of those that hand on the CNN; what stands on that one stands on the other."""

    def __init__(self, *, absent: str, present: str) -> None:
        self._absent, self._present = absent, present

    def __getitem__(self, name: str) -> Stage[Any]:
        if name == self._absent:
            raise KeyError(name)
        stage = STAGES[name]
        if self._absent not in stage.upstream:
            return stage
        upstream = tuple(self._present if other == self._absent else other for other in stage.upstream)
        return replace(stage, upstream=upstream)

    def __iter__(self) -> Iterator[str]:
        return (name for name in STAGES if name != self._absent)

    def __len__(self) -> int:
        return len(STAGES) - 1


def stages_of(model: ModelConfig) -> Mapping[str, Stage[Any]]:
    """Return the stages that there are with a CNN: it is trained, or comes out of a file."""
    absent, present = (TRAINING, MODEL) if model.is_from_file else (MODEL, TRAINING)
    return _Stages(absent=absent, present=present)


@dataclass(kw_only=True)
class StageSettings(CommonSettings):
    """Which stages are wanted, and the groups of their settings."""

    # in the place that it has among all settings; here it is known what it takes
    stages: list[str] = field(metadata=rule(OneOf(lambda: STAGES, many=True)))
    train: TrainConfig
    activations: ActivationsConfig
    statistics: StatisticsConfig
    noise: NoiseConfig
    oip: OipConfig
    dream: DreamConfig
    atlas: AtlasConfig
    compare: CompareConfig
