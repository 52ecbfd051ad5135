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

from pipeline.runtime.errors import one_line

logger = logging.getLogger(__package__)

# Part of a view's name, to be raised with any change of VIEWS: a view that is there is never written again, as it may
# have been changed by hand.
VERSION = 2
TAG = "mlflow.sharedViewState."
# Of a sweep that a page shows; one of the numbers that the page offers.
MOST_JOBS = 20
# Of runs that a search names one by one: a view has no room for more.
MOST_NAMED = 50
SETTINGS = "Settings and what came of them"
# Where the page puts cards for the metrics that a view does not name; folded.
OTHERS = "Model metrics"


@dataclass(frozen=True)
class Pictures:
    """What was logged as pictures under this name: one of each run, and a slider over their steps."""

    name: str


@dataclass(frozen=True)
class Curves:
    """Series in one chart, a line for each of them and each run."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Parallel:
    """Parallel coordinates: a line for each run, through its settings and figures; the last one gives its colour."""

    params: tuple[str, ...]
    metrics: tuple[str, ...]


Card = Pictures | Curves | Parallel


@dataclass(frozen=True)
class Section:
    """Cards under a headline; height: of a card in pixels; columns: cards per row."""

    headline: str
    cards: tuple[Card, ...]
    height: int = 630
    columns: int = 1


VIEWS: dict[str, tuple[Section, ...]] = {
    "train": (
        Section(
            "Training and test images, by epoch",
            (Curves(("loss", "test_loss")), Curves(("accuracy", "test_accuracy")), Curves(("learning_rate",))),
            height=400,
            columns=3,
        ),
    ),
    "activations": (
        Section("Conv2D_1 (move the slider to a class)", (Pictures("activations/Conv2D_1"),)),
        Section("Conv2D_2 (move the slider to a class)", (Pictures("activations/Conv2D_2"),)),
        Section("Conv2D_3 (move the slider to a class)", (Pictures("activations/Conv2D_3"),)),
    ),
    "statistics": (
        Section("Mean activation by class and map", (Pictures("statistics/classes"),)),
        Section("The images that activate each map most", (Pictures("statistics/top_images"),), height=900),
        Section(
            "By map index",
            (Curves(("mean",)), Curves(("selectivity",)), Curves(("accuracy_drop",))),
            height=400,
            columns=3,
        ),
    ),
    "oip": (
        Section("One map (move the slider to its index)", (Pictures("oip/map"),)),
        Section("All maps", (Pictures("oip/contact_sheet"),)),
        Section(
            SETTINGS,
            (
                Parallel(
                    ("noise.wavelengths", "noise.seed", "oip.steps", "oip.step_size"),
                    ("triggered", "converged", "mean_activation"),
                ),
            ),
            height=400,
        ),
        Section(
            "Activation by map index, objective by ascent step",
            (Curves(("activation",)), Curves(("objective_mean",))),
            height=400,
            columns=2,
        ),
    ),
    "dream": (
        Section("Dream", (Pictures("dream/picture"),)),
        Section("How it grew (move the slider through levels and turns)", (Pictures("dream/growing"),)),
        Section(
            "Objective of each level, by ascent step",
            (Curves(("objective_level_1",)), Curves(("objective_level_2",)), Curves(("objective_level_3",))),
            height=400,
            columns=3,
        ),
    ),
    "atlas": (
        Section("The photo, dreamt towards every map", (Pictures("atlas/dreams"),)),
        Section(
            "By map index: how alike OIPs of other noise are, and how alike real images are in the first layer",
            (Curves(("agreement",)), Curves(("early_similarity",))),
            height=400,
            columns=2,
        ),
    ),
    "sweeps": (
        Section("Activation of every map, job by job", (Pictures("sweep/activation"),)),
        Section("The OIPs of every job", (Pictures("sweep/oips"),), height=900),
    ),
    "dream_sheet": (
        Section("All dreams", (Pictures("dream_sheet/contact_sheet"),)),
        Section("One dream (move the slider to its map or number)", (Pictures("dream_sheet/dream"),)),
        Section(
            "Objective at the first and the last step, by map or number",
            (Curves(("objective_first",)), Curves(("objective_last",))),
            height=400,
            columns=2,
        ),
    ),
}


def set_view(client: Any, experiment: Any, stage: str) -> None:
    """Give an experiment the view of its stage unless it has it. If MLflow refuses, a warning: the record goes on."""
    if stage not in VIEWS or TAG + view_id(stage) in experiment.tags:
        return
    try:
        client.set_experiment_tag(experiment.experiment_id, TAG + view_id(stage), saved_view(stage))
    except Exception as error:
        with contextlib.suppress(Exception):
            if TAG + view_id(stage) in client.get_experiment(experiment.experiment_id).tags:
                # another process set it at the same moment
                return
        logger.warning("MLflow's page of %s opens without a choice of charts: %s", experiment.name, one_line(error))


def view_id(stage: str) -> str:
    """The name of a stage's view in tags and addresses."""
    return f"{stage}-{VERSION}"


def chart_address(root: str, experiment_id: str, view: str, tags: Collection[str]) -> str:
    """The chart page of a stage's experiment on the server `root`, with a view if that is among its `tags`."""
    # without the workflow a page opens on traces of language models
    page = f"{root}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    return f"{page}&viewStateShareKey={view}" if TAG + view in tags else page


def sweep_view_id(sweep_id: str) -> str:
    """The name of a sweep's view."""
    return f"sweep-{sweep_id}"


@dataclass(frozen=True)
class SweepView:
    """The view of a sweep that an experiment has."""

    id: str
    name: str
    created: int


def sweep_views(tags: Sequence[Mapping[str, str]]) -> list[SweepView]:
    """The views of sweeps among the tags of an experiment, as a server tells them; the newest first."""
    found = []
    for tag in tags:
        if tag["key"].startswith(TAG + sweep_view_id("")):
            # it may have been changed by hand
            with contextlib.suppress(ValueError, KeyError, TypeError):
                view = json.loads(tag["value"])
                found.append(SweepView(tag["key"].removeprefix(TAG), view["name"], int(view["createdAt"])))
    return sorted(found, key=lambda view: -view.created)


def saved_view(stage: str) -> str:
    """The view of a stage as the value of its tag."""
    return _packed(f"{stage}: runs side by side", _state(VIEWS[stage]))


def sweep_view(stage: str, sweep_id: str, name: str, params: Sequence[str], run_ids: Sequence[str]) -> str:
    """The view of the jobs of one sweep in a stage's experiment.

    Args:
        params: in which the jobs differ.
        run_ids: of the jobs; a job that reused a result has a run from before the sweep.
    """
    figures = {"oip": ("triggered", "mean_activation"), "train": ("final_test_loss", "final_test_accuracy")}
    sections = list(VIEWS[stage])
    if params and stage in figures:
        sections = [s for s in sections if not isinstance(s.cards[0], Parallel)]
        sections.insert(1, Section(SETTINGS, (Parallel(tuple(params), figures[stage]),), height=400))
    named = ", ".join(f"'{run_id}'" for run_id in run_ids)
    chosen = f"attributes.run_id IN ({named})" if 0 < len(run_ids) <= MOST_NAMED else f"tags.sweep_id = '{sweep_id}'"
    # the newest come first elsewhere; the jobs shall stand in their order
    query = {"searchFilter": chosen, "orderByKey": "attributes.start_time", "orderByAsc": True}
    return _packed(f"sweep: {name}", _state(sections, runs=MOST_JOBS) | query | {"runsHiddenMode": "FIRST_20_RUNS"})


def _packed(name: str, state: dict[str, Any]) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    now = int(time.time() * 1000)
    return json.dumps({"name": name, "createdAt": now, "updatedAt": now, "state": f"deflate;{packed}"})


def _state(sections: Sequence[Section], *, runs: int = 10) -> dict[str, Any]:
    """The page's state; what it lacks, the page sets as always.

    Args:
        runs: that a card shows at most.
    """
    cards = [(number, card) for number, section in enumerate(sections) for card in section.cards]
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


def _card(card: Card, runs: int) -> dict[str, Any]:
    common = {"runsCountToCompare": runs, "deleted": False, "isGenerated": False}
    if isinstance(card, Parallel):
        return {
            **common,
            "type": "PARALLEL",
            "selectedParams": list(card.params),
            "selectedMetrics": list(card.metrics),
            # runs that lack one of them are shown too
            "showAllRuns": True,
        }
    if isinstance(card, Pictures):
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
