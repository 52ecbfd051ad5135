"""Runs of processes that are gone are found by the next that looks, and no others are touched."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import END_S, execute
from recording import EXPERIMENT, runs_of, tracker_of
from templates import copy_of

from pipeline.runtime.processes import this_process
from pipeline.tracking import stale

RECORD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from recording import tracker_of
with tracker_of(Path({folder!r}), None).stage_run("train", "key", name="n", upstream={{}}) as run:
    run.log_epoch(1, {{"loss": 1.0}})
    print(run.run_id, flush=True)
    time.sleep(100)
"""


@pytest.fixture(scope="module")
def record(empty_record: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with an experiment. Not to be changed."""
    folder = copy_of(empty_record, tmp_path_factory.mktemp("record"))
    tracker = tracker_of(folder / "outputs", None)
    with tracker.stage_run("train", "first", name="n", upstream={}):
        pass
    tracker.wait()
    return folder


@pytest.fixture
def outputs(record: Path, tmp_path: Path) -> Path:
    """An output folder with a copy of it."""
    return copy_of(record, tmp_path) / "outputs"


@pytest.fixture
def client(outputs: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{outputs}/mlflow.db")


def begin(client: Any, experiment: str = f"{EXPERIMENT}/train", **tags: str) -> str:
    """A run that is RUNNING, of a process that is gone unless the tags say otherwise."""
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment)
    gone = {"host": this_process().host, "pid": str(2**22 + 1), "process_started": "1.5"}
    return client.create_run(experiment_id, start_time=1000, tags={"stage": "train", **gone, **tags}).info.run_id


def state(client: Any, run_id: str) -> str:
    return client.get_run(run_id).info.status


def test_a_killed_process_is_found_by_the_next_one(outputs, client):
    killed = execute(outputs, "-c", RECORD.format(tests=str(Path(__file__).parent), folder=str(outputs)))
    run_id = killed.stdout.readline().strip()
    tracker_of(outputs, None)
    assert state(client, run_id) == "RUNNING"
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(END_S) == -signal.SIGKILL
    before = int(time.time() * 1000)
    tracker_of(outputs, None)
    run = client.get_run(run_id)
    assert run.info.status == "KILLED"
    assert run.data.tags["failure"] == "its process is gone; it was killed, or the machine went down"
    # it ended with the last that it said
    (said,) = client.get_metric_history(run_id, "loss")
    assert run.info.end_time == said.timestamp
    assert run.info.start_time <= run.info.end_time <= before
    killed.communicate()


def test_a_run_that_said_nothing_ended_when_it_began(outputs, client):
    run_id = begin(client)
    tracker_of(outputs, None)
    assert state(client, run_id) == "KILLED"
    assert client.get_run(run_id).info.end_time == 1000


def test_the_number_of_a_process_may_be_that_of_another_by_now(outputs, client):
    started = psutil.Process().create_time()
    reused = begin(client, pid=str(os.getpid()), process_started=repr(started - 3600))
    own = begin(client, pid=str(os.getpid()), process_started=repr(started))
    tracker_of(outputs, None)
    assert (state(client, reused), state(client, own)) == ("KILLED", "RUNNING")


@pytest.mark.parametrize(
    "tags",
    [{"host": "another-machine"}, {"process_started": "yesterday"}, {"pid": "none"}],
    ids=lambda tags: next(iter(tags)),
)
def test_of_whom_nothing_is_known_is_left_alone(outputs, client, tags):
    run_id = begin(client, **tags)
    tracker_of(outputs, None)
    assert state(client, run_id) == "RUNNING"


def test_runs_of_older_versions_are_left_alone(outputs, client):
    run_id = begin(client)
    client.delete_tag(run_id, "process_started")
    tracker_of(outputs, None)
    assert state(client, run_id) == "RUNNING"


def test_runs_of_other_experiments_are_left_alone(outputs, client):
    others = [begin(client, name) for name in ("other/train", f"{EXPERIMENT} 2/train", EXPERIMENT)]
    same = begin(client, f"{EXPERIMENT}/a stage that is new")
    tracker_of(outputs, None)
    assert [state(client, run_id) for run_id in others] == ["RUNNING"] * 3
    assert state(client, same) == "KILLED"


def test_finished_runs_are_left_alone(outputs, client):
    run_id = begin(client)
    client.set_terminated(run_id, "FAILED", end_time=2000)
    tracker_of(outputs, None)
    run = client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FAILED", 2000)
    assert "failure" not in run.data.tags


def test_a_run_that_was_closed_meanwhile_is_left_alone(outputs, client, monkeypatch):
    run_id = begin(client)
    found = stale._last_sign_of_life

    def closed_meanwhile(connection: Any, run: Any) -> int:
        client.set_terminated(run_id, "FINISHED")
        return found(connection, run)

    monkeypatch.setattr(stale, "_last_sign_of_life", closed_meanwhile)
    tracker_of(outputs, None)
    assert state(client, run_id) == "FINISHED"


def test_more_than_a_page_of_them(outputs, client, monkeypatch):
    from pipeline.tracking import experiments

    monkeypatch.setattr(experiments, "PAGE", 2)
    run_ids = [begin(client, f"{EXPERIMENT}/{number}") for number in range(5)] + [begin(client) for _ in range(3)]
    tracker_of(outputs, None)
    assert {state(client, run_id) for run_id in run_ids} == {"KILLED"}


def test_a_failure_to_look_costs_nothing(outputs, client, monkeypatch, caplog):
    run_id = begin(client)

    def fails(*_: Any) -> None:
        raise RuntimeError("it does not work")

    monkeypatch.setattr(stale, "runs_where", fails)
    tracker = tracker_of(outputs, None)
    with tracker.stage_run("train", "key", name="n", upstream={}):
        pass
    assert tracker.find_run("train", "key") is not None
    assert [record for record in caplog.records if record.name.startswith("pipeline")] == []
    assert state(client, run_id) == "RUNNING"
    assert len(runs_of(client, "train")) == 3
