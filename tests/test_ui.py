"""`make ui`: what it prints, what it shows, how it ends."""

import re
import signal
import urllib.parse

import pytest
from commands import ROOT, Running, start
from recording import new_record, new_tracker, silent_server
from servers import LOOPBACK, fetch, free_port

from pipeline.commands import ui
from pipeline.tracking.backend import Deadline, connect, default_uri


def start_ui(*arguments: str) -> Running:
    return start(ROOT, "pipeline.ui", *arguments)


def test_ui_without_a_record_says_so(tmp_path):
    page = start_ui("--output-dir", str(tmp_path))
    out, err = page.communicate(timeout=60)
    assert (page.returncode, out) == (2, "")
    assert re.fullmatch(rf"mnist-dream: nothing is recorded in {re.escape(str(tmp_path))} yet; .*\n", err)
    assert list(tmp_path.iterdir()) == []


def test_ui_on_a_port_in_use_says_so(tmp_path):
    (tmp_path / "mlflow.db").touch()
    with silent_server() as server:
        port = server.getsockname()[1]
        page = start_ui("--output-dir", str(tmp_path), "--port", str(port))
        _, err = page.communicate(timeout=60)
    assert page.returncode == 2
    assert err == f"mnist-dream: port {port} cannot be used; --port takes another one\n"


def test_ui_shows_the_record_with_its_artifacts_until_ctrl_c(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a file.txt").write_text("to be seen")
    tracker = new_tracker(tmp_path)
    with tracker.stage_run("oip", "key", name="n", upstream={}) as run:
        run.log_record(new_record("oip"), tmp_path / "results")
    with tracker.stage_run("other", "key", name="no stage, so without a view", upstream={}):
        pass
    tracker.wait()
    # newer ones, of somebody else
    client = connect(default_uri(tmp_path), tmp_path, Deadline(None)).client
    for number in range(101):
        client.create_experiment(f"another {number}")
    port = free_port()
    page = start_ui("--output-dir", str(tmp_path), "--port", str(port))
    try:
        lines = [page.stdout.readline().split() for _ in range(5)]
        start = f"http://{LOOPBACK}:{port}/#/experiments"
        assert lines[1] == [f"{start}?workflowType=machine_learning"]
        charts = "runs?workflowType=machine_learning&compareRunsMode=CHART"
        assert lines[2] == [f"{start}/1/{charts}&viewStateShareKey=oip-2", "test", "dreams/oip"]
        assert lines[3] == [f"{start}/2/{charts}", "test", "dreams/other"]
        # as many at a time as there are, or fewer
        monkeypatch.setattr(ui, "PAGE", 30)
        assert [one["name"] for one in ui._experiments(f"http://{LOOPBACK}:{port}")] == [
            "test dreams/oip",
            "test dreams/other",
        ]
        assert fetch(port, "/").startswith(b"<!doctype html>")
        query = urllib.parse.urlencode({"run_uuid": run.run_id, "path": "results/a file.txt"})
        assert fetch(port, f"/get-artifact?{query}") == b"to be seen"
    finally:
        page.send_signal(signal.SIGINT)
        out, err = page.communicate(timeout=60)
    assert (page.returncode, out, err) == (130, "", "")
    with pytest.raises(OSError, match="refused"):
        fetch(port, "/health")
