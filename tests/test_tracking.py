"""What MLflow was told, read back with MLflow's own client: from an SQLite file and through a real server."""

import contextlib
import logging
import os
import re
import socket
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from at_once import at_once
from PIL import Image
from recording import client_of, new_record, new_tracker, runs_of, silent_server, state_of, views_in
from servers import LOOPBACK, MlflowServer, empty_sqlite, free_port

from pipeline.data.dataset import Dataset, DatasetSplit
from pipeline.runtime.errors import InputError, without_passwords
from pipeline.stages.registry import STAGES
from pipeline.tracking import Tracker, sqlite_lookup
from pipeline.tracking.charts import saved_view

MAPS = range(12)
HISTORY = {"loss": {1: 0.9, 2: 0.5, 3: 0.25}, "test_loss": {1: 1.0, 2: 0.75, 3: float("nan")}}
LONG = {"curve": {step: step / 7 for step in range(1500)}, "activation": {m: m**2 + 0.5 for m in MAPS}}


@dataclass(frozen=True)
class Recorded:
    """A training and an OIP sweep that were recorded, and MLflow's client to look at them."""

    client: Any
    uri: str
    tracker: Tracker
    folder: Path
    train_id: str
    oip_id: str
    model: Any
    images: np.ndarray


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    generator = np.random.default_rng(0)
    images = generator.normal(size=(30, 12, 12, 1)).astype(np.float32)
    labels = generator.integers(0, 3, 30)
    return Dataset("digits", "0123456789abcdef" * 4, images[:20], labels[:20], images[20:], labels[20:], tuple("012"))


@pytest.fixture
def outputs(recorded_here: Path) -> Path:
    """An output folder with an empty record."""
    return recorded_here / "outputs"


@pytest.fixture(scope="module")
def sqlite_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    # a path with what has to be quoted in URIs
    return f"sqlite:///{tmp_path_factory.mktemp('local') / 'größe 1%' / 'mlflow.db'}"


@pytest.fixture(scope="module")
def server_uri(tmp_path_factory: pytest.TempPathFactory, empty_record: Path):
    """A server that keeps the artifacts itself."""
    folder = tmp_path_factory.mktemp("server")
    server = MlflowServer(folder, empty_sqlite(empty_record, folder))
    yield server.uri
    server.kill()


@pytest.fixture(scope="module", params=["sqlite_uri", "server_uri"])
def recorded(request, tmp_path_factory, dataset, tiny_cnn) -> Recorded:
    uri, model = request.getfixturevalue(request.param), tiny_cnn()
    folder = tmp_path_factory.mktemp("results")
    (folder / "train" / "deep").mkdir(parents=True)
    (folder / "train" / "model.keras").write_bytes(b"kept once")
    (folder / "train" / "deep" / "history.json").write_text("[1, 2]")
    (folder / "oip").mkdir()
    for m in MAPS:
        pixels = np.kron(np.random.default_rng(m).integers(0, 256, (28, 28)), np.ones((20, 20))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "oip" / f"map_{m:03}.png")
    tracker = new_tracker(folder, uri)
    with tracker.stage_run("train", "train-key", name="a training", upstream={}, tags={"data": "digits"}) as train:
        train.log_params({"train.epochs": "3"})
        for epoch in (1, 2):
            train.log_epoch(epoch, {name: values[epoch] for name, values in HISTORY.items()})
        train.log_dataset(DatasetSplit(dataset, "train"))
        train.log_model(model, dataset.test_images[:2])
        record = new_record("train", params={"train.epochs": "3"}, metrics={"final_loss": 0.25}, series=HISTORY)
        train.log_record(record, folder / "train")
    with tracker.stage_run("oip", "oip-key", name="maps", upstream={"train": train.run_id, "other": None}) as oip:
        record = new_record(
            "oip",
            params={f"p{i:03}": str(i) for i in range(230)} | {"a=b,[c]": "odd", "long": "x" * 7000},
            metrics={"triggered": 11.0},
            series=LONG,
            images={"oip/map": {m: f"map_{m:03}.png" for m in MAPS}, "sheet": {0: "map_000.png"}},
            tags={"layer": "Conv2D_2"},
        )
        oip.log_record(record, folder / "oip")
    assert tracker.address is not None
    assert train.run_id is not None
    assert oip.run_id is not None

    from mlflow import MlflowClient

    return Recorded(MlflowClient(uri), uri, tracker, folder, train.run_id, oip.run_id, model, dataset.test_images[:2])


# what is recorded --------------------------------------------------------------------------------------------------


def test_every_stage_has_an_experiment_with_flat_finished_runs(recorded):
    experiments = {e.name: e for e in recorded.client.search_experiments() if e.name != "Default"}
    assert experiments.keys() == {"test dreams/train", "test dreams/oip"}
    for name, run_id in (("train", recorded.train_id), ("oip", recorded.oip_id)):
        (run,) = recorded.client.search_runs([experiments[f"test dreams/{name}"].experiment_id])
        assert (run.info.run_id, run.info.status) == (run_id, "FINISHED")
        assert "mlflow.parentRunId" not in run.data.tags


def test_artifacts_of_a_local_record_lie_beside_it(recorded):
    if not recorded.uri.startswith("sqlite"):
        location = recorded.client.get_run(recorded.oip_id).info.artifact_uri
        assert location.startswith("mlflow-artifacts:")
        return
    place = Path(recorded.uri.removeprefix("sqlite:///")).parent / "mlartifacts"
    assert (place / "oip" / recorded.oip_id / "artifacts" / "results" / "map_003.png").is_file()


def test_tags(recorded):
    train = recorded.client.get_run(recorded.train_id)
    assert train.info.run_name == "a training"
    expected = {"stage": "train", "stage_key": "train-key", "pipeline_id": "pipeline-1", "data": "digits"}
    expected |= {"host": socket.gethostname(), "pid": str(os.getpid())}
    assert train.data.tags.items() >= expected.items()
    tags = recorded.client.get_run(recorded.oip_id).data.tags
    assert tags.items() >= {"stage": "oip", "layer": "Conv2D_2", "upstream.train": recorded.train_id}.items()
    assert "upstream.other" not in tags


def test_params(recorded):
    expected = {f"p{i:03}": str(i) for i in range(230)} | {"a_b__c_": "odd", "long": "x" * 6000}
    assert recorded.client.get_run(recorded.oip_id).data.params == expected
    assert recorded.client.get_run(recorded.train_id).data.params == {"train.epochs": "3"}


def history(recorded: Recorded, run_id: str, name: str) -> list[tuple[int, float]]:
    points = recorded.client.get_metric_history(run_id, name)
    return sorted((point.step, point.value) for point in points)


def test_metrics_and_series_have_every_step_and_value(recorded):
    assert recorded.client.get_run(recorded.oip_id).data.metrics["triggered"] == 11.0
    for name, values in LONG.items():
        assert history(recorded, recorded.oip_id, name) == list(values.items())


def test_epochs_that_were_logged_as_they_happened_are_not_repeated(recorded):
    assert history(recorded, recorded.train_id, "loss") == list(HISTORY["loss"].items())
    steps, values = zip(*history(recorded, recorded.train_id, "test_loss"), strict=True)
    np.testing.assert_array_equal(steps, [1, 2, 3])
    np.testing.assert_array_equal(values, [1.0, 0.75, np.nan])
    assert history(recorded, recorded.train_id, "final_loss") == [(0, 0.25)]


def artifacts(recorded: Recorded, run_id: str, path: str | None = None) -> set[str]:
    return {info.path for info in recorded.client.list_artifacts(run_id, path)}


def test_pictures_are_those_that_the_pages_show_as_cards_with_a_slider(recorded, tmp_path):
    assert recorded.client.get_run(recorded.oip_id).data.tags["mlflow.loggedImages"] == "True"
    assert "mlflow.loggedImages" not in recorded.client.get_run(recorded.train_id).data.tags
    folder = Path(recorded.client.download_artifacts(recorded.oip_id, "images", str(tmp_path)))
    pattern = r"(oip~map|sheet)\+step\+(\d+)\+timestamp\+\d{13}\+([0-9a-f-]{36})(\.png|\+compressed\.webp)"
    found: dict[tuple[str, str], dict[str, str]] = {}
    for path in folder.iterdir():
        match = re.fullmatch(pattern, path.name)
        assert match, path.name
        name, step, unique, kind = match.groups()
        assert found.setdefault((name, step), {}).setdefault("id", unique) == unique
        found[name, step][kind] = path.name
    assert found.keys() == {("oip~map", str(m)) for m in MAPS} | {("sheet", "0")}
    for (_, step), files in found.items():
        original = (recorded.folder / "oip" / f"map_{int(step):03}.png").read_bytes()
        assert (folder / files[".png"]).read_bytes() == original
        with Image.open(folder / files["+compressed.webp"]) as preview:
            preview.load()
            assert preview.size == (480, 480)


def test_pictures_are_named_as_mlflow_names_them(recorded):
    """`log_image` itself, beside which ours stand."""
    run = recorded.client.create_run(recorded.client.get_run(recorded.oip_id).info.experiment_id)
    pixels = np.zeros((4, 4), np.uint8)
    recorded.client.log_image(run.info.run_id, pixels, key="oip/map", step=7, synchronous=True)

    def shapes(run_id: str) -> set[str]:
        names = {Path(path).name for path in artifacts(recorded, run_id, "images")}
        ours = {name for name in names if "+step+7+" in name}
        return {re.sub(r"\d{13}", "MS", re.sub(r"[0-9a-f-]{36}", "ID", name)) for name in ours}

    theirs = shapes(run.info.run_id)
    assert len(theirs) == 2
    assert shapes(recorded.oip_id) == theirs
    recorded.client.delete_run(run.info.run_id)


def test_the_folder_of_the_stage_is_an_artifact(recorded):
    assert artifacts(recorded, recorded.oip_id) == {"images", "results"}
    expected = {f"results/map_{m:03}.png" for m in MAPS}
    assert artifacts(recorded, recorded.oip_id, "results") == expected


def test_a_model_that_is_logged_is_not_kept_twice(recorded):
    assert artifacts(recorded, recorded.train_id) == {"results"}
    assert artifacts(recorded, recorded.train_id, "results") == {"results/deep"}
    assert artifacts(recorded, recorded.train_id, "results/deep") == {"results/deep/history.json"}


def test_data_set(recorded):
    (used,) = recorded.client.get_run(recorded.train_id).inputs.dataset_inputs
    assert used.dataset.name == "digits"
    assert used.dataset.digest == ("0123456789abcdef" * 4)[:36]
    assert '"features_shape": [20, 12, 12, 1]' in used.dataset.profile
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_model_gives_the_same_predictions_and_knows_its_figures(recorded):
    import mlflow

    (output,) = recorded.client.get_run(recorded.train_id).outputs.model_outputs
    logged = recorded.client.get_logged_model(output.model_id)
    assert (str(logged.status), logged.name, logged.source_run_id) == ("READY", "model", recorded.train_id)
    assert {metric.key: metric.value for metric in logged.metrics}["final_loss"] == 0.25
    mlflow.set_tracking_uri(recorded.uri)
    try:
        for uri in (f"models:/{output.model_id}", f"runs:/{recorded.train_id}/model"):
            loaded = mlflow.tensorflow.load_model(uri)
            np.testing.assert_array_equal(loaded(recorded.images), recorded.model(recorded.images))
        signature = mlflow.models.get_model_info(f"models:/{output.model_id}").signature
    finally:
        mlflow.set_tracking_uri(None)
    assert signature.inputs.inputs[0].shape == (-1, 12, 12, 1)
    assert signature.outputs.inputs[0].shape == (-1, 3)


def test_find_run(recorded):
    tracker = recorded.tracker
    assert tracker.find_run("oip", "oip-key") == recorded.oip_id
    assert tracker.find_run("oip", "train-key") is None
    assert tracker.find_run("dream", "oip-key") is None


# more than a stage -------------------------------------------------------------------------------------------------


def test_a_run_of_another_kind_can_be_continued(sqlite_uri, tmp_path):
    from mlflow import MlflowClient

    client = MlflowClient(sqlite_uri)
    run_id = new_tracker(tmp_path, sqlite_uri).begin(
        "sweeps", name="a sweep", params={"a": "b"}, tags={"state": "begun"}
    )
    assert run_id is not None
    run = new_tracker(tmp_path, sqlite_uri).resumed(run_id)
    run.log_epoch(1, {"jobs": 1.0})
    run.end("KILLED", failure="interrupted")
    assert run.run_id == run_id
    begun = client.get_run(run_id)
    assert (begun.info.status, begun.data.params) == ("KILLED", {"a": "b"})
    tracker = new_tracker(tmp_path, sqlite_uri)
    assert tracker.reopen(run_id)
    assert not tracker.reopen("0" * 32)
    assert client.get_run(run_id).info.status == "RUNNING"
    again = tracker.resumed(run_id)
    again.log_tags({"state": "ended"})
    again.log_epoch(1, {"jobs": 1.0})
    again.log_epoch(2, {"jobs": 2.0})
    again.end("FINISHED")
    assert again.run_id == run.run_id
    ended = client.get_run(run.run_id)
    assert (ended.info.status, ended.info.start_time) == ("FINISHED", begun.info.start_time)
    assert ended.info.end_time >= begun.info.end_time
    assert ended.data.tags["state"] == "ended"
    assert [(point.step, point.value) for point in client.get_metric_history(run.run_id, "jobs")] == [(1, 1), (2, 2)]


# the view that a chart page opens with ---------------------------------------------------------------------------


def test_every_stage_has_its_view_in_the_record(recorded):
    for stage in ("train", "oip"):
        views = views_in(recorded.client, stage)
        assert views.keys() == {f"{stage}-2"}
        assert state_of(views[f"{stage}-2"]) == state_of(saved_view(stage, STAGES[stage].shows))


# how a run ends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("no memory\nleft"), "FAILED", "RuntimeError: no memory left"),
        (InputError.at("a.b", takes="x", got="y"), "FAILED", "a.b: takes x; got y"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (SystemExit(143), "KILLED", "SystemExit: 143"),
    ],
)
def test_a_run_that_is_left_by_an_error_says_so(sqlite_uri, tmp_path, error, status, reason):
    tracker = new_tracker(tmp_path, sqlite_uri)
    with pytest.raises(type(error)) as raised, tracker.stage_run("fails", reason, name="n", upstream={}) as run:
        raise error
    assert raised.value is error

    from mlflow import MlflowClient

    ended = MlflowClient(sqlite_uri).get_run(run.run_id)
    assert (ended.info.status, ended.data.tags["failure"]) == (status, reason)
    assert ended.info.end_time is not None
    assert tracker.find_run("fails", reason) is None


def test_what_others_have_set_for_their_runs_does_not_count(outputs, monkeypatch):
    others = {
        **{
            "MLFLOW_ACTIVE_MODEL_ID": "m-of-others",
            "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
            "MLFLOW_RUN_ID": "of-others",
        },
        **{"MLFLOW_EXPERIMENT_ID": "77", "MLFLOW_EXPERIMENT_NAME": "others"},
        **{"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_REGISTRY_URI": "http://127.0.0.1:9"},
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    tracker = new_tracker(outputs)
    with tracker.stage_run("oip", "k", name="oip", upstream={}) as run:
        run.log_epoch(1, {"loss": 0.5})
    tracker.wait()
    assert tracker.failure is None
    (found,) = runs_of(client_of(outputs.parent), "oip")
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"loss": 0.5})


def test_finished_runs_are_found_in_the_file_as_by_mlflow(outputs):
    from mlflow import MlflowClient

    tracker = new_tracker(outputs)
    ids = []
    for _ in range(2):
        with tracker.stage_run("oip", "key", name="n", upstream={}) as run:
            pass
        ids.append(run.run_id)
    with pytest.raises(ZeroDivisionError), tracker.stage_run("oip", "failed", name="n", upstream={}):
        raise ZeroDivisionError
    tracker.wait()
    client, file = MlflowClient(f"sqlite:///{outputs}/mlflow.db"), outputs / "mlflow.db"

    def found(key: str, stage: str = "oip") -> str | None:
        in_file = sqlite_lookup.finished_run(file, f"test dreams/{stage}", key)
        # the tracker is connected, so it asks MLflow
        assert tracker.find_run(stage, key) == in_file
        # this one is not yet
        assert new_tracker(outputs).find_run(stage, key) == in_file
        return in_file

    assert found("key") == ids[1]
    assert found("failed") is found("unknown") is found("key", "train") is None
    client.delete_run(ids[1])
    assert found("key") == ids[0]
    client.delete_run(ids[0])
    assert found("key") is None
    client.restore_run(ids[0])
    client.delete_experiment(client.get_run(ids[0]).info.experiment_id)
    assert sqlite_lookup.finished_run(file, "test dreams/oip", "key") is None


def test_an_experiment_that_was_deleted_is_told_with_what_brings_it_back(outputs, caplog):
    from mlflow import MlflowClient

    tracker = new_tracker(outputs)
    with tracker.stage_run("oip", "key", name="n", upstream={}) as run:
        pass
    assert run.run_id is not None
    client = MlflowClient(f"sqlite:///{outputs}/mlflow.db")
    (experiment,) = (found for found in client.search_experiments() if "/" in found.name)
    client.delete_experiment(experiment.experiment_id)
    assert new_tracker(outputs).find_run("oip", "key") is None
    again = new_tracker(outputs)
    with again.stage_run("oip", "key", name="n", upstream={}):
        pass
    again.wait()
    assert f"`mlflow experiments restore --experiment-id {experiment.experiment_id}` brings it back" in caplog.text


@pytest.mark.parametrize("content", [b"", b"not a database " * 100])
def test_nothing_is_found_in_a_file_that_is_no_record(tmp_path, content):
    assert sqlite_lookup.finished_run(tmp_path / "mlflow.db", "e/oip", "key") is None
    (tmp_path / "mlflow.db").write_bytes(content)
    assert sqlite_lookup.finished_run(tmp_path / "mlflow.db", "e/oip", "key") is None


# no record ---------------------------------------------------------------------------------------------------------


def do_everything(tracker: Tracker, folder: Path, dataset: Dataset) -> str | None:
    """A stage's course; returns the id of its run."""
    with tracker.stage_run("train", "key", name="n", upstream={"train": None}) as run:
        run.log_params({"a": "b"})
        run.log_epoch(1, {"loss": 1.0})
        run.log_dataset(DatasetSplit(dataset, "train"))
        run.log_record(new_record("train", images={"a": {0: "is_not_there.png"}}), folder)
    assert tracker.find_run("train", "key") is None
    return run.run_id


def test_backend_none_writes_nothing_and_needs_no_mlflow(tmp_path, dataset, caplog):
    tracker = new_tracker(tmp_path, backend="none")
    assert tracker.address is None
    assert do_everything(tracker, tmp_path, dataset) is None
    assert not caplog.records
    assert list(tmp_path.iterdir()) == []
    program = (
        "import sys; from pathlib import *; from pipeline.tracking import *; from pipeline.settings.process import *;"
        "open_tracker(TrackingConfig(backend=TrackingBackend.none, uri=None, experiment='e'), Path(), pipeline_id='');"
        "sys.exit('mlflow' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "ftp://host",
        "mlruns",
        "file:///tmp/x",
        "sqlite://",
        "http://",
        "https:host",
        "http://host:99999",
        "http://host:x",
    ],
)
def test_uri_of_another_kind_is_refused(uri, tmp_path):
    with pytest.raises(InputError, match=r"^tracking\.uri: takes null, http\(s\)://HOST:PORT, sqlite:///FILE or "):
        new_tracker(tmp_path, uri)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("http://me:secret@host/a", "http://me@host/a"),
        ("postgresql://me@host/name?password=secret&sslmode=off", "postgresql://me@host/name?password=&sslmode=off"),
        ("connection to 'password=secret host=x' failed?", "connection to 'password= host=x' failed?"),
        ("http://host:5000/?a=b", "http://host:5000/?a=b"),
    ],
)
def test_passwords_are_not_told(said, kept):
    assert without_passwords(said) == kept


def connections_to(server: socket.socket) -> int:
    """How often someone connected to a silent server."""
    server.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_server_that_does_not_answer_costs_a_warning_and_one_request(tmp_path, dataset, caplog):
    with silent_server() as server:
        silent = f"http://name:secret@{LOOPBACK}:{server.getsockname()[1]}"
        for uri in (f"http://{LOOPBACK}:{free_port()}", silent):
            caplog.clear()
            tracker = new_tracker(tmp_path, uri)
            assert do_everything(tracker, tmp_path, dataset) is None
            assert tracker.address is None
            (warning,) = caplog.records
            assert (warning.name, warning.levelno) == ("pipeline.tracking", logging.WARNING)
            assert "no server answers" in warning.getMessage()
            assert "secret" not in caplog.text
        # MLflow's own patience are minutes and several requests for each call
        assert connections_to(server) == 1
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_database_costs_a_warning(tmp_path, dataset, caplog):
    (tmp_path / "mlflow.db").write_text("not a database " * 100)
    tracker = new_tracker(tmp_path)
    assert do_everything(tracker, tmp_path, dataset) is None
    (warning,) = caplog.records
    assert "file is not a database" in warning.getMessage()


def test_backend_that_fails_in_the_middle_costs_one_warning(outputs, dataset, caplog):
    tracker = new_tracker(outputs)

    def stage() -> None:
        with tracker.stage_run("train", "key", name="n", upstream={}) as run:
            run.log_epoch(1, {"loss": 1.0})
            tracker.wait()
            with contextlib.closing(sqlite3.connect(outputs / "mlflow.db")) as database:
                database.execute("DROP TABLE metrics")
            run.log_epoch(2, {"loss": 0.5})
            run.log_epoch(3, {"loss": 0.25})
            assert do_everything(tracker, outputs, dataset) is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage()
    # MLflow's own log is quiet only if it was first imported by the tracker, which another test may have forestalled
    ours = [record for record in caplog.records if record.name.startswith("pipeline")]
    (warning,) = (record for record in ours if record.levelno >= logging.WARNING)
    assert "no such table: metrics" in warning.getMessage()


# several processes -------------------------------------------------------------------------------------------------


RECORD_ONE = """
from recording import new_record, new_tracker
tracker = new_tracker(Path())
with tracker.stage_run("oip", f"key-{number}", name=str(number), upstream={}) as run:
    run.log_record(new_record("oip", series={"curve": {i: float(i) for i in range(300)}}), Path("empty"))
tracker.wait()
"""


def test_processes_that_open_a_fresh_record_at_once_are_all_recorded(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / ".mlflow.db.draft").write_text("left behind by a process that was killed")
    assert at_once(tmp_path, RECORD_ONE, 3) == [0, 0, 0]

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["stage_key"] for run in runs) == ["key-0", "key-1", "key-2"]
    for run in runs:
        assert run.info.status == "FINISHED"
        assert len(client.get_metric_history(run.info.run_id, "curve")) == 300
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "mlflow.db"}
