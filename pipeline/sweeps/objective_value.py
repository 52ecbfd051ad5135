"""The one figure of a job that an optimizer such as Optuna makes as large as it can."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Stage

if TYPE_CHECKING:
    from pipeline.engine.execution import StageOutcome

FIGURES = {Stage.train: "final_test_accuracy", Stage.oip: "mean_activation"}


def figure(outcomes: "Mapping[Stage, StageOutcome]") -> float | None:
    """The figure of the last wanted stage; None if it has none that would be better the larger it is.

    train: `final_test_accuracy`, between 0 and 1. oip: `mean_activation` of the maps' pictures.
    """
    last = list(outcomes)[-1]
    return outcomes[last].record.metrics[FIGURES[last]] if last in FIGURES else None


def check_has_figure(stages: Collection[Stage]) -> None:
    """Raise an InputError if jobs with these stages have no figure."""
    wanted = [stage for stage in Stage if stage in stages]
    if not wanted or wanted[-1] not in FIGURES:
        takes = f"for Optuna, stages of which the last is {' or '.join(stage.value for stage in FIGURES)}"
        raise InputError.at("stages", takes=takes, got=f"[{','.join(stage.value for stage in wanted)}]")
