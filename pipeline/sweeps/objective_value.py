"""The one metric of a job that an optimizer such as Optuna makes as large as it can."""

import math
from collections.abc import Collection, Mapping

from pipeline.engine.execution import StageOutcome
from pipeline.runtime.errors import InputError
from pipeline.stages.registry import STAGES


def objective_value(outcomes: Mapping[str, StageOutcome]) -> float | None:
    """Return the metric of the last wanted stage.

    None if it has none that would be better the larger it is, or it is not known, such as that of a training that
    diverged: Optuna takes no NaN, and counts the trial as failed.
    """
    last = list(outcomes)[-1]
    name = STAGES[last].shows.objective_value
    value = None if name is None else outcomes[last].record.metrics[name]
    return value if value is not None and math.isfinite(value) else None


def check_has_objective_value(stages: Collection[str]) -> None:
    """Raise an InputError if jobs with these stages have no such metric."""
    wanted = [name for name in STAGES if name in stages]
    if not wanted or STAGES[wanted[-1]].shows.objective_value is None:
        possible = [name for name, stage in STAGES.items() if stage.shows.objective_value is not None]
        takes = f"for Optuna, stages of which the last is {' or '.join(possible)}"
        raise InputError.at("stages", takes=takes, got=f"[{','.join(wanted)}]")
