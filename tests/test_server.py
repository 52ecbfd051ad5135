"""The whole pipeline against MLflow servers that keep their record in SQLite and in PostgreSQL."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
import pytest
from at_once import at_once
from commands import END_S, STAGES, Running, execute, start, wait_for
from recording import runs_of, times_of, told
from servers import MlflowServer, empty_sqlite, postgres, postgres_programs

SMOKE = (*commands.SMOKE, "tracking=server", "oip.xla=false")
NAME = "mnist-dream"
# waits in the middle of a training, when the third epoch is recorded, until the server is lost
WAITING = """
import sys, time
from pathlib import Path
from pipeline.__main__ import main
from pipeline.tracking.runs import StageRun
log_epoch = StageRun.log_epoch
def waiting(run, step, values):
    log_epoch(run, step, values)
    if step == 3:
        run._tracker.wait()
        # so that a server that hangs is given up soon
        run._tracker._connection.deadline.left = 3
        Path("told").touch()
        while not Path("lost").exists():
            time.sleep(0.02)
StageRun.log_epoch = waiting
sys.exit(main())
"""
RECORD_ONE = """
from recording import oip_stage, tracker_of
oip_stage(tracker_of(Path(), {uri!r}, f"pipeline-{{number}}"), Path(f"runs/day/{{number}}"), None)
"""
# what says which execution it was
OF_EXECUTION = ("mlflow.user", "host")


@pytest.fixture(scope="module")
def postgres_uri() -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres(programs) as uri:
        yield uri


@pytest.fixture(params=["sqlite", "postgresql", "real"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One for a test alone; real: `mlflow server` as a user starts it, with PostgreSQL."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        store = empty_sqlite(request.getfixturevalue("empty_record"), folder)
    else:
        store = request.getfixturevalue("postgres_uri")
    server = MlflowServer(folder, store, real=request.param == "real")
    yield server
    server.kill()


@pytest.fixture
def client(server: MlflowServer) -> Iterator[Any]:
    """When a test is over its runs are gone."""
    from mlflow import MlflowClient

    client = MlflowClient(server.uri)
    yield client
    for stage in STAGES:
        for run in runs_of(client, stage, NAME):
            client.delete_run(run.info.run_id)


def succeeded(process: Running) -> tuple[str, str]:
    output, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, errors
    return output, errors


def pipeline(folder: Path, server: MlflowServer, *overrides: str) -> tuple[str, str]:
    return succeeded(start(folder, "pipeline", *overrides, *SMOKE, f"tracking.uri={server.uri}"))


def assert_recorded_once(client: Any, run_dir: Path, stages: tuple[str, ...] = STAGES) -> dict[str, Any]:
    """Every stage of a run, finished, with its own times, standing on its training; returns the runs."""
    runs = {}
    for stage in stages:
        (runs[stage],) = runs_of(client, stage, NAME)
        assert runs[stage].info.status == "FINISHED"
        assert (runs[stage].info.start_time, runs[stage].info.end_time) == times_of(run_dir / stage)
        assert runs[stage].info.artifact_uri.startswith("mlflow-artifacts:")
        if stage != "train":
            assert runs[stage].data.tags["upstream.train"] == runs["train"].info.run_id
    assert list(run_dir.parent.parent.rglob("unrecorded.json")) == []
    return runs


@pytest.mark.parametrize("server", ["real"], indirect=True)
def test_a_run_that_is_brought_in_later_is_the_one_that_was_recorded_live(tmp_path, server, client):
    pipeline(tmp_path, server, "hydra.run.dir=outputs/runs/day/live", "reuse=false")
    live = {
        stage: told(client, run)
        for stage, run in assert_recorded_once(client, tmp_path / "outputs/runs/day/live").items()
    }
    picture = "images/oip~contact_sheet+step+0+ID.png"
    assert picture in {path for path, _ in live["oip"]["artifacts"]}
    assert live["train"]["models"]
    assert live["train"]["datasets"]
    for stage in STAGES:
        for run in runs_of(client, stage, NAME):
            client.delete_run(run.info.run_id)

    server.kill()
    try:
        output, errors = pipeline(tmp_path, server, "hydra.run.dir=outputs/runs/day/late", "reuse=false")
    finally:
        server.start()
    assert "of 3 maps got an OIP" in output
    (line,) = errors.splitlines()
    assert "results on disk are complete; `python -m pipeline.sync` brings them in later" in line
    output, _ = succeeded(start(tmp_path, "pipeline.sync"))
    assert output.endswith(f"{len(STAGES)} brought in, 0 recorded before, 0 left\n")
    runs = assert_recorded_once(client, tmp_path / "outputs/runs/day/late")
    for stage, run in runs.items():
        assert told(client, run) == live[stage], stage
    output, _ = succeeded(start(tmp_path, "pipeline.sync"))
    assert output == "0 brought in, 0 recorded before, 0 left\n"


@pytest.mark.parametrize(
    ("server", "number"),
    [("sqlite", signal.SIGKILL), ("sqlite", signal.SIGSTOP), ("postgresql", signal.SIGKILL)],
    ids=["sqlite-dies", "sqlite-hangs", "postgresql-dies"],
    indirect=["server"],
)
def test_a_server_that_is_lost_in_the_middle_of_a_training(tmp_path, server, client, number):
    words = (*SMOKE, f"tracking.uri={server.uri}", "stages=[train,oip]", "train.epochs=6")
    job = execute(tmp_path, "-c", WAITING, *words)
    wait_for((tmp_path / "told").exists, job)
    assert any(run.data.metrics for run in runs_of(client, "train", NAME))
    if number == signal.SIGKILL:
        server.kill()
    else:
        server.signal(number)
    (tmp_path / "lost").touch()
    try:
        output, errors = succeeded(job)
    finally:
        if number == signal.SIGKILL:
            server.start()
        else:
            server.signal(signal.SIGCONT)
    assert "after 6 epochs" in output
    (line,) = errors.splitlines()
    assert "no longer recorded in MLflow" in line
    (begun,) = runs_of(client, "train", NAME)
    assert begun.info.status == "RUNNING"
    output, _ = succeeded(start(tmp_path, "pipeline.sync"))
    assert output.endswith("2 brought in, 0 recorded before, 0 left\n")
    (run_dir,) = (tmp_path / "outputs" / "runs").glob("*/*")
    runs = assert_recorded_once(client, run_dir, ("train", "oip"))
    assert runs["train"].info.run_id == begun.info.run_id
    epochs = client.get_metric_history(begun.info.run_id, "test_accuracy")
    assert sorted(point.step for point in epochs) == list(range(1, 7))


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_sweep_whose_server_comes_back_stands_on_one_training(tmp_path, server, client):
    """The jobs after that find nothing recorded of the training that they reuse."""
    server.kill()
    try:
        pipeline(tmp_path, server, "stages=[oip]", "hydra.run.dir=outputs/runs/day/first")
    finally:
        server.start()
    pipeline(tmp_path, server, "-m", "stages=[oip]", "noise.seed=1,2")
    output, _ = succeeded(start(tmp_path, "pipeline.sync"))
    assert output.splitlines()[-1] == "1 brought in, 1 recorded before, 0 left"
    (train,) = runs_of(client, "train", NAME)
    process = json.loads((tmp_path / "outputs/runs/day/first/train/stage.json").read_text())["process"]
    assert (train.info.start_time, train.info.end_time) == (process["start_time"], process["end_time"])
    assert train.data.tags["pipeline_id"] == process["pipeline_id"]
    found = runs_of(client, "oip", NAME)
    assert len(found) == 3
    assert {run.data.tags["upstream.train"] for run in found} == {train.info.run_id}


def test_processes_that_open_a_fresh_postgresql_record_at_once_are_all_recorded(tmp_path, postgres_uri):
    """Without a server between."""
    import psycopg
    from mlflow import MlflowClient

    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
    uri = postgres_uri.replace("/dreams", "/fresh")
    assert at_once(tmp_path, RECORD_ONE.format(uri=uri), 3) == [0, 0, 0]
    assert list(tmp_path.rglob("unrecorded.json")) == []
    runs = runs_of(MlflowClient(uri), "oip")
    assert sorted(run.data.tags["pipeline_id"] for run in runs) == [f"pipeline-{i}" for i in range(3)]
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert (tmp_path / "mlartifacts" / "oip" / run.info.run_id / "artifacts" / "results" / "stage.json").is_file()
