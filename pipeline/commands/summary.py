"""The last lines of a run: what was made, where it lies, how to look at it."""

from collections.abc import Mapping

from pipeline.engine.execution import StageOutcome
from pipeline.runtime.output import shown
from pipeline.stages.registry import STAGES


def summary(outcomes: Mapping[str, StageOutcome], *, look_at_record: str | None) -> str:
    """Return one line for each stage: its main figure and the path of the file to look at first.

    Args:
        outcomes: by stage.
        look_at_record: the command or address that shows the record, None if there is none.
    """
    lines = []
    for name, outcome in outcomes.items():
        shows = STAGES[name].shows
        reused = "  (reused)" if outcome.reused else ""
        lines.append(f"{name:<12} {shows.headline(outcome.record):<42} {shown(outcome.folder / shows.look_at)}{reused}")
    if look_at_record is not None:
        lines.append(f"{'look at it':<12} {look_at_record}")
    return "\n".join(lines)
