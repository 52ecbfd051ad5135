"""Runs of processes that are gone: who is killed cannot say so, and MLflow shows the run as RUNNING for ever."""

from collections.abc import Mapping
from typing import Any

from pipeline.runtime.processes import ProcessId, is_gone, this_process
from pipeline.tracking.backend import Connection
from pipeline.tracking.experiments import experiments_of, runs_where

FAILURE = "its process is gone; it was killed, or the machine went down"


def process_tags() -> dict[str, str]:
    """Return the tags that say which process a run belongs to."""
    process = this_process()
    return {"host": process.host, "pid": str(process.pid), "process_started": repr(process.started)}


def process_of(tags: Mapping[str, str]) -> ProcessId | None:
    """Return the process of `process_tags`; None if a run does not say it, as those of older versions do not."""
    try:
        return ProcessId(tags["host"], int(tags["pid"]), float(tags["process_started"]))
    except (KeyError, ValueError):
        return None


def close_stale_runs(connection: Connection, experiment: str) -> list[str]:
    """Mark the running runs of this machine whose process is gone as KILLED, and return their ids.

    Raises:
        Exception: of whatever kind MLflow raises.
    """
    query = f"attributes.status = 'RUNNING' and tags.host = '{this_process().host}'"
    closed = []
    for run in runs_where(connection, experiments_of(connection, experiment), query):
        process = process_of(run.data.tags)
        if process is None or not is_gone(process):
            continue
        end = _last_sign_of_life(connection, run)
        # another process may have closed or completed it meanwhile
        if connection.client.get_run(run.info.run_id).info.status == "RUNNING":
            close_as_killed(connection, run.info.run_id, FAILURE, end=end)
            closed.append(run.info.run_id)
    return closed


def close_as_killed(connection: Connection, run_id: str, failure: str, *, end: int | None = None) -> None:
    """End a run that nobody else ends.

    Args:
        end: when, in ms; None for now.
    """
    connection.client.set_tag(run_id, "failure", failure)
    connection.client.set_terminated(run_id, "KILLED", end_time=end)


def _last_sign_of_life(connection: Connection, run: Any) -> int:
    """Return when a run last told anything (ms): it may have been killed long before anybody looks."""
    times = [run.info.start_time]
    for name in run.data.metrics:
        times += [point.timestamp for point in connection.client.get_metric_history(run.info.run_id, name)]
    return max(times)
