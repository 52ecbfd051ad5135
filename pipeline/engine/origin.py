"""The origin of a result that is in the store: who computed it, and when."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.engine import storage


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The pipeline that computed a stage, and when (ms), if it is not the one that records it."""

    pipeline_id: str
    start_time: int
    end_time: int


def origin_of(stored: Path) -> Origin | None:
    """Return who computed what is in the store, and when; None if it does not say so."""
    process = storage.load_process(stored)
    try:
        return Origin(
            pipeline_id=process["pipeline_id"], start_time=process["start_time"], end_time=process["end_time"]
        )
    except KeyError:
        return None
