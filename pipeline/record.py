"""What a tracking server is told of a stage, as plain data: made without one, kept beside the results."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from pipeline.config import Config, Stage
from pipeline.results import (
    CONVERGED,
    ActivationsResult,
    Dataset,
    DreamResult,
    DreamSheetResult,
    OipSweepResult,
    StageResult,
    TrainResult,
)
from pipeline.tables import Tables


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


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a result says of itself: the part of a record that depends on it."""

    metrics: dict[str, float]
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, str]] = field(default_factory=dict)


def figures(result: StageResult) -> Figures:
    """The metrics, series and pictures of a stage's result."""
    match result:
        case TrainResult():
            return _train_figures(result)
        case ActivationsResult():
            return Figures(metrics={"images": float(len(result.images))}, images=_activation_sheets(result))
        case OipSweepResult():
            return _oip_figures(result)
        case DreamResult():
            return _dream_figures(result)
        case DreamSheetResult():
            return _dream_sheet_figures(result)


def _train_figures(result: TrainResult) -> Figures:
    history = {name: dict(enumerate(map(float, values), start=1)) for name, values in result.history.items()}
    last = {f"final_{name}": float(values[-1]) for name, values in result.history.items() if name != "learning_rate"}
    return Figures(metrics={**last, "epochs": float(len(result.history["loss"]))}, series=history)


def _activation_sheets(result: ActivationsResult) -> dict[str, dict[int, str]]:
    """The step is the class, or where several images are of one class the number of the image."""
    labels = result.labels.tolist()
    steps = labels if len(set(labels)) == len(labels) else range(len(labels))
    return {
        f"activations/{layer}": {
            step: f"{layer}/class_{label}_image_{index:05d}.png"
            for step, label, index in zip(steps, labels, result.indices, strict=True)
        }
        for layer in result.feature_maps
    }


def _oip_figures(result: OipSweepResult) -> Figures:
    maps = [int(index) for index in result.map_indices]
    single = [m for m in maps if m >= 0]
    rows = dict(zip(maps, range(len(maps)), strict=True))
    objective = result.objective.astype(np.float64)
    fires = result.data_maximum > 0
    return Figures(
        metrics={
            "maps": float(len(maps)),
            "triggered": float(result.triggered),
            "converged": float(np.count_nonzero(result.verdicts == CONVERGED)),
            "restarted": float(np.count_nonzero(result.restarts)),
            "mean_activation": float(result.activation.mean(dtype=np.float64)),
            "fire_on_no_image": float(np.count_nonzero(result.fires_on_no_image)),
        },
        series={
            # by map index; the whole layer (-1) is no step
            "activation": {m: float(result.activation[rows[m]]) for m in single},
            "data_maximum": {m: float(result.data_maximum[rows[m]]) for m in single if fires[rows[m]]},
            "relative_activation": {
                m: float(result.activation[rows[m]] / result.data_maximum[rows[m]]) for m in single if fires[rows[m]]
            },
            # by ascent step
            "objective_mean": dict(enumerate(objective.mean(axis=1).tolist())),
            "objective_min": dict(enumerate(objective.min(axis=1).tolist())),
            "objective_max": dict(enumerate(objective.max(axis=1).tolist())),
        },
        images={
            "oip/map": {m: f"maps/map_{m:03d}.png" for m in single},
            "oip/contact_sheet": {0: "contact_sheet.png"},
            **({"oip/starts": {0: "starts.png"}} if result.all_images.shape[1] > 1 else {}),
        },
    )


def _dream_figures(result: DreamResult) -> Figures:
    levels = result.objective.shape[1]
    objective = result.objective.astype(np.float64)
    by_level = {f"objective_level_{level + 1}": objective[:, level].reshape(-1) for level in range(levels)}
    return Figures(
        # that of the level that came last; those of the others are the last values of their series
        metrics={"final_objective": float(objective[-1, -1, -1])},
        series={name: dict(enumerate(values.tolist())) for name, values in by_level.items()},
        images={
            "dream/picture": {0: "dream.png"},
            "dream/growing": dict(enumerate(result.frame_files)),
        },
    )


def _dream_sheet_figures(result: DreamSheetResult) -> Figures:
    """The step is the map index, or the number of the dream."""
    steps = result.steps.tolist()
    by_step = {"objective_first": result.begun, "objective_last": result.objective}
    return Figures(
        metrics={"dreams": float(len(steps)), "mean_objective_last": float(result.objective.mean(dtype=np.float64))},
        # the whole layer (-1) is no step
        series={
            name: {step: float(value) for step, value in zip(steps, values, strict=True) if step >= 0}
            for name, values in by_step.items()
        },
        images={
            "dream_sheet/contact_sheet": {0: "contact_sheet.png"},
            "dream_sheet/dream": {step: file for step, file in zip(steps, result.files, strict=True) if step >= 0},
        },
    )


def run_name(stage: Stage, overrides: list[str]) -> str:
    """The stage and what was set for it on the command line: what tells its runs apart."""
    groups = {
        Stage.train: ("data", "model", "train", "seed", "experiment"),
        Stage.activations: ("data", "model", "train", "seed", "experiment", "activations"),
        Stage.oip: ("data", "model", "train", "seed", "experiment", "noise", "oip"),
        Stage.dream: ("data", "model", "train", "seed", "experiment", "dream"),
        Stage.dream_sheet: ("data", "model", "train", "seed", "experiment", "dream"),
    }
    said = [word for word in overrides if re.split(r"[.=]", word.lstrip("+"), maxsplit=1)[0] in groups[stage]]
    return " ".join([stage.value, *said])


def settings_of(config: Config, stage: Stage) -> dict[str, Any]:
    """The part of the config that a stage's result depends on, as plain values."""
    groups: dict[Stage, dict[str, Any]] = {
        Stage.train: {"model": config.model, "train": config.train},
        Stage.activations: {"activations": config.activations},
        Stage.oip: {"noise": config.noise, "oip": config.oip},
        Stage.dream: {"dream": config.dream},
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
    return ",".join(map(_short, value)) if isinstance(value, list) else str(value)
