"""What was not recorded comes in later, once, as of then: a real server behind a proxy that breaks when it is told."""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import END_S, execute, start
from recording import EXPERIMENT, oip_stage, runs_of, times_of, told, tracker_of, train_stage
from servers import LOOPBACK, MlflowServer, Proxy, empty_sqlite, free_port

from pipeline.commands import sync
from pipeline.data.dataset import Dataset
from pipeline.engine import storage
from pipeline.engine.record import StageRecord
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.process import TrackingConfig
from pipeline.tracking import Tracker, backend, deadline, open_tracker
from pipeline.tracking import tracker as tracker_module
from pipeline.tracking.sweeps import begin_sweep, end_sweep

# The promise of docs/tracking.md, and what is left of it where the limit is made as short as this.
WAITED_AT_MOST_S = 30
SHORT_S, WAITED_SHORTLY_S = 2.0, 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_record: Path) -> Iterator[MlflowServer]:
    folder = tmp_path_factory.mktemp("server")
    server = MlflowServer(folder, empty_sqlite(empty_record, folder))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def client(server: MlflowServer) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(server.uri)


@pytest.fixture
def proxy(server: MlflowServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    images = np.random.default_rng(0).normal(size=(6, 12, 12, 1)).astype(np.float32)
    labels = np.arange(6) % 3
    return Dataset("digits", "0123456789abcdef" * 4, images[:4], labels[:4], images[4:], labels[4:], tuple("012"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that many failures take less time."""
    monkeypatch.setattr(deadline, "PAUSE_S", 0.01)


@pytest.fixture
def clean(client: Any) -> Iterator[None]:
    """Without the runs of other tests."""
    yield
    delete_runs(client, "train", "oip", "sweeps")


@pytest.fixture(scope="module")
def live(server: MlflowServer, client: Any, dataset: Dataset, tiny_cnn: Any, tmp_path_factory: Any) -> dict[str, Any]:
    """What the server tells of two stages that were recorded while nothing failed, by stage; requests: how many."""
    folder = tmp_path_factory.mktemp("live")
    # the first asks what is not asked again: the experiments are there then
    for name in ("first", "second"):
        proxy = Proxy(server.port)
        tracker = tracker_of(folder, proxy.uri, name)
        before = proxy.requests
        train_id = train_stage(tracker, folder / name, tiny_cnn(), dataset)
        between = proxy.requests
        oip_id = oip_stage(tracker, folder / name, train_id)
        proxy.close()
        assert list(folder.rglob("unrecorded.json")) == []
        assert train_id is not None
        assert oip_id is not None
        runs = {"train": client.get_run(train_id), "oip": client.get_run(oip_id)}
        for stage, run in runs.items():
            assert (run.info.start_time, run.info.end_time) == times_of(folder / name / stage)
            client.delete_run(run.info.run_id)
    return {stage: told(client, run) for stage, run in runs.items()} | {
        "requests": {"opening": before, "train": between - before, "oip": proxy.requests - between}
    }


def record_both(tracker: Tracker, run_dir: Path, model: Any, dataset: Dataset) -> float:
    """Both stages; returns the seconds that this took, which is nearly all spent with the server."""
    begun = time.monotonic()
    oip_stage(tracker, run_dir, train_stage(tracker, run_dir, model, dataset))
    return time.monotonic() - begun


def bring_in(output_dir: Path, *arguments: str) -> int:
    return sync.main(["--output-dir", str(output_dir), *arguments])


def assert_recorded_once(client: Any, output_dir: Path, run_dir: Path, live: dict[str, Any]) -> None:
    """As if nothing had failed, with the times at which it was computed."""
    train_id = assert_stage_recorded_once(client, run_dir, live, "train")
    assert_stage_recorded_once(client, run_dir, live, "oip", train_id)
    assert list(output_dir.rglob("unrecorded.json")) == []


def assert_stage_recorded_once(
    client: Any, run_dir: Path, live: dict[str, Any], stage: str, train_id: str | None = None
) -> str:
    """The same of a stage, which stands on a training if one is given; returns the id of its run."""
    (run,) = (run for run in runs_of(client, stage) if run.info.status != "KILLED")
    assert run.data.tags.get("upstream.train") == train_id
    assert told(client, run) == live[stage]
    assert (run.info.start_time, run.info.end_time) == times_of(run_dir / stage)
    if stage == "train":
        models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
        assert len(models) == 1
    return run.info.run_id


def delete_runs(client: Any, *stages: str) -> None:
    for stage in stages:
        for run in runs_of(client, stage):
            client.delete_run(run.info.run_id)


def test_a_server_that_is_not_there_is_recorded_in_later(
    tmp_path, server, client, live, dataset, tiny_cnn, caplog, capsys, clean
):
    run_dir = tmp_path / "runs" / "day" / "time"
    tracker = tracker_of(tmp_path, f"http://{LOOPBACK}:{free_port()}")
    (warning,) = caplog.records
    assert f"python -m pipeline.sync --output-dir {tmp_path}`" in warning.getMessage()
    assert record_both(tracker, run_dir, tiny_cnn(), dataset) < WAITED_AT_MOST_S
    assert len(caplog.records) == 1
    assert {path.parent.name for path in tmp_path.rglob("unrecorded.json")} == {"train", "oip"}
    # it is still not there
    assert bring_in(tmp_path) == 1
    assert capsys.readouterr().out.endswith("0 brought in, 0 recorded before, 2 left\n")
    assert bring_in(tmp_path, "--uri", server.uri) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [
        ["train", str(run_dir / "train")],
        ["oip", str(run_dir / "oip")],
    ]
    assert lines[2:] == ["2 brought in, 0 recorded before, 0 left"]
    assert_recorded_once(client, tmp_path, run_dir, live)
    assert bring_in(tmp_path, "--uri", server.uri) == 0
    assert capsys.readouterr().out == "0 brought in, 0 recorded before, 0 left\n"
    assert_recorded_once(client, tmp_path, run_dir, live)


# positions of a call that are left out, until both stages, and not the one that it belongs to alone, are recorded again
BOTH_EVERY = 6


@pytest.mark.parametrize("then", ["refuse", "lose"])
def test_a_server_that_dies_between_any_two_calls_loses_nothing(
    tmp_path, proxy, client, live, dataset, tiny_cnn, then, hasty, clean
):
    """Also in the middle of an upload; `lose`: what was asked was done, and only the answer did not arrive."""
    requests = live["requests"]

    def recorded(name: str, after: int, stages: Callable[[Tracker, Path], object]) -> Path:
        """A run of which the server saw so many requests, brought in later."""
        proxy.reset()
        run_dir = tmp_path / name / "runs" / "day" / "time"
        proxy.after, proxy.then = after, then
        tracker, begun = tracker_of(tmp_path / name, proxy.uri), time.monotonic()
        stages(tracker, run_dir)
        assert time.monotonic() - begun < WAITED_AT_MOST_S
        proxy.reset()
        assert bring_in(tmp_path / name) == 0, name
        assert list((tmp_path / name).rglob("unrecorded.json")) == []
        return run_dir

    for after in range(requests["opening"], sum(requests.values()) + 1, BOTH_EVERY):
        run_dir = recorded(f"both-{after}", after, lambda *run: record_both(*run, tiny_cnn(), dataset))
        assert_recorded_once(client, run_dir, run_dir, live)
        delete_runs(client, "train", "oip")
    # of each stage alone all positions
    step = 1 if then == "lose" else 3
    for after in range(requests["opening"], requests["opening"] + requests["train"] + 1, step):
        run_dir = recorded(f"train-{after}", after, lambda *run: train_stage(*run, tiny_cnn(), dataset))
        assert_stage_recorded_once(client, run_dir, live, "train")
        delete_runs(client, "train")
    train_id = train_stage(tracker_of(tmp_path, proxy.uri), tmp_path / "whole", tiny_cnn(), dataset)
    for after in range(requests["opening"], requests["opening"] + requests["oip"] + 1, step):
        run_dir = recorded(f"oip-{after}", after, lambda *run: oip_stage(*run, train_id))
        assert_stage_recorded_once(client, run_dir, live, "oip", train_id)
        delete_runs(client, "oip")


@pytest.mark.parametrize("then", ["refuse", "lose"])
def test_a_sync_that_dies_between_any_two_calls_can_be_given_again(
    tmp_path, proxy, client, live, dataset, tiny_cnn, then, hasty, clean
):
    run_dir = tmp_path / "runs" / "day" / "time"
    record_both(tracker_of(tmp_path, f"http://{LOOPBACK}:{free_port()}"), run_dir, tiny_cnn(), dataset)
    for after in range(1, 200, 4):
        proxy.reset()
        proxy.after, proxy.then = after, then
        if bring_in(tmp_path, "--uri", proxy.uri) == 0:
            break
    assert_recorded_once(client, tmp_path, run_dir, live)


@pytest.mark.parametrize(
    ("then", "deadline_s", "at_most_s"),
    [
        ("hang", backend.DEADLINE_S, WAITED_AT_MOST_S),
        ("drip", SHORT_S, WAITED_SHORTLY_S),
        ("503", SHORT_S, WAITED_SHORTLY_S),
    ],
    ids=["hang", "drip", "503"],
)
def test_a_server_that_hangs_or_answers_nonsense_is_waited_for_at_most_30_s(
    tmp_path, proxy, client, live, dataset, tiny_cnn, then, deadline_s, at_most_s, caplog, clean, monkeypatch
):
    """Or whatever the limit is."""
    monkeypatch.setattr(tracker_module, "DEADLINE_S", deadline_s)
    run_dir = tmp_path / "runs" / "day" / "time"
    begun = time.monotonic()
    proxy.after, proxy.then = live["requests"]["opening"] + 5, then
    tracker = tracker_of(tmp_path, proxy.uri)
    record_both(tracker, run_dir, tiny_cnn(), dataset)
    assert tracker.find_run("train", "train-key") is None
    assert time.monotonic() - begun < at_most_s
    (warning,) = (record for record in caplog.records if record.name == "pipeline.tracking")
    assert "results on disk are complete; `python -m pipeline.sync" in warning.getMessage()
    proxy.reset()
    assert bring_in(tmp_path) == 0
    assert_recorded_once(client, tmp_path, run_dir, live)


def test_a_server_whose_every_answer_is_slow_is_waited_for_at_most_30_s(
    tmp_path, proxy, client, live, dataset, tiny_cnn, clean, monkeypatch
):
    """Or whatever the limit is."""
    monkeypatch.setattr(tracker_module, "DEADLINE_S", SHORT_S)
    run_dir = tmp_path / "runs" / "day" / "time"
    proxy.delay = 1.5
    begun = time.monotonic()
    tracker = tracker_of(tmp_path, proxy.uri)
    record_both(tracker, run_dir, tiny_cnn(), dataset)
    assert time.monotonic() - begun < WAITED_SHORTLY_S
    assert tracker.failure is not None
    proxy.reset()
    assert bring_in(tmp_path) == 0
    assert_recorded_once(client, tmp_path, run_dir, live)


def test_a_server_that_is_gone_for_a_moment_costs_nothing(
    tmp_path, proxy, client, live, dataset, tiny_cnn, clean, caplog
):
    """An answer of 503, and everything is asked once more."""
    run_dir = tmp_path / "runs" / "day" / "time"
    tracker = tracker_of(tmp_path, proxy.uri)
    answered = proxy._break

    def once(connection: Any) -> None:
        answered(connection)
        proxy.reset()

    proxy._break = once  # type: ignore[method-assign]
    proxy.after, proxy.then = proxy.requests + 10, "503"
    record_both(tracker, run_dir, tiny_cnn(), dataset)
    assert [record for record in caplog.records if record.name == "pipeline.tracking"] == []
    assert_recorded_once(client, tmp_path, run_dir, live)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from recording import EXPERIMENT, oip_stage, tracker_of
from pipeline.tracking.writing import RunWriter
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
RunWriter.{method} = die
oip_stage(tracker_of(Path({folder!r}), {uri!r}), Path({folder!r}, "runs", "day", "time"), None)
"""


@pytest.mark.parametrize("method", ["record", "folder", "end"])
def test_a_process_that_is_killed_while_it_records_is_completed(tmp_path, server, client, live, method, clean):
    arguments = {"tests": str(Path(__file__).parent), "folder": str(tmp_path), "uri": server.uri, "method": method}
    killed = execute(tmp_path, "-c", KILLED.format(**arguments))
    assert killed.wait(END_S) == -signal.SIGKILL
    (begun,) = runs_of(client, "oip")
    assert begun.info.status == "RUNNING"
    # the next that looks calls it killed, and knows no better
    tracker_of(tmp_path, server.uri)
    assert client.get_run(begun.info.run_id).info.status == "KILLED"
    assert bring_in(tmp_path) == 0
    (run,) = runs_of(client, "oip")
    assert run.info.run_id == begun.info.run_id
    assert told(client, run) == live["oip"]
    assert (run.info.start_time, run.info.end_time) == times_of(tmp_path / "runs" / "day" / "time" / "oip")


def test_a_process_that_is_still_recording_is_left_alone(tmp_path, server, client, capsys, clean):
    run_dir = tmp_path / "runs" / "day" / "time"
    tracker = tracker_of(tmp_path, server.uri)
    with tracker.stage_run("oip", "k", name="n", upstream={}, folder=run_dir / "oip") as run:
        with storage.new_folder(run_dir / "oip") as draft:
            run.mark(draft)
        assert bring_in(tmp_path) == 1
    tracker.wait()
    assert "still at it" in capsys.readouterr().err
    assert list(tmp_path.rglob("unrecorded.json")) == []
    assert [found.info.status for found in runs_of(client, "oip")] == ["FINISHED"]


def test_several_syncs_at_once_bring_everything_in_once(
    tmp_path, server, client, live, dataset, tiny_cnn, hasty, clean
):
    run_dir = tmp_path / "runs" / "day" / "time"
    record_both(tracker_of(tmp_path, f"http://{LOOPBACK}:{free_port()}"), run_dir, tiny_cnn(), dataset)
    command = ("pipeline.sync", "--output-dir", str(tmp_path), "--uri", server.uri)
    syncs = [start(tmp_path, *command) for _ in range(3)]
    outputs = [process.communicate(timeout=END_S)[0].splitlines()[-1] for process in syncs]
    assert [process.returncode for process in syncs] == [0, 0, 0]
    assert sorted(outputs) == ["0 brought in, 0 recorded before, 0 left"] * 2 + [
        "2 brought in, 0 recorded before, 0 left"
    ]
    assert_recorded_once(client, tmp_path, run_dir, live)


def test_a_run_that_cannot_be_completed_is_closed_and_replaced(
    tmp_path, proxy, client, live, dataset, tiny_cnn, hasty, clean
):
    run_dir = tmp_path / "runs" / "day" / "time"
    proxy.after = live["requests"]["opening"] + live["requests"]["train"] - 2
    tracker = tracker_of(tmp_path, proxy.uri)
    record_both(tracker, run_dir, tiny_cnn(), dataset)
    proxy.reset()
    (begun,) = runs_of(client, "train")
    # a parameter never changes again
    client.log_param(begun.info.run_id, "a", "b")
    record = (run_dir / "train" / "stage.json").read_text()
    (run_dir / "train" / "stage.json").write_text(record.replace('"train.epochs": "3"', '"a": "other"'))
    assert bring_in(tmp_path) == 0
    replaced = client.get_run(begun.info.run_id)
    assert replaced.info.status == "KILLED"
    (train,) = (run for run in runs_of(client, "train") if run.info.status == "FINISHED")
    assert replaced.data.tags["failure"] == f"recorded as run {train.info.run_id}"
    assert train.data.params == {"a": "other"}
    (oip,) = runs_of(client, "oip")
    assert oip.data.tags["upstream.train"] == train.info.run_id


def test_a_run_that_was_removed_from_the_server_is_made_anew(
    tmp_path, proxy, client, live, dataset, tiny_cnn, hasty, clean
):
    run_dir = tmp_path / "runs" / "day" / "time"
    proxy.after = live["requests"]["opening"] + live["requests"]["train"] - 2
    record_both(tracker_of(tmp_path, proxy.uri), run_dir, tiny_cnn(), dataset)
    proxy.reset()
    (begun,) = runs_of(client, "train")
    client.delete_run(begun.info.run_id)
    assert bring_in(tmp_path) == 0
    assert_recorded_once(client, tmp_path, run_dir, live)


def test_the_default_record_needs_no_address(tmp_path, capsys):
    """The SQLite file of the output folder, of which a directory stood in the way."""
    from mlflow import MlflowClient

    (tmp_path / "mlflow.db").mkdir()
    run_dir = tmp_path / "multirun" / "day" / "time" / "0"
    oip_stage(tracker_of(tmp_path, None), run_dir, None)
    assert bring_in(tmp_path) == 1
    (tmp_path / "mlflow.db").rmdir()
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(moved)
    assert bring_in(moved) == 0
    (run,) = runs_of(MlflowClient(f"sqlite:///{moved}/mlflow.db"), "oip")
    assert run.info.status == "FINISHED"


def test_what_others_stand_on_comes_in_from_the_store(tmp_path, server, client, live, dataset, tiny_cnn, hasty, clean):
    """A training that was reused has no folder of its own in the run."""
    run_dir = tmp_path / "runs" / "day" / "time"
    record_both(tracker_of(tmp_path, f"http://{LOOPBACK}:{free_port()}"), run_dir, tiny_cnn(), dataset)
    stored = tmp_path / "store" / "train" / "train-key"
    stored.parent.mkdir(parents=True)
    (run_dir / "train").rename(stored)
    (stored / "unrecorded.json").unlink()
    assert bring_in(tmp_path, "--uri", server.uri) == 0
    (train,), (oip,) = runs_of(client, "train"), runs_of(client, "oip")
    assert oip.data.tags["upstream.train"] == train.info.run_id
    assert (train.info.start_time, train.info.end_time) == times_of(stored)
    found = told(client, train)
    for name in ("name", "status", "params", "metrics", "artifacts", "models"):
        assert found[name] == live["train"][name]


@pytest.mark.parametrize("failed", [False, True])
def test_the_run_of_a_sweep_that_was_begun_is_completed(tmp_path, server, client, failed, hasty, clean):
    """Begun by one process, ended by another whose server is away; what a failed sweep is told by its status."""
    folder = tmp_path / "multirun" / "day" / "time"
    tracker = tracker_of(tmp_path, server.uri, "sweep-1")
    run_id = begin_sweep(tracker, None, name="2 jobs", params={"noise": "long short"}, sweep_id="sweep-1")
    assert run_id is not None
    record = StageRecord(
        stage="sweeps",
        key="sweep-1",
        name="2 jobs",
        params={"noise": "long short"},
        metrics={"jobs": 2.0},
        tags={"sweep_id": "sweep-1"},
    )
    draft = folder / ".summary-1"
    draft.mkdir(parents=True)
    (draft / "jobs.csv").write_text("job\n0\n1\n")
    storage.save_record(record, draft)
    config = TrackingConfig(backend=TrackingBackend.mlflow, uri=server.uri, experiment=EXPERIMENT)
    away = open_tracker(config, tmp_path, pipeline_id="sweep-1")
    server.kill()
    try:
        end_sweep(away, run_id, record, draft, folder / "summary", begun_ms=5000, failed=failed)
    finally:
        server.start()
    assert (folder / "summary" / "unrecorded.json").is_file()
    assert bring_in(tmp_path) == 0
    assert not (folder / "summary" / "unrecorded.json").exists()
    (run,) = runs_of(client, "sweeps")
    assert (run.info.run_id, run.info.status) == (run_id, "FAILED" if failed else "FINISHED")
    assert run.data.metrics == {"jobs": 2}
    assert [file.path for file in client.list_artifacts(run_id, "results")] == [
        "results/jobs.csv",
        "results/stage.json",
    ]
    # and again costs nothing
    assert bring_in(tmp_path) == 0
    assert len(runs_of(client, "sweeps")) == 1


# bad input ---------------------------------------------------------------------------------------------------------


def refused(capsys: Any, arguments: list[str]) -> str:
    # what MLflow logged of a record that the test began is not the command's
    capsys.readouterr()
    assert sync.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    return line


def test_bad_input_is_refused_in_one_line(tmp_path, capsys):
    missing = ["--output-dir", str(tmp_path / "missing")]
    assert refused(capsys, missing).startswith("mnist-dream: --output-dir: takes the folder with the results; got ")
    line = refused(capsys, ["--output-dir", str(tmp_path), "--uri", "ftp://host"])
    assert line.startswith("mnist-dream: --uri: takes ")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_mark_or_record_is_left_and_the_others_come_in(tmp_path, server, client, capsys, hasty, clean):
    tracker = tracker_of(tmp_path, f"http://{LOOPBACK}:{free_port()}")
    for name in ("0", "1", "2"):
        oip_stage(tracker, tmp_path / "multirun" / "day" / "time" / name, None, key=f"key-{name}")
    job = tmp_path / "multirun" / "day" / "time"
    (job / "0" / "oip" / "unrecorded.json").write_text('{"uri": ')
    (job / "1" / "oip" / "stage.json").write_text("{}")
    # drafts of folders that were never finished
    (job / "2" / "oip").rename(job / "2" / ".oip-draft")
    oip_stage(tracker, job / "2", None, key="key-2")
    assert bring_in(tmp_path, "--uri", server.uri) == 1
    output = capsys.readouterr()
    assert output.out.endswith("1 brought in, 0 recorded before, 2 left\n")
    assert len(output.err.splitlines()) == 2
    assert "0/oip is left" not in output.out
    (run,) = runs_of(client, "oip")
    assert run.data.tags["stage_key"] == "key-2"


def test_a_password_is_not_kept_and_has_to_be_given_again(tmp_path, server, client, capsys, hasty, clean):
    run_dir = tmp_path / "runs" / "day" / "time"
    oip_stage(tracker_of(tmp_path, f"http://me:secret@{LOOPBACK}:{free_port()}"), run_dir, None)
    (mark,) = tmp_path.rglob("unrecorded.json")
    assert "secret" not in mark.read_text()
    assert bring_in(tmp_path) == 1
    assert "--uri: takes http://me@" in capsys.readouterr().err
    assert bring_in(tmp_path, "--uri", server.uri.replace("//", "//me:secret@")) == 0
    assert len(runs_of(client, "oip")) == 1


# a sweep -----------------------------------------------------------------------------------------------------------


def test_a_sweep_of_100_jobs_against_a_server_that_goes_away_twice_loses_nothing(
    tmp_path, server, client, live, dataset, tiny_cnn, hasty, clean, caplog, monkeypatch
):
    """Once it is killed and started again, once it stops and goes on."""
    caplog.set_level(logging.CRITICAL)
    jobs = tmp_path / "multirun" / "day" / "time"
    events: dict[int, Callable[[], None]] = {
        30: server.kill,
        45: server.start,
        70: lambda: server.signal(signal.SIGSTOP),
        72: lambda: server.signal(signal.SIGCONT),
    }
    for number in range(100):
        events.pop(number, lambda: None)()
        # where it stops, or else a machine that is slow takes part in what is lost
        monkeypatch.setattr(tracker_module, "DEADLINE_S", SHORT_S if number in (69, 70, 71) else backend.DEADLINE_S)
        tracker = tracker_of(tmp_path, server.uri, f"pipeline-{number}")
        if number in (29, 69):
            # in the middle of a job
            with tracker.stage_run("oip", "cut", name="cut", upstream={}):
                events.pop(number + 1)()
        begun = time.monotonic()
        train_id = (
            train_stage(tracker, jobs / "0", tiny_cnn(), dataset)
            if number == 0
            else tracker.find_run("train", "train-key")
        )
        oip_stage(tracker, jobs / str(number), train_id, key=f"key-{number}", sweep_id="sweep-1")
        assert time.monotonic() - begun < WAITED_AT_MOST_S
    missing = {path.parent.parent.name for path in tmp_path.rglob("unrecorded.json")}
    assert missing == {str(number) for number in (29, *range(30, 45), 69, 70, 71)}
    assert bring_in(tmp_path) == 0
    assert list(tmp_path.rglob("unrecorded.json")) == []
    (train,) = runs_of(client, "train")
    runs = [run for run in runs_of(client, "oip") if run.data.tags["stage_key"] != "cut"]
    assert sorted(run.data.tags["stage_key"] for run in runs) == sorted(f"key-{number}" for number in range(100))
    expected = live["oip"] | {"tags": live["oip"]["tags"] | {"sweep_id": "sweep-1"}}
    for run in runs:
        number = run.data.tags["stage_key"].removeprefix("key-")
        tags = {**run.data.tags, "stage_key": "oip-key"}
        assert run.data.tags["upstream.train"] == train.info.run_id
        assert (run.info.start_time, run.info.end_time) == times_of(jobs / number / "oip")
        found = told(client, run)
        assert found["tags"].pop("stage_key") == tags["stage_key"].replace("oip-key", f"key-{number}")
        assert found == expected | {"tags": {k: v for k, v in expected["tags"].items() if k != "stage_key"}}
