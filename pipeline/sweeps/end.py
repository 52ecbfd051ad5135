"""The end of a sweep: what became of every job, told, kept in its folder and recorded."""

import contextlib
import csv
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.data.arrays import load_arrays
from pipeline.engine import storage
from pipeline.engine.folders import work_folder
from pipeline.engine.record import StageRecord
from pipeline.runtime.errors import InputError
from pipeline.runtime.matplotlib import import_matplotlib
from pipeline.runtime.output import shell_word, shown
from pipeline.runtime.progress import recording
from pipeline.stages.registry import STAGES
from pipeline.sweeps import folder as folders
from pipeline.sweeps import jobs
from pipeline.sweeps.begin import SUMMARY, name_of, params_of
from pipeline.sweeps.folder import Row, Sweep, settings, swept
from pipeline.sweeps.seeds import OverSeeds, over_seeds, seeds_table
from pipeline.tracking import Tracker, open_tracker
from pipeline.tracking.charts import SWEEPS_STAGE
from pipeline.tracking.sweeps import JobsOfStage, end_sweep, interrupt_sweep, show_sweep
from pipeline.tracking.tables import table, table_tag

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures

TABLE, SEEDS_TABLE = "jobs.json", "seeds.json"
# Combinations of what is swept beside the seeds, on the terminal.
MOST_TOLD = 12
LOG = "mnist-dream.log"


def end(folder: Path, *, interrupted: bool) -> int:
    """Tell and record what became of a sweep; return the exit code, 0 if all of its jobs are finished.

    Args:
        interrupted: by a signal: there is no time for pictures.
    """
    sweep = folders.read(folder)
    if sweep is None:
        return 1
    rows = folders.rows(sweep, folder)
    groups = over_seeds(rows, _figures)
    unfinished = [row for row in rows if row.state != jobs.FINISHED]
    page = None
    if interrupted:
        interrupt_sweep(_tracker(sweep), sweep.run_id)
    else:
        with recording():
            page = _record(sweep, rows, groups, folder)
    _tell(rows, groups, folder, summarized=not interrupted)
    if page is not None:
        print(f"{'look at it':<12} {page}", flush=True)
    return 1 if unfinished or interrupted else 0


def _tell(rows: Sequence[Row], groups: Sequence[OverSeeds], folder: Path, *, summarized: bool) -> None:
    states = Counter(row.state for row in rows)
    counts = ", ".join(f"{states[state]} {state}" for state in states)
    what = f"{len(rows)} job{'' if len(rows) == 1 else 's'}: {counts}"
    print(f"{'sweep':<12} {what:<42} {shown(folder / SUMMARY if summarized else folder)}", flush=True)
    if summarized:
        _tell_seeds(groups)
    for row in rows:
        if row.state != jobs.FINISHED:
            failure = row.job.failure if row.job else jobs.in_the_way(folder / row.name)
            why = f": {failure}" if failure else ""
            log = f" ({shown(row.folder / LOG)})" if row.folder else ""
            print(f"mnist-dream: job {_told(row, rows)} {row.state}{why}{log}", file=sys.stderr)
    for row in rows:
        for stage, said in _warnings(row):
            print(f"mnist-dream: job {_told(row, rows)}: {stage} {said}", file=sys.stderr)
    if any(row.state != jobs.FINISHED for row in rows):
        print(f"mnist-dream: python -m pipeline.resume {shell_word(shown(folder))} does the rest", file=sys.stderr)


def _told(row: Row, rows: Sequence[Row]) -> str:
    """Return a job in words: its number, and what tells it from the others."""
    words = " ".join(f"{key}={settings(row).get(key, '')}" for key in swept(rows))
    return f"{row.name} ({words})" if words else row.name


def _warnings(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each stage of a finished job of whose result something is wrong, and what."""
    if row.job is None or row.folder is None or row.state != jobs.FINISHED:
        return
    for stage in row.job.stages:
        with contextlib.suppress(InputError):
            said = STAGES[stage].shows.warning(storage.load_record(row.folder / stage))
            if said is not None:
                yield stage, said


def _summarize(rows: Sequence[Row], groups: Sequence[OverSeeds], draft: Path) -> None:
    """Write the tables and the pictures."""
    _write_table(draft / TABLE, *_table(rows))
    # matplotlib is not needed to tell that a job failed
    import_matplotlib()
    from pipeline.drawing.pictures import save_pictures

    if groups:
        _write_table(draft / SEEDS_TABLE, *seeds_table(groups))
        save_pictures(_seeds_pictures(groups), draft)
    for name, stage in STAGES.items():
        if stage.compare is not None:
            finished = [row for row in rows if row.state == jobs.FINISHED and row.folder]
            files = [(_name(row, rows), Path(row.folder or "", name, stage.result.FILE)) for row in finished]
            found = [(job, load_arrays(file)) for job, file in files if file.is_file()]
            save_pictures(stage.compare([job for job, _ in found], [arrays for _, arrays in found]), draft)


def _write_table(file: Path, columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    """Write a table as MLflow's pages read it, and beside it as .csv."""
    file.write_text(table(columns, lines), encoding="utf-8")
    with file.with_suffix(".csv").open("w", newline="", encoding="utf-8") as plain:
        csv.writer(plain).writerows([columns, *lines])


def _table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Return the heading and a line for every job: its number, what tells it from the others, its fate, its figures."""
    keys = swept(rows)
    figures = [_figures(row) for row in rows]
    names = list(dict.fromkeys(name for of_row in figures for name in of_row))
    lines = [
        [
            row.name,
            row.state,
            *(settings(row).get(key, "") for key in keys),
            *(of_row.get(name, "") for name in names),
            round(row.job.ended - row.job.begun, 1) if row.job and row.job.ended else "",
            (row.job and row.job.failure) or "",
            *(((row.job and row.job.stages.get(stage, {}).get("run_id")) or "") for stage in _stages(rows)),
        ]
        for row, of_row in zip(rows, figures, strict=True)
    ]
    runs = [f"{stage} run" for stage in _stages(rows)]
    return ["job", "state", *keys, *names, "seconds", "failure", *runs], lines


def _seeds_pictures(groups: Sequence[OverSeeds]) -> "Pictures":
    """Draw the figures that a sweep is compared by, with error bars."""
    from pipeline.drawing.spreads import spreads_picture

    panels = {name: [group.figures[name].values for group in groups] for name in _shown(groups)}
    return {"seeds.png": spreads_picture([group.name or "all jobs" for group in groups], panels)} if panels else {}


def _shown(groups: Sequence[OverSeeds]) -> list[str]:
    """Return the figures that a sweep is compared by, of those that all combinations have."""
    names = [f"{stage}.{name}" for stage in STAGES for name in reversed(STAGES[stage].shows.sweep_metrics)]
    return [name for name in names if all(name in group.figures for group in groups)]


def _tell_seeds(groups: Sequence[OverSeeds]) -> None:
    """Tell the figure that each combination is compared by, over its seeds."""
    if (name := next(iter(_shown(groups)), None)) is None:
        return
    for group in groups[:MOST_TOLD]:
        spread = group.figures[name]
        figure = f"{name} {spread.mean:.5g}"
        if not math.isnan(spread.deviation):
            figure += f" +- {spread.deviation:.2g}"
        print(f"{'seeds':<12} {group.name + ': ' if group.name else ''}{figure} ({group.jobs} jobs)", flush=True)


def _stages(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(stage for row in rows if row.job for stage in row.job.stages))


def _figures(row: Row) -> dict[str, float]:
    if row.job is None:
        return {}
    return {
        f"{stage}.{name}": value
        for stage, result in row.job.stages.items()
        for name, value in result["metrics"].items()
    }


def _name(row: Row, rows: Sequence[Row]) -> str:
    given = settings(row)
    return ", ".join(f"{key.rpartition('.')[2]} {given[key]}" for key in swept(rows) if key in given) or row.name


def _record(sweep: Sweep, rows: Sequence[Row], groups: Sequence[OverSeeds], folder: Path) -> str | None:
    """Make the summary and record it; return the address of the jobs' comparison, None if it has none."""
    states = Counter(row.state for row in rows)
    counts = {state: float(states[state]) for state in (jobs.FINISHED, jobs.FAILED, jobs.KILLED, jobs.MISSING)}
    tracker = _tracker(sweep)
    with work_folder(folder) as work:
        draft = work / SUMMARY
        draft.mkdir()
        _summarize(rows, groups, draft)
        record = StageRecord(
            stage=SWEEPS_STAGE,
            key=sweep.id,
            name=name_of(sweep.jobs, folder),
            params=params_of(sweep.jobs),
            metrics={"jobs": float(len(rows)), **counts},
            images={f"sweep/{path.stem}": {0: path.name} for path in sorted(draft.glob("*.png"))},
            tags={
                "sweep_id": sweep.id,
                **table_tag(*(f"results/{name}" for name in (TABLE, SEEDS_TABLE) if (draft / name).exists())),
            },
        )
        storage.save_record(record, draft)
        failed = states[jobs.FINISHED] < len(rows)
        begun = int(sweep.begun * 1000)
        end_sweep(tracker, sweep.run_id, record, draft, folder / SUMMARY, begun_ms=begun, failed=failed)
    return show_sweep(tracker, sweep.id, record.name, _of_stages(rows))


def _of_stages(rows: Sequence[Row]) -> dict[str, JobsOfStage]:
    """Return stage -> what the jobs made of it."""
    values: dict[str, dict[str, set[str]]] = {stage: {} for stage in _stages(rows)}
    run_ids: dict[str, dict[str, None]] = {stage: {} for stage in values}
    images: dict[str, set[str]] = {stage: set() for stage in values}
    for row in rows:
        if row.job is None or row.folder is None:
            continue
        for stage, described in row.job.stages.items():
            if described["run_id"] is not None:
                run_ids[stage][described["run_id"]] = None
            with contextlib.suppress(InputError):
                record = storage.load_record(row.folder / stage)
                images[stage] |= record.images.keys()
                for name, value in record.params.items():
                    values[stage].setdefault(name, set()).add(value)
    return {
        stage: JobsOfStage(
            [name for name, some in params.items() if len(some) > 1], list(run_ids[stage]), frozenset(images[stage])
        )
        for stage, params in values.items()
    }


def _tracker(sweep: Sweep) -> Tracker:
    return open_tracker(sweep.tracking, Path(sweep.output_dir), pipeline_id=sweep.id)
