"""Jobs of a sweep that differ in their seeds alone: the mean of each figure over them, and how far they scatter."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.sweeps import jobs
from pipeline.sweeps.folder import Row, settings, swept

SEED = "seed"


@dataclass(frozen=True)
class Spread:
    """The values of one figure in jobs that differ in their seeds alone; those that are no numbers are left out."""

    values: list[float]

    @property
    def mean(self) -> float:
        """Return the mean; NaN of no value."""
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def deviation(self) -> float:
        """Return the standard deviation of a sample, sqrt(sum (x - mean)^2 / (n - 1)); NaN of fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan


@dataclass(frozen=True)
class OverSeeds:
    """The jobs with one combination of what else is swept. settings: that; jobs: how many are finished,
    those with the same seeds counted once."""

    settings: dict[str, str]
    jobs: int
    figures: dict[str, Spread]

    @property
    def name(self) -> str:
        """Return the combination in words."""
        return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in self.settings.items())


def over_seeds(rows: Sequence[Row], figures: Callable[[Row], dict[str, float]]) -> list[OverSeeds]:
    """Return every combination of the swept settings that are no seeds, in the order of the jobs.

    Args:
        rows: of the sweep; only those that are finished count.
        figures: returns those of a job.
    Returns:
        Nothing where no seed is swept.
    """
    keys = swept(rows)
    others = [key for key in keys if key.rpartition(".")[2] != SEED]
    if len(others) == len(keys):
        return []
    seeds = [key for key in keys if key not in others]
    groups: dict[tuple[str, ...], dict[tuple[str, ...], Row]] = {}
    for row in rows:
        if row.state == jobs.FINISHED:
            # a seed that was given twice is one result
            alike, seeded = (tuple(settings(row).get(key, "") for key in some) for some in (others, seeds))
            groups.setdefault(alike, {}).setdefault(seeded, row)
    return [
        OverSeeds(dict(zip(others, alike, strict=True)), len(group), _spreads(list(map(figures, group.values()))))
        for alike, group in groups.items()
    ]


def seeds_table(groups: Sequence[OverSeeds]) -> tuple[list[str], list[list[Any]]]:
    """Return the heading and a line for each combination: its settings, its jobs, mean and deviation of each figure.

    What is not known is None.
    """
    names = list(dict.fromkeys(name for group in groups for name in group.figures))
    heading = [*groups[0].settings, "jobs", *(f"{name} {what}" for name in names for what in ("mean", "std"))]
    lines: list[list[Any]] = []
    for group in groups:
        spreads = [group.figures.get(name, Spread([])) for name in names]
        numbers = [number for spread in spreads for number in (spread.mean, spread.deviation)]
        lines.append(
            [*group.settings.values(), group.jobs, *(None if math.isnan(number) else number for number in numbers)]
        )
    return heading, lines


def _spreads(figures: Sequence[dict[str, float]]) -> dict[str, Spread]:
    names = dict.fromkeys(name for of_job in figures for name in of_job)
    return {
        name: Spread([of_job[name] for of_job in figures if math.isfinite(of_job.get(name, math.nan))])
        for name in names
    }
