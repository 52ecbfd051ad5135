"""Every public function in a program of somebody else: see guest.py, which is that program."""

import inspect
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT
from guest import CONDITIONS, Calls

import pipeline

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What that program has to say."""
    folder = tmp_path_factory.mktemp("mine")
    # a style sheet that needs LaTeX, and a window: nothing that is drawn here looks at them
    (folder / "matplotlibrc").write_text("text.usetex: true\nbackend: agg\nfont.size: 30\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("TF_ENABLE_ONEDNN_OPTS",)}
    process = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "guest.py")],
        cwd=folder,
        env={
            **environment,
            "PYTHONPATH": str(ROOT),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": "sqlite:///mine.db",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        # a shell may have started the tests where it is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]


def of(lines: list[dict[str, Any]], condition: str) -> dict[str, dict[str, Any]]:
    return {line["function"]: line for line in lines if line["condition"] == condition}


@pytest.mark.parametrize("condition", list(CONDITIONS))
def test_a_function_gives_the_same_bits_and_changes_nothing(lines: list[dict[str, Any]], condition: str) -> None:
    called = of(lines, condition)
    assert called.keys() == Calls().calls.keys()
    for name, line in called.items():
        assert (line["error"], line["changed"], line["same"]) == (None, {}, True), name


def test_functions_in_two_threads_do_not_disturb_each_other(lines: list[dict[str, Any]]) -> None:
    called = of(lines, "threads")
    assert called.pop("all")["changed"] == []
    assert {name: line["same"] for name, line in called.items()} == dict.fromkeys(called, True)
    assert called


def test_progress_is_told_in_the_callers_thread_where_a_signal_ends_the_call(lines: list[dict[str, Any]]) -> None:
    (line,) = of(lines, "stopped").values()
    assert line["told"] == [True, "KeyboardInterrupt", "ZeroDivisionError"]
    assert line["threads"] == []


def test_a_fork_without_the_threads_of_tensorflow_is_refused_in_one_line(lines: list[dict[str, Any]]) -> None:
    called = of(lines, "forked")
    assert called["end"]["code"] == 0
    assert called["compose"]["error"] is called["load_photo"]["error"] is None
    for name in ("train", "load_dataset_for"):
        assert called[name]["error"].startswith("process: takes one that was started afresh"), name
        assert "\n" not in called[name]["error"]


@pytest.mark.parametrize("name", sorted(set(pipeline.__all__) - {"About"}))
def test_a_function_is_what_it_was_but_for_its_place(name: str) -> None:
    """It says what it takes, and another process finds it."""
    function = getattr(pipeline, name)
    assert pickle.loads(pickle.dumps(function)) is function is getattr(pipeline, name)
    assert inspect.signature(function) == inspect.signature(inspect.unwrap(function))
    assert function.__doc__
