"""One MLflow run for each sweep, beside those of its jobs' stages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.engine.places import put
from pipeline.engine.record import StageRecord
from pipeline.tracking.backend import Connection, page_root
from pipeline.tracking.charts import SWEEPS_STAGE, TAG, chart_address, shows_of, sweep_view, sweep_view_id
from pipeline.tracking.experiments import experiment_name
from pipeline.tracking.pending import Mark
from pipeline.tracking.runs import StageRun
from pipeline.tracking.stale import process_tags
from pipeline.tracking.tracker import Tracker


def begin_sweep(
    tracker: Tracker, run_id: str | None, *, name: str, params: Mapping[str, str], sweep_id: str
) -> str | None:
    """Begin the run of a sweep, or go on with `run_id`, and return its id, None if nothing is recorded."""
    if run_id is not None and tracker.reopen(run_id):
        return run_id
    return tracker.begin(SWEEPS_STAGE, name=name, params=params, tags={"sweep_id": sweep_id, "stage_key": sweep_id})


def end_sweep(
    tracker: Tracker,
    run_id: str | None,
    record: StageRecord,
    draft: Path,
    place: Path,
    *,
    begun_ms: int,
    failed: bool,
) -> None:
    """Record what became of a sweep, with the files of `draft`, which becomes the folder `place`, and end its run.

    If it cannot be recorded now, `sync` finds a mark in `place`.

    Args:
        run_id: None if the run could not be begun.
        failed: not all of its jobs are finished.
    """
    tags = {"stage": SWEEPS_STAGE, "stage_key": record.key, "pipeline_id": record.key, **process_tags(), **record.tags}
    mark = Mark(
        experiment=tracker.experiment,
        stage=SWEEPS_STAGE,
        key=record.key,
        pipeline_id=record.key,
        name=record.name,
        tags=tags,
        start_time=begun_ms,
        status="FAILED" if failed else "FINISHED",
    )
    run = StageRun(tracker, mark, folder=place)
    if run_id is None:
        run.create()
    else:
        run.attach(run_id)
    run.mark(draft)
    put(draft, place)
    run.log_tags(tags)
    run.log_record(record, place)
    run.end(mark.status)
    tracker.wait()


@dataclass(frozen=True)
class JobsOfStage:
    """The runs that the jobs of a sweep made of a stage: params: in which they differ; run_ids: theirs; images: the
    names of those that any of them has."""

    params: list[str]
    run_ids: list[str]
    images: frozenset[str]


def show_sweep(tracker: Tracker, sweep_id: str, name: str, stages: Mapping[str, JobsOfStage]) -> str | None:
    """Let the page of each stage open on the jobs of a sweep.

    A sweep that was resumed has more runs than at its first end.

    Args:
        name: of the sweep, in words.
        stages: stage -> what the jobs made of it.
    Returns:
        The address of the one to look at, None if it has none: of those in which the jobs differ the one to look at
        first, or else the last stage.
    """

    def show(connection: Connection) -> str | None:
        addresses: dict[str, str] = {}
        compared: dict[str, int] = {}
        for stage, of_jobs in stages.items():
            found = connection.client.get_experiment_by_name(experiment_name(tracker.experiment, stage))
            shows = shows_of(stage)
            if found is None or shows is None:
                continue
            compared[stage] = shows.compared
            view = sweep_view_id(sweep_id)
            view_of_it = sweep_view(shows, sweep_id, name, of_jobs.params, of_jobs.run_ids, of_jobs.images)
            connection.client.set_experiment_tag(found.experiment_id, TAG + view, view_of_it)
            if connection.uri.startswith("http"):
                root = page_root(connection.uri)
                addresses[stage] = chart_address(root, found.experiment_id, view, [TAG + view])
        differing = sorted((stage for stage in addresses if stages[stage].params), key=lambda name: -compared[name])
        return next(iter([*(addresses[stage] for stage in differing), *reversed(addresses.values())]), None)

    return tracker.attempt(show)


def interrupt_sweep(tracker: Tracker, run_id: str | None) -> None:
    """End the run of a sweep that a signal has ended; it may go on later."""
    if run_id is not None:
        tracker.resumed(run_id).end("KILLED", failure="interrupted")
        tracker.wait()
