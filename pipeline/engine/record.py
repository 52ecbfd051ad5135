"""What a tracking server is told of a stage, as plain data: made without one, kept beside the results."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pipeline.data.dataset import Dataset
from pipeline.engine.tables import Tables
from pipeline.settings.choices import Stage
from pipeline.settings.config import Config


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """One stage executed once.

    params: the stage's own settings, short. metrics: single figures. series: name -> {step: value}, the step being an
    epoch, an ascent step or a map index. images: name -> {step: path of a PNG below the stage's folder}; the step is
    the map index, or the level. tags: what to filter by. tables: see `tables.tables_of`.
    """

    stage: str
    key: str
    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)


def run_name(stage: Stage, overrides: list[str]) -> str:
    """The stage and what was set for it on the command line: what tells its runs apart."""
    groups = {
        Stage.train: ("data", "model", "train", "seed", "experiment"),
        Stage.activations: ("data", "model", "train", "seed", "experiment", "activations"),
        # its layer follows that of the OIPs
        Stage.statistics: ("data", "model", "train", "seed", "experiment", "statistics", "oip.layer"),
        Stage.oip: ("data", "model", "train", "seed", "experiment", "noise", "oip"),
        Stage.dream: ("data", "model", "train", "seed", "experiment", "dream"),
        Stage.atlas: ("data", "model", "train", "seed", "experiment", "statistics", "noise", "oip", "atlas"),
        Stage.dream_sheet: ("data", "model", "train", "seed", "experiment", "dream"),
    }
    # a group stands for all settings in it
    said = [word for word in overrides if re.match(rf"\+*({'|'.join(map(re.escape, groups[stage]))})[.=]", word)]
    return " ".join([stage.value, *said])


def settings_of(config: Config, stage: Stage) -> dict[str, Any]:
    """The part of the config that a stage's result depends on, as plain values."""
    groups: dict[Stage, dict[str, Any]] = {
        Stage.train: {"model": config.model, "train": config.train},
        Stage.activations: {"activations": config.activations},
        Stage.statistics: {"statistics": config.statistics},
        Stage.oip: {"noise": config.noise, "oip": config.oip},
        Stage.dream: {"dream": config.dream},
        Stage.atlas: {"atlas": config.atlas},
        Stage.dream_sheet: {"dream": config.dream},
    }
    settings = {name: plain(group) for name, group in groups[stage].items()}
    # each of the two reads everything but what is the other's
    unread = {Stage.dream: "compare", Stage.dream_sheet: "zoom"}.get(stage)
    if unread is not None:
        del settings["dream"][unread]
    return settings


def params_of(config: Config, stage: Stage, dataset: Dataset) -> dict[str, str]:
    """The settings of a stage by dotted name, as short text; for the training also the data set."""
    settings = settings_of(config, stage)
    if stage is Stage.train:
        settings["data"] = {"name": dataset.name, "limit": config.data.limit}
    return {name: _short(value) for name, value in _flat(settings).items()}


def plain(value: Any) -> Any:
    """Dataclasses, enums and lists as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _short(value: Any) -> str:
    """A list without its brackets, those of lists in it are kept."""
    if not isinstance(value, list):
        return str(value)
    return ",".join(f"[{_short(entry)}]" if isinstance(entry, list) else str(entry) for entry in value)
