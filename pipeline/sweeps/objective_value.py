"""The one metric of a job that an optimizer such as Optuna makes as large as it can."""

from collections.abc import Collection, Mapping

from pipeline.engine.execution import StageOutcome
from pipeline.runtime.errors import InputError
from pipeline.stages.registry import STAGES


def objective_value(outcomes: Mapping[str, StageOutcome]) -> float | None:
    """Return the metric of the last wanted stage; None if it has none that would be better the larger it is."""
    last = list(outcomes)[-1]
    name = STAGES[last].shows.objective_value
    return None if name is None else outcomes[last].record.metrics[name]


def check_has_objective_value(stages: Collection[str]) -> None:
    """Raise an InputError if jobs with these stages have no such metric."""
    wanted = [name for name in STAGES if name in stages]
    if not wanted or STAGES[wanted[-1]].shows.objective_value is None:
        possible = [name for name, stage in STAGES.items() if stage.shows.objective_value is not None]
        takes = f"for Optuna, stages of which the last is {' or '.join(possible)}"
        raise InputError.at("stages", takes=takes, got=f"[{','.join(wanted)}]")
