"""What the chart page of each stage's experiment in MLflow opens with: which cards, in which order.

A saved view of that page is a tag of the experiment, which the page's address names. MLflow does not document it; this
is what the page of 3.17 writes and reads. Metrics and pictures that a view does not name get cards of their own below.
"""

import base64
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TAG = "mlflow.sharedViewState."
# Raised with every change of VIEWS: a view that is already there is never touched, as someone may have changed it.
VERSION = 1
# where the page puts the cards it adds
REST = "Model metrics"


@dataclass(frozen=True)
class Pictures:
    """The pictures logged as `name`, one per run, and a slider over their steps."""

    name: str


@dataclass(frozen=True)
class Curves:
    """Series in one chart, a line for each run and name."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, kw_only=True)
class Section:
    """Cards under a headline; columns: cards per row; height: of a card, in pixels."""

    title: str
    cards: tuple[Pictures | Curves, ...]
    columns: int
    height: int


VIEWS = {
    "train": (
        Section(
            title="Learning curves (step: epoch)",
            cards=(Curves("loss", "test_loss"), Curves("accuracy", "test_accuracy"), Curves("learning_rate")),
            columns=2,
            height=400,
        ),
    ),
    "activations": tuple(
        Section(
            title=f"{layer} (slider: class of the image)",
            cards=(Pictures(f"activations/{layer}"),),
            columns=1,
            height=600,
        )
        for layer in ("Conv2D_1", "Conv2D_2", "Conv2D_3")
    ),
    "oip": (
        Section(title="One map (slider: its index)", cards=(Pictures("oip/map"),), columns=1, height=420),
        Section(title="All maps", cards=(Pictures("oip/contact_sheet"),), columns=1, height=600),
        Section(
            title="Activation (step: map index), objective (step of the ascent)",
            cards=(Curves("activation"), Curves("objective_mean")),
            columns=2,
            height=400,
        ),
    ),
    "dream": (
        Section(title="The dream", cards=(Pictures("dream/picture"),), columns=1, height=600),
        Section(
            title="How it grew (slider: turns and levels)", cards=(Pictures("dream/growing"),), columns=1, height=600
        ),
        Section(
            title="Objective of each level (step of the ascent)",
            cards=tuple(Curves(f"objective_level_{level}") for level in (1, 2, 3)),
            columns=3,
            height=400,
        ),
    ),
}


def view_id(stage: str) -> str:
    return f"{stage}-{VERSION}"


def view_tag(stage: str) -> tuple[str, str]:
    """Name and value of the tag of an experiment that is the view of this stage."""
    packed = zlib.compress(json.dumps(_state(VIEWS[stage])).encode(), level=9)
    now = int(time.time() * 1000)
    view = {
        "name": f"Compare {stage} runs",
        "createdAt": now,
        "updatedAt": now,
        "state": "deflate;" + base64.b64encode(packed).decode(),
    }
    return TAG + view_id(stage), json.dumps(view)


def chart_address(root: str, experiment_id: str, stage: str, tags: Mapping[str, str]) -> str:
    """The chart page of a stage's experiment with these tags, below `root`; with the view if it is there."""
    # without the first words of the query a page opens on traces of language models
    address = f"{root}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    key = view_id(stage)
    return f"{address}&viewStateShareKey={quote(key)}" if TAG + key in tags else address


def _state(sections: tuple[Section, ...]) -> dict[str, Any]:
    charts, headlines = [], []
    for section in sections:
        section_id = f"section-{len(headlines)}"
        headlines.append(
            {
                **{"uuid": section_id, "name": section.title, "display": True, "isReordered": False},
                **{"columns": section.columns, "cardHeight": section.height},
            }
        )
        for card in section.cards:
            place = {"uuid": f"card-{len(charts)}", "metricSectionId": section_id, "runsCountToCompare": 10}
            charts.append({**place, "deleted": False, "isGenerated": False, **_card(card)})
    headlines.append({"uuid": "rest", "name": REST, "display": False, "isReordered": False})
    # or the page sorts the sections by name
    return {"compareRunCharts": charts, "compareRunSections": headlines, "isAccordionReordered": True}


def _card(card: Pictures | Curves) -> dict[str, Any]:
    if isinstance(card, Pictures):
        # all parameters of a run above each of its pictures would leave no room for them
        return {"type": "IMAGE", "imageKeys": [card.name], "step": 0, "showRunParams": False}
    return {
        **{"type": "LINE", "metricKey": card.names[0], "selectedMetricKeys": list(card.names), "lineSmoothness": 0},
        **{"scaleType": "linear", "xAxisKey": "step", "xAxisScaleType": "linear", "selectedXAxisMetricKey": ""},
        **{"useGlobalLineSmoothing": False, "useGlobalXaxisKey": False},
    }
