"""The charts that the page of each stage's experiment in MLflow opens with: one address, and runs stand side by side.

A saved view of the page is a tag of the experiment. MLflow does not document it: this is what the page of 3.17 reads.
"""

import base64
import contextlib
import json
import logging
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.engine.shows import SETTINGS, Chart, ImageChart, ParallelChart, Section, Shows
from pipeline.runtime.errors import one_line
from pipeline.stages.registry import STAGES

logger = logging.getLogger(__package__)

# The experiment of the runs of sweeps, beside those of the stages.
SWEEPS_STAGE = "sweeps"
# Part of a view's name, to be raised with any change of the sections of a stage: a view that is there is never written
# again, as it may have been changed by hand.
VERSION = 2
TAG = "mlflow.sharedViewState."
# Of a sweep that a page shows; one of the numbers that the page offers.
MOST_JOBS = 20
# Of runs that a search names one by one: a view has no room for more.
MOST_NAMED = 50
# Where the page puts cards for the metrics that a view does not name; folded.
OTHERS = "Model metrics"


def shows_of(stage: str) -> Shows | None:
    """Return what is shown of a stage, or of sweeps; None of one that is not known here."""
    if stage == SWEEPS_STAGE:
        return _shows_of_sweeps()
    return STAGES[stage].shows if stage in STAGES else None


def _shows_of_sweeps() -> Shows:
    """Return what is shown of a sweep: what the stages draw of several of their results."""
    all_shows = [stage.shows for stage in STAGES.values()]
    files = {name: meaning for shows in all_shows for name, meaning in shows.sweep_files.items()}
    return Shows(
        headline=lambda record: f"{record.metrics['jobs']:.0f} jobs",
        look_at="jobs.csv",
        first=next(iter(files), ""),
        files={
            **files,
            "seeds.png": "of jobs that differ in their seeds alone: each, their mean, and their standard deviation",
            "seeds.csv": "the same as numbers, for every figure",
            "jobs.csv": "what was set, what became of it and its figures, job by job",
        },
        sections=(
            *(section for shows in all_shows for section in shows.sweep_sections),
            Section("Over the seeds: mean and standard deviation", (ImageChart("sweep/seeds"),)),
        ),
    )


def set_view(client: Any, experiment: Any, stage: str) -> None:
    """Set the view of a stage for its experiment unless it has it.

    If MLflow refuses, that is a warning: the record goes on.
    """
    shows = shows_of(stage)
    if shows is None or TAG + view_id(stage) in experiment.tags:
        return
    try:
        client.set_experiment_tag(experiment.experiment_id, TAG + view_id(stage), saved_view(stage, shows))
    except Exception as error:
        with contextlib.suppress(Exception):
            if TAG + view_id(stage) in client.get_experiment(experiment.experiment_id).tags:
                # another process set it at the same moment
                return
        logger.warning("MLflow's page of %s opens without a choice of charts: %s", experiment.name, one_line(error))


def view_id(stage: str) -> str:
    """Return the name of a stage's view in tags and addresses."""
    return f"{stage}-{VERSION}"


def chart_address(root: str, experiment_id: str, view: str, tags: Collection[str]) -> str:
    """Return the chart page of a stage's experiment on the server `root`.

    It has the view if that is among the experiment's `tags`.
    """
    # without the workflow a page opens on traces of language models
    page = f"{root}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    return f"{page}&viewStateShareKey={view}" if TAG + view in tags else page


def sweep_view_id(sweep_id: str) -> str:
    """Return the name of a sweep's view."""
    return f"sweep-{sweep_id}"


@dataclass(frozen=True)
class SweepView:
    """The view of a sweep that an experiment has."""

    id: str
    name: str
    created: int


def sweep_views(tags: Sequence[Mapping[str, str]]) -> list[SweepView]:
    """Return the views of sweeps among the tags of an experiment, as a server tells them; the newest first."""
    found = []
    for tag in tags:
        if tag["key"].startswith(TAG + sweep_view_id("")):
            # it may have been changed by hand
            with contextlib.suppress(ValueError, KeyError, TypeError):
                view = json.loads(tag["value"])
                found.append(SweepView(tag["key"].removeprefix(TAG), view["name"], int(view["createdAt"])))
    return sorted(found, key=lambda view: -view.created)


def saved_view(stage: str, shows: Shows) -> str:
    """Return the view of a stage as the value of its tag."""
    return _packed(f"{stage}: runs side by side", _state(shows.sections))


def sweep_view(
    shows: Shows, sweep_id: str, name: str, params: Sequence[str], run_ids: Sequence[str], images: Collection[str]
) -> str:
    """Return the view of the jobs of one sweep in a stage's experiment, as the value of its tag.

    Args:
        params: in which the jobs differ.
        run_ids: of the jobs; a job that reused a result has a run from before the sweep.
        images: the names of those that any of the jobs has, of which alone there is a chart; none: it is not known.
    """
    sections = [section for section in shows.sections if not images or _has_something(section, images)]
    if params and shows.sweep_metrics:
        sections = [s for s in sections if not isinstance(s.charts[0], ParallelChart)]
        sections.insert(1, Section(SETTINGS, (ParallelChart(tuple(params), shows.sweep_metrics),), height=400))
    named = ", ".join(f"'{run_id}'" for run_id in run_ids)
    chosen = f"attributes.run_id IN ({named})" if 0 < len(run_ids) <= MOST_NAMED else f"tags.sweep_id = '{sweep_id}'"
    # the newest come first elsewhere; the jobs shall stand in their order
    query = {"searchFilter": chosen, "orderByKey": "attributes.start_time", "orderByAsc": True}
    return _packed(f"sweep: {name}", _state(sections, runs=MOST_JOBS) | query | {"runsHiddenMode": "FIRST_20_RUNS"})


def _has_something(section: Section, images: Collection[str]) -> bool:
    return any(not isinstance(chart, ImageChart) or chart.name in images for chart in section.charts)


def _packed(name: str, state: dict[str, Any]) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    now = int(time.time() * 1000)
    return json.dumps({"name": name, "createdAt": now, "updatedAt": now, "state": f"deflate;{packed}"})


def _state(sections: Sequence[Section], *, runs: int = 10) -> dict[str, Any]:
    """Return the page's state; what it lacks, the page sets as always.

    Args:
        runs: that a card shows at most.
    """
    cards = [(number, card) for number, section in enumerate(sections) for card in section.charts]
    shown = {"display": True, "isReordered": False}
    return {
        "compareRunCharts": [
            {"uuid": f"card-{i}", "metricSectionId": f"section-{number}", **_card(card, runs)}
            for i, (number, card) in enumerate(cards)
        ],
        "compareRunSections": [
            {"uuid": f"section-{i}", "name": s.headline, "columns": s.columns, "cardHeight": s.height, **shown}
            for i, s in enumerate(sections)
        ]
        + [{"uuid": "others", "name": OTHERS, **shown, "display": False}],
        # otherwise the page sorts the sections by name
        "isAccordionReordered": True,
        # the names of the runs stand above their pictures, which need the room
        "runListHidden": True,
    }


def _card(card: Chart, runs: int) -> dict[str, Any]:
    common = {"runsCountToCompare": runs, "deleted": False, "isGenerated": False}
    if isinstance(card, ParallelChart):
        return {
            **common,
            "type": "PARALLEL",
            "selectedParams": list(card.params),
            "selectedMetrics": list(card.metrics),
            # runs that lack one of them are shown too
            "showAllRuns": True,
        }
    if isinstance(card, ImageChart):
        # the parameters of a run, above each of its pictures, would hide these
        return {**common, "type": "IMAGE", "imageKeys": [card.name], "step": 0, "showRunParams": False}
    return {
        **common,
        "type": "LINE",
        "metricKey": card.names[0],
        "selectedMetricKeys": list(card.names),
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "selectedXAxisMetricKey": "",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
    }
