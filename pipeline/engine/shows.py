"""The words and charts of a stage beside its numbers: of its files, of its page, what to look at first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.engine.record import StageRecord

# The headline of parallel coordinates.
SETTINGS = "Settings and what came of them"


@dataclass(frozen=True)
class ImageChart:
    """Pictures that were logged under this name: one of each run, and a slider over their steps."""

    name: str


@dataclass(frozen=True)
class LineChart:
    """Series in one chart, a line for each of them and each run."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class ParallelChart:
    """Parallel coordinates: a line for each run, through its settings and metrics; the last one gives its colour."""

    params: tuple[str, ...]
    metrics: tuple[str, ...]


Chart = ImageChart | LineChart | ParallelChart


@dataclass(frozen=True)
class Section:
    """Charts under a headline; height: of a chart in pixels; columns: charts per row."""

    headline: str
    charts: tuple[Chart, ...]
    height: int = 630
    columns: int = 1


def _nothing_wrong(_: StageRecord) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Shows:
    """The words and charts of a stage.

    headline: the main figure in words, of its record; warning: what is wrong with a result that is kept all the same,
    None if nothing is; look_at: the file to look at first when a run ends; first: the
    picture on the page of a run; files: what each of its files, or of its folders, shows, by its name below the stage's
    folder; page: a page among them that is worth more than the pictures; sections: the charts that its page opens with;
    compared: of several stages of a sweep, the one with the largest number is looked at first, 0 for one that is not
    compared between runs; objective_value: the metric that an optimizer makes as large as it can, None if none would be
    better the larger it is; sweep_metrics: what a sweep's parallel coordinates end in;
    sweep_files, sweep_sections: of what `Stage.compare` draws.
    """

    headline: Callable[[StageRecord], str]
    look_at: str
    first: str
    files: Mapping[str, str]
    sections: tuple[Section, ...]
    warning: Callable[[StageRecord], str | None] = _nothing_wrong
    page: str | None = None
    compared: int = 0
    objective_value: str | None = None
    sweep_metrics: tuple[str, ...] = ()
    sweep_files: Mapping[str, str] = field(default_factory=dict)
    sweep_sections: tuple[Section, ...] = ()
