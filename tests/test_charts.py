"""The views that the chart pages of MLflow open with: what is in them, and that they are there."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import VIEW_TAG, new_tracker, state_of, views_in

from pipeline.data.dataset import Dataset
from pipeline.engine.record import Metrics
from pipeline.engine.stage import Context
from pipeline.runtime.progress import no_progress
from pipeline.stages.registry import STAGES
from pipeline.tracking.charts import saved_view, sweep_view, sweep_views


@pytest.fixture
def sqlite_uri(recorded_here: Path) -> str:
    return f"sqlite:///{recorded_here}/outputs/mlflow.db"


@pytest.fixture(scope="module")
def all_figures(compose, deterministic) -> dict[str, Metrics]:
    """What the stages really record as composed by default, with little to compute."""
    from pipeline.stages.activations.compute import extract_activations
    from pipeline.stages.atlas.compute import survey
    from pipeline.stages.compare.compute import compare_cnns
    from pipeline.stages.dream.compute import dream
    from pipeline.stages.dream_sheet.compute import dream_sheet
    from pipeline.stages.oip.compute import sweep_oips
    from pipeline.stages.statistics.compute import map_statistics
    from pipeline.stages.train.compute import train

    little = ("train.epochs=1", "oip.map_indices=[0,1]", "oip.steps=2", "oip.xla=false", "atlas.wavelengths=[[3,7]]")
    little += ("compare.map_indices=[0,1]",)
    config = compose(*little, "atlas.dream.size=56", "atlas.dream.steps=1", "dream.turns=1", "dream.steps=1")
    images, labels = np.random.default_rng(0).normal(size=(10, 28, 28, 1)).astype(np.float32), np.arange(10)
    dataset = Dataset("noise", "", images, labels, images, labels, tuple("0123456789"))
    trained = train(config.train, config.model, dataset, seed=0)
    photo = np.random.default_rng(1).normal(size=(112, 112)).astype(np.float32)
    oips = sweep_oips(config.oip, config.noise, trained.model, seed=0, reference_images=images, reference_labels=labels)
    statistics = map_statistics(trained.model, "Conv2D_3", images, labels, classes=10)
    results = {
        "statistics": statistics,
        "atlas": survey(
            config.atlas,
            config.oip,
            config.noise,
            config.dream,
            trained.model,
            oips=oips,
            seed=0,
            photo=np.random.default_rng(2).integers(0, 255, (56, 56), np.uint8),
        ),
        "train": trained,
        "activations": extract_activations(config.activations, trained.model, dataset),
        "oip": oips,
        "dream": dream(config.dream, trained.model, photo, seed=0),
        "dream_sheet": dream_sheet(config.dream, trained.model, photo, seed=0),
        "compare": compare_cnns(
            config.compare, config.oip, config.noise, trained.model, trained.model, images, labels, seed=0
        ),
    }
    context = Context(config=config, dataset=dataset, inputs={}, upstream={}, progress=no_progress)
    return {stage: STAGES[stage].metrics(result, context) for stage, result in results.items()}


@pytest.mark.slow
# a CNN out of a file has figures only
@pytest.mark.parametrize("stage", [name for name in STAGES if name != "model"])
def test_view_has_a_card_for_all_pictures_and_none_for_what_is_not_recorded(stage, all_figures):
    view = saved_view(stage, STAGES[stage].shows)
    # older servers take no more as the tag of an experiment
    assert len(view) < 5000
    cards = state_of(view)["compareRunCharts"]
    pictures = [name for card in cards if card["type"] == "IMAGE" for name in card["imageKeys"]]
    assert sorted(pictures) == sorted(all_figures[stage].images)
    curves = [name for card in cards if card["type"] == "LINE" for name in card["selectedMetricKeys"]]
    assert curves or stage == "activations"
    for name in curves:
        assert name in all_figures[stage].series


def test_view_of_the_oips():
    view = json.loads(saved_view("oip", STAGES["oip"].shows))
    assert view.keys() == {"name", "createdAt", "updatedAt", "state"}
    state = state_of(json.dumps(view))
    # sections in this order, the page's own cards folded at the end
    assert state["isAccordionReordered"] is True
    sections = {section["uuid"]: section for section in state["compareRunSections"]}
    assert [section["display"] for section in sections.values()] == [True, True, True, True, True, False]
    assert list(sections.values())[-1]["name"] == "Model metrics"
    cards = state["compareRunCharts"]
    assert len({card["uuid"] for card in cards}) == len(cards)
    assert [card["type"] for card in cards] == ["IMAGE", "IMAGE", "PARALLEL", "LINE", "LINE", "LINE", "LINE"]
    assert [list(sections).index(card["metricSectionId"]) for card in cards] == [0, 1, 2, 3, 3, 4, 4]
    assert [card["imageKeys"] for card in cards[:2]] == [["oip/map"], ["oip/contact_sheet"]]
    assert [card["showRunParams"] for card in cards[:2]] == [False, False]
    for card, name in zip(
        cards[3:], ["path_index_by_map", "relative_activation", "activation", "objective_mean"], strict=True
    ):
        assert (card["metricKey"], card["selectedMetricKeys"], card["xAxisKey"]) == (name, [name], "step")


@pytest.mark.slow
def test_parallel_coordinates_are_of_what_is_recorded(all_figures, compose):
    view = saved_view("oip", STAGES["oip"].shows)
    (card,) = (card for card in state_of(view)["compareRunCharts"] if card["type"] == "PARALLEL")
    config = compose()
    for name in card["selectedParams"]:
        group, _, setting = name.partition(".")
        assert hasattr(getattr(config, group), setting)
    assert set(card["selectedMetrics"]) <= set(all_figures["oip"].metrics)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["train", "oip", "dream"])
def test_view_of_a_sweep(stage, all_figures):
    view = sweep_view(
        STAGES[stage].shows,
        "5" * 32,
        "4 jobs: noise",
        ["noise.wavelengths", "noise.seed"],
        ["a" * 32, "b" * 32],
        all_figures[stage].images,
    )
    assert len(view) < 5000
    state = state_of(view)
    assert state["searchFilter"] == f"attributes.run_id IN ('{'a' * 32}', '{'b' * 32}')"
    (found,) = sweep_views([{"key": f"{VIEW_TAG}sweep-{'5' * 32}", "value": view}, {"key": "other", "value": "x"}])
    assert (found.id, found.name) == (f"sweep-{'5' * 32}", "sweep: 4 jobs: noise")
    parallel = [card for card in state["compareRunCharts"] if card["type"] == "PARALLEL"]
    assert [card["selectedParams"] for card in parallel] == [["noise.wavelengths", "noise.seed"]] * (stage != "dream")
    for card in parallel:
        assert set(card["selectedMetrics"]) <= set(all_figures[stage].metrics)


def test_a_view_of_very_many_jobs_names_the_sweep():
    random = np.random.default_rng(0)
    ids = [random.bytes(16).hex() for _ in range(51)]
    shows = STAGES["oip"].shows
    for some in (ids, []):
        view = sweep_view(shows, "5" * 32, "many or none", ["a"], some, [])
        assert state_of(view)["searchFilter"] == f"tags.sweep_id = '{'5' * 32}'"
    # as many as are named have room
    images = ["oip/map", "oip/contact_sheet"]
    assert len(sweep_view(shows, "5" * 32, "50 jobs: noise.seed", ["noise.seed"], ids[:50], images)) < 5000


def test_a_view_of_a_sweep_has_no_chart_of_images_that_no_job_has():
    def charts(images):
        cards = state_of(sweep_view(STAGES["oip"].shows, "5" * 32, "sheets", ["noise.seed"], [], images))
        return [card["type"] for card in cards["compareRunCharts"]]

    whole, sheets = charts(["oip/map", "oip/contact_sheet"]), charts(["oip/contact_sheet"])
    assert whole == ["IMAGE", "PARALLEL", "IMAGE", *whole[3:]]
    assert sheets == ["IMAGE", "PARALLEL", *whole[3:]]
    # where no record of a job can be read any more
    assert charts([]) == whole


def test_views_of_sweeps_that_were_changed_by_hand_are_passed_over():
    tags = [
        {"key": f"{VIEW_TAG}sweep-{name}", "value": value} for name, value in (("a", "{"), ("b", "[]"), ("c", "{}"))
    ]
    assert sweep_views(tags) == []


def test_view_is_set_once_and_never_again(sqlite_uri, tmp_path):
    from mlflow import MlflowClient

    client = MlflowClient(sqlite_uri)

    def views_after_a_run() -> dict[str, str]:
        tracker = new_tracker(tmp_path, sqlite_uri)
        with tracker.stage_run("activations", "key", name="n", upstream={}):
            pass
        tracker.wait()
        return views_in(client, "activations")

    first = views_after_a_run()
    assert first.keys() == {"activations-2"}
    assert views_after_a_run() == first
    # changed by hand
    experiment = client.get_experiment_by_name("test dreams/activations").experiment_id
    client.set_experiment_tag(experiment, f"{VIEW_TAG}activations-2", "changed")
    assert views_after_a_run() == {"activations-2": "changed"}
    # there is only one of an older version
    client.delete_experiment_tag(experiment, f"{VIEW_TAG}activations-2")
    client.set_experiment_tag(experiment, f"{VIEW_TAG}activations-1", "older")
    views = views_after_a_run()
    assert views.keys() == {"activations-1", "activations-2"}
    assert views["activations-1"] == "older"


def test_view_that_is_refused_costs_a_warning_and_not_the_record(sqlite_uri, tmp_path, monkeypatch, caplog):
    from mlflow import MlflowClient

    def refuse(*_: Any) -> None:
        raise ValueError("no such\ntag")

    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuse)
    tracker = new_tracker(tmp_path, sqlite_uri)
    with tracker.stage_run("dream", "refused", name="n", upstream={}) as run:
        pass
    tracker.wait()
    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert warning.getMessage().endswith("test dreams/dream opens without a choice of charts: ValueError: no such tag")
    assert tracker.find_run("dream", "refused") == run.run_id
    assert views_in(MlflowClient(sqlite_uri), "dream") == {}
