"""What a tracking server is told of a stage, as plain data: made without one, kept beside the results."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """One stage executed once.

    params: the stage's own settings, short. metrics: single figures. series: name -> {step: value}, the step being an
    epoch, an ascent step or a map index. images: name -> {step: path of a PNG below the stage's folder}; the step is
    the map index, or the level. tags: what to filter by.
    """

    stage: str
    key: str
    name: str
    params: dict[str, str]
    metrics: dict[str, float]
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
