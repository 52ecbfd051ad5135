"""Stages of a pipeline with little in them, and all that MLflow tells about a run, for comparison."""

import base64
import contextlib
import json
import re
import socket
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from servers import LOOPBACK

from pipeline.data.dataset import Dataset, DatasetSplit
from pipeline.engine import storage
from pipeline.engine.record import StageRecord
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.tracking import Tracker, open_tracker

EXPERIMENT = "test dreams"
VIEW_TAG = "mlflow.sharedViewState."
# what differs between two runs of the same; the note names the run, and the one that it stands on
OWN = (
    "pipeline_id",
    "upstream.train",
    "upstream.statistics",
    "upstream.oip",
    "pid",
    "process_started",
    "mlflow.note.content",
)


def client_of(folder: Path) -> Any:
    """The client of the record of runs that were made in a folder."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")


def tracker_of(output_dir: Path, uri: str | None, pipeline_id: str = "pipeline-1") -> Tracker:
    config = TrackingConfig(backend=TrackingBackend.mlflow, uri=uri, experiment=EXPERIMENT)
    tracker = open_tracker(config, output_dir, pipeline_id=pipeline_id)
    # connect now, as a run does that has something to tell
    tracker.attempt(lambda connection: None)
    return tracker


def train_stage(tracker: Tracker, run_dir: Path, model: Any, dataset: Dataset, key: str = "train-key") -> str | None:
    """As `Execution` does it: epochs while it computes, the rest at the end; returns the id of the run."""
    split = DatasetSplit(dataset, "train")
    losses = {1: 0.5, 2: 0.25, 3: float("nan")}
    record = StageRecord(
        stage="train",
        key=key,
        name="a training",
        params={"train.epochs": "3"},
        metrics={"final_loss": 0.25, "epochs": 3.0},
        series={"loss": losses, "learning_rate": dict.fromkeys(losses, 0.001)},
        tags={"dataset": dataset.name},
    )
    place = run_dir / "train"
    with tracker.stage_run(
        "train", key, name=record.name, upstream={}, tags=record.tags, folder=place, split=split
    ) as run:
        run.log_params(record.params)
        for epoch, loss in losses.items():
            run.log_epoch(epoch, {"loss": loss, "learning_rate": 0.001})
        with storage.new_folder(place) as draft:
            model.save(draft / "model.keras")
            (draft / "notes").mkdir()
            (draft / "notes" / "history.txt").write_text("a file in a folder")
            storage.save_record(record, draft, digests={}, process=run.computed())
            run.mark(draft)
        # so that the end of the stage is not that of its record
        time.sleep(0.005)
        if run.run_id is not None:
            run.log_dataset(split)
            run.log_model(model, dataset.test_images[:2])
        run.log_record(record, place)
    return run.run_id


def oip_stage(tracker: Tracker, run_dir: Path, train_id: str | None, key: str = "oip-key", **tags: str) -> str | None:
    """A stage that stands on a training."""
    record = StageRecord(
        stage="oip",
        key=key,
        name="maps",
        params={"oip.steps": "4", "long": "x" * 7000},
        metrics={"triggered": 2.0},
        series={"activation": {3: 0.5, 7: 1.5}, "objective_mean": {step: step / 7 for step in range(30)}},
        images={"oip/map": {3: "map_003.png", 7: "map_007.png"}},
        tags={"layer": "Conv2D_2", **tags},
    )
    place = run_dir / "oip"
    with tracker.stage_run(
        "oip",
        key,
        name=record.name,
        upstream={"train": train_id},
        upstream_keys={"train": "train-key"},
        tags=record.tags,
        folder=place,
    ) as run:
        run.log_params(record.params)
        with storage.new_folder(place) as draft:
            for index in (3, 7):
                Image.fromarray(np.full((28, 28), index, np.uint8)).save(draft / f"map_{index:03}.png")
            storage.save_record(record, draft, digests={}, process=run.computed())
            run.mark(draft)
        run.log_record(record, place)
    return run.run_id


def times_of(folder: Path) -> tuple[int, int]:
    """When a stage began and ended, by its own record."""
    process = storage.load_process(folder)
    return process["start_time"], process["end_time"]


def runs_of(client: Any, stage: str, experiment: str = EXPERIMENT) -> list[Any]:
    """All runs of a stage that are not deleted."""
    found = client.get_experiment_by_name(f"{experiment}/{stage}")
    return [] if found is None else list(client.search_runs([found.experiment_id], max_results=1000))


def told(client: Any, run: Any) -> dict[str, Any]:
    """All that MLflow tells about a run, but for ids and times."""
    run_id = run.info.run_id
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "params": run.data.params,
        # how fast it was is a time, too
        "metrics": {
            name: [(step, "" if name == "images_per_second" else value) for step, value in points(client, run_id, name)]
            for name in run.data.metrics
        },
        "tags": {name: value for name, value in run.data.tags.items() if name not in OWN},
        "artifacts": sorted(files(client, run_id)),
        "datasets": [
            (vars(used.dataset), [(tag.key, tag.value) for tag in used.tags]) for used in run.inputs.dataset_inputs
        ],
        "models": [model_told(client, output.model_id) for output in run.outputs.model_outputs],
    }


def points(client: Any, run_id: str, name: str) -> list[tuple[int, str]]:
    # as text, as nothing equals nan
    return sorted((point.step, repr(point.value)) for point in client.get_metric_history(run_id, name))


def files(client: Any, run_id: str, path: str | None = None) -> list[tuple[str, int | None]]:
    """Paths and sizes of the artifacts; what MLflow puts into the names of pictures is left out."""
    found: list[tuple[str, int | None]] = []
    for info in client.list_artifacts(run_id, path):
        name = re.sub(r"timestamp\+\d{13}\+[0-9a-f-]{36}", "ID", info.path)
        # it holds the time at which it was begun
        size = None if name.endswith("stage.json") else info.file_size
        found += files(client, run_id, info.path) if info.is_dir else [(name, size)]
    return found


def model_told(client: Any, model_id: str) -> dict[str, Any]:
    from mlflow.models import get_model_info

    model = client.get_logged_model(model_id)
    import mlflow

    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        signature = get_model_info(f"models:/{model_id}").signature.to_dict()
    finally:
        mlflow.set_tracking_uri(None)
    return {
        "name": model.name,
        "status": str(model.status),
        "metrics": sorted((metric.key, metric.step, repr(metric.value)) for metric in model.metrics),
        "signature": signature,
        "files": sorted(info.path for info in client.list_logged_model_artifacts(model_id)),
    }


def new_tracker(output_dir: Path, uri: str | None = None, *, backend: str = "mlflow") -> Tracker:
    config = TrackingConfig(backend=TrackingBackend(backend), uri=uri, experiment=EXPERIMENT)
    return open_tracker(config, output_dir, pipeline_id="pipeline-1")


def new_record(stage: str, **fields: Any) -> StageRecord:
    return StageRecord(**({"stage": stage, "key": "k", "name": stage, "params": {}, "metrics": {}} | fields))


@contextlib.contextmanager
def silent_server():
    """Lets others connect and never answers."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server


def state_of(view: str) -> dict[str, Any]:
    """The state of the page in a view, read as the page does."""
    packed = json.loads(view)["state"]
    assert packed.startswith("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(packed.removeprefix("deflate;"))))


def views_in(client: Any, stage: str) -> dict[str, str]:
    tags = client.get_experiment_by_name(f"{EXPERIMENT}/{stage}").tags
    return {name.removeprefix(VIEW_TAG): value for name, value in tags.items() if name.startswith(VIEW_TAG)}
