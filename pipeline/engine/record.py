"""The record of a stage, as a tracking server is told of it: plain data, made without one, kept beside the results."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

# name -> column -> cells; the cells of PICTURE are paths of pictures below the stage's folder
Tables = dict[str, dict[str, list[Any]]]
PICTURE = "picture"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The part of a record that depends on the result.

    metrics: single figures; series: name -> {step: value}, the step being an epoch, an ascent step or a map index;
    images: name -> {step: path of a PNG below the stage's folder}, the step being the map index, or the level; tables:
    a row for each map, to be read, sorted and compared between runs.
    """

    metrics: dict[str, float]
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, str]] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """One stage executed once.

    params: the stage's own settings, short; tags: what to filter by; the other fields: see `Metrics`.
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


def plain(value: Any) -> Any:
    """Return dataclasses, enums and lists as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def params_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return plain settings by dotted name, as short text."""
    return {name: _short(value) for name, value in _flat(settings).items()}


def finite(values: np.ndarray) -> dict[int, float]:
    """Return values by their numbers, without those that are not finite."""
    return {number: value for number, value in enumerate(values.tolist()) if np.isfinite(value)}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _short(value: Any) -> str:
    """Return a list without its brackets, those of lists in it are kept."""
    if not isinstance(value, list):
        return str(value)
    return ",".join(f"[{_short(entry)}]" if isinstance(entry, list) else str(entry) for entry in value)
